//! Takes what has happened from the recorder, and queues it for the collector.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use lambda_host::Functions;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    resource::v1::Resource,
    trace::v1::{ResourceSpans, ScopeSpans, Span},
};
use prost::Message as _;
use time::OffsetDateTime;
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    Collector,
    metrics::Metrics,
    queue::{Dropped, Message, Queue, Signal},
    resources,
    sender::Sender,
    spans::{self, Mapping, Spans, Trace},
};
use crate::page::{
    Page, Shown,
    recorder::{Discarded, milliseconds},
};

/// How often what has happened is taken.
const EVERY: Duration = Duration::from_millis(250);

/// How long ago an invocation must have ended: what it wrote and the wait after it are then
/// recorded too.
const SETTLED: f64 = 100.0;

/// Invocations whose spans are built while the recorder waits.
const AT_ONCE: usize = 16;

/// Spans of a request, about.
const MOST_SPANS: usize = 1000;

/// Spans that are built each time, about. What remains waits for the next time, in the
/// outbox, which drops the oldest.
const MOST_BUILT: usize = 5000;

/// Spans that are built at the end.
const MOST_AT_END: usize = 50_000;

/// How long the end of an environment waits for the collector at most.
const PATIENCE: Duration = Duration::from_secs(5);

/// Exports until it is finished or dropped.
pub struct Exporter {
    tasks: JoinSet<()>,
    queue: Arc<Queue>,
    ending: CancellationToken,
    collector: Collector,
}

impl Exporter {
    /// Exports what `page` records, from now on.
    pub(crate) fn start(collector: &Collector, page: &Page) -> Self {
        let (queue, ending) = (Arc::<Queue>::default(), CancellationToken::new());
        let mut tasks = JoinSet::new();
        page.export();
        tasks.spawn(Collecting::new(page, &queue).run());
        tasks.spawn(Sender::new(collector, &queue, &ending).run());
        Self {
            tasks,
            queue,
            ending,
            collector: collector.clone(),
        }
    }

    /// Exports what is left, and tells what could not be exported. The bus must be closed.
    pub(crate) async fn finish(mut self) {
        self.ending.cancel();
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(PATIENCE, all).await.is_err() {
            self.queue.clear();
        }
        let dropped = self.queue.dropped();
        if dropped != Dropped::default() {
            let Dropped {
                traces,
                spans,
                data_points,
            } = dropped;
            tracing::warn!(
                "not exported to {}: {spans} spans, {data_points} data points, and all spans of {traces} invocations",
                self.collector
            );
        }
    }
}

/// Takes what has happened.
struct Collecting {
    page: Page,
    queue: Arc<Queue>,
    resource: Resource,
    metrics: Metrics,
}

/// What the recorder does not know.
struct Names {
    mappings: HashMap<String, Mapping>,
    unknown: Mapping,
    functions: Functions,
}

/// Spans that are not in a request yet, by function; `None` is this process.
#[derive(Default)]
struct Batch {
    spans: BTreeMap<Option<String>, Vec<Span>>,
    count: usize,
}

impl Collecting {
    fn new(page: &Page, queue: &Arc<Queue>) -> Self {
        let resource = resources::of_this_process(&Uuid::new_v4().to_string());
        Self {
            page: page.clone(),
            queue: queue.clone(),
            metrics: Metrics::new(resource.clone(), now()),
            resource,
        }
    }

    async fn run(mut self) {
        let ended = self.page.ended();
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let is_last = tokio::select! {
                biased;
                () = ended.cancelled() => true,
                _ = ticks.tick() => false,
            };
            self.traces(is_last).await;
            self.metrics();
            if is_last {
                self.queue.close();
                return;
            }
        }
    }

    async fn traces(&self, is_last: bool) {
        let Some(names) = self.page.shown_now().map(Names::of) else {
            return;
        };
        let until = if is_last {
            f64::INFINITY
        } else {
            now() - SETTLED
        };
        let most = if is_last { MOST_AT_END } else { MOST_BUILT };
        let (mut batch, mut built) = (Batch::default(), 0);
        while built < most {
            let spans = self.take(until, &names);
            if spans.is_empty() {
                break;
            }
            for (function, spans) in spans {
                built += batch.add(function, spans);
                if batch.count >= MOST_SPANS {
                    self.send(&mut batch, &names);
                }
            }
            tokio::task::yield_now().await;
        }
        self.send(&mut batch, &names);
        let recorder = self.page.export();
        let left = match &mut recorder.state().outbox {
            Some(outbox) if is_last => outbox.dropped + outbox.ended.len() as u64,
            Some(outbox) => std::mem::take(&mut outbox.dropped),
            None => 0,
        };
        self.queue.drop_traces(left);
    }

    /// The spans of the next invocations that ended before a time, and of the next
    /// discarded batches, with the function's name.
    fn take(&self, until: f64, names: &Names) -> Vec<(String, Spans)> {
        let recorder = self.page.export();
        let mut state = recorder.state();
        let (mut ended, mut discarded) = (Vec::new(), Vec::<Discarded>::new());
        while ended.len() < AT_ONCE
            && let Some(number) = state
                .outbox
                .as_ref()
                .and_then(|one| one.ended.front().copied())
        {
            let invocation = state.invocations.get(number);
            let at = invocation.and_then(|one| Some(one.ended.as_ref()?.at));
            if at.is_some_and(|at| at > until) {
                break;
            }
            ended.push(number);
            state.outbox.as_mut().map(|one| one.ended.pop_front());
        }
        if let Some(outbox) = &mut state.outbox {
            let most = outbox.discarded.len().min(AT_ONCE);
            discarded.extend(outbox.discarded.drain(..most));
        }
        let records = state
            .records
            .of_invocations(&ended.iter().copied().collect::<HashSet<_>>());
        let traces = ended.iter().filter_map(|number| {
            let records = records.get(number).map_or(&[][..], Vec::as_slice);
            let mapping = |name: &str| names.mapping(name);
            let trace = Trace::new(&state, *number, records, mapping)?;
            Some((trace.function().to_owned(), trace.spans()))
        });
        let mut spans: Vec<_> = traces.collect();
        spans.extend(discarded.iter().filter_map(|one| {
            let own = vec![spans::discarded(&state, one)?];
            let function = Vec::new();
            Some((one.batch.function.clone(), Spans { own, function }))
        }));
        spans
    }

    fn send(&self, batch: &mut Batch, names: &Names) {
        let Batch { spans, count } = std::mem::take(batch);
        if count == 0 {
            return;
        }
        let resource_spans = spans.into_iter().map(|(function, spans)| ResourceSpans {
            resource: Some(match function {
                Some(function) => names.resource(&function),
                None => self.resource.clone(),
            }),
            scope_spans: vec![ScopeSpans {
                scope: Some(resources::scope()),
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        });
        let request = ExportTraceServiceRequest {
            resource_spans: resource_spans.collect(),
        };
        self.queue.push(Message {
            signal: Signal::Traces,
            body: request.encode_to_vec().into(),
            items: count as u64,
        });
    }

    fn metrics(&mut self) {
        let before = self.metrics.time();
        let samples = self.page.samples();
        for sample in samples.iter().filter(|sample| sample.time > before) {
            self.metrics.add(sample);
        }
        if self.metrics.time() > before {
            let (request, items) = self.metrics.request(self.queue.dropped());
            self.queue.push(Message {
                signal: Signal::Metrics,
                body: request.encode_to_vec().into(),
                items,
            });
        }
    }
}

impl Names {
    fn of(shown: &Shown) -> Self {
        let mappings = shown.mappings.all().into_iter().map(|mapping| {
            let definition = mapping.definition;
            let function = shown.functions.get(&definition.function);
            let mapping = Mapping {
                uuid: definition.uuid.to_string(),
                stream: definition.source().to_owned(),
                function_arn: function.map(|one| one.config().arn()).unwrap_or_default(),
            };
            (definition.name, mapping)
        });
        Self {
            mappings: mappings.collect(),
            unknown: Mapping::default(),
            functions: shown.functions.clone(),
        }
    }

    fn mapping(&self, name: &str) -> &Mapping {
        self.mappings.get(name).unwrap_or(&self.unknown)
    }

    fn resource(&self, function: &str) -> Resource {
        let found = self.functions.get(function);
        found.map_or_else(Resource::default, |function| {
            resources::of_function(&function.config())
        })
    }
}

impl Batch {
    /// Adds spans, and returns their number.
    fn add(&mut self, function: String, spans: Spans) -> usize {
        let added = spans.own.len() + spans.function.len();
        self.count += added;
        self.spans.entry(None).or_default().extend(spans.own);
        if !spans.function.is_empty() {
            let of_function = self.spans.entry(Some(function)).or_default();
            of_function.extend(spans.function);
        }
        added
    }
}

fn now() -> f64 {
    milliseconds(OffsetDateTime::now_utc())
}
