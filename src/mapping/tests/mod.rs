use std::sync::Arc;

use super::testkit::{FIRST, LIMITS, call, graph, json, path, rows, shape, slot};
use super::*;
use crate::graph::{Normalizer, Pick, Scalar, Shape, SlotId};
use crate::value::{self, Key, SlotSet};

mod decode;
mod entries;
mod forms;
mod grouping;
mod hints;
mod jq;
mod leaves;
mod oracles;
mod paths;
mod recorded;
mod records;
mod schema;
// the tests across modules have the same needs
#[expect(dead_code, reason = "these tests need no outside programs")]
#[path = "../../../tests/it/needs.rs"]
mod needs;
