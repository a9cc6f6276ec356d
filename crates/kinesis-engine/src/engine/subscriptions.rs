//! Subscriptions (enhanced fan-out): one for each consumer and shard.

use std::collections::HashMap;

use parking_lot::Mutex;
use tokio::{
    sync::oneshot,
    time::{Duration, Instant},
};

use crate::error::KinesisError;

/// For how long a subscription cannot be taken over (API reference,
/// `SubscribeToShard`: "within 5 seconds of a successful call").
const PROTECTED: Duration = Duration::from_secs(5);

/// The subscriptions of all consumers.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions(Mutex<HashMap<(String, String), Holder>>);

#[derive(Debug)]
struct Holder {
    since: Instant,
    /// Dropped when another call takes over.
    end: oneshot::Sender<Deregistered>,
}

/// The consumer or its stream is gone. A namesake may have the same ARN within a second.
#[derive(Debug)]
struct Deregistered;

/// Why a subscription ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Another call of the same consumer took it over.
    TakenOver,
    /// The consumer was deregistered, or its stream deleted.
    ConsumerGone,
}

/// One subscription, until another call takes it over.
#[derive(Debug)]
pub(crate) struct Subscription(oneshot::Receiver<Deregistered>);

impl Subscriptions {
    /// Subscribes the consumer to the shard, in place of an older subscription.
    ///
    /// # Errors
    ///
    /// `ResourceInUseException` if the older one is not five seconds old.
    pub(crate) fn take(&self, consumer: &str, shard: &str) -> Result<Subscription, KinesisError> {
        let mut holders = self.0.lock();
        // Forgets subscriptions whose connection is closed.
        holders.retain(|_, holder| !holder.end.is_closed() || holder.since.elapsed() < PROTECTED);
        let key = (consumer.to_owned(), shard.to_owned());
        let recent = holders
            .get(&key)
            .is_some_and(|holder| holder.since.elapsed() < PROTECTED);
        if recent {
            return Err(KinesisError::ResourceInUse(format!(
                "Another active subscription exists for this consumer {consumer} on shard {shard}"
            )));
        }
        let (end, ended) = oneshot::channel();
        let since = Instant::now();
        holders.insert(key, Holder { since, end });
        Ok(Subscription(ended))
    }
}

impl Subscriptions {
    /// Ends all subscriptions of a consumer that is gone.
    pub(crate) fn end(&self, consumer: &str) {
        let mut holders = self.0.lock();
        for (_, holder) in holders.extract_if(|(holder, _), _| holder == consumer) {
            // A subscriber may have left.
            let _gone = holder.end.send(Deregistered);
        }
    }
}

impl Subscription {
    /// Waits until the subscription ends.
    pub(crate) async fn ended(&mut self) -> Ended {
        match (&mut self.0).await {
            Ok(Deregistered) => Ended::ConsumerGone,
            Err(_) => Ended::TakenOver,
        }
    }
}
