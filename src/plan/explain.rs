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

    pub fn to_text(&self) -> String {
        String::new()
    }

    pub fn to_json(&self) -> serde_json::Value {
        serde_json::Value::Null
    }

    pub fn to_mermaid(&self) -> String {
        String::new()
    }
}
