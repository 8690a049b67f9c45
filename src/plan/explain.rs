//! A plan for people.
use crate::graph::Graph;
use crate::plan::Plan;

#[derive(Debug)]
pub struct Explanation {}

impl Explanation {
    pub fn new(graph: &Graph, plan: &Plan) -> Self {
        let _ = (graph, plan);
        Self {}
    }
}
