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
    pub(super) vendors: Vec<VendorTree>,
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
    let config = files.config.and_then(|id| reader.tree(id, &shape::DEPLOYMENT, true));
    let mut trees = Trees { config, roles: None, identity: Vec::new(), vendors: Vec::new() };
    for (path, id) in &files.resolvers {
        let name = path.rsplit_once('.').map_or(path.as_str(), |(name, _)| name);
        match name.split_once('/') {
            None if name == "roles" => trees.roles = reader.tree(*id, &shape::ROLES, true),
            None => trees.identity.extend(reader.tree(*id, &shape::IDENTITY, true)),
            Some((role, vendor)) => {
                let is_used = is_used(trees.config.as_ref(), role, vendor);
                let before = reader.problems.len();
                let tree = reader.tree(*id, &shape::VENDOR, is_used);
                if !is_used {
                    diagnostic::soften(reader.problems.get_mut(before..).unwrap_or_default());
                }
                if let Some(node) = tree {
                    let (role, vendor) = (role.to_owned(), vendor.to_owned());
                    trees.vendors.push(VendorTree { id: *id, role, vendor, node, is_used });
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

struct Reader<'a> {
    files: &'a Files,
    problems: &'a mut Vec<Diagnostic>,
}

impl Reader<'_> {
    fn tree(&mut self, id: FileId, kind: &'static FileKind, is_used: bool) -> Option<Node> {
        let sources = &self.files.sources;
        let mut node = yaml::parse(id, sources.text(id), self.problems)?;
        match kind.expanded {
            Some(keys) if !is_used => {
                expand::refuse_elsewhere(&mut node, keys, sources, self.problems)
            }
            keys => {
                expand::expand(&mut node, keys, &self.files.environment, sources, self.problems)
            }
        }
        check::check(kind.root, &node, self.problems);
        Some(node)
    }
}
