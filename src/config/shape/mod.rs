//! One table of what may stand where in the files: the checker, the JSON Schemas and the reference page all come from it.
//!
//! Takes: nothing; it is data.
//! Gives: for each key its kind, whether it must be there, its default, and a sentence.
//! Never: knows the schema or what another file says; `compile` checks what needs more than one place.

mod admin;
mod auth;
mod cache;
mod call;
mod case;
pub(crate) mod check;
mod computed;
mod deployment;
mod health;
mod http;
pub mod json_schema;
mod load;
mod mapping;
mod merged;
pub(crate) mod metrics;
mod policy;
pub mod reference;
mod role;
mod roles;
mod telemetry;
mod vendor;
mod walk;

/// A map with known keys.
#[derive(Debug)]
pub(crate) struct Shape {
    /// The name of its definition in the JSON Schema, and its heading in the reference.
    pub(crate) name: &'static str,
    pub(crate) doc: &'static str,
    pub(crate) keys: &'static [Key],
    pub(crate) rules: &'static [Rule],
}

#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) need: Need,
    pub(crate) doc: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    Required,
    Optional,
    Default(&'static str),
}

/// How many of some keys of one shape stand together: one exactly, at the least, at the most.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rule {
    Exactly(&'static [&'static str]),
    AtLeast(&'static [&'static str]),
    AtMost(&'static [&'static str]),
}

/// What a value is.
#[derive(Debug)]
pub(crate) enum Kind {
    /// Any single value. The word says what it is, for the reference and messages: `name`, `path`, `URL template`.
    Text(&'static str),
    /// A single value, also `null`.
    Constant,
    Bool,
    Integer {
        min: u64,
        max: u64,
    },
    Duration,
    Size,
    Word(&'static [&'static str]),
    List(&'static Self),
    /// A list, or one of its values alone.
    OneOrMore(&'static Self),
    /// A map with free keys; the word says what a key is.
    Map(&'static str, &'static Self),
    Struct(&'static Shape),
    /// A single value of the first kind, or a map of the second.
    Either(&'static Self, &'static Self),
    /// A path, or one of these forms: the first whose own key stands in the map.
    Mapping,
    /// The fields of an object type, or a `case` for an abstract type.
    TypeMapping,
    /// A constant, `$…`, a list, an object, or a form.
    RequestValue,
    /// Any value; the word says what it is.
    Json(&'static str),
}

/// A kind of file.
#[derive(Debug)]
pub struct FileKind {
    /// Name of the JSON Schema's file.
    pub schema_file: &'static str,
    pub title: &'static str,
    pub(crate) root: &'static Shape,
    /// The keys at the top in which `${…}` is expanded; `None`: everywhere.
    pub(crate) expanded: Option<&'static [&'static str]>,
}

pub static DEPLOYMENT: FileKind = FileKind {
    schema_file: "cyclorama.json",
    title: "`cyclorama.yaml`: one deployment",
    root: &deployment::DEPLOYMENT,
    expanded: None,
};

pub static ROLES: FileKind = FileKind {
    schema_file: "roles.json",
    title: "`resolvers/roles.yaml`: the contract of each role",
    root: &roles::ROLES,
    expanded: Some(&[]),
};

pub static IDENTITY: FileKind = FileKind {
    schema_file: "identity.json",
    title: "Other `resolvers/*.yaml`: what crosses roles",
    root: &roles::IDENTITY,
    expanded: Some(&[]),
};

pub static VENDOR: FileKind = FileKind {
    schema_file: "vendor.json",
    title: "`resolvers/<role>/<vendor>.yaml`: how one backend answers",
    root: &vendor::VENDOR,
    expanded: Some(&["url", "auth", "headers"]),
};

pub static CASE: FileKind = FileKind {
    schema_file: "case.json",
    title: "`contracts/*.yaml`: one contract case",
    root: &case::CASE,
    expanded: Some(&[]),
};

/// Every kind of file, in the order of the reference.
pub static FILE_KINDS: [&FileKind; 5] = [&DEPLOYMENT, &ROLES, &IDENTITY, &VENDOR, &CASE];

const fn required(name: &'static str, kind: Kind, doc: &'static str) -> Key {
    Key { name, kind, need: Need::Required, doc }
}

const fn optional(name: &'static str, kind: Kind, doc: &'static str) -> Key {
    Key { name, kind, need: Need::Optional, doc }
}

const fn default(name: &'static str, kind: Kind, value: &'static str, doc: &'static str) -> Key {
    Key { name, kind, need: Need::Default(value), doc }
}

#[cfg(test)]
mod tests;
