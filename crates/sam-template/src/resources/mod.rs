//! The resource types that run here, one module each.

mod connect;
mod consumer;
mod event_source_mapping;
mod function;
mod log_group;
mod parameter;
mod queue;
mod stream;
mod table;
mod variables;

use self::event_source_mapping::Connection;
use super::{
    Context, Problem,
    document::{Node, Value},
    environment::{Environment, Skipped},
    properties::Properties,
    scope::Scope,
    sections,
};
use crate::nearest::nearest;

/// The type of an SSM parameter.
pub(super) const KIND_OF_PARAMETER: &str = "AWS::SSM::Parameter";

/// The types that run here, for suggestions.
const KINDS: [&str; 10] = [
    "AWS::DynamoDB::Table",
    "AWS::Kinesis::Stream",
    "AWS::Kinesis::StreamConsumer",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Function",
    "AWS::Logs::LogGroup",
    KIND_OF_PARAMETER,
    "AWS::SQS::Queue",
    "AWS::Serverless::Function",
    "AWS::Serverless::SimpleTable",
];

/// A resource of the template, before its properties are read.
struct Resource<'a> {
    logical_id: &'a str,
    kind: &'a str,
    line: usize,
    node: &'a Node,
}

impl Resource<'_> {
    fn owner(&self) -> String {
        format!("{} ({})", self.logical_id, self.kind)
    }
}

/// Reads the template's resources.
pub(super) fn read(root: &Node, context: &Context) -> Result<Environment, Problem> {
    sections::check(root)?;
    let scope = Scope::new(root, context)?;
    let mut environment = Environment::default();
    let mut mappings = Vec::new();
    for resource in list(root)? {
        if let Some(condition) = resource.node.get("Condition") {
            let name = scope.text(condition)?;
            if !scope.condition(&name, condition.line)? {
                continue;
            }
        }
        read_one(&resource, &scope, &mut environment, &mut mappings)?;
    }
    connect::connect(mappings, &mut environment, &scope)?;
    environment.notes = scope.notes.take();
    Ok(environment)
}

fn read_one(
    resource: &Resource,
    scope: &Scope,
    environment: &mut Environment,
    mappings: &mut Vec<(usize, Connection)>,
) -> Result<(), Problem> {
    let id = resource.logical_id;
    let runs_here = KINDS.contains(&resource.kind);
    if runs_here {
        sections::check_resource(id, resource.node)?;
    }
    let properties = || {
        let node = resource.node.get("Properties");
        Properties::new(&resource.owner(), resource.line, node, scope)
    };
    match resource.kind {
        "AWS::Kinesis::Stream" => environment.streams.push(stream::read(id, &properties()?)?),
        "AWS::Kinesis::StreamConsumer" => {
            environment
                .consumers
                .push(consumer::read(id, &properties()?)?);
        }
        "AWS::DynamoDB::Table" => environment.tables.push(table::read(id, &properties()?)?),
        "AWS::Serverless::SimpleTable" => {
            environment
                .tables
                .push(table::read_simple(id, &properties()?)?);
        }
        KIND_OF_PARAMETER => environment
            .parameters
            .push(parameter::read(id, &properties()?)?),
        "AWS::Logs::LogGroup" => environment
            .log_groups
            .push(log_group::read(id, &properties()?)?),
        "AWS::SQS::Queue" => environment.queues.push(queue::read(id, &properties()?)?),
        "AWS::Serverless::Function" => {
            let globals = scope
                .root
                .get("Globals")
                .and_then(|all| all.get("Function"));
            let properties = properties()?.with_globals(globals);
            let (function, events) = function::read_serverless(id, &properties)?;
            environment.functions.push(function);
            mappings.extend(events);
        }
        "AWS::Lambda::Function" => {
            environment
                .functions
                .push(function::read(id, &properties()?)?);
        }
        "AWS::Lambda::EventSourceMapping" => {
            let mapping = event_source_mapping::read(id, &properties()?)?;
            mappings.extend(mapping.map(|mapping| (resource.line, mapping)));
        }
        kind => {
            misspelt(resource)?;
            environment.skipped.push(Skipped {
                logical_id: id.to_owned(),
                resource_type: kind.to_owned(),
            });
        }
    }
    Ok(())
}

/// Refuses a type whose letters are those of a type that runs here, such as
/// `AWS::kinesis::Stream`.
fn misspelt(resource: &Resource) -> Result<(), Problem> {
    let same = |kind: &&str| kind.eq_ignore_ascii_case(resource.kind);
    let near = KINDS.into_iter().find(same).or_else(|| {
        let known_service = ["AWS::", "Custom::", "Alexa::"];
        let known = known_service
            .iter()
            .any(|one| resource.kind.starts_with(one));
        if known {
            None
        } else {
            nearest(resource.kind, KINDS)
        }
    });
    match near {
        Some(near) => {
            let what = format!("{}: unknown type; did you mean {near}?", resource.owner());
            Err(Problem::at(resource.line, what))
        }
        None => Ok(()),
    }
}

fn list(root: &Node) -> Result<Vec<Resource<'_>>, Problem> {
    let all = root
        .get("Resources")
        .ok_or_else(|| Problem::at(root.line, "the template has no Resources"))?;
    all.entries()
        .iter()
        .map(|(key, node)| {
            if key.name.starts_with("Fn::") {
                let what = format!("{} is not supported here", key.name);
                return Err(Problem::at(key.line, what));
            }
            let Some(Value::Text(kind)) = node.get("Type").map(|node| &node.value) else {
                let what = format!("{}: the resource has no Type", key.name);
                return Err(Problem::at(key.line, what));
            };
            Ok(Resource {
                logical_id: &key.name,
                kind,
                line: key.line,
                node,
            })
        })
        .collect()
}
