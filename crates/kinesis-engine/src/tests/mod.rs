//! The engine through its public interface: calls in, replies out.

mod cbor;
mod consumers;
mod durability;
mod fixture;
mod limits;
mod listing;
mod putting;
mod reading;
mod resharding;
mod settings;
