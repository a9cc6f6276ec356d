//! The operations of event source mappings.

use axum::{
    body::Body,
    extract::{Path, State},
    response::Response,
};
use event_source_mapping::queue::context::is_fifo;
use http::{StatusCode, Uri};
use lambda_host::function_arn;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    LambdaApi, Served,
    reply::{LambdaError, Reply, document},
    request::{ACCEPTED, OK, members, page, query},
};
use crate::mappings::{
    Now,
    definition::{Definition, Options, Origin, stream_of},
    document as mapping_document,
    registry::RegistryError,
};

/// Mappings of one page (API reference, `ListEventSourceMappings`).
const PAGE: usize = 100;

/// What Lambda says of a queue that does not exist.
const NO_QUEUE: &str = "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist.";

/// `ListEventSourceMappings`.
pub(super) async fn list(State(api): State<LambdaApi>, uri: Uri) -> Reply {
    let served = api.served()?;
    let function = query(&uri, "FunctionName");
    let function = function.map(|name| Ok::<_, LambdaError>(served.function(&name)?.config()));
    let function = function.transpose()?;
    let source = query(&uri, "EventSourceArn");
    let mut all = served.registry.all();
    all.retain(|mapping| {
        let definition = &mapping.definition;
        function
            .as_ref()
            .is_none_or(|one| one.name == definition.function)
            && source
                .as_ref()
                .is_none_or(|arn| *arn == definition.source_arn)
    });
    let (mappings, next) = page(&uri, all, PAGE, |one| one.definition.uuid.to_string())?;
    let mappings: Vec<_> = mappings
        .iter()
        .map(|one| served.configuration(one))
        .collect();
    let mut reply = json!({ "EventSourceMappings": mappings });
    if let Some(next) = next {
        reply["NextMarker"] = json!(next);
    }
    Ok(document(OK, reply))
}

/// `GetEventSourceMapping`.
pub(super) async fn get(State(api): State<LambdaApi>, Path(uuid): Path<String>) -> Reply {
    let served = api.served()?;
    Ok(served.mapping(OK, &served.find(&uuid)?))
}

/// `CreateEventSourceMapping`.
pub(super) async fn create(State(api): State<LambdaApi>, body: Body) -> Reply {
    let served = api.served()?;
    let members = members(body).await?;
    let source_arn = text(&members, "EventSourceArn")
        .ok_or_else(|| LambdaError::invalid("Unrecognized event source."))?;
    let function = text(&members, "FunctionName");
    let function = function.ok_or_else(|| {
        LambdaError::validation(
            "1 validation error detected: Value null at 'functionName' failed to satisfy constraint: Member must not be null",
        )
    })?;
    let function = served.invoked(function)?;
    let options = served.options(source_arn, &function, &members).await?;
    let uuid = Uuid::new_v4();
    let definition = Definition {
        uuid,
        name: uuid.to_string(),
        function,
        source_arn: source_arn.to_owned(),
        options,
        origin: Origin::Api,
        tags: mapping_document::tags(&members),
    };
    let created = served.registry.create(definition.clone());
    let created = created.map_err(|error| refused(error, "create", &definition))?;
    Ok(served.mapping(ACCEPTED, &created))
}

/// `UpdateEventSourceMapping`.
pub(super) async fn update(
    State(api): State<LambdaApi>,
    Path(uuid): Path<String>,
    body: Body,
) -> Reply {
    let served = api.served()?;
    let members = members(body).await?;
    let mut definition = served.find(&uuid)?.definition;
    if let Some(function) = text(&members, "FunctionName") {
        definition.function = served.invoked(function)?;
    }
    match &mut definition.options {
        Options::Stream(settings) => mapping_document::update(settings, &members)?,
        Options::Queue(settings) => {
            let is_fifo = is_fifo(&definition.source_arn);
            mapping_document::update_queue(settings, &members, is_fifo)?;
        }
    }
    let updated = served.registry.update(definition.uuid, definition.clone());
    let updated = updated.map_err(|error| refused(error, "update", &definition))?;
    Ok(served.mapping(ACCEPTED, &updated))
}

/// `DeleteEventSourceMapping`.
pub(super) async fn delete(State(api): State<LambdaApi>, Path(uuid): Path<String>) -> Reply {
    let served = api.served()?;
    let definition = served.find(&uuid)?.definition;
    let deleted = served.registry.delete(definition.uuid);
    let deleted = deleted.map_err(|error| refused(error, "delete", &definition))?;
    Ok(served.mapping(ACCEPTED, &deleted))
}

impl Served {
    fn find(&self, uuid: &str) -> Result<Now, LambdaError> {
        let found = uuid.parse().ok().and_then(|uuid| self.registry.get(uuid));
        found.ok_or_else(|| RegistryError::NotFound.into())
    }

    /// The name of the function that a mapping is to invoke.
    fn invoked(&self, name: &str) -> Result<String, LambdaError> {
        let function = self.function(name);
        let function = function.map_err(|_| LambdaError::invalid("Function does not exist"))?;
        Ok(function.config().name.clone())
    }

    /// Reads the options of a new mapping of this event source, which has to exist.
    async fn options(
        &self,
        source_arn: &str,
        function: &str,
        members: &Map<String, Value>,
    ) -> Result<Options, LambdaError> {
        let mut parts = source_arn.split(':').skip(2);
        let (service, region) = (parts.next(), parts.next().unwrap_or_default());
        let is_here = region == self.region;
        match (service, stream_of(source_arn)) {
            (Some("kinesis"), Some(stream)) => {
                let options = mapping_document::new_options(source_arn, members)?;
                if is_here && self.registry.has_stream(stream).await {
                    return Ok(options);
                }
                Err(LambdaError::invalid(format!(
                    "Stream not found: {source_arn}"
                )))
            }
            (Some("sqs"), _) => {
                let options = mapping_document::new_options(source_arn, members)?;
                let queue = source_arn.rsplit(':').next().unwrap_or_default();
                let state = self.registry.queue(queue).await.filter(|_| is_here);
                let state = state.ok_or_else(|| LambdaError::invalid(NO_QUEUE))?;
                let visibility = state.visibility_timeout.as_secs();
                let timeout = self.function(function)?.config().timeout.as_secs();
                if visibility < timeout {
                    return Err(LambdaError::invalid(format!(
                        "Queue visibility timeout: {visibility} seconds is less than Function timeout: {timeout} seconds"
                    )));
                }
                Ok(options)
            }
            _ => Err(LambdaError::invalid(format!(
                "Event source mappings are served here for Kinesis streams and SQS queues; EventSourceArn is {source_arn}"
            ))),
        }
    }

    fn mapping(&self, status: StatusCode, mapping: &Now) -> Response {
        document(status, self.configuration(mapping))
    }

    /// `EventSourceMappingConfiguration`.
    fn configuration(&self, mapping: &Now) -> Map<String, Value> {
        let (definition, region) = (&mapping.definition, &self.region);
        let uuid = definition.uuid;
        let account = aws_wire::ACCOUNT_ID;
        let arn = format!("arn:aws:lambda:{region}:{account}:event-source-mapping:{uuid}");
        let mut members = mapping_document::options(&definition.options);
        members.extend(
            [
                ("UUID", json!(uuid.to_string())),
                ("EventSourceMappingArn", json!(arn)),
                ("EventSourceArn", json!(definition.source_arn)),
                (
                    "FunctionArn",
                    json!(function_arn(region, &definition.function)),
                ),
                (
                    "LastModified",
                    mapping_document::timestamp(mapping.modified),
                ),
                ("State", json!(mapping.state.as_str())),
                ("StateTransitionReason", json!(reason(definition))),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        let last = last_result(mapping).map(|result| json!(result));
        members.extend(last.map(|result| ("LastProcessingResult".to_owned(), result)));
        members
    }
}

/// `StateTransitionReason`: Lambda has other words for queues than for streams.
fn reason(definition: &Definition) -> &'static str {
    match definition.options {
        Options::Stream(_) => "User action",
        Options::Queue(_) => "USER_INITIATED",
    }
}

/// `LastProcessingResult`, in the words that Lambda uses for streams. Mappings of queues
/// have none in AWS, and here only where they cannot start.
fn last_result(mapping: &Now) -> Option<String> {
    if let Some(problem) = &mapping.problem {
        return Some(format!("PROBLEM: {problem}"));
    }
    let watch = match &mapping.watch {
        _ if matches!(mapping.definition.options, Options::Queue(_)) => return None,
        None => return Some("No records processed".to_owned()),
        Some(watch) => watch,
    };
    let result = match watch.last_succeeded() {
        None => "No records processed",
        Some(true) => "OK",
        Some(false) => "PROBLEM: Function call failed",
    };
    Some(result.to_owned())
}

fn refused(error: RegistryError, what: &str, definition: &Definition) -> LambdaError {
    match error {
        RegistryError::Exists(uuid) => LambdaError::conflict(format!(
            "The event source arn (\" {} \") and function (\" {} \") provided mapping already exists. Please update or delete the existing mapping with UUID {uuid}",
            definition.source_arn, definition.function
        )),
        RegistryError::InUse => LambdaError::in_use(format!(
            "Cannot {what} the event source mapping because it is in use."
        )),
        other => other.into(),
    }
}

fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    let text = members.get(name).and_then(Value::as_str);
    text.filter(|text| !text.is_empty())
}
