//! One at a time per key: who comes second gets what the first brings.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::watch, time::Instant};

/// How long what a flight brought is kept for those who were on their way to it.
/// Longer than a cache call takes; who is later still starts another flight.
const KEPT: Duration = Duration::from_secs(1);

/// Keys that are being worked on, or were just now.
#[derive(Debug)]
pub struct SingleFlight<V> {
    flights: Mutex<Flights<V>>,
}

#[derive(Debug)]
struct Flights<V> {
    by_key: HashMap<String, Flight<V>>,
    /// What has landed, oldest first: it is forgotten without a look at the rest.
    landed: VecDeque<(Instant, String)>,
}

#[derive(Debug)]
enum Flight<V> {
    UnderWay(watch::Receiver<Option<V>>),
    Landed { value: V, at: Instant },
}

/// A place on the flight of a key.
#[derive(Debug)]
pub enum Seat<'a, V> {
    /// Nobody was at it: it is the caller's to do.
    Leader(Leader<'a, V>),
    /// Somebody is at it.
    Follower(Follower<V>),
    /// It was done while the caller was on its way.
    Arrived(V),
}

/// Does the work. Dropped without having brought anything, it leaves the work
/// to whoever waits.
#[derive(Debug)]
pub struct Leader<'a, V> {
    flights: &'a SingleFlight<V>,
    key: String,
    arrival: watch::Sender<Option<V>>,
    landed: bool,
}

/// Waits for the leader.
#[derive(Debug)]
pub struct Follower<V>(watch::Receiver<Option<V>>);

impl<V> Default for SingleFlight<V> {
    fn default() -> Self {
        Self {
            flights: Mutex::new(Flights {
                by_key: HashMap::new(),
                landed: VecDeque::new(),
            }),
        }
    }
}

impl<V: Clone> SingleFlight<V> {
    /// A place on the flight of `key`, which this starts if there is none. A
    /// caller whose work began at `since` has what was brought after that: it
    /// would have had it as well if it had boarded at once. So a cache's miss
    /// that is late brings no second read.
    pub fn board(&self, key: &str, since: Instant) -> Seat<'_, V> {
        let mut flights = self.lock();
        match flights.by_key.get(key) {
            Some(Flight::UnderWay(flight)) => return Seat::Follower(Follower(flight.clone())),
            Some(Flight::Landed { value, at }) if *at > since => {
                return Seat::Arrived(value.clone());
            }
            _ => {}
        }
        let (arrival, flight) = watch::channel(None);
        let flight = Flight::UnderWay(flight);
        flights.by_key.insert(key.to_owned(), flight);
        Seat::Leader(Leader {
            flights: self,
            key: key.to_owned(),
            arrival,
            landed: false,
        })
    }
}

impl<V> SingleFlight<V> {
    fn lock(&self) -> MutexGuard<'_, Flights<V>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V> Flights<V> {
    fn land(&mut self, key: &str, value: V) {
        let at = Instant::now();
        while let Some((landed, _)) = self.landed.front()
            && at.duration_since(*landed) >= KEPT
            && let Some((landed, key)) = self.landed.pop_front()
        {
            // The key may be under way again, or have landed once more.
            let old = |flight: &Flight<V>| matches!(flight, Flight::Landed { at, .. } if *at == landed);
            if self.by_key.get(&key).is_some_and(old) {
                self.by_key.remove(&key);
            }
        }
        self.landed.push_back((at, key.to_owned()));
        self.by_key.insert(key.to_owned(), Flight::Landed { value, at });
    }
}

impl<V: Clone> Leader<'_, V> {
    /// The key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Gives `value` to everyone who waits, and ends the flight.
    pub fn land(mut self, value: V) {
        self.flights.lock().land(&self.key, value.clone());
        self.arrival.send_replace(Some(value));
        self.landed = true;
    }
}

impl<V> Drop for Leader<'_, V> {
    fn drop(&mut self) {
        if !self.landed {
            self.flights.lock().by_key.remove(&self.key);
        }
    }
}

impl<V: Clone> Follower<V> {
    /// What the leader brought; none if it gave up, and the flight is to be
    /// boarded anew.
    pub async fn arrival(mut self) -> Option<V> {
        let arrived = self.0.wait_for(Option::is_some).await;
        arrived.ok().and_then(|value| value.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::{Follower, KEPT, Leader, Seat, SingleFlight};
    use std::time::Duration;
    use tokio::time::{Instant, advance};

    fn lead<'a>(flights: &'a SingleFlight<u8>, key: &str) -> Leader<'a, u8> {
        match flights.board(key, Instant::now()) {
            Seat::Leader(leader) => leader,
            other => panic!("somebody is at {key}: {other:?}"),
        }
    }

    fn follow(flights: &SingleFlight<u8>, key: &str) -> Follower<u8> {
        match flights.board(key, Instant::now()) {
            Seat::Follower(follower) => follower,
            other => panic!("nobody is at {key}: {other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_leader_brings_is_everybody_s() {
        let flights = SingleFlight::default();
        let leader = lead(&flights, "Car");
        let followers = [follow(&flights, "Car"), follow(&flights, "Car")];
        let another = lead(&flights, "House");
        leader.land(7);
        for follower in followers {
            assert_eq!(follower.arrival().await, Some(7));
        }
        drop(another);
    }

    #[tokio::test(start_paused = true)]
    async fn after_the_landing_the_next_leads_again() {
        let flights = SingleFlight::default();
        lead(&flights, "Car").land(7);
        lead(&flights, "Car").land(8);
    }

    #[tokio::test(start_paused = true)]
    async fn who_was_on_the_way_has_what_was_brought_meanwhile() {
        let flights = SingleFlight::default();
        let since = Instant::now();
        advance(Duration::from_millis(1)).await;
        lead(&flights, "Car").land(7);
        let seat = flights.board("Car", since);
        assert!(matches!(seat, Seat::Arrived(7)), "{seat:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_brought_is_not_kept_for_ever() {
        let flights = SingleFlight::default();
        for key in 0..100 {
            lead(&flights, &key.to_string()).land(7);
        }
        advance(KEPT).await;
        lead(&flights, "Car").land(8);
        assert_eq!(flights.lock().by_key.len(), 1);
        assert_eq!(flights.lock().landed.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_leader_that_gives_up_leaves_the_work_to_who_waits() {
        let flights = SingleFlight::default();
        let leader = lead(&flights, "Car");
        let follower = follow(&flights, "Car");
        drop(leader);
        assert_eq!(follower.arrival().await, None);
        lead(&flights, "Car").land(7);
    }
}
