//! The files of one deployment, read once.
//!
//! Takes: the path of `cyclorama.yaml`, or texts from memory.
//! Gives: every text with the name under which diagnostics show it, and whatever could not be read.
//! Never: looks at more of a text than it needs to find the others (`schema` and `resolvers` of `cyclorama.yaml`).

use std::collections::BTreeMap;
use std::hash::{Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use rustc_hash::FxHasher;

use super::expand;
use super::yaml::{self, Node};
use crate::diagnostic::{Code, Diagnostic, FileId, Sources, Span};

/// One file may be this long; a longer one is a mistake.
const FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Folders inside each other below `schema` and `resolvers`.
const FOLDERS_MAX: usize = 8;
const OPERATION_ENDINGS: &[&str] = &["graphql", "gql", "json"];

/// Every text that one compilation reads, with the names under which diagnostics show them.
#[derive(Debug, Default)]
pub struct Files {
    /// All texts by number; diagnostics point into them.
    pub sources: Sources,
    /// `cyclorama.yaml`.
    pub(crate) config: Option<FileId>,
    pub(crate) schema: Vec<FileId>,
    /// `roles.yaml`, the vendor files and the identity files, with their paths below the resolvers' folder.
    pub(crate) resolvers: Vec<(String, FileId)>,
    /// JSON files of the resolvers' folder, with their paths below it: schemas of answers.
    pub(crate) schemas: Vec<(String, FileId)>,
    /// Trusted documents and manifests, with their paths below the folder that is named.
    pub(crate) operations: Vec<(String, FileId)>,
    pub(crate) environment: Environment,
    /// Files that could not be read.
    pub(crate) problems: Vec<Diagnostic>,
}

/// Where `${env.NAME}` and `${file.path}` find their values.
pub(crate) enum Environment {
    /// The process's own environment; files relative to this folder.
    Process { folder: PathBuf },
    /// The same; what is not set and has no default gets a stand-in: for running without the systems that it is for.
    Offline { folder: PathBuf },
    /// These and no others.
    Fixed { variables: BTreeMap<String, String>, files: BTreeMap<String, String> },
}

impl Default for Environment {
    fn default() -> Self {
        Self::Fixed { variables: BTreeMap::new(), files: BTreeMap::new() }
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Process { .. } => "Process",
            Self::Offline { .. } => "Offline",
            Self::Fixed { .. } => "Fixed(…)",
        })
    }
}

impl Environment {
    /// For what is not set: it can be an address, and any text.
    pub(super) fn stand_in(&self) -> Option<String> {
        matches!(self, Self::Offline { .. }).then(|| "https://stand-in.invalid".to_owned())
    }

    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        match self {
            #[expect(clippy::disallowed_methods, reason = "this is config::expand's source")]
            Self::Process { .. } | Self::Offline { .. } => std::env::var(name).ok(),
            Self::Fixed { variables, .. } => variables.get(name).cloned(),
        }
    }

    pub(crate) fn file(&self, path: &str) -> Result<String, String> {
        match self {
            Self::Process { folder } | Self::Offline { folder } => read_text(&folder.join(path)),
            Self::Fixed { files, .. } => {
                files.get(path).cloned().ok_or_else(|| "there is no such file".to_owned())
            }
        }
    }
}

impl Files {
    /// Reads `cyclorama.yaml` and the folders that it names. Never fails: what cannot be read is a diagnostic of the compilation.
    pub fn read(config: &Path) -> Self {
        let folder = config.parent().unwrap_or(Path::new("")).to_owned();
        let environment = Environment::Process { folder: folder.clone() };
        let mut files = Self { environment, ..Self::default() };
        let Some(text) = files.text(config) else { return files };
        let id = files.sources.add(&shown(config), &text);
        files.config = Some(id);
        let folders = files.folders(id, &text);
        for path in files.listed(&folder.join(&folders.schema), folders.schema_span) {
            if has_extension(&path, &["graphql", "graphqls", "gql"])
                && let Some(text) = files.text(&path)
            {
                let id = files.sources.add(&shown(&path), &text);
                files.schema.push(id);
            }
        }
        let resolvers = folder.join(&folders.resolvers);
        for path in files.listed(&resolvers, folders.resolvers_span) {
            let is_schema = has_extension(&path, &["json"]);
            if (is_schema || has_extension(&path, &["yaml", "yml"]))
                && let Some(text) = files.text(&path)
            {
                let id = files.sources.add(&shown(&path), &text);
                let below = shown(path.strip_prefix(&resolvers).unwrap_or(&path));
                let list = if is_schema { &mut files.schemas } else { &mut files.resolvers };
                list.push((below, id));
            }
        }
        if let Some((name, span)) = &folders.operations {
            files.read_operations(&folder.join(name), *span);
        }
        files
    }

    /// One manifest, or a folder of documents and manifests.
    fn read_operations(&mut self, top: &Path, span: Span) {
        let paths = if top.is_file() { vec![top.to_owned()] } else { self.listed(top, span) };
        for path in paths {
            if has_extension(&path, OPERATION_ENDINGS)
                && let Some(text) = self.text(&path)
            {
                let id = self.sources.add(&shown(&path), &text);
                let below = path.strip_prefix(top).unwrap_or(&path);
                self.operations.push((shown(below), id));
            }
        }
    }

    /// Files that are not on a disk: `config` is the name of the one that stands for `cyclorama.yaml`, and the folders that it
    /// names are prefixes of the other names. `${env.…}` finds nothing but what [`Self::with_environment`] gives.
    pub fn in_memory<'a>(
        config: &str,
        texts: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let mut files = Self::default();
        let mut texts: Vec<_> = texts.into_iter().collect();
        texts.sort_unstable();
        let text = texts.iter().find(|(name, _)| *name == config).map(|(_, text)| *text);
        let Some(text) = text else {
            files.problems.push(Diagnostic::error(
                Code::UnreadableFile,
                format!("there is no file `{config}`"),
            ));
            return files;
        };
        let id = files.sources.add(config, text);
        files.config = Some(id);
        let folders = files.folders(id, text);
        for (name, text) in texts.into_iter().filter(|(name, _)| *name != config) {
            let below = |folder: &str| {
                Some(name.strip_prefix(folder.trim_end_matches('/'))?.strip_prefix('/')?.to_owned())
            };
            if below(&folders.schema).is_some() && has_extension(Path::new(name), &["graphql"]) {
                let id = files.sources.add(name, text);
                files.schema.push(id);
            } else if let Some(below) = below(&folders.resolvers)
                && has_extension(Path::new(name), &["yaml", "yml", "json"])
            {
                let id = files.sources.add(name, text);
                let is_schema = has_extension(Path::new(name), &["json"]);
                let list = if is_schema { &mut files.schemas } else { &mut files.resolvers };
                list.push((below, id));
            } else if let Some((operations, _)) = &folders.operations
                && (name == operations || below(operations).is_some())
                && has_extension(Path::new(name), OPERATION_ENDINGS)
            {
                let id = files.sources.add(name, text);
                files.operations.push((below(operations).unwrap_or_default(), id));
            }
        }
        files
    }

    /// Variables and files that are missing get a stand-in, as nothing will be sent: no secret is needed to try the files out.
    #[must_use]
    pub fn offline(mut self) -> Self {
        if let Environment::Process { folder } = self.environment {
            self.environment = Environment::Offline { folder };
        }
        self
    }

    /// The values of `${env.…}` and `${file.…}`, in place of the process's own.
    #[must_use]
    pub fn with_environment(
        mut self,
        variables: BTreeMap<String, String>,
        files: BTreeMap<String, String>,
    ) -> Self {
        self.environment = Environment::Fixed { variables, files };
        self
    }

    /// Changes when any text does, or a file that `${file.…}` names: secrets that are renewed in their place.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = FxHasher::default();
        for (name, text) in self.sources.iter() {
            (name, text).hash(&mut hasher);
            for path in text.split("${file.").skip(1).filter_map(|rest| rest.split('}').next()) {
                let path = path.split(":-").next().unwrap_or(path);
                self.environment.file(path).hash(&mut hasher);
            }
        }
        for problem in &self.problems {
            problem.message.hash(&mut hasher);
        }
        hasher.finish()
    }

    /// The folders that the deployment names. Problems of the text are found again, and reported, by `compile`.
    fn folders(&self, id: FileId, text: &str) -> Folders {
        let mut problems = Vec::new();
        let mut node = yaml::parse(id, text, &mut problems);
        if let Some(node) = &mut node {
            expand::expand(node, None, &[], &self.environment, &self.sources, &mut problems);
        }
        let folder = |key: &str| {
            let value: Option<&Node> = node.as_ref().and_then(|node| node.get(key));
            let name = value.and_then(Node::filled).unwrap_or(key).to_owned();
            (name, value.map_or(Span::new(id, 0, 0), |value| value.span))
        };
        let (schema, schema_span) = folder("schema");
        let (resolvers, resolvers_span) = folder("resolvers");
        let operations = node
            .as_ref()
            .and_then(|node| node.get("known_operations")?.get("documents"))
            .and_then(|value| Some((value.filled()?.to_owned(), value.span)));
        Folders { operations, schema, schema_span, resolvers, resolvers_span }
    }

    fn text(&mut self, path: &Path) -> Option<String> {
        match read_text(path) {
            Ok(text) => Some(text),
            Err(reason) => {
                self.problems.push(Diagnostic::error(
                    Code::UnreadableFile,
                    format!("`{}` cannot be read: {reason}", shown(path)),
                ));
                None
            }
        }
    }

    /// The files of a folder and of the folders in it, by name.
    fn listed(&mut self, folder: &Path, span: Span) -> Vec<PathBuf> {
        let mut paths = Vec::new();
        if let Err(error) = list(folder, FOLDERS_MAX, &mut paths) {
            self.problems.push(
                Diagnostic::error(
                    Code::UnreadableFile,
                    format!("the folder `{}` cannot be read: {error}", shown(folder)),
                )
                .at(span, "named here"),
            );
        }
        paths.sort();
        paths
    }
}

struct Folders {
    operations: Option<(String, Span)>,
    schema: String,
    schema_span: Span,
    resolvers: String,
    resolvers_span: Span,
}

fn list(folder: &Path, depth: usize, paths: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let is_hidden =
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if is_hidden {
            continue;
        }
        if !path.is_dir() {
            paths.push(path);
        } else if depth > 0 {
            list(&path, depth - 1, paths)?;
        }
    }
    Ok(())
}

fn read_text(path: &Path) -> Result<String, String> {
    let length = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if length > FILE_BYTES_MAX {
        return Err(format!("it is longer than {FILE_BYTES_MAX} bytes"));
    }
    std::fs::read_to_string(path).map_err(|error| error.to_string())
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    path.extension().is_some_and(|extension| extensions.iter().any(|known| extension == *known))
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}
