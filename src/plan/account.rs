//! What is said of how objects were put together, as it is selected.

use std::sync::Arc;

use super::{OutEntry, Prefix, SiteId, StepId};
use crate::graph::{Access, Account, FieldId, Said, StatusField, Survivorship};

#[derive(Debug)]
pub struct AccountNode {
    pub account: Account,
    pub type_name: Arc<str>,
    pub fields: Vec<(Prefix, Option<Said>)>,
    pub order: Vec<OutEntry>,
    /// Of provenance: what is selected beside it, in the order of writing, and where it comes from.
    pub beside: Vec<(OutEntry, Beside)>,
}

/// A field whose provenance is told.
#[derive(Debug)]
pub struct Beside {
    pub response_key: Arc<str>,
    pub access: Vec<Access>,
    pub field: Option<FieldId>,
    pub from: From,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// The record of a part.
    Column(usize),
    /// That of the part whose value is shown.
    Survivor(Arc<Survivorship>),
    /// What a step brought.
    Step(StepId, SiteId),
}

#[derive(Debug)]
pub struct StatusNode {
    pub type_name: Arc<str>,
    pub fields: Vec<(Prefix, Option<StatusField>)>,
    pub order: Vec<OutEntry>,
}
