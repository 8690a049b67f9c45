//! One vendor file, playing one role: its shapes, calls and fields.
//!
//! Takes: the file's tree, the role's contract, the schema.
//! Gives: shapes, calls, lookups and the sources of fields, by number; every problem of the file.
//! Never: looks at another role's file.

mod approximated;
mod arguments;
mod backend;
mod calls;
mod contracts;
mod expression;
mod fields;
mod forms;
mod health;
mod keys;
mod lists;
mod mapping;
mod needs;
mod order;
mod pages;
mod policy;
mod records;
mod required;
mod shapes;
mod usage;
mod yielded;

use std::sync::Arc;
use std::time::Duration;

use rustc_hash::{FxHashMap, FxHashSet};

use super::context::{Context, RoleId};
use super::deployment::RoleSettings;
use super::fingerprint::Fingerprint;
use crate::config::yaml::Node;
use crate::diagnostic::{Code, Diagnostic, FileId, Span};
use crate::graph::{
    Backend, BackendId, Call, CallId, FieldId, OnViolation, Shape, ShapeId, Source, TypeId,
};
use crate::mapping::Path;
use crate::nearest::suggestion;

pub(super) use backend::check_url;
pub(super) use contracts::{Schemas, on_violation};

/// What the vendor files of a deployment give, by number.
#[derive(Debug, Default)]
pub(super) struct Output {
    pub(super) shapes: Vec<Shape>,
    pub(super) calls: Vec<Call>,
    pub(super) backends: Vec<Backend>,
    pub(super) sources: Vec<FieldSource>,
    /// The call that loads a role's part by a kind of key.
    pub(super) lookups: FxHashMap<(RoleId, TypeId, u8), CallId>,
    /// The shape of a role's part, and of any other type under `types`.
    pub(super) shape_of: FxHashMap<(RoleId, TypeId), ShapeId>,
    /// Coordinates that slots fill.
    pub(super) filled: FxHashSet<(RoleId, TypeId, FieldId)>,
    /// Coordinates that a vendor file maps, whether or not something is wrong with how it does.
    pub(super) mapped: FxHashSet<(TypeId, FieldId)>,
    /// Arguments that hold ids.
    pub(super) id_arguments: Vec<(TypeId, FieldId, Arc<str>, TypeId)>,
    /// The shape of an amount with its currency, by the role that maps it and its type.
    pub(super) money: FxHashMap<(RoleId, TypeId), ShapeId>,
}

/// A coordinate that a call or a reference answers.
#[derive(Debug)]
pub(super) struct FieldSource {
    pub(super) role: RoleId,
    pub(super) ty: TypeId,
    pub(super) field: FieldId,
    pub(super) source: Source,
    /// Where the vendor file says so.
    pub(super) span: Span,
}

/// Compiles one vendor file into `output`.
pub(super) fn compile(
    context: &Context<'_>,
    file: &VendorFile<'_>,
    output: &mut Output,
    problems: &mut Vec<Diagnostic>,
) {
    let mut vendor = Vendor {
        cx: context,
        file,
        node: file.node,
        role: file.role,
        backend: BackendId(u8::try_from(output.backends.len()).unwrap_or(u8::MAX)),
        out: output,
        problems,
        calls: FxHashMap::default(),
        broken: FxHashSet::default(),
        doubtful: FxHashSet::default(),
        uses: FxHashMap::default(),
        projected: None,
        asks_paths: file.node.get_text("projection") == Some("paths"),
        minor_digits: Arc::from([]),
        hidden: Vec::new(),
        in_place: Vec::new(),
    };
    let first_shape = vendor.out.shapes.len();
    vendor.minor_digits = vendor.own_digits();
    vendor.projected = vendor.path_at("projected").filter(|path| !path.steps.is_empty());
    let backend = vendor.backend();
    vendor.out.backends.push(backend);
    vendor.declare_shapes();
    vendor.declare_calls();
    vendor.fill_shapes();
    vendor.settle_needs(first_shape);
    vendor.compile_calls();
    vendor.compile_lookups();
    vendor.compile_fields();
    vendor.check_uses();
    vendor.compile_health();
    vendor.check_hidden();
    vendor.name_slots();
    vendor.check_unmapped();
    vendor.check_approximated();
    vendor.fingerprints();
}

/// One vendor file and what this deployment says about it.
pub(super) struct VendorFile<'a> {
    pub(super) id: FileId,
    pub(super) node: &'a Node,
    pub(super) role: RoleId,
    pub(super) vendor: Arc<str>,
    /// `None` for a file that this deployment does not use.
    pub(super) settings: Option<&'a RoleSettings<'a>>,
    pub(super) forward_headers: &'a [Arc<str>],
    pub(super) on_violation: OnViolation,
    /// The whole time of one operation.
    pub(super) deadline: Duration,
}

struct Vendor<'a, 'o> {
    cx: &'a Context<'a>,
    file: &'a VendorFile<'a>,
    node: &'a Node,
    role: RoleId,
    backend: BackendId,
    out: &'o mut Output,
    problems: &'o mut Vec<Diagnostic>,
    calls: FxHashMap<Arc<str>, (CallId, Span)>,
    /// Calls whose request cannot be read: what it reads is not known.
    broken: FxHashSet<CallId>,
    /// Calls that load something of which the schema's errors leave nothing.
    doubtful: FxHashSet<CallId>,
    /// Who uses each call.
    uses: FxHashMap<CallId, Vec<Use>>,
    /// Where the opt-in properties are in a record.
    projected: Option<Path>,
    /// Properties are asked for by their whole paths.
    asks_paths: bool,
    /// Digits of minor units where this backend has others than the currency.
    minor_digits: Arc<[(Arc<str>, u32)]>,
    /// Slots of value types that are not fields: something must read them.
    hidden: Vec<HiddenSlot>,
    /// Shapes of records that are written out in place, and where.
    in_place: Vec<(ShapeId, Span)>,
}

/// A slot beside the fields of a value type, for a `from:` of one of its fields.
struct HiddenSlot {
    shape: ShapeId,
    name: Arc<str>,
    span: Span,
    is_read: bool,
}

/// One use of a call.
#[derive(Clone, Debug)]
struct Use {
    span: Span,
    by: UsedBy,
    /// Parts of the key that the use gives; `None`: it gives no key.
    key_parts: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UsedBy {
    Field(TypeId, FieldId),
    Lookup(TypeId),
    Fill,
}

impl Vendor<'_, '_> {
    fn problem(&mut self, problem: Diagnostic) {
        self.problems.push(problem);
    }

    fn error(&mut self, code: Code, span: Span, message: impl Into<String>, label: &str) {
        self.problems.push(Diagnostic::error(code, message).at(span, label));
    }

    /// A path of the file's top level.
    fn path_at(&mut self, key: &str) -> Option<Path> {
        let node = self.node.get(key)?;
        self.path(node)
    }

    /// A path; what is wrong with its text is a problem at the very place.
    fn path(&mut self, node: &Node) -> Option<Path> {
        let text = node.filled()?;
        if !text.starts_with('.') {
            self.problems.push(
                Diagnostic::error(Code::InvalidPath, "a path begins with `.`")
                    .at(node.span, "not a path")
                    .help("constants are written `{ value: … }`"),
            );
            return None;
        }
        match Path::parse(text) {
            Ok(path) => Some(path),
            Err(error) => {
                let place = node.place_of(self.cx.sources, error.offset);
                self.error(Code::InvalidPath, place, "this path cannot be read", &error.message);
                None
            }
        }
    }

    /// Of the call, everything that maps its records, and where they come from; not of secrets.
    fn fingerprints(&mut self) {
        let text = self.cx.sources.text(self.file.id);
        let secrets =
            self.node.entry("auth").map(|entry| entry.value.span.range()).unwrap_or_default();
        let backend = self.out.backends.get(usize::from(self.backend.0));
        let backend =
            backend.map(|backend| (Arc::clone(&backend.url), format!("{:?}", backend.auth)));
        let (url, auth) = backend.unwrap_or_else(|| (Arc::from(""), String::new()));
        let base = Fingerprint::default()
            .add(text.get(..secrets.start).unwrap_or_default())
            .add(text.get(secrets.end..).unwrap_or_default())
            .add(&self.cx.sdl.text)
            .add(&self.cx.role(self.role).name)
            .add(&url)
            .add(&auth);
        for (id, _) in self.calls.values() {
            if let Some(call) = self.out.calls.get_mut(id.index()) {
                call.fingerprint = base.clone().add(&call.name).finish();
            }
        }
    }

    fn own_digits(&mut self) -> Arc<[(Arc<str>, u32)]> {
        let mut digits = Vec::new();
        for entry in self.node.get("minor_digits").map(Node::entries).unwrap_or_default() {
            let is_code =
                entry.key.len() == 3 && entry.key.bytes().all(|byte| byte.is_ascii_uppercase());
            if !is_code {
                let message = format!("`{}` is no currency", entry.key);
                let why = "write its ISO 4217 code, three capital letters: `ISK`";
                self.error(Code::TypeMismatch, entry.key_span, message, why);
            }
            let count = entry.value.filled().and_then(|text| text.parse().ok());
            digits.extend(count.map(|count| (Arc::clone(&entry.key), count)));
        }
        digits.into()
    }

    fn optional_path(&mut self, node: &Node, key: &str) -> Option<Path> {
        let node = node.get(key)?;
        self.path(node)
    }

    fn words(node: Option<&Node>) -> Vec<Arc<str>> {
        node.map(Node::items)
            .unwrap_or_default()
            .iter()
            .filter_map(Node::filled)
            .map(Arc::from)
            .collect()
    }

    fn call_named(&mut self, node: &Node) -> Option<CallId> {
        let name = node.filled()?;
        if let Some((id, _)) = self.calls.get(name) {
            return Some(*id);
        }
        let known = suggestion(name, self.calls.keys().map(|name| &**name));
        let problem = Diagnostic::error(Code::UnknownCall, format!("there is no call `{name}`"))
            .at(node.span, "not under `calls` of this file");
        self.problems.push(match known {
            Some(help) => problem.help(help),
            None => problem,
        });
        None
    }

    /// A type of the schema, by name.
    fn type_named(&mut self, name: &str, span: Span) -> Option<TypeId> {
        let found = self.cx.names.get(name).copied();
        if found.is_none() && !self.cx.sdl.is_doubtful(name) {
            self.problems.push(
                Diagnostic::error(Code::UnknownType, format!("the schema has no type `{name}`"))
                    .at(span, "not in the schema")
                    .suggest(name, self.cx.composite_names()),
            );
        }
        found
    }
}
