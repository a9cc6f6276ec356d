//! The engine through its public interfaces: calls and handles in, replies out.

mod durability;
mod fifo;
mod fixture;
mod messages;
mod model;
mod moving;
mod power_cuts;
mod protocol;
mod queues;
mod speed;
mod visibility;
mod waiting;
