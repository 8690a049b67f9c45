//! Which of a record's members a mapping reads: what `$fields` asks for.

use std::sync::Arc;

use super::Vendor;
use crate::config::yaml::Node;
use crate::mapping::{CurrencySource, Mapping, Path, PathStep};

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
        match rest.first() {
            Some(PathStep::Member(name)) => Some(Arc::clone(name)),
            _ => None,
        }
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
            Mapping::Money { amount, currency, .. } => {
                add(amount);
                if let CurrencySource::Path(path) = currency {
                    add(path);
                }
            }
            Mapping::Id { parts, .. } => parts.iter().for_each(add),
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
            // what stands below is asked for as a whole
            Mapping::Record { at: Some(path), .. } | Mapping::List { path, .. }
                if !path.steps.is_empty() =>
            {
                add(path);
            }
            Mapping::Record { shape, .. } => {
                let slots = self.out.shapes.get(shape.index()).map(|shape| &shape.slots);
                names.extend(
                    slots.into_iter().flatten().flat_map(|slot| slot.needs.iter().cloned()),
                );
            }
            Mapping::List { item, .. } => self.collect(item, names),
            Mapping::Constant { .. } | Mapping::Jq { .. } => {}
        }
    }
}

/// `needs:` of the jq forms inside.
fn declared(node: &Node, names: &mut Vec<Arc<str>>) {
    if node.entry("jq").is_some() {
        let listed = node.get("needs").map(Node::items).unwrap_or_default();
        names.extend(listed.iter().filter_map(Node::filled).map(Arc::from));
    }
    node.entries().iter().for_each(|entry| declared(&entry.value, names));
    node.list().unwrap_or_default().iter().for_each(|item| declared(item, names));
}
