//! Lists merged by time: which of their rows are wanted, in which order, and where the next page goes on.
//!
//! Takes: the rows of each list, as far as they were read; what a client asked for; where its cursor stands.
//! Gives: the events of one page in one order, whatever the lists' own pages are; the place of each list behind every event.
//! Never: loads, and never trusts a number of rows: a cursor says behind which event it stands, so that new events move nothing.

mod order;
mod place;
mod rows;

pub use order::{Merging, Page, Stream, Taken, merge};
pub use place::{At, ListPlace, Place, Position};
pub(crate) use place::{number, text};
pub use rows::{EventRow, Found, Sought};

/// Where an event stands among all: by time in the wanted direction, then by list, then by id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub rank: i128,
    pub list: u8,
    pub id: Box<str>,
}

#[cfg(test)]
mod tests;
