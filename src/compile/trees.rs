//! All YAML files as trees: parsed, expanded, checked against the table.

use super::deployment;
use crate::config::expand;
use crate::config::files::Files;
use crate::config::shape::{self, FileKind, check};
use crate::config::yaml::{self, Node};
use crate::diagnostic::{self, Code, Diagnostic, FileId, Span};

/// The files of one deployment by what they are for.
pub(super) struct Trees {
    pub(super) config: Option<Node>,
    pub(super) roles: Option<Node>,
    pub(super) identity: Vec<Node>,
    /// All identity files could be read: a rule that is not among them is nowhere.
    pub(super) is_identity_whole: bool,
    pub(super) vendors: Vec<VendorTree>,
    /// Roles and vendors of the files that are there and cannot be read; why is told already.
    pub(super) unreadable: Vec<(String, String)>,
}

/// A vendor file: `<role>/<vendor>.yaml`.
pub(super) struct VendorTree {
    pub(super) id: FileId,
    pub(super) role: String,
    pub(super) vendor: String,
    pub(super) node: Node,
    /// Whether this deployment uses it.
    pub(super) is_used: bool,
}

pub(super) fn read(files: &Files, problems: &mut Vec<Diagnostic>) -> Trees {
    let mut reader = Reader { files, problems };
    let all = Use::Whole;
    let config = files.config.and_then(|id| reader.tree(id, &shape::DEPLOYMENT, all));
    let mut trees = Trees {
        config,
        roles: None,
        identity: Vec::new(),
        is_identity_whole: true,
        vendors: Vec::new(),
        unreadable: Vec::new(),
    };
    for (path, id) in &files.resolvers {
        let name = path.rsplit_once('.').map_or(path.as_str(), |(name, _)| name);
        match name.split_once('/') {
            None if name == "roles" => trees.roles = reader.tree(*id, &shape::ROLES, all),
            None => match reader.tree(*id, &shape::IDENTITY, all) {
                Some(node) => trees.identity.push(node),
                None => trees.is_identity_whole = false,
            },
            Some((role, vendor)) => {
                let is_used = is_used(trees.config.as_ref(), role, vendor);
                let before = reader.problems.len();
                let replaced = replaced(trees.config.as_ref(), role);
                let file_use = if is_used { Use::But(&replaced) } else { Use::Nothing };
                let tree = reader.tree(*id, &shape::VENDOR, file_use);
                if !is_used {
                    diagnostic::soften(reader.problems.get_mut(before..).unwrap_or_default());
                }
                let (role, vendor) = (role.to_owned(), vendor.to_owned());
                match tree {
                    Some(node) => {
                        trees.vendors.push(VendorTree { id: *id, role, vendor, node, is_used });
                    }
                    None => trees.unreadable.push((role, vendor)),
                }
            }
        }
    }
    if trees.roles.is_none() && !files.resolvers.iter().any(|(path, _)| path.starts_with("roles."))
    {
        let place = files.config.map(|id| Span::new(id, 0, 0));
        problems.push(
            Diagnostic::error(
                Code::UnreadableFile,
                "there is no `roles.yaml` in the resolvers' folder",
            )
            .also(place, "the deployment"),
        );
    }
    trees
}

fn is_used(config: Option<&Node>, role: &str, vendor: &str) -> bool {
    config.is_some_and(|config| {
        deployment::vendors(config).any(|(name, by)| name == role && by == vendor)
    })
}

/// The settings of a vendor file that the deployment gives itself. (Headers of both are sent.)
fn replaced(config: Option<&Node>, role: &str) -> Vec<&'static str> {
    let settings = config.and_then(|config| config.get("roles")?.get(role));
    let is_given = |key: &&str| settings.is_some_and(|settings| settings.entry(key).is_some());
    ["url", "auth"].into_iter().filter(is_given).collect()
}

/// How much of a file counts.
#[derive(Clone, Copy)]
enum Use<'a> {
    Whole,
    /// All but these keys at its top.
    But(&'a [&'a str]),
    /// It is checked only.
    Nothing,
}

struct Reader<'a> {
    files: &'a Files,
    problems: &'a mut Vec<Diagnostic>,
}

impl Reader<'_> {
    fn tree(&mut self, id: FileId, kind: &'static FileKind, file_use: Use<'_>) -> Option<Node> {
        let sources = &self.files.sources;
        let mut node = yaml::parse(id, sources.text(id), self.problems)?;
        let environment = &self.files.environment;
        match (kind.expanded, file_use) {
            (Some(keys), Use::Nothing) => {
                expand::refuse_elsewhere(&mut node, keys, sources, self.problems);
            }
            (keys, Use::But(replaced)) => {
                expand::expand(&mut node, keys, replaced, environment, sources, self.problems);
            }
            (keys, Use::Whole | Use::Nothing) => {
                expand::expand(&mut node, keys, &[], environment, sources, self.problems);
            }
        }
        check::check(kind.root, &node, self.problems);
        Some(check::as_meant(kind.root, node))
    }
}
