mod fixture;
mod groups;
mod memory;
mod put;
mod reading;
mod tailing;
