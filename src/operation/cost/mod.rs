//! What an operation costs: a tree made once, evaluated with the variables of each request.
//!
//! Takes: the graph's weights, an operation's merged selection; later its variables.
//! Gives: the cost, at most and with given variables, and its parts.
//! Never: looks at data, calls a backend, or decides what is too much.

mod input;
mod size;

use std::sync::Arc;

use self::input::ArgumentCost;
use self::size::Size;
use super::{
    Branch, Condition, Operation, OperationKind, SelectedField, Selection, Target, Variables,
};
use crate::error::{ErrorCode, Location, RequestError};
use crate::graph::{FieldId, Graph, TypeId};
use crate::graph::{FieldWeight, ListSize, Weights};

/// What a mutation costs by itself.
const MUTATION: f64 = 10.0;
/// The most that anything costs: the greatest integer that every reader of JSON keeps.
const MOST: f64 = 9_007_199_254_740_991.0;

/// What one operation costs, for any values of its variables.
#[derive(Debug)]
pub struct CostTree {
    base: f64,
    fields: Vec<CostNode>,
    /// The most that it can cost, whatever the variables are; infinite where they decide.
    bound: f64,
    /// Somewhere exactly one slicing argument must be given.
    has_required: bool,
}

/// A field and what is selected beneath it.
#[derive(Debug)]
struct CostNode {
    response_key: Arc<str>,
    coordinate: Arc<str>,
    location: Location,
    when: Condition,
    size: Size,
    /// For each type that an instance can have: the weight of the instance, and what is selected on it.
    branches: Vec<(f64, Vec<Self>)>,
    arguments: Vec<ArgumentCost>,
    /// The whole cost, where no variable decides any of it.
    constant: Option<f64>,
}

/// One field's share of a cost.
#[derive(Clone, Debug, PartialEq)]
pub struct CostPart {
    /// `customers.nodes.invoices`, as the response has it.
    pub path: String,
    pub coordinate: Arc<str>,
    /// How many instances there are, lists around it multiplied.
    pub times: f64,
    /// Of one instance, without what is selected on it.
    pub weight: f64,
    /// Of its arguments, each time.
    pub arguments: f64,
}

/// An operation's cost and the root field that costs most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    pub total: f64,
    pub dearest: Option<Location>,
}

/// What the variables are, as far as they are known.
#[derive(Clone, Copy, Debug)]
pub(super) enum Known<'a> {
    Variables {
        weights: &'a Weights,
        variables: &'a Variables,
        truths: u64,
    },
    /// Nothing: whatever they are, it costs no more.
    Bound,
}

impl Known<'_> {
    fn holds(self, condition: &Condition) -> bool {
        match self {
            Self::Variables { truths, .. } => condition.holds(truths),
            Self::Bound => true,
        }
    }
}

/// Reckons a prepared operation. Takes time in proportion to its merged selection.
pub(super) fn tree(graph: &Graph, kind: OperationKind, root: &Selection) -> CostTree {
    let base = if kind == OperationKind::Mutation { MUTATION } else { 0.0 };
    let mut builder = Builder { graph, has_required: false };
    let fields = root.branches.first().map(|branch| builder.fields(branch, None));
    let mut tree = CostTree {
        base,
        fields: fields.unwrap_or_default(),
        bound: 0.0,
        has_required: builder.has_required,
    };
    tree.bound = tree.total(Known::Bound);
    tree
}

struct Builder<'a> {
    graph: &'a Graph,
    has_required: bool,
}

/// The list size that a field gives to fields beneath it.
type Sized<'a> = Option<(&'a Arc<ListSize>, &'a Size)>;

impl Builder<'_> {
    fn fields(&mut self, branch: &Branch, sized: Sized<'_>) -> Vec<CostNode> {
        let fields = branch.fields.iter().filter_map(|field| match field.target {
            Target::Field(id) => Some(self.field(branch.ty, id, field, sized)),
            // the schema is there already
            Target::Typename | Target::Introspection => None,
        });
        fields.collect()
    }

    fn field(
        &mut self,
        ty: TypeId,
        id: FieldId,
        field: &SelectedField,
        sized: Sized<'_>,
    ) -> CostNode {
        let definition = self.graph.field(ty, id);
        let unsaid = FieldWeight::default();
        let weight = self.graph.weights.of_field(ty, id).unwrap_or(&unsaid);
        let own = weight.size.as_ref().map(|size| {
            self.has_required |= size.requires_one;
            (size, Size::of(self.graph, size, field))
        });
        let is_list = definition.ty.wrappers.first().is_some_and(|wrapper| wrapper.list);
        let from_above = sized
            .filter(|(size, _)| size.sized_fields.contains(&definition.name))
            .map(|(_, size)| size.clone());
        let size = match (&own, from_above) {
            _ if !is_list => Size::One,
            (_, Some(size)) => size,
            (Some((size, own)), None) if size.sized_fields.is_empty() => own.clone(),
            _ => Size::Fixed(f64::from(self.graph.cost.list_size)),
        };
        let beneath = own.as_ref().map(|(size, own)| (*size, own));
        let branches = match &field.selection {
            None => vec![(self.weight(weight, definition.ty.named), Vec::new())],
            Some(selection) => self.branches(weight, selection, beneath),
        };
        let mut node = CostNode {
            response_key: Arc::clone(&field.response_key),
            coordinate: Arc::clone(&definition.coordinate),
            location: field.location,
            when: field.when.clone(),
            size,
            branches,
            arguments: input::arguments(self.graph, weight, field),
            constant: None,
        };
        node.fold();
        node
    }

    fn branches(
        &mut self,
        weight: &FieldWeight,
        selection: &Selection,
        sized: Sized<'_>,
    ) -> Vec<(f64, Vec<CostNode>)> {
        let branches = selection.branches.iter();
        branches
            .map(|branch| (self.weight(weight, branch.ty), self.fields(branch, sized)))
            .collect()
    }

    /// The field's own word goes before that of its type.
    fn weight(&self, field: &FieldWeight, ty: TypeId) -> f64 {
        field.weight.unwrap_or_else(|| self.graph.weights.of_type(ty))
    }
}

impl CostNode {
    /// Settles the cost where no variable decides any of it.
    fn fold(&mut self) {
        let is_fixed = self.when == Condition::ALWAYS
            && matches!(self.size, Size::One | Size::Fixed(_))
            && self.arguments.iter().all(ArgumentCost::is_fixed)
            && self.children().all(|child| child.constant.is_some());
        if is_fixed {
            self.constant = Some(self.cost(Known::Bound));
        }
    }

    fn children(&self) -> impl Iterator<Item = &Self> {
        self.branches.iter().flat_map(|(_, fields)| fields)
    }

    fn cost(&self, known: Known<'_>) -> f64 {
        if let Some(constant) = self.constant {
            return constant;
        }
        if !known.holds(&self.when) {
            return 0.0;
        }
        let size = self.size.value(known);
        let instance = self.instance(known).map_or(0.0, |(cost, _)| cost);
        // nothing, without end, is nothing; and fewer instances cost no more
        let instances = if instance > 0.0 { size * instance } else { 0.0 };
        bounded(instances + self.arguments_cost(known))
    }

    fn arguments_cost(&self, known: Known<'_>) -> f64 {
        self.arguments.iter().map(|argument| argument.cost(known)).sum()
    }

    /// The type of instance that costs most: what it costs, and its place.
    fn instance(&self, known: Known<'_>) -> Option<(f64, usize)> {
        let costs = self.branches.iter().enumerate().map(|(place, (weight, fields))| {
            (weight + fields.iter().map(|field| field.cost(known)).sum::<f64>(), place)
        });
        costs.reduce(|most, next| if next.0 > most.0 { next } else { most })
    }

    fn parts(&self, known: Known<'_>, times: f64, path: &str, parts: &mut Vec<CostPart>) {
        if !known.holds(&self.when) {
            return;
        }
        let path = if path.is_empty() {
            self.response_key.to_string()
        } else {
            format!("{path}.{}", self.response_key)
        };
        let arguments = self.arguments_cost(known);
        let count = times * self.size.value(known);
        let dearest = self.instance(known).and_then(|(_, place)| self.branches.get(place));
        let weight = dearest.map_or(0.0, |(weight, _)| *weight);
        if weight != 0.0 || arguments != 0.0 {
            parts.push(CostPart {
                path: path.clone(),
                coordinate: Arc::clone(&self.coordinate),
                times: count,
                weight,
                arguments: arguments * times,
            });
        }
        for child in dearest.into_iter().flat_map(|(_, fields)| fields) {
            child.parts(known, count, &path, parts);
        }
    }

    /// A field whose slicing arguments are not exactly one.
    fn refused(&self, known: Known<'_>) -> Option<RequestError> {
        if !known.holds(&self.when) {
            return None;
        }
        if let Some(given) = self.size.slicing_given(known)
            && given != 1
        {
            let message = format!(
                "\"{}\" takes exactly one of its slicing arguments, and {given} are given.",
                self.coordinate
            );
            return Some(RequestError::new(ErrorCode::BadUserInput, message).at(self.location));
        }
        self.children().find_map(|child| child.refused(known))
    }
}

impl CostTree {
    /// The most that the operation can cost, whatever its variables are; infinite where they decide.
    pub fn bound(&self) -> f64 {
        self.bound
    }

    /// Whether a request can be refused for its slicing arguments.
    pub fn has_required(&self) -> bool {
        self.has_required
    }

    fn total(&self, known: Known<'_>) -> f64 {
        let fields: f64 = self.fields.iter().map(|field| field.cost(known)).sum();
        bounded(self.base + fields)
    }

    fn cost(&self, known: Known<'_>) -> Cost {
        let costs = self.fields.iter().map(|field| (field.cost(known), field.location));
        let dearest = costs.reduce(|most, next| if next.0 > most.0 { next } else { most });
        Cost { total: self.total(known), dearest: dearest.map(|(_, location)| location) }
    }
}

impl Operation {
    /// What the operation costs with these variables.
    pub fn cost(&self, graph: &Graph, variables: &Variables) -> Cost {
        self.cost.cost(self.known(graph, variables))
    }

    /// What makes up a cost; without variables: at most.
    pub fn cost_parts(&self, graph: &Graph, variables: Option<&Variables>) -> Vec<CostPart> {
        let known = variables.map_or(Known::Bound, |variables| self.known(graph, variables));
        let mut parts = Vec::new();
        self.cost.fields.iter().for_each(|field| field.parts(known, 1.0, "", &mut parts));
        parts
    }

    /// The first field that has none, or several, of its slicing arguments and must have one.
    pub fn check_slicing(&self, graph: &Graph, variables: &Variables) -> Result<(), RequestError> {
        let known = self.known(graph, variables);
        let refused = self.cost.fields.iter().find_map(|field| field.refused(known));
        refused.map_or(Ok(()), Err)
    }

    fn known<'a>(&self, graph: &'a Graph, variables: &'a Variables) -> Known<'a> {
        Known::Variables { weights: &graph.weights, variables, truths: self.truths(variables) }
    }
}

/// Weights may be negative, a field's cost is not: none pays for another.
fn bounded(cost: f64) -> f64 {
    if cost.is_nan() || cost == f64::INFINITY { f64::INFINITY } else { cost.clamp(0.0, MOST) }
}
