//! The engine through its public interface: calls in, replies out.

mod cbor;
mod consumers;
mod durability;
mod fixture;
mod limits;
mod listing;
mod observing;
mod power_cuts;
mod putting;
mod races;
mod reading;
mod resharding;
mod settings;
