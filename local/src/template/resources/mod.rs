//! The resource types that run here, one module each.

mod event_source_mapping;
mod function;
mod parameter;
mod queue;
mod stream;
mod table;

use std::collections::BTreeMap;

use super::{
    Context, Problem,
    document::{Node, Value},
    environment::{Environment, Skipped},
    properties::Properties,
    resolve::{Attributes, Resolver},
};

/// A resource of the template, before its properties are read.
struct Resource<'a> {
    logical_id: &'a str,
    kind: String,
    line: usize,
    properties: Option<&'a Node>,
}

impl Resource<'_> {
    fn owner(&self) -> String {
        format!("{} ({})", self.logical_id, self.kind)
    }
}

/// Reads the template's resources.
pub(super) fn read(root: &Node, context: &Context) -> Result<Environment, Problem> {
    let mut resolver = Resolver::new(root, context)?;
    let mut environment = Environment::default();
    let globals = root.get("Globals").and_then(|all| all.get("Function"));
    let resources = list(root)?;
    // Names first: a resource may refer to a later one.
    for resource in &resources {
        let attributes = attributes(resource, &resolver, context)?;
        resolver.define(resource.logical_id, attributes);
    }
    for resource in &resources {
        let owner = resource.owner();
        let properties = Properties::new(&owner, resource.line, resource.properties, &resolver);
        let id = resource.logical_id;
        match resource.kind.as_str() {
            "AWS::Kinesis::Stream" => environment.streams.push(stream::read(id, properties)?),
            "AWS::DynamoDB::Table" => environment.tables.push(table::read(id, properties)?),
            "AWS::SSM::Parameter" => environment
                .parameters
                .push(parameter::read(id, properties)?),
            "AWS::SQS::Queue" => environment.queues.push(queue::read(id, properties)?),
            "AWS::Serverless::Function" => {
                let properties = properties.with_globals(globals);
                let (function, mappings) = function::read(id, properties)?;
                environment.functions.push(function);
                environment.mappings.extend(mappings);
            }
            "AWS::Lambda::EventSourceMapping" => {
                environment
                    .mappings
                    .push(event_source_mapping::read(id, properties)?);
            }
            _ => environment.skipped.push(Skipped {
                logical_id: id.to_owned(),
                resource_type: resource.kind.clone(),
            }),
        }
    }
    event_source_mapping::check_targets(&environment, root.line)?;
    Ok(environment)
}

fn list(root: &Node) -> Result<Vec<Resource<'_>>, Problem> {
    let all = root
        .get("Resources")
        .ok_or_else(|| Problem::at(root.line, "the template has no Resources"))?;
    all.entries()
        .iter()
        .map(|(key, node)| {
            let Some(Value::Text(kind)) = node.get("Type").map(|node| &node.value) else {
                let what = format!("{}: the resource has no Type", key.name);
                return Err(Problem::at(key.line, what));
            };
            Ok(Resource {
                logical_id: &key.name,
                kind: kind.clone(),
                line: key.line,
                properties: node.get("Properties"),
            })
        })
        .collect()
}

/// The values of `!Ref` and `!GetAtt` for a resource: the "Return values" of its
/// type in CloudFormation's reference.
fn attributes(
    resource: &Resource,
    resolver: &Resolver,
    context: &Context,
) -> Result<Attributes, Problem> {
    let (name_property, service, kind) = match resource.kind.as_str() {
        "AWS::Kinesis::Stream" => ("Name", "kinesis", "stream/"),
        "AWS::DynamoDB::Table" => ("TableName", "dynamodb", "table/"),
        "AWS::SSM::Parameter" => ("Name", "ssm", "parameter/"),
        "AWS::SQS::Queue" => ("QueueName", "sqs", ""),
        "AWS::Serverless::Function" => ("FunctionName", "lambda", "function:"),
        other => return Ok(placeholder(resource.logical_id, other, context)),
    };
    let owner = resource.owner();
    let name = Properties::new(&owner, resource.line, resource.properties, resolver)
        .text(name_property)?
        .unwrap_or_else(|| resource.logical_id.to_owned());
    let path = format!("{kind}{}", name.trim_start_matches('/'));
    let arn = arn(service, &path, context);
    if service == "sqs" {
        return Ok(queue_attributes(name, arn, context));
    }
    Ok(Attributes {
        reference: name,
        attributes: [("Arn", arn)].into(),
        placeholder: None,
    })
}

/// The values for a queue: `!Ref` is its URL, and its name is an attribute.
fn queue_attributes(name: String, arn: String, context: &Context) -> Attributes {
    let Context {
        region, account, ..
    } = context;
    let url = format!("https://sqs.{region}.amazonaws.com/{account}/{name}");
    Attributes {
        reference: url.clone(),
        attributes: [("Arn", arn), ("QueueName", name), ("QueueUrl", url)].into(),
        placeholder: None,
    }
}

/// Values for a resource that does not run here, so that others can refer to it.
fn placeholder(logical_id: &str, kind: &str, context: &Context) -> Attributes {
    let service = kind.split("::").nth(1).unwrap_or("local").to_lowercase();
    Attributes {
        reference: logical_id.to_owned(),
        attributes: BTreeMap::new(),
        placeholder: Some(arn(&service, logical_id, context)),
    }
}

fn arn(service: &str, path: &str, context: &Context) -> String {
    let Context {
        region, account, ..
    } = context;
    format!("arn:aws:{service}:{region}:{account}:{path}")
}

/// A property as a whole number within AWS's bounds.
fn in_range(
    properties: &Properties,
    name: &str,
    range: std::ops::RangeInclusive<u32>,
) -> Result<Option<u32>, Problem> {
    let (Some(node), Some(number)) = (properties.node(name), properties.number(name)?) else {
        return Ok(None);
    };
    match u32::try_from(number) {
        Ok(number) if range.contains(&number) => Ok(Some(number)),
        _ => {
            let (least, most) = range.into_inner();
            let what = format!("property {name} is {number}; expected {least} to {most}");
            Err(properties.problem(node.line, &what))
        }
    }
}
