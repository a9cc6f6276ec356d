//! `Ref` and `Fn::GetAtt`: the "Return values" of each type in CloudFormation's
//! reference. A resource that does not run here has values of the same form.

mod forms;

use self::forms::{FORMS, Form};
use super::{
    Problem,
    document::{Node, Value},
    intrinsics::list,
    parameters::Given,
    pseudo, sam,
    scope::Scope,
};
use crate::nearest::nearest;

/// A resource that another one refers to.
pub(super) struct Referred<'t> {
    pub(super) id: &'t str,
    pub(super) kind: &'t str,
    pub(super) node: &'t Node,
}

impl Referred<'_> {
    /// A property's text, if the resource has that property.
    pub(super) fn text(&self, scope: &Scope, name: &str) -> Result<Option<String>, Problem> {
        let properties = self.node.get("Properties");
        let node = properties.and_then(|properties| properties.get(name));
        let node = node.map(|node| scope.choose(node)).transpose()?.flatten();
        let what = format!("{}.{name}", self.id);
        node.map(|node| scope.once(&what, node.line, || scope.text(node)))
            .transpose()
    }

    /// Its name: the property's, or else its logical id.
    pub(super) fn name(&self, scope: &Scope) -> Result<String, Problem> {
        let form = FORMS.iter().find(|form| form.kind == self.kind);
        let Some(form) = form.filter(|form| !form.name.is_empty()) else {
            return Ok(self.id.to_owned());
        };
        if let Some(name) = self.text(scope, form.name)? {
            return Ok(name);
        }
        let is_fifo = self.kind == "AWS::SQS::Queue"
            && self.text(scope, "FifoQueue")?.as_deref() == Some("true");
        Ok(format!("{}{}", self.id, if is_fifo { ".fifo" } else { "" }))
    }
}

/// The resource `id`, which has to be created.
pub(super) fn resource<'t>(
    scope: &Scope<'t>,
    id: &str,
    line: usize,
) -> Result<Option<Referred<'t>>, Problem> {
    let resources = scope.section("Resources");
    let Some((key, node)) = resources.iter().find(|(key, _)| key.name == id) else {
        return Ok(None);
    };
    if let Some(condition) = node.get("Condition").and_then(Node::scalar)
        && !scope.condition(&condition, line)?
    {
        let what = format!("{id} is not created: condition {condition} is false");
        return Err(Problem::at(line, what));
    }
    let kind = match node.get("Type").map(|kind| &kind.value) {
        Some(Value::Text(kind)) => kind.as_str(),
        _ => "",
    };
    Ok(Some(Referred {
        id: &key.name,
        kind,
        node,
    }))
}

/// The value of `!Ref name`, where it is not `AWS::NoValue`.
///
/// # Errors
///
/// The template has no such name, or no value for it.
pub(super) fn reference(scope: &Scope, name: &str, line: usize) -> Result<Value, Problem> {
    if let Some(value) = pseudo::value(name, scope.context) {
        return Ok(value);
    }
    if let Some(given) = scope.parameters.get(name) {
        return parameter(scope, name, given, line);
    }
    if let Some(found) = resource(scope, name, line)? {
        return referred(scope, &found).map(Value::Text);
    }
    if let Some(made) = sam::reference(scope, name, line)? {
        return Ok(Value::Text(made));
    }
    Err(unknown(scope, name, line))
}

fn parameter(scope: &Scope, name: &str, given: &Given, line: usize) -> Result<Value, Problem> {
    Ok(match given {
        Given::Missing => {
            let what = format!(
                "parameter {name} has no value\nhint: give it one with `--parameter {name}=VALUE`"
            );
            return Err(Problem::at(line, what));
        }
        Given::Text(text) => Value::Text(super::dynamic::resolve(scope, text, line)?),
        Given::Number(digits) => Value::Number(digits.clone()),
        Given::List(items) => list(items.iter().map(String::as_str), line),
        Given::Ssm { name, list: many } => {
            let value = super::dynamic::parameter(scope, name, line)?;
            if *many {
                list(value.split(',').map(str::trim), line)
            } else {
                Value::Text(value)
            }
        }
    })
}

fn referred(scope: &Scope, found: &Referred) -> Result<String, Problem> {
    match found.kind {
        "AWS::SQS::Queue" => attribute_of(scope, found, "QueueUrl", found.node.line),
        "AWS::Kinesis::StreamConsumer" => {
            attribute_of(scope, found, "ConsumerARN", found.node.line)
        }
        "AWS::Lambda::Alias" | "AWS::Lambda::Version" => sam::qualified_arn(scope, found),
        kind => match FORMS.iter().find(|form| form.kind == kind) {
            Some(form) if form.by_arn => {
                Ok(arn(scope, form.service, form.path, &found.name(scope)?))
            }
            Some(_) => found.name(scope),
            None => Ok(found.id.to_owned()),
        },
    }
}

/// The value of `!GetAtt path`.
///
/// # Errors
///
/// The template has no such resource, or it has no such attribute.
pub(super) fn attribute(scope: &Scope, path: &str, line: usize) -> Result<String, Problem> {
    let (id, attribute) = path.split_once('.').unwrap_or((path, ""));
    if let Some(found) = resource(scope, id, line)? {
        return match sam::reference(scope, path, line)? {
            // `Function.Alias` and `Function.Version` of SAM.
            Some(made) => Ok(made),
            None => attribute_of(scope, &found, attribute, line),
        };
    }
    sam::attribute(scope, id, attribute).ok_or_else(|| unknown(scope, id, line))
}

fn attribute_of(
    scope: &Scope,
    found: &Referred,
    attribute: &str,
    line: usize,
) -> Result<String, Problem> {
    let name = || found.name(scope);
    let known: &[&str] = match (found.kind, attribute) {
        ("AWS::SSM::Parameter", "Value" | "Type") => {
            return Ok(found.text(scope, attribute)?.unwrap_or_default());
        }
        ("AWS::SSM::Parameter", _) => &["Type", "Value"],
        ("AWS::SQS::Queue", "QueueName") => return name(),
        ("AWS::SQS::Queue", "QueueUrl") => {
            let super::Context {
                region, account, ..
            } = scope.context;
            return Ok(format!(
                "https://sqs.{region}.amazonaws.com/{account}/{}",
                name()?
            ));
        }
        ("AWS::SQS::Queue", _) => &["Arn", "QueueName", "QueueUrl"],
        ("AWS::DynamoDB::Table" | "AWS::DynamoDB::GlobalTable", "StreamArn") => {
            let table = arn(scope, "dynamodb", "table/", &name()?);
            return Ok(format!("{table}/stream/1970-01-01T00:00:00.000"));
        }
        ("AWS::DynamoDB::Table", _) => &["Arn", "StreamArn"],
        ("AWS::Kinesis::StreamConsumer", _) => return consumer(scope, found, attribute, line),
        ("AWS::Lambda::Alias", "AliasArn") | ("AWS::Lambda::Version", "FunctionArn") => {
            return sam::qualified_arn(scope, found);
        }
        ("AWS::Lambda::Version", "Version") => return Ok("1".to_owned()),
        (
            "AWS::Kinesis::Stream"
            | "AWS::Serverless::Function"
            | "AWS::Lambda::Function"
            | "AWS::Serverless::SimpleTable",
            _,
        ) => &["Arn"],
        _ => &[],
    };
    let form = FORMS.iter().find(|form| form.kind == found.kind);
    if known.is_empty() || known.contains(&attribute) {
        return placeholder(scope, found, form, attribute);
    }
    let suggestion = crate::nearest::suggestion(attribute, known);
    let what = format!("{} has no attribute {attribute:?}; {suggestion}", found.id);
    Err(Problem::at(line, what))
}

/// The value of an attribute of a resource that may not run here.
fn placeholder(
    scope: &Scope,
    found: &Referred,
    form: Option<&Form>,
    attribute: &str,
) -> Result<String, Problem> {
    let is_arn = attribute.to_ascii_lowercase().ends_with("arn");
    match form {
        Some(form) if is_arn => Ok(arn(scope, form.service, form.path, &found.name(scope)?)),
        Some(_) if attribute.ends_with("Name") => found.name(scope),
        None if is_arn && !attribute.contains('.') => {
            let service = found
                .kind
                .split("::")
                .nth(1)
                .unwrap_or("local")
                .to_lowercase();
            Ok(arn(scope, &service, "", found.id))
        }
        _ => Ok(format!("{}.{attribute}", found.id)),
    }
}

fn consumer(
    scope: &Scope,
    found: &Referred,
    attribute: &str,
    line: usize,
) -> Result<String, Problem> {
    let name = found
        .text(scope, "ConsumerName")?
        .unwrap_or_else(|| found.id.to_owned());
    let stream = found.text(scope, "StreamARN")?.unwrap_or_default();
    match attribute {
        "ConsumerARN" => Ok(format!("{stream}/consumer/{name}:1")),
        "ConsumerCreationTimestamp" => Ok("1".to_owned()),
        "ConsumerName" => Ok(name),
        "ConsumerStatus" => Ok("ACTIVE".to_owned()),
        "StreamARN" => Ok(stream),
        other => {
            let known = ["ConsumerARN", "ConsumerName", "ConsumerStatus", "StreamARN"];
            let suggestion = crate::nearest::suggestion(other, &known);
            let what = format!("{} has no attribute {other:?}; {suggestion}", found.id);
            Err(Problem::at(line, what))
        }
    }
}

/// An ARN of this account. S3 and IAM leave parts of it out.
pub(super) fn arn(scope: &Scope, service: &str, path: &str, name: &str) -> String {
    let super::Context {
        region, account, ..
    } = scope.context;
    let name = name.trim_start_matches('/');
    match service {
        "s3" => format!("arn:aws:s3:::{name}"),
        "iam" => format!("arn:aws:iam::{account}:{path}{name}"),
        _ => format!("arn:aws:{service}:{region}:{account}:{path}{name}"),
    }
}

fn unknown(scope: &Scope, name: &str, line: usize) -> Problem {
    let resources = scope.section("Resources").iter();
    let known = resources.map(|(key, _)| key.name.as_str());
    let known = known.chain(scope.parameters.names()).chain(pseudo::NAMES);
    let what = match nearest(name, known) {
        Some(near) => {
            format!("the template has no resource or parameter {name}; did you mean {near}?")
        }
        None => format!("the template has no resource or parameter {name}"),
    };
    Problem::at(line, what)
}
