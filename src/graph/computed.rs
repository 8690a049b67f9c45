//! Fields that follow from others of the same record, and the present time.

use super::{FieldId, Filter, PartId};

#[derive(Debug)]
pub struct Computed {
    /// The part whose record holds all that is read.
    pub part: PartId,
    /// What is read: scalars and enums. Where one has no value, nothing is known.
    pub reads: Vec<FieldId>,
    /// Their columns are places in `reads`.
    pub tests: Vec<Filter>,
    pub gives: Gives,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gives {
    /// Whether all tests hold.
    Truth,
    /// How many days before today one of the fields is; 0 where a test fails.
    Days { since: usize },
}
