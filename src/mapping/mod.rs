//! From a backend's answer to records: paths and forms, evaluated over a decoded payload, written as cells.
//!
//! Takes: decoded payloads, a call, the shape that its records become, the slots that are wanted.
//! Gives: one `Answer` for each key.
//! Never: does I/O, reads a clock, or keeps a tree of values.

use std::sync::Arc;

use crate::graph::{Predicate, Scalar, ShapeId, TypeId};

mod answers;
mod builder;
mod combine;
mod decimal;
mod entries;
mod escape;
mod fit;
mod forms;
mod hints;
mod jq;
mod json;
mod leaf;
mod money;
mod names;
mod path;
mod payload;
mod refused;
mod scalars;
mod schema;
mod sibling;
mod spelling;
mod split;
mod time;

pub use answers::{cut_keys, map_answers, map_pages, records_without_keys};
pub use builder::PayloadBuilder;
pub(crate) use decimal::minor_digits;
pub use entries::Entries;
pub use jq::JqProgram;
pub use path::{Path, PathError, PathStep};
pub use payload::{DecodeError, Payload};
pub use refused::{Refusal, code_line, message_line, refusals};
pub use schema::{AnswerSchema, SchemaError, SchemaFiles, Violation};
pub use time::TimeForm;

/// How one value is made from a record. Compiled: everything that can be known before data comes is known.
#[derive(Debug)]
pub enum Mapping {
    /// A scalar at a path, coerced to the field's type.
    Path {
        path: Path,
        to: Leaf,
    },
    Constant {
        json: Box<str>,
    },
    /// `{ enum: P, values: {…}, else: X }`. `values`: vendor text → value. Without `otherwise` an unmapped word is a problem.
    Enum {
        path: Path,
        values: Vec<(Arc<str>, Arc<str>)>,
        otherwise: Option<Arc<str>>,
    },
    /// A record of `shape` (a Money type: slots `amount` and `currency`).
    Money {
        amount: Path,
        currency: CurrencySource,
        is_minor: bool,
        /// Digits of minor units where the backend has others than the currency.
        own_digits: Arc<[(Arc<str>, u32)]>,
        shape: ShapeId,
    },
    Time {
        path: Path,
        form: TimeForm,
        unset: Vec<Arc<str>>,
        is_date: bool,
    },
    Join {
        parts: Vec<Self>,
        with: Arc<str>,
    },
    /// A list of the texts that are joined at some paths.
    Split {
        paths: Vec<Path>,
        on: Arc<str>,
    },
    First {
        choices: Vec<Self>,
    },
    /// `{ case: P, is: { word: M, … }, else: M }`.
    Case {
        path: Path,
        arms: Vec<(Arc<str>, Self)>,
        otherwise: Option<Box<Self>>,
    },
    /// Null where nothing is at the path, or blank text.
    When {
        path: Path,
        then: Box<Self>,
    },
    /// A number from a number or from text that holds one, divided by ten to the power of `shift`.
    Number {
        path: Path,
        shift: u32,
        to: Leaf,
    },
    Bool {
        path: Path,
        yes: Vec<Arc<str>>,
        no: Vec<Arc<str>>,
    },
    /// Text from text, numbers and booleans.
    Text {
        path: Path,
    },
    /// An opaque id: type, role and remote key.
    Id {
        parts: Vec<Path>,
        of: TypeId,
        role: Arc<str>,
    },
    /// A nested record: `at` moves to it (null there is null here).
    Record {
        at: Option<Path>,
        shape: ShapeId,
    },
    /// A list: `item` is evaluated at each element of `path` that passes the test.
    List {
        path: Path,
        only: Option<Box<Predicate>>,
        item: Box<Self>,
    },
    /// `{ find: P, only: …, item: M }`: `item` is evaluated at the first element that passes the test.
    Find {
        path: Path,
        only: Box<Predicate>,
        item: Box<Self>,
    },
    /// `{ other: P, than: P }`: the text at the first path, null where the second leads to the same.
    Other {
        path: Path,
        than: Path,
    },
    /// `{ list: [M, …] }`: a list written out, for records that number what is a list. Nulls and blanks are left out.
    Items {
        items: Vec<Self>,
    },
    /// `{ entries: P, … }`: names with values, as a list of `{ key, value, type }`.
    Entries(Box<Entries>),
    /// The slow road: fenced jq over the record.
    Jq {
        program: Arc<JqProgram>,
        to: Leaf,
    },
}

/// What a scalar must become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leaf {
    Scalar(Scalar),
    /// One of these words.
    Enum(Arc<[Arc<str>]>),
    List(Box<Self>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CurrencySource {
    Path(Path),
    /// The constant where the record names none.
    PathOr(Path, Arc<str>),
    /// Of the record that the call gave, wherever inside it the amount is; the constant where that names none.
    OfRecord(Path, Option<Arc<str>>),
    Constant(Arc<str>),
}

impl CurrencySource {
    /// The path that begins where the amount's does.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Path(path) | Self::PathOr(path, _) => Some(path),
            Self::OfRecord(..) | Self::Constant(_) => None,
        }
    }

    /// The path that begins at the record that the call gave.
    pub fn path_of_record(&self) -> Option<&Path> {
        match self {
            Self::OfRecord(path, _) => Some(path),
            Self::Path(_) | Self::PathOr(..) | Self::Constant(_) => None,
        }
    }
}

#[cfg(test)]
mod testkit;
#[cfg(test)]
mod tests;
