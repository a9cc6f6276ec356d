//! What happens in a running environment, as events: the one source of everything that
//! is shown while it runs (`klocal up`, `klocal tail`, `GET /_local/events`).
//!
//! Functions and event source mappings publish to an [`EventBus`], which has a bound: a
//! listener that is too slow misses events and gets their number, and publishers never
//! wait. Without a listener no event is built. What happens to single records
//! ([`Detail`]) is built only while a recorder listens too.

mod bus;
mod calls;
mod detail;
mod event;
mod observers;
mod store_keys;
pub mod stream;

pub use bus::{Details, EventBus, Happened, Subscription};
pub use calls::{StoreObserver, of_streams};
pub use detail::{CallOutcome, Detail, Records, Redriven, SeenRecord, SequenceNumbers};
pub use event::{
    BatchDiscarded, BatchInvoked, BatchRedriven, Error, Event, EventKind, InvocationEnded,
    MessagesInvoked, Outcome, ShardEnd,
};
pub use observers::Observers;
