use std::sync::Arc;

use super::testkit::{FIRST, LIMITS, call, graph, json, path, rows, shape, slot};
use super::*;
use crate::graph::{Normalizer, Scalar, Shape, SlotId};
use crate::value::{self, Key, SlotSet};

mod decode;
mod forms;
mod grouping;
mod jq;
mod paths;
