//! What runs where, and what to type next: the first screen of `klocal up`.

use std::{fmt::Write, time::Duration};

use sam_template::Environment;

use super::{
    Screen,
    colours::{BOLD, DIM, NAME},
    units::duration,
};
use crate::{embedded::Embedded, mappings::definition::Definition, page::PAGE_PATH, server};

/// What runs where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Welcome {
    /// Each service: its name, address, start-up time, and what it serves.
    pub services: Vec<(&'static str, String, Duration, String)>,
    /// Each enabled mapping: its stream or queue, function and logical id.
    pub mappings: Vec<(String, String, String)>,
    /// Resources of the template that are not served here.
    pub skipped: Vec<String>,
    /// What the template has that means something else here.
    pub notes: Vec<String>,
    /// What changed since the last start with the data folder, and what stayed.
    pub changes: Vec<String>,
    /// The URL of the AWS APIs.
    pub aws: String,
    /// The URL of the page.
    pub page: String,
    /// The region of all ARNs.
    pub region: String,
    /// The first stream of the template.
    pub stream: Option<String>,
}

impl Welcome {
    /// Of `embedded`, which runs `environment`.
    #[must_use]
    pub fn of(embedded: &Embedded, environment: &Environment, region: &str) -> Self {
        let took = |part: &str| {
            let lap = embedded.timings.iter().find(|(name, _)| *name == part);
            lap.map_or(Duration::ZERO, |(_, took)| *took)
        };
        let (aws, lambda) = (embedded.aws.url(), embedded.lambda.url());
        let apis = "Kinesis, DynamoDB, SQS, SSM, Logs".to_owned();
        let mut services = vec![("AWS APIs", aws.clone(), took("AWS APIs"), apis)];
        for name in embedded.functions.keys() {
            services.push(("Lambda", lambda.clone(), took("functions"), name.clone()));
        }
        if let Some(cache) = &embedded.cache {
            let what = format!("Momento {}, gRPC and HTTP", cache.transport().name());
            let url = server::url(cache.address());
            services.push(("Cache", url, took("cache"), what));
            if let Some(address) = cache.protosocket_address() {
                let address = server::reached(address).to_string();
                let what = "Momento, protosocket".to_owned();
                services.push(("Cache", address, took("cache"), what));
            }
        }
        let definitions = Definition::all(environment, region).into_iter();
        let mappings = definitions.filter(|mapping| mapping.options.enabled());
        Self {
            services,
            mappings: mappings
                .map(|mapping| {
                    let source = mapping.source().to_owned();
                    (source, mapping.function, mapping.name)
                })
                .collect(),
            skipped: skipped(environment),
            notes: environment.notes.lines().collect(),
            changes: changes(embedded),
            page: format!("{aws}{PAGE_PATH}"),
            aws,
            region: region.to_owned(),
            stream: environment
                .streams
                .first()
                .map(|stream| stream.name.clone()),
        }
    }

    /// As text.
    #[must_use]
    pub fn render(&self, screen: &Screen) -> String {
        let services = self.services.iter();
        let address = services.map(|(_, address, ..)| address.len()).max();
        let address = address.unwrap_or(0);
        let mut text = String::from("\n");
        for (name, at, took, what) in &self.services {
            let name = screen.paint(BOLD, &format!("{name:<8}"));
            let at = screen.paint(NAME, &format!("{at:<address$}"));
            let took = duration(took.as_secs_f64() * 1000.0);
            let took = screen.paint(DIM, &format!("{took:>7}"));
            let _ = writeln!(text, "  {name}  {at}  {took}  {what}");
        }
        for (stream, function, id) in &self.mappings {
            let name = screen.paint(BOLD, "Mapping ");
            let id = screen.paint(DIM, &format!("({id})"));
            let _ = writeln!(text, "  {name}  {stream} → {function} {id}");
        }
        let name = screen.paint(BOLD, "Page    ");
        let page = screen.paint(NAME, &self.page);
        let _ = writeln!(text, "  {name}  {page}");
        if !self.skipped.is_empty() {
            let all = self.skipped.join(", ");
            let _ = writeln!(text, "\n  Not here: {all}");
        }
        if !self.notes.is_empty() {
            let notes = self.notes.join("\n    ");
            let _ = writeln!(text, "\n  With another meaning here:\n    {notes}");
        }
        if !self.changes.is_empty() {
            let _ = writeln!(text, "\n  {}", self.changes.join("\n  "));
        }
        if let Some(stream) = &self.stream {
            text.push_str(&self.next_steps(stream));
        }
        let last = "Ctrl-C stops everything. What happens shows below; times are UTC.";
        let _ = writeln!(text, "\n{}\n", screen.paint(DIM, last));
        text
    }

    /// Lines that can be pasted.
    fn next_steps(&self, stream: &str) -> String {
        let Self { aws, region, .. } = self;
        format!(
            "
In another terminal:

  export AWS_ENDPOINT_URL={aws} AWS_DEFAULT_REGION={region}
  export AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local
  aws kinesis put-record --stream-name {stream} --partition-key 1 \\
    --cli-binary-format raw-in-base64-out --data '{{}}'
  klocal status --watch
"
        )
    }
}

/// What the provisioning of a kept data folder has changed, and what it could not.
fn changes(embedded: &Embedded) -> Vec<String> {
    let mut lines = Vec::new();
    for resource in &embedded.provisioned {
        if !resource.updated.is_empty() {
            let (what, state) = (&resource.what, resource.state());
            lines.push(format!("Since the last start: {what} {state}"));
        }
        lines.extend(resource.warnings());
    }
    lines
}

/// What the template has beyond what one process offers.
fn skipped(environment: &Environment) -> Vec<String> {
    let skipped = environment.skipped.iter();
    skipped
        .map(|skipped| format!("{} ({})", skipped.logical_id, skipped.resource_type))
        .collect()
}
