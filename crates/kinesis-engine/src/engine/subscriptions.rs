//! Who is subscribed to what: one consumer, one shard, one subscription.

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
pub struct Subscriptions(Mutex<HashMap<(String, String), Holder>>);

#[derive(Debug)]
struct Holder {
    since: Instant,
    /// Dropped when another call takes over.
    _alive: oneshot::Sender<Infallible>,
}

type Infallible = std::convert::Infallible;

/// One subscription, until another call takes it over.
#[derive(Debug)]
pub struct Subscription(oneshot::Receiver<Infallible>);

impl Subscriptions {
    /// Subscribes the consumer to the shard, in place of an older subscription.
    ///
    /// # Errors
    ///
    /// `ResourceInUseException` if the older one is not five seconds old.
    pub fn take(&self, consumer: &str, shard: &str) -> Result<Subscription, KinesisError> {
        let mut holders = self.0.lock();
        let key = (consumer.to_owned(), shard.to_owned());
        let recent = holders
            .get(&key)
            .is_some_and(|holder| holder.since.elapsed() < PROTECTED);
        if recent {
            return Err(KinesisError::ResourceInUse(format!(
                "Another active subscription exists for this consumer {consumer} on shard {shard}"
            )));
        }
        let (alive, replaced) = oneshot::channel();
        let since = Instant::now();
        holders.insert(
            key,
            Holder {
                since,
                _alive: alive,
            },
        );
        Ok(Subscription(replaced))
    }
}

impl Subscriptions {
    /// Ends all subscriptions of a consumer.
    pub fn end(&self, consumer: &str) {
        self.0.lock().retain(|(holder, _), _| holder != consumer);
    }
}

impl Subscription {
    /// Waits until another call has taken over, or the consumer is gone.
    pub async fn replaced(&mut self) {
        // The only thing that can come is the end of the other side.
        let _ended = (&mut self.0).await;
    }
}
