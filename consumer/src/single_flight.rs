//! Single-flight: one worker per key at a time, whose result everyone else shares.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::watch, time::Instant};

/// How long a result is kept for callers that began before it was known. Longer
/// than a cache call takes; a caller that is later still starts a new flight.
const KEPT: Duration = Duration::from_secs(1);

/// The keys in flight, and the results of the last second.
#[derive(Debug)]
pub struct SingleFlight<V> {
    flights: Mutex<Flights<V>>,
}

#[derive(Debug)]
struct Flights<V> {
    by_key: HashMap<String, Flight<V>>,
    /// Finished flights, oldest first, so that expiry does not scan the others.
    finished: VecDeque<(Instant, String)>,
}

#[derive(Debug)]
enum Flight<V> {
    InFlight(watch::Receiver<Option<V>>),
    Finished { value: V, at: Instant },
}

impl<V> Flight<V> {
    fn finished_at(&self, moment: Instant) -> bool {
        matches!(self, Self::Finished { at, .. } if *at == moment)
    }
}

/// A caller's part in the flight of a key.
#[derive(Debug)]
pub enum Role<'a, V> {
    /// Nobody else works on the key: the caller does the work.
    Leader(Leader<'a, V>),
    /// Another caller works on the key: wait for its result.
    Follower(Follower<V>),
    /// Another caller has finished since this one began: here is its result.
    Finished(V),
}

/// Does the work. Dropping it without a result lets a follower lead.
#[derive(Debug)]
pub struct Leader<'a, V> {
    flights: &'a SingleFlight<V>,
    key: String,
    result: watch::Sender<Option<V>>,
    finished: bool,
}

/// Waits for the leader's result.
#[derive(Debug)]
pub struct Follower<V>(watch::Receiver<Option<V>>);

impl<V> Default for SingleFlight<V> {
    fn default() -> Self {
        Self {
            flights: Mutex::new(Flights {
                by_key: HashMap::new(),
                finished: VecDeque::new(),
            }),
        }
    }
}

impl<V: Clone> SingleFlight<V> {
    /// Joins the flight of `key`, or starts it. A caller that began at `since`
    /// gets any result that came later, as if it had joined at once: a late cache
    /// miss reuses the finished read.
    pub fn join(&self, key: &str, since: Instant) -> Role<'_, V> {
        let mut flights = self.lock();
        match flights.by_key.get(key) {
            Some(Flight::InFlight(result)) => return Role::Follower(Follower(result.clone())),
            Some(Flight::Finished { value, at }) if *at > since => {
                return Role::Finished(value.clone());
            }
            _ => {}
        }
        let (sender, receiver) = watch::channel(None);
        let flight = Flight::InFlight(receiver);
        flights.by_key.insert(key.to_owned(), flight);
        Role::Leader(Leader {
            flights: self,
            key: key.to_owned(),
            result: sender,
            finished: false,
        })
    }
}

impl<V> SingleFlight<V> {
    fn lock(&self) -> MutexGuard<'_, Flights<V>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V> Flights<V> {
    fn finish(&mut self, key: &str, value: V) {
        let now = Instant::now();
        self.forget_until(now);
        self.finished.push_back((now, key.to_owned()));
        let flight = Flight::Finished { value, at: now };
        self.by_key.insert(key.to_owned(), flight);
    }

    /// Removes the results that are older than [`KEPT`].
    fn forget_until(&mut self, now: Instant) {
        while let Some((finished, _)) = self.finished.front()
            && now.duration_since(*finished) >= KEPT
            && let Some((finished, key)) = self.finished.pop_front()
        {
            // The key may be in flight again, or have a newer result.
            let expired = |flight: &Flight<V>| flight.finished_at(finished);
            if self.by_key.get(&key).is_some_and(expired) {
                self.by_key.remove(&key);
            }
        }
    }
}

impl<V: Clone> Leader<'_, V> {
    /// The key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Ends the flight, with `value` as the result for every follower.
    pub fn finish(mut self, value: V) {
        self.flights.lock().finish(&self.key, value.clone());
        self.result.send_replace(Some(value));
        self.finished = true;
    }
}

impl<V> Drop for Leader<'_, V> {
    fn drop(&mut self) {
        if !self.finished {
            self.flights.lock().by_key.remove(&self.key);
        }
    }
}

impl<V: Clone> Follower<V> {
    /// The leader's result. `None` if the leader was dropped without one: the
    /// caller must join again.
    pub async fn result(mut self) -> Option<V> {
        let result = self.0.wait_for(Option::is_some).await;
        result.ok().and_then(|value| value.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::{Follower, KEPT, Leader, Role, SingleFlight};
    use std::time::Duration;
    use tokio::time::{Instant, advance};

    fn lead<'a>(flights: &'a SingleFlight<u8>, key: &str) -> Leader<'a, u8> {
        match flights.join(key, Instant::now()) {
            Role::Leader(leader) => leader,
            other => panic!("{key} has a leader already: {other:?}"),
        }
    }

    fn follow(flights: &SingleFlight<u8>, key: &str) -> Follower<u8> {
        match flights.join(key, Instant::now()) {
            Role::Follower(follower) => follower,
            other => panic!("{key} has no leader: {other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn followers_get_the_leader_s_result() {
        let flights = SingleFlight::default();
        let leader = lead(&flights, "Car");
        let followers = [follow(&flights, "Car"), follow(&flights, "Car")];
        let another = lead(&flights, "House");
        leader.finish(7);
        for follower in followers {
            assert_eq!(follower.result().await, Some(7));
        }
        drop(another);
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_begins_after_the_result_leads_again() {
        let flights = SingleFlight::default();
        lead(&flights, "Car").finish(7);
        lead(&flights, "Car").finish(8);
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_began_before_the_result_gets_it() {
        let flights = SingleFlight::default();
        let since = Instant::now();
        advance(Duration::from_millis(1)).await;
        lead(&flights, "Car").finish(7);
        let role = flights.join("Car", since);
        assert!(matches!(role, Role::Finished(7)), "{role:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn results_are_forgotten_after_a_second() {
        let flights = SingleFlight::default();
        for key in 0..100 {
            lead(&flights, &key.to_string()).finish(7);
        }
        advance(KEPT).await;
        lead(&flights, "Car").finish(8);
        assert_eq!(flights.lock().by_key.len(), 1);
        assert_eq!(flights.lock().finished.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_newer_result_of_a_key_outlives_the_older_one() {
        let flights = SingleFlight::default();
        lead(&flights, "Car").finish(7);
        advance(KEPT / 2).await;
        let since = Instant::now();
        advance(Duration::from_millis(1)).await;
        lead(&flights, "Car").finish(8);
        advance(KEPT / 2).await;
        lead(&flights, "House").finish(9);
        assert!(matches!(flights.join("Car", since), Role::Finished(8)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_leader_lets_a_follower_lead() {
        let flights = SingleFlight::default();
        let leader = lead(&flights, "Car");
        let follower = follow(&flights, "Car");
        drop(leader);
        assert_eq!(follower.result().await, None);
        lead(&flights, "Car").finish(7);
    }
}
