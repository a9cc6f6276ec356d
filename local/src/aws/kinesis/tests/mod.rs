//! The engine through its public interface: calls in, replies out.

mod fixture;
mod listing;
mod putting;
mod reading;
