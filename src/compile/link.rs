//! The contract, the vendor files and the schema, linked into one graph.

use std::sync::Arc;

use apollo_compiler::Schema;
use apollo_compiler::validation::Valid;
use rustc_hash::{FxHashMap, FxHashSet};

use super::assemble::Assembler;
use super::computed::{self, Declared};
use super::context::{self, Class, Context, RoleId};
use super::contract;
use super::costs::{self, PageSizes};
use super::coverage::{Coverage, Uncovered, VendorCoverage};
use super::deployment::{Deployment, RoleSettings};
use super::federation;
use super::fingerprint::Fingerprint;
use super::freshness;
use super::guards;
use super::identity;
use super::lookups;
use super::merged;
use super::metrics;
use super::reach::Reach;
use super::schema::{Parsed, Sdl};
use super::survivorship;
use super::trees::{Trees, VendorTree};
use super::types::{self, SchemaTypes};
use super::vendor::{self, Output, Schemas, VendorFile};
use crate::config::files::Files;
use crate::config::yaml::Node;
use crate::diagnostic::{self, Code, Diagnostic, Sources, Span};
use crate::graph::{BackendId, FieldId, Graph, Source, Type, TypeId};

/// `None` when there is nothing that could become a graph: no valid schema, no contract.
pub(super) fn link(
    files: &Files,
    trees: &Trees,
    deployment: &Deployment<'_>,
    sdl: &Sdl,
    problems: &mut Vec<Diagnostic>,
) -> Option<(Graph, Coverage)> {
    let before = problems.len();
    let linked = link_all(files, trees, deployment, sdl, problems);
    costs::check(sdl, problems);
    let mut found = problems.split_off(before);
    sdl.settle(&mut found);
    problems.append(&mut found);
    linked
}

fn link_all(
    files: &Files,
    trees: &Trees,
    deployment: &Deployment<'_>,
    sdl: &Sdl,
    problems: &mut Vec<Diagnostic>,
) -> Option<(Graph, Coverage)> {
    let SchemaTypes { mut types, names, query, mutation } = types::types(sdl.schema());
    let mut classes = context::classes(&types, query, mutation);
    let reader = contract::Reader {
        sdl,
        types: &types,
        names: &names,
        classes: &classes,
        problems,
        country: deployment.country,
        crossing: lookups::coordinates(trees.identity.iter()),
        meant: FxHashSet::default(),
        reckoned: reckoned(&trees.identity),
    };
    let contract = reader.read(std::iter::once(trees.roles.as_ref()?).chain(&trees.identity));
    context::mark_entities(&mut classes, &contract);
    // the compiled types are read while their sources are not written yet
    let snapshot = types::types(sdl.schema()).types;
    let schemas = Schemas::read(files);
    let base = Context {
        sources: &files.sources,
        sdl,
        schemas: &schemas,
        types: &snapshot,
        names: &names,
        classes: &classes,
        contract: &contract,
        parts: FxHashMap::default(),
    };
    let computed = computed::read(&base, &trees.identity, problems);
    let mut linker = Linker { base: &base, trees, deployment, computed: &computed, problems };
    let played = linker.played();
    let cx = base.playing(|role| played.iter().any(|(other, ..)| *other == role));
    let mut out = Output::default();
    let mut backends = FxHashMap::default();
    for (role, settings, tree) in &played {
        backends.insert(*role, BackendId(u8::try_from(out.backends.len()).unwrap_or(u8::MAX)));
        let file = linker.file(*role, tree, Some(settings));
        vendor::compile(&cx, &file, &mut out, linker.problems);
    }
    let mut identity = identity::read(&base, trees.identity.iter(), linker.problems);
    let blocked = guards::read(&contract, trees.identity.iter(), linker.problems);
    if trees.is_identity_whole {
        identity::declare_equivalent(&base, &deployment.roles, &mut identity, linker.problems);
        Reach { cx: &cx, out: &out, identity: &identity, problems: linker.problems }.check();
    }
    let mut coverage = linker.coverage(&cx, &played, &out);
    let vendors = played.iter().map(|(role, settings, _)| (*role, settings.vendor_span)).collect();
    let (rules, vendors, problems) = (&identity.rules, &vendors, &mut *linker.problems);
    let mut assembler =
        Assembler { cx: &cx, backends: &backends, rules, blocked, vendors, problems };
    assembler.finish(&mut types, &mut out);
    let maps = |slot: (RoleId, TypeId, &str)| maps(&cx, &played, slot);
    survivorship::check(&cx, &types, &out, maps, linker.problems);
    computed::link(&computed, &mut types);
    lookups::link(&cx, &mut types, trees.identity.iter(), linker.problems);
    let federation = federation::link(&cx, &mut types, &out, linker.problems);
    let (derived, merged) = match &sdl.parsed {
        Parsed::Valid(schema) => {
            let files = (trees.identity.as_slice(), deployment.page_size_max);
            let derived = metrics::link(&cx, schema, &mut types, files, linker.problems);
            let files = (trees.identity.as_slice(), out.shapes.as_slice());
            (derived, merged::link(&cx, schema, &mut types, files, linker.problems))
        }
        Parsed::Partial(_) => (Vec::new(), Vec::new()),
    };
    coverage.uncovered = uncovered(&cx, &types, &out);
    let Parsed::Valid(schema) = &sdl.parsed else { return None };
    let types = SchemaTypes { types, names: names.clone(), query, mutation };
    let graph = graph(files, deployment, (schema, &sdl.text), types, out)?;
    Some((Graph { federation, derived, merged, ..graph }, coverage))
}

/// The coordinates that metrics, merged lists and computed fields fill.
fn reckoned(identity: &[Node]) -> FxHashSet<&str> {
    let metrics = metrics::coordinates(identity).into_iter();
    metrics.chain(merged::coordinates(identity)).chain(computed::coordinates(identity)).collect()
}

/// All of it, by number.
fn graph(
    files: &Files,
    deployment: &Deployment<'_>,
    (schema, sdl_text): (&Arc<Valid<Schema>>, &Arc<str>),
    SchemaTypes { types, names, query, mutation }: SchemaTypes,
    out: Output,
) -> Option<Graph> {
    let sizes = PageSizes { default: deployment.page_size, most: deployment.page_size_max };
    Some(Graph {
        fingerprint: fingerprint(&files.sources, &out),
        sdl: Arc::clone(sdl_text),
        schema: Arc::clone(schema),
        ages: freshness::ages(schema, &types, &out),
        weights: costs::weights(schema, &types, &names, Some(sizes)),
        types,
        type_names: names,
        query: query?,
        mutation,
        federation: None,
        derived: Vec::new(),
        merged: Vec::new(),
        shapes: out.shapes,
        calls: out.calls,
        backends: out.backends,
        limits: deployment.limits.clone(),
        introspection_enabled: deployment.introspection_enabled,
        suggestions_enabled: deployment.suggestions_enabled,
        incremental_enabled: deployment.incremental_enabled,
        deadline: deployment.deadline,
        page_size_max: deployment.page_size_max,
        page_size: deployment.page_size,
        cache: deployment.cache.clone(),
        cost: deployment.cost.clone(),
        forward_headers: deployment.forward_headers.clone(),
    })
}

/// A role, what the deployment says about it, and its vendor file.
type Played<'a> = (RoleId, &'a RoleSettings<'a>, &'a VendorTree);

fn tree_of<'a>(played: &[Played<'a>], role: RoleId) -> Option<&'a VendorTree> {
    played.iter().find(|(other, ..)| *other == role).map(|(.., tree)| *tree)
}

/// Whether a role's vendor says what fills a slot.
fn maps(cx: &Context<'_>, played: &[Played<'_>], (role, ty, slot): (RoleId, TypeId, &str)) -> bool {
    let types = tree_of(played, role).and_then(|tree| tree.node.get("types"));
    types.and_then(|types| types.get(&cx.ty(ty).name)?.get(slot)).is_some()
}

struct Linker<'a, 'p> {
    base: &'a Context<'a>,
    trees: &'a Trees,
    deployment: &'a Deployment<'a>,
    computed: &'a [Declared],
    problems: &'p mut Vec<Diagnostic>,
}

impl<'a> Linker<'a, '_> {
    /// The roles that this deployment gives to vendors, in the contract's order.
    fn played(&mut self) -> Vec<Played<'a>> {
        let mut played = Vec::new();
        for settings in &self.deployment.roles {
            let Some(role) = self.base.contract.role_named(&settings.name) else {
                self.problems.push(
                    Diagnostic::error(
                        Code::UnknownRole,
                        format!("there is no role `{}`", settings.name),
                    )
                    .at(settings.span, "not in `roles.yaml`")
                    .suggest(&settings.name, self.base.contract.role_names()),
                );
                continue;
            };
            let files = || self.trees.vendors.iter().filter(|tree| *tree.role == *settings.name);
            match files().find(|tree| *tree.vendor == *settings.vendor) {
                Some(tree) => played.push((role, settings, tree)),
                None if self.is_unreadable(settings) => {}
                None => self.problems.push(
                    Diagnostic::error(
                        Code::UnknownVendor,
                        format!(
                            "the role `{}` has no vendor file `{}`",
                            settings.name, settings.vendor
                        ),
                    )
                    .at(
                        settings.vendor_span,
                        format!("no `{}/{}.yaml`", settings.name, settings.vendor),
                    )
                    .suggest(&settings.vendor, files().map(|tree| &*tree.vendor)),
                ),
            }
        }
        for tree in &self.trees.vendors {
            self.check_role(tree);
        }
        played.sort_by_key(|(role, ..)| role.0);
        // backends and parts are numbered in one byte
        if let Some((_, settings, _)) = played.get(usize::from(u8::MAX)) {
            self.problems.push(
                Diagnostic::error(Code::TooMany, "there are too many roles")
                    .at(settings.span, "a deployment has at most 255"),
            );
            played.truncate(usize::from(u8::MAX));
        }
        played
    }

    /// Whether the vendor's file is there and is not YAML, which is told already.
    fn is_unreadable(&self, settings: &RoleSettings<'_>) -> bool {
        let mut unreadable = self.trees.unreadable.iter();
        unreadable.any(|(role, vendor)| **role == *settings.name && **vendor == *settings.vendor)
    }

    fn check_role(&mut self, tree: &VendorTree) {
        let declared = tree.node.get("role");
        let span = declared.map_or(Span::new(tree.id, 0, 0), |node| node.span);
        if self.base.contract.role_named(&tree.role).is_none() {
            self.problems.push(
                Diagnostic::error(Code::UnknownRole, format!("there is no role `{}`", tree.role))
                    .at(span, "this file stands in a folder of that name")
                    .suggest(&tree.role, self.base.contract.role_names()),
            );
        } else if let Some(name) = declared.and_then(Node::filled)
            && *name != *tree.role
        {
            self.problems.push(
                Diagnostic::error(
                    Code::RoleMismatch,
                    format!("this file says `{name}` and stands in the folder of `{}`", tree.role),
                )
                .at(span, "one of the two is wrong"),
            );
        }
    }

    fn file(
        &self,
        role: RoleId,
        tree: &'a VendorTree,
        settings: Option<&'a RoleSettings<'a>>,
    ) -> VendorFile<'a> {
        VendorFile {
            id: tree.id,
            node: &tree.node,
            role,
            vendor: Arc::from(tree.vendor.as_str()),
            settings,
            forward_headers: &self.deployment.forward_headers,
            on_violation: self.deployment.on_violation,
            deadline: self.deployment.deadline,
        }
    }

    /// What each vendor file covers. Files that this deployment does not use are compiled for this, and for their problems.
    fn coverage(&mut self, cx: &Context<'_>, played: &[Played<'_>], out: &Output) -> Coverage {
        let mut coverage = Coverage {
            shared: survivorship::shared(cx, out, |role| tree_of(played, role)),
            ..Coverage::default()
        };
        for index in 0..self.base.contract.roles.len() {
            let role = RoleId(index);
            let name = &self.base.role(role).name;
            for tree in self.trees.vendors.iter().filter(|tree| *tree.role == **name) {
                if tree.is_used && played.iter().any(|(other, ..)| *other == role) {
                    coverage.vendors.push(self.covered(cx, role, tree, out));
                } else if !tree.is_used {
                    let cx = self.base.playing(|other| {
                        other == role || cx.parts.values().flatten().any(|one| *one == other)
                    });
                    let mut out = Output::default();
                    let file = self.file(role, tree, None);
                    let mut problems = Vec::new();
                    vendor::compile(&cx, &file, &mut out, &mut problems);
                    diagnostic::soften(&mut problems);
                    self.problems.append(&mut problems);
                    coverage.vendors.push(self.covered(&cx, role, tree, &out));
                }
            }
        }
        coverage
    }

    fn covered(
        &self,
        cx: &Context<'_>,
        role: RoleId,
        tree: &VendorTree,
        out: &Output,
    ) -> VendorCoverage {
        let is_filled = |ty: TypeId, field: FieldId| {
            let mut sources = out.sources.iter();
            out.filled.contains(&(role, ty, field))
                || sources.any(|source| (source.role, source.ty, source.field) == (role, ty, field))
        };
        let own = cx.role(role).coordinates();
        let own = own.map(|one| (one.ty, one.field, is_filled(one.ty, one.field)));
        let computed = self.computed.iter().filter(|one| one.role == role).map(|one| {
            let is_filled = one.reads.iter().all(|read| is_filled(one.ty, *read));
            (one.ty, one.field, is_filled)
        });
        let (covered, missing): (Vec<_>, Vec<_>) = own.chain(computed).partition(|one| one.2);
        let names = |coordinates: Vec<(TypeId, FieldId, bool)>| {
            let names = coordinates.into_iter();
            names.map(|(ty, field, _)| cx.field(ty, field).coordinate.to_string()).collect()
        };
        let covered: Vec<String> = names(covered);
        let approximated = tree.node.get("approximated").map(Node::entries).unwrap_or_default();
        let approximated =
            approximated.iter().filter(|entry| covered.iter().any(|one| *one == *entry.key)).map(
                |entry| (entry.key.to_string(), entry.value.text().unwrap_or_default().to_owned()),
            );
        VendorCoverage {
            approximated: approximated.collect(),
            role: tree.role.clone(),
            vendor: tree.vendor.clone(),
            is_used: tree.is_used,
            covered,
            missing: names(missing),
        }
    }
}

fn uncovered(cx: &Context<'_>, types: &[Type], out: &Output) -> Vec<Uncovered> {
    let mut uncovered = Vec::new();
    for (ty, id) in types.iter().zip((0_u32..).map(TypeId)) {
        for (field, number) in ty.fields.iter().zip((0_u16..).map(FieldId)) {
            let is_mapped = || {
                let mut shapes = out.shapes.iter().filter(|shape| shape.ty == id);
                shapes
                    .any(|shape| shape.field_slots.get(number.index()).copied().flatten().is_some())
            };
            let is_covered = match (cx.class(id), &field.source) {
                (Class::Query | Class::Mutation | Class::Entity, source) => {
                    !matches!(source, Source::NotCovered)
                }
                (Class::Value, Source::Slot { .. }) => is_mapped(),
                _ => true,
            };
            if !is_covered && !cx.sdl.is_external(&cx.ty(id).name, &field.name) {
                let owner = cx.contract.roles.iter().find(|role| role.owns(id, number));
                uncovered.push(Uncovered {
                    coordinate: field.coordinate.as_ref().into(),
                    role: owner.map(|role| role.name.as_ref().into()),
                });
            }
        }
    }
    uncovered
}

/// All texts, and what the deployment's settings changed in the backends.
fn fingerprint(sources: &Sources, out: &Output) -> u64 {
    let texts = sources.ids().fold(Fingerprint::default(), |sum, id| sum.add(sources.text(id)));
    out.backends.iter().fold(texts, |sum, backend| sum.add(&backend.url)).finish()
}
