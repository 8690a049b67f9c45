//! Which of a record's members a mapping reads: what `$fields` asks for.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Vendor;
use crate::config::yaml::Node;
use crate::graph::{Scalar, ShapeId};
use crate::mapping::{Leaf, Mapping, Path, PathStep};

impl Vendor<'_, '_> {
    /// The names to ask for, sorted; `needs:` of jq forms included.
    pub(super) fn needs(&self, mapping: &Mapping, node: &Node) -> Vec<Arc<str>> {
        let mut names = Vec::new();
        self.collect(mapping, &mut names);
        declared(node, &mut names);
        names.sort();
        names.dedup();
        names
    }

    /// The names that some paths of a record read.
    pub(super) fn needs_of(&self, paths: &[Path]) -> Vec<Arc<str>> {
        let mut names: Vec<_> = paths.iter().filter_map(|path| self.name_of(path)).collect();
        names.sort();
        names.dedup();
        names
    }

    /// The member below `projected` that a path of the record reads.
    fn name_of(&self, path: &Path) -> Option<Arc<str>> {
        let below = self.projected.as_ref().map_or(&[][..], |path| &path.steps);
        let rest = path.steps.strip_prefix(below)?;
        let names = rest.iter().map_while(|step| match step {
            PathStep::Member(name) => Some(&**name),
            _ => None,
        });
        let names: Vec<&str> = names.take(if self.asks_paths { usize::MAX } else { 1 }).collect();
        (!names.is_empty()).then(|| Arc::from(names.join(".")))
    }

    /// What stands before the names of a record inside another one, where whole paths are asked for. One of a list has no name.
    pub(super) fn inside_name(&self, path: &Path) -> Option<Arc<str>> {
        let is_one = path.steps.iter().all(|step| matches!(step, PathStep::Member(_)));
        let name = self.name_of(path).filter(|_| self.asks_paths && is_one)?;
        Some(Arc::from(format!("{name}.")))
    }

    /// What records of types need that stand further down in the file than their first use.
    pub(super) fn settle_needs(&mut self, first: usize) {
        for _ in 0..ROUNDS_MAX {
            let mut has_changed = false;
            for shape in first..self.out.shapes.len() {
                has_changed |= self.settle_shape(shape);
            }
            if !has_changed {
                return;
            }
        }
    }

    fn settle_shape(&mut self, index: usize) -> bool {
        let Some(shape) = self.out.shapes.get(index) else { return false };
        let settled: Vec<Vec<Arc<str>>> = shape
            .slots
            .iter()
            .map(|slot| {
                let mut names = slot.needs.clone();
                self.collect(&slot.mapping, &mut names);
                names.sort();
                names.dedup();
                names
            })
            .collect();
        let mut picked = Vec::new();
        if let Some(pick) = &shape.pick {
            self.collect(&pick.mapping, &mut picked);
            picked.sort();
            picked.dedup();
        }
        // a record as it came is all that the file asks for of it
        let all: BTreeSet<Arc<str>> = settled.iter().flatten().cloned().collect();
        let Some(shape) = self.out.shapes.get_mut(index) else { return false };
        let mut has_changed = false;
        for (slot, needs) in shape.slots.iter_mut().zip(settled) {
            let needs = if is_whole(&slot.mapping) { all.iter().cloned().collect() } else { needs };
            has_changed |= slot.needs != needs;
            slot.needs = needs;
        }
        if let Some(pick) = &mut shape.pick {
            has_changed |= pick.needs != picked;
            pick.needs = picked;
        }
        has_changed
    }

    fn needs_of_shape(&self, shape: ShapeId) -> impl Iterator<Item = &Arc<str>> {
        let slots = self.out.shapes.get(shape.index()).map(|shape| &shape.slots);
        slots.into_iter().flatten().flat_map(|slot| &slot.needs)
    }

    fn collect(&self, mapping: &Mapping, names: &mut Vec<Arc<str>>) {
        let mut add = |path: &Path| names.extend(self.name_of(path));
        match mapping {
            Mapping::Path { path, .. }
            | Mapping::Enum { path, .. }
            | Mapping::Time { path, .. }
            | Mapping::Number { path, .. }
            | Mapping::Bool { path, .. }
            | Mapping::Text { path } => add(path),
            Mapping::Other { path, than } => [path, than].into_iter().for_each(add),
            Mapping::Money { amount, currency, .. } => {
                add(amount);
                currency.path().into_iter().chain(currency.path_of_record()).for_each(add);
            }
            Mapping::Id { parts: paths, .. } | Mapping::Split { paths, .. } => {
                paths.iter().for_each(add);
            }
            Mapping::Join { parts: many, .. }
            | Mapping::First { choices: many }
            | Mapping::Items { items: many } => {
                for one in many {
                    self.collect(one, names);
                }
            }
            Mapping::Case { path, arms, otherwise } => {
                add(path);
                let arms = arms.iter().map(|(_, arm)| arm);
                for arm in arms.chain(otherwise.as_deref()) {
                    self.collect(arm, names);
                }
            }
            Mapping::Record { at: Some(path), shape } if self.asks_paths => {
                let Some(name) = self.name_of(path) else { return };
                names.extend(
                    self.needs_of_shape(*shape).map(|need| Arc::from(format!("{name}.{need}"))),
                );
            }
            Mapping::When { path, then } => {
                add(path);
                self.collect(then, names);
            }
            // what stands below is asked for as a whole
            Mapping::Record { at: Some(path), .. }
            | Mapping::List { path, .. }
            | Mapping::Find { path, .. }
                if !path.steps.is_empty() =>
            {
                add(path);
                self.collect_of_record(mapping, names, &mut BTreeSet::new());
            }
            Mapping::Record { shape, .. } => {
                names.extend(self.needs_of_shape(*shape).cloned());
            }
            Mapping::List { item, .. } | Mapping::Find { item, .. } => self.collect(item, names),
            Mapping::Entries(form) => match self.name_of(&form.path) {
                Some(name) => names.push(name),
                // the members of the record itself
                None => names.extend(form.kinds.iter().map(|(name, _)| Arc::clone(name))),
            },
            Mapping::Constant { .. } | Mapping::Jq { .. } => {}
        }
    }

    /// What a mapping reads of the record that the call gave, from however deep inside it. Each shape tells the same wherever it
    /// stands, and may stand inside itself.
    fn collect_of_record(
        &self,
        mapping: &Mapping,
        names: &mut Vec<Arc<str>>,
        seen: &mut BTreeSet<ShapeId>,
    ) {
        if let Mapping::Money { currency, .. } = mapping {
            names.extend(currency.path_of_record().and_then(|path| self.name_of(path)));
        }
        if let Mapping::Record { shape, .. } = mapping
            && seen.insert(*shape)
        {
            let shape = self.out.shapes.get(shape.index());
            let slots = shape.into_iter().flat_map(|shape| &shape.slots).map(|slot| &slot.mapping);
            for mapping in slots {
                self.collect_of_record(mapping, names, seen);
            }
        }
        for mapping in inside(mapping) {
            self.collect_of_record(mapping, names, seen);
        }
    }
}

/// The mappings right inside one.
fn inside(mapping: &Mapping) -> Vec<&Mapping> {
    match mapping {
        Mapping::Join { parts: many, .. }
        | Mapping::First { choices: many }
        | Mapping::Items { items: many } => many.iter().collect(),
        Mapping::Case { arms, otherwise, .. } => {
            arms.iter().map(|(_, arm)| arm).chain(otherwise.as_deref()).collect()
        }
        Mapping::When { then: one, .. }
        | Mapping::List { item: one, .. }
        | Mapping::Find { item: one, .. } => vec![&**one],
        _ => Vec::new(),
    }
}

/// The record itself, as JSON.
fn is_whole(mapping: &Mapping) -> bool {
    matches!(mapping, Mapping::Path { path, to: Leaf::Scalar(Scalar::Any) } if path.steps.is_empty())
}

/// Records inside each other, at the most, of which the needs are known.
const ROUNDS_MAX: usize = 16;

/// `needs:` of the jq forms inside.
fn declared(node: &Node, names: &mut Vec<Arc<str>>) {
    if node.entry("jq").is_some() {
        let listed = node.get("needs").map(Node::items).unwrap_or_default();
        names.extend(listed.iter().filter_map(Node::filled).map(Arc::from));
    }
    node.entries().iter().for_each(|entry| declared(&entry.value, names));
    node.list().unwrap_or_default().iter().for_each(|item| declared(item, names));
}
