//! Case files of a folder.

use std::path::{Path, PathBuf};

use super::case::{CaseFile, read};
use crate::diagnostic::{Code, Diagnostic, Sources};

/// Folders inside each other.
const FOLDERS_MAX: usize = 16;
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A case file, or what is wrong with it.
#[derive(Debug)]
pub struct Found {
    pub path: PathBuf,
    pub case: Option<CaseFile>,
    pub problems: Vec<Diagnostic>,
}

/// The case files at these paths, each of which is a file or a folder; in the order of their names.
pub fn list(paths: &[PathBuf], sources: &mut Sources) -> std::io::Result<Vec<Found>> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let mut below = Vec::new();
            walk(path, FOLDERS_MAX, &mut below)?;
            below.sort();
            files.extend(below);
        } else {
            files.push(path.clone());
        }
    }
    files.into_iter().map(|path| found(path, sources)).collect()
}

fn found(path: PathBuf, sources: &mut Sources) -> std::io::Result<Found> {
    if std::fs::metadata(&path)?.len() > FILE_BYTES_MAX {
        let reason = format!("longer than {FILE_BYTES_MAX} bytes");
        return Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, reason));
    }
    let bytes = std::fs::read(&path)?;
    let name = path.to_string_lossy().replace('\\', "/");
    let Ok(text) = String::from_utf8(bytes) else {
        let problem = Diagnostic::error(Code::YamlSyntax, format!("`{name}` is not UTF-8"));
        return Ok(Found { path, case: None, problems: vec![problem] });
    };
    let id = sources.add(&name, &text);
    let mut problems = Vec::new();
    let case = read(sources, id, &mut problems);
    Ok(Found { path, case, problems })
}

fn walk(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let is_hidden =
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let is_case = path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml");
        if is_hidden {
            continue;
        }
        if path.is_dir() && depth > 0 {
            walk(&path, depth - 1, files)?;
        } else if is_case {
            files.push(path);
        }
    }
    Ok(())
}
