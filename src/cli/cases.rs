//! The case files that a command is given.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Failure;
use crate::contract::{self, Found};
use crate::diagnostic::Sources;

/// At least one; a path that is not there, or a folder without cases, is told.
pub(super) fn list(paths: &[PathBuf], sources: &mut Sources) -> Result<Vec<Found>, Failure> {
    if let Some(path) = paths.iter().find(|path| !path.exists()) {
        let failure = Failure::refused(format!("there is no file or folder `{}`", path.display()));
        return Err(
            failure.help("name case files, or a folder of them; `cyclorama record` writes one")
        );
    }
    let found = contract::list(paths, sources)
        .map_err(|error| Failure::new(format!("the cases could not be read: {error}")))?;
    if found.is_empty() {
        let names: Vec<String> = paths.iter().map(|path| shown(path)).collect();
        let failure = Failure::refused(format!("there is no case in `{}`", names.join("`, `")));
        return Err(failure.help("a case is a `.yaml` file; `cyclorama record` writes one"));
    }
    Ok(found)
}

pub(super) fn shown(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

/// `250ms`, `5s`, `2m`, as in the files.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    super::demo::duration(text)
}
