//! Identity rules: how a role's part of a type is found from the others.

use std::sync::Arc;

use rustc_hash::FxHashSet;

use super::context::{Context, RoleId};
use super::crosswalk;
use super::deployment::RoleSettings;
use crate::config::yaml::{Entry, Node};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::graph::{Crosswalk, TypeId};

/// "The key `key_kind` of `role`'s part of `ty` is those slots of `from`'s part."
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) ty: TypeId,
    pub(super) role: RoleId,
    pub(super) key_kind: u8,
    pub(super) kind: Arc<str>,
    pub(super) from: RoleId,
    pub(super) slots: Vec<Arc<str>>,
    pub(super) is_equivalent: bool,
    pub(super) name: Arc<str>,
    pub(super) at_most: u32,
    pub(super) table: Option<Arc<Crosswalk>>,
}

/// All rules, in the order of their files.
#[derive(Debug, Default)]
pub(super) struct Identity {
    pub(super) rules: Vec<Rule>,
    /// Types with a rule that has a problem: what it leads to is not known.
    pub(super) broken: FxHashSet<TypeId>,
}

/// Reads the rules of all identity files, in their order.
pub(super) fn read<'n>(
    cx: &Context<'_>,
    roots: impl Iterator<Item = &'n Node>,
    problems: &mut Vec<Diagnostic>,
) -> Identity {
    let mut reader = Reader { cx, problems, found: Identity::default() };
    for root in roots {
        for ty in root.get("identity").map(Node::entries).unwrap_or_default() {
            reader.of_type(ty);
        }
    }
    reader.found
}

/// Marks the rules that the deployment declares equivalent to those before them.
pub(super) fn declare_equivalent(
    cx: &Context<'_>,
    deployed: &[RoleSettings<'_>],
    identity: &mut Identity,
    problems: &mut Vec<Diagnostic>,
) {
    let Identity { rules, broken } = identity;
    for settings in deployed {
        let Some(role) = cx.contract.role_named(&settings.name) else { continue };
        for node in settings.node.get("equivalent").map(Node::items).unwrap_or_default() {
            let Some(text) = node.filled() else { continue };
            let names = |rule: &Rule| format!("{}.{}", cx.ty(rule.ty).name, rule.kind);
            let mut is_found = false;
            for rule in rules.iter_mut().filter(|rule| rule.role == role) {
                if names(rule) == text {
                    rule.is_equivalent = true;
                    is_found = true;
                }
            }
            // a rule with a problem may be the one that is meant
            let is_broken = broken
                .iter()
                .any(|ty| text.split_once('.').is_some_and(|(name, _)| *name == *cx.ty(*ty).name));
            if !is_found && !is_broken {
                let known: Vec<String> =
                    rules.iter().filter(|rule| rule.role == role).map(names).collect();
                problems.push(
                    Diagnostic::error(
                        Code::UnknownKeyKind,
                        format!("`{}` has no identity rule `{text}`", settings.name),
                    )
                    .at(node.span, "no such rule in the identity files")
                    .suggest(text, known.iter().map(String::as_str)),
                );
            }
        }
    }
}

struct Reader<'a, 'c> {
    cx: &'a Context<'c>,
    problems: &'a mut Vec<Diagnostic>,
    found: Identity,
}

impl Reader<'_, '_> {
    fn of_type(&mut self, entry: &Entry) {
        let Some(ty) = self.cx.names.get(&entry.key).copied() else {
            if self.cx.sdl.is_doubtful(&entry.key) {
                return;
            }
            self.problems.push(
                Diagnostic::error(
                    Code::UnknownType,
                    format!("the schema has no type `{}`", entry.key),
                )
                .at(entry.key_span, "not in the schema")
                .suggest(&entry.key, self.cx.composite_names()),
            );
            return;
        };
        for role in entry.value.entries() {
            let Some(id) = self.part_of(ty, &role.key, role.key_span) else {
                self.found.broken.insert(ty);
                continue;
            };
            for rule in role.value.items() {
                match self.rule(ty, id, rule) {
                    Some(rule) => self.found.rules.push(rule),
                    None => {
                        self.found.broken.insert(ty);
                    }
                }
            }
        }
    }

    /// A role that has a part of the type.
    fn part_of(&mut self, ty: TypeId, name: &str, span: Span) -> Option<RoleId> {
        let Some(role) = self.cx.contract.role_named(name) else {
            self.problems.push(
                Diagnostic::error(Code::UnknownRole, format!("there is no role `{name}`"))
                    .at(span, "not in `roles.yaml`")
                    .suggest(name, self.cx.contract.role_names()),
            );
            return None;
        };
        if self.cx.part(role, ty).is_none() {
            let type_name = &self.cx.ty(ty).name;
            if self.cx.sdl.is_doubtful(type_name) {
                return None;
            }
            let roles = self.cx.contract.roles.iter().enumerate();
            let roles = roles.filter(|(index, _)| self.cx.part(RoleId(*index), ty).is_some());
            self.problems.push(
                Diagnostic::error(
                    Code::UnknownPart,
                    format!("the role `{name}` has no part of `{type_name}`"),
                )
                .at(span, "nothing to find")
                .also(self.cx.type_span(ty), "the type")
                .suggest(name, roles.map(|(_, role)| &*role.name)),
            );
            return None;
        }
        Some(role)
    }

    fn rule(&mut self, ty: TypeId, role: RoleId, node: &Node) -> Option<Rule> {
        let part = self.cx.part(role, ty)?;
        let kind = node.get("key")?;
        let Some((key_kind, key)) = part.key(kind.filled()?) else {
            let name = kind.filled()?;
            self.problems.push(
                Diagnostic::error(Code::UnknownKeyKind, format!("this part has no key `{name}`"))
                    .at(kind.span, "not in the contract")
                    .at(part.span, "the part's contract")
                    .suggest(name, part.keys.iter().map(|key| &*key.kind)),
            );
            return None;
        };
        let source = node.get("from")?;
        let slots: Vec<_> = source.items().iter().map(|slot| self.slot(ty, slot)).collect();
        let slots = slots.into_iter().collect::<Option<Vec<_>>>()?;
        let (from, _) = slots.first()?.clone();
        let at_most = node.get_text("at_most").and_then(|text| text.parse().ok()).unwrap_or(1);
        let reason = if at_most > 1 && part.is_anchor {
            Some("this part decides whether the object exists, so there is one of it")
        } else if from == role {
            Some("a part cannot be found from itself")
        } else if slots.iter().any(|(other, _)| *other != from) {
            Some("all slots of one rule come from one role")
        } else if slots.len() != key.slots.len() {
            Some("the key has another number of parts")
        } else if slots.len() > 1 && node.get("table").is_some() {
            Some("a table is of keys with one part")
        } else {
            None
        };
        if let Some(reason) = reason {
            self.problems.push(
                Diagnostic::error(Code::InvalidRule, "this identity rule cannot work")
                    .at(source.span, reason)
                    .at(part.span, "the part that is looked for"),
            );
            return None;
        }
        let table = match node.get("table") {
            Some(table) => Some(crosswalk::read(self.cx, table, self.problems)?),
            None => None,
        };
        let name = node
            .get_text("name")
            .map_or_else(|| Arc::from(default_name(&key.kind, source)), Arc::from);
        Some(Rule {
            ty,
            role,
            key_kind,
            kind: Arc::clone(&key.kind),
            from,
            slots: slots.into_iter().map(|(_, slot)| slot).collect(),
            is_equivalent: false,
            name,
            at_most,
            table,
        })
    }

    /// `role.slot`
    fn slot(&mut self, ty: TypeId, node: &Node) -> Option<(RoleId, Arc<str>)> {
        let text = node.filled()?;
        let Some((role, slot)) = text.split_once('.') else {
            self.problems.push(
                Diagnostic::error(Code::InvalidRule, format!("`{text}` is not a slot of a role"))
                    .at(node.span, "no `.` in it")
                    .help("sources are written `role.slot`"),
            );
            return None;
        };
        let id = self.part_of(ty, role, node.span)?;
        let part = self.cx.part(id, ty)?;
        let fields = part.fields.iter().map(|one| &*self.cx.field(ty, one.field).name);
        let known: Vec<&str> = part.slots.iter().map(|(name, _)| &**name).chain(fields).collect();
        if !known.contains(&slot) {
            if self.cx.sdl.is_doubtful_field(&self.cx.ty(ty).name, slot) {
                return None;
            }
            self.problems.push(
                Diagnostic::error(
                    Code::UnknownSlot,
                    format!("`{role}`'s part of `{}` has no slot `{slot}`", self.cx.ty(ty).name),
                )
                .at(node.span, "not known")
                .at(part.span, "the part's contract")
                .suggest(slot, known),
            );
            return None;
        }
        Some((id, Arc::from(slot)))
    }
}

/// `email from crm.primaryEmail`
fn default_name(kind: &str, source: &Node) -> String {
    let slots: Vec<&str> = source.items().iter().filter_map(Node::filled).collect();
    format!("{kind} from {}", slots.join(" and "))
}
