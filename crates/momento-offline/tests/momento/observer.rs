//! An observer sees the calls of every transport.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use momento_offline::{
    faults::{Fault, FaultPlan, FaultRule},
    observer::{Called, Observer, Outcome},
    status::Code,
};

use crate::world::{CACHE, TTL, World};

on_every_transport!(
    each_call_is_seen_with_its_key_and_its_outcome,
    a_call_is_not_seen_while_nobody_wants_to_know,
    a_fault_plan_is_seen_when_it_is_replaced,
);

/// The cache, the operation, the key and the outcome of a call.
type Call = (String, String, Vec<u8>, Outcome);

#[derive(Default)]
struct Seen {
    calls: Mutex<Vec<Call>>,
    plans: Mutex<Vec<usize>>,
    bored: AtomicBool,
}

impl Observer for Seen {
    fn wants_calls(&self) -> bool {
        !self.bored.load(Relaxed)
    }

    fn called(&self, called: &Called<'_>) {
        self.calls.lock().unwrap().push((
            called.cache.to_owned(),
            called.operation.to_owned(),
            called.key.to_vec(),
            called.outcome,
        ));
    }

    fn faults_set(&self, plan: &FaultPlan) {
        self.plans.lock().unwrap().push(plan.rules.len());
    }
}

fn observed(world: &World) -> Arc<Seen> {
    let seen = Arc::new(Seen::default());
    world.keyspace().observe(seen.clone());
    seen
}

async fn each_call_is_seen_with_its_key_and_its_outcome(world: World) {
    let client = world.scalars().await;
    let seen = observed(&world);
    client.get(CACHE, "Car").await.unwrap();
    client.set(CACHE, "Car", "item", TTL).await.unwrap();
    client.get(CACHE, "Car").await.unwrap();
    client.delete(CACHE, "Car").await.unwrap();
    client.get("nothing", "Car").await.unwrap_err();
    let refuses = Fault::Error {
        code: Code::Internal,
        message: None,
    };
    let refuses = FaultRule::from(refuses).count(1);
    world.keyspace().faults.set(refuses).unwrap();
    client.get(CACHE, "Car").await.unwrap_err();
    let calls = seen.calls.lock().unwrap();
    let of = |cache: &str, operation: &str, outcome| {
        (
            cache.to_owned(),
            operation.to_owned(),
            b"Car".to_vec(),
            outcome,
        )
    };
    let expected = [
        of(CACHE, "Get", Outcome::Miss),
        of(CACHE, "Set", Outcome::Ok),
        of(CACHE, "Get", Outcome::Hit),
        of(CACHE, "Delete", Outcome::Ok),
        of("nothing", "Get", Outcome::Refused(Code::NotFound)),
        of(CACHE, "Get", Outcome::Fault(Code::Internal)),
    ];
    // The SDK pings over gRPC to connect.
    let calls: Vec<_> = calls
        .iter()
        .filter(|call| call.1 != "Ping")
        .cloned()
        .collect();
    assert_eq!(calls, expected);
}

async fn a_call_is_not_seen_while_nobody_wants_to_know(world: World) {
    let client = world.scalars().await;
    let seen = observed(&world);
    seen.bored.store(true, Relaxed);
    client.get(CACHE, "Car").await.unwrap();
    assert!(seen.calls.lock().unwrap().is_empty());
}

async fn a_fault_plan_is_seen_when_it_is_replaced(world: World) {
    let seen = observed(&world);
    world.keyspace().faults.set(Fault::BlackHole).unwrap();
    world.keyspace().faults.clear();
    assert_eq!(*seen.plans.lock().unwrap(), [1, 0]);
}
