//! What happens here, told to others: traces and metrics by OTLP.
//!
//! Takes: spans that have ended, a server's figures, who is to be told.
//! Gives: exports, until it is told to finish; what became of them, in numbers, and at most one line a minute in the log.
//! Never: makes a request wait, or keeps more than a bounded number of spans.

mod delivery;
mod otlp;

pub use otlp::{Export, recorder};
