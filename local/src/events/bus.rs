//! The bus: publishers that never wait, listeners with a bound.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
};

use time::OffsetDateTime;
use tokio::sync::broadcast::{
    Receiver, Sender,
    error::{RecvError, TryRecvError},
};
use tokio_util::sync::CancellationToken;

use super::{Detail, Event, EventKind};

/// Events that wait for the slowest listener: more than a second of 5,000 invocations/s.
const MOST_WAITING: usize = 8192;

/// Notable events that are kept for who listens later.
const MOST_NOTABLE: usize = 100;

/// Bytes of records that wait for a recorder, if all of them are alike. Whatever they are,
/// ten times as many wait at most: the nth that waits has at most an nth of this.
const MOST_BYTES_WAITING: usize = 64 * 1024 * 1024;

/// Where events are published. Cloning is cheap, and all clones are the same bus.
#[derive(Debug, Clone)]
pub struct EventBus(Arc<Bus>);

#[derive(Debug)]
struct Bus {
    events: Sender<Arc<Event>>,
    /// The newest notable events, the oldest first. Each is sent under this lock, so that who
    /// listens later gets it once.
    notable: Mutex<VecDeque<Arc<Event>>>,
    /// All events, with the details, for recorders.
    all: Sender<Happened>,
    /// Whether a recorder listens: without one, no detail is built.
    recorded: AtomicBool,
    closed: CancellationToken,
    /// Invocations that have ended, counted without a listener too.
    invocations: AtomicU64,
}

impl Default for EventBus {
    fn default() -> Self {
        Self(Arc::new(Bus {
            events: Sender::new(MOST_WAITING),
            notable: Mutex::default(),
            all: Sender::new(MOST_WAITING),
            recorded: AtomicBool::new(false),
            closed: CancellationToken::new(),
            invocations: AtomicU64::new(0),
        }))
    }
}

impl EventBus {
    /// Publishes an event of now. Without a listener, `kind` is not called.
    pub fn publish(&self, kind: impl FnOnce() -> EventKind) {
        self.publish_at(OffsetDateTime::now_utc, kind);
    }

    /// As [`EventBus::publish`], of another time.
    pub fn publish_at(
        &self,
        time: impl FnOnce() -> OffsetDateTime,
        kind: impl FnOnce() -> EventKind,
    ) {
        let recorded = self.is_recorded();
        if recorded || self.0.events.receiver_count() > 0 {
            let (time, kind) = (time(), kind());
            let event = Arc::new(Event { time, kind });
            let mut notable = event.kind.is_notable().then(|| self.notable());
            if let Some(notable) = &mut notable {
                if notable.len() == MOST_NOTABLE {
                    notable.pop_front();
                }
                notable.push_back(event.clone());
            }
            // The last listener may have gone.
            let _ = self.0.events.send(event.clone());
            drop(notable);
            if recorded {
                let _ = self.0.all.send(Happened::Event(event));
            }
        }
    }

    /// Whether a recorder listens.
    #[must_use]
    pub fn is_recorded(&self) -> bool {
        self.0.recorded.load(Relaxed)
    }

    /// Publishes a detail of now. Without a recorder this is one atomic load, and `detail`
    /// is not called.
    pub fn publish_detail(&self, detail: impl FnOnce() -> Detail) {
        if self.is_recorded() {
            let time = OffsetDateTime::now_utc();
            let detail = Arc::new((time, detail()));
            let _ = self.0.all.send(Happened::Detail(detail));
        }
    }

    /// As [`EventBus::publish_detail`], of a detail that holds about so many bytes. While
    /// what waits for the recorder would be too large if all of it were like this one, the
    /// detail is left out and counts as missed.
    pub fn publish_large_detail(&self, bytes: usize, detail: impl FnOnce() -> Detail) {
        if self.is_recorded() && self.0.all.len().saturating_mul(bytes) > MOST_BYTES_WAITING {
            let _ = self.0.all.send(Happened::Event(dropped(1)));
            return;
        }
        self.publish_detail(detail);
    }

    /// Every event and every detail from now on, for a recorder: from the first one on,
    /// details are built.
    #[must_use]
    pub fn record(&self) -> Details {
        let all = self.0.all.subscribe();
        self.0.recorded.store(true, Relaxed);
        Details {
            all,
            closed: self.0.closed.clone(),
        }
    }

    /// Waits for [`EventBus::close`].
    pub async fn closed(&self) {
        self.0.closed.cancelled().await;
    }

    /// Every event from now on.
    #[must_use]
    pub fn subscribe(&self) -> Subscription {
        Subscription {
            events: self.0.events.subscribe(),
            closed: self.0.closed.clone(),
        }
    }

    /// The newest notable events so far, the oldest first, and every event from now on.
    #[must_use]
    pub fn catch_up(&self) -> (Vec<Arc<Event>>, Subscription) {
        let notable = self.notable();
        (notable.iter().cloned().collect(), self.subscribe())
    }

    fn notable(&self) -> MutexGuard<'_, VecDeque<Arc<Event>>> {
        let notable = self.0.notable.lock();
        notable.unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends every subscription, once its listener has the events so far.
    pub fn close(&self) {
        self.0.closed.cancel();
    }

    /// How many invocations have ended.
    #[must_use]
    pub fn invocations(&self) -> u64 {
        self.0.invocations.load(Relaxed)
    }

    pub(super) fn count_invocation(&self) {
        self.0.invocations.fetch_add(1, Relaxed);
    }
}

/// An event or a detail.
#[derive(Debug, Clone, PartialEq)]
pub enum Happened {
    /// An event.
    Event(Arc<Event>),
    /// A detail, and when it happened.
    Detail(Arc<(OffsetDateTime, Detail)>),
}

/// The events and the details of a bus, in the order of their publication.
#[derive(Debug)]
pub struct Details {
    all: Receiver<Happened>,
    closed: CancellationToken,
}

impl Details {
    /// The next one, as [`Subscription::next`].
    pub async fn next(&mut self) -> Option<Happened> {
        tokio::select! {
            biased;
            next = self.all.recv() => match next {
                Ok(happened) => Some(happened),
                Err(RecvError::Lagged(events)) => Some(Happened::Event(dropped(events))),
                Err(RecvError::Closed) => None,
            },
            () = self.closed.cancelled() => None,
        }
    }

    /// The next one, if it was published already.
    pub fn try_next(&mut self) -> Option<Happened> {
        match self.all.try_recv() {
            Ok(happened) => Some(happened),
            Err(TryRecvError::Lagged(events)) => Some(Happened::Event(dropped(events))),
            Err(TryRecvError::Empty | TryRecvError::Closed) => None,
        }
    }
}

/// The events of a bus, in the order of their publication.
#[derive(Debug)]
pub struct Subscription {
    events: Receiver<Arc<Event>>,
    closed: CancellationToken,
}

impl Subscription {
    /// The next event; [`EventKind::Dropped`] where events were missed, `None` after
    /// [`EventBus::close`]. No event is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Arc<Event>> {
        tokio::select! {
            biased;
            event = self.events.recv() => match event {
                Ok(event) => Some(event),
                Err(RecvError::Lagged(events)) => Some(dropped(events)),
                Err(RecvError::Closed) => None,
            },
            () = self.closed.cancelled() => None,
        }
    }

    /// The next event, if it was published already.
    pub fn try_next(&mut self) -> Option<Arc<Event>> {
        match self.events.try_recv() {
            Ok(event) => Some(event),
            Err(TryRecvError::Lagged(events)) => Some(dropped(events)),
            Err(TryRecvError::Empty | TryRecvError::Closed) => None,
        }
    }
}

fn dropped(events: u64) -> Arc<Event> {
    Arc::new(Event {
        time: OffsetDateTime::now_utc(),
        kind: EventKind::Dropped { events },
    })
}

#[cfg(test)]
mod tests {
    use super::{Detail, EventBus, EventKind, Happened, MOST_NOTABLE, MOST_WAITING};

    fn log(number: usize) -> EventKind {
        EventKind::Log {
            function: "f".to_owned(),
            environment: 1,
            text: number.to_string(),
        }
    }

    #[tokio::test]
    async fn an_event_without_a_listener_is_not_built() {
        let bus = EventBus::default();
        bus.publish(|| unreachable!("nobody listens"));
        let mut listener = bus.subscribe();
        bus.publish(|| log(1));
        assert_eq!(listener.next().await.unwrap().kind, log(1));
    }

    #[tokio::test]
    async fn a_detail_is_built_for_a_recorder_only() {
        let bus = EventBus::default();
        let mut listener = bus.subscribe();
        bus.publish_detail(|| unreachable!("nobody records"));
        let mut recorder = bus.record();
        let put = || Detail::RecordsPut {
            stream: "s".into(),
            records: Vec::new(),
        };
        bus.publish_detail(put);
        bus.publish(|| log(1));
        let Some(Happened::Detail(detail)) = recorder.next().await else {
            unreachable!("the detail comes first")
        };
        assert_eq!(detail.1, put());
        assert!(matches!(recorder.next().await, Some(Happened::Event(_))));
        assert_eq!(listener.next().await.unwrap().kind, log(1));
    }

    #[tokio::test]
    async fn large_details_wait_for_a_slow_recorder_up_to_a_bound_of_bytes() {
        let bus = EventBus::default();
        let mut recorder = bus.record();
        let put = || Detail::RecordsPut {
            stream: "s".into(),
            records: Vec::new(),
        };
        (0..100).for_each(|_| bus.publish_large_detail(1024 * 1024, put));
        let (mut kept, mut missed) = (0, 0);
        while let Some(happened) = recorder.try_next() {
            match happened {
                Happened::Detail(_) => kept += 1,
                Happened::Event(_) => missed += 1,
            }
        }
        assert_eq!((kept, missed), (65, 35));
        bus.publish_large_detail(1024 * 1024, put);
        assert!(matches!(recorder.try_next(), Some(Happened::Detail(_))));
    }

    #[tokio::test]
    async fn a_slow_listener_gets_the_number_of_the_events_that_it_missed() {
        let bus = EventBus::default();
        let mut listener = bus.subscribe();
        (0..MOST_WAITING + 3).for_each(|number| bus.publish(|| log(number)));
        let first = listener.next().await.unwrap();
        assert_eq!(first.kind, EventKind::Dropped { events: 3 });
        assert_eq!(listener.next().await.unwrap().kind, log(3));
    }

    #[tokio::test]
    async fn a_late_listener_gets_the_newest_notable_events_and_each_event_once() {
        let bus = EventBus::default();
        let listener = bus.subscribe();
        let started = |environment| EventKind::EnvironmentStarted {
            function: "f".to_owned(),
            environment,
            init_ms: 1.0,
        };
        for number in 0..=MOST_NOTABLE {
            bus.publish(|| log(number));
            bus.publish(|| started(number as u64));
        }
        let (notable, mut late) = bus.catch_up();
        let kinds: Vec<_> = notable.iter().map(|event| event.kind.clone()).collect();
        let newest: Vec<_> = (1..=MOST_NOTABLE as u64).map(started).collect();
        assert_eq!(kinds, newest);
        assert_eq!(late.try_next(), None);
        bus.publish(|| started(7));
        assert_eq!(late.try_next().unwrap().kind, started(7));
        drop(listener);
    }

    #[tokio::test]
    async fn a_subscription_ends_after_the_events_before_the_close() {
        let bus = EventBus::default();
        let mut listener = bus.subscribe();
        bus.publish(|| log(1));
        bus.close();
        assert_eq!(listener.next().await.unwrap().kind, log(1));
        assert_eq!(listener.next().await, None);
    }
}
