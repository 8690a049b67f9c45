//! The texts that diagnostics point into.

use std::ops::Range;
use std::sync::Arc;

/// A file by its place in [`Sources`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A range of bytes of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    pub file: FileId,
    pub start: u32,
    pub end: u32,
}

impl Span {
    pub fn new(file: FileId, start: usize, end: usize) -> Self {
        let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Self { file, start: small(start), end: small(end) }
    }

    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A line and a column, both counted from 1; columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

#[derive(Debug)]
struct Source {
    name: Arc<str>,
    text: Arc<str>,
    line_starts: Vec<usize>,
}

/// All texts of one compilation, by number.
#[derive(Debug, Default)]
pub struct Sources(Vec<Source>);

impl Sources {
    pub fn add(&mut self, name: &str, text: &str) -> FileId {
        let id = FileId(u32::try_from(self.0.len()).unwrap_or(u32::MAX));
        self.0.push(Source {
            name: Arc::from(name),
            text: Arc::from(text),
            line_starts: codespan_reporting::files::line_starts(text).collect(),
        });
        id
    }

    /// Names and texts, in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|source| (&*source.name, &*source.text))
    }

    pub fn name(&self, file: FileId) -> &str {
        self.0.get(file.0 as usize).map_or("", |source| &source.name)
    }

    pub fn text(&self, file: FileId) -> &str {
        self.0.get(file.0 as usize).map_or("", |source| &source.text)
    }

    pub fn ids(&self) -> impl Iterator<Item = FileId> {
        (0..u32::try_from(self.0.len()).unwrap_or(u32::MAX)).map(FileId)
    }

    /// Line and column of a byte offset.
    pub fn place(&self, file: FileId, offset: usize) -> Place {
        let Some(source) = self.0.get(file.0 as usize) else {
            return Place { line: 1, column: 1 };
        };
        let offset = offset.min(source.text.len());
        let line = source.line_starts.partition_point(|start| *start <= offset).max(1);
        let start = source.line_starts.get(line - 1).copied().unwrap_or(0);
        let column = source.text.get(start..offset).map_or(1, |text| text.chars().count() + 1);
        Place { line, column }
    }
}

/// How the report's renderer reads the texts.
impl<'a> codespan_reporting::files::Files<'a> for Sources {
    type FileId = FileId;
    type Name = &'a str;
    type Source = &'a str;

    fn name(&'a self, id: FileId) -> Result<&'a str, codespan_reporting::files::Error> {
        Ok(Self::name(self, id))
    }

    fn source(&'a self, id: FileId) -> Result<&'a str, codespan_reporting::files::Error> {
        Ok(self.text(id))
    }

    fn line_index(
        &'a self,
        id: FileId,
        byte_index: usize,
    ) -> Result<usize, codespan_reporting::files::Error> {
        Ok(self.place(id, byte_index).line - 1)
    }

    fn line_range(
        &'a self,
        id: FileId,
        line_index: usize,
    ) -> Result<Range<usize>, codespan_reporting::files::Error> {
        let source =
            self.0.get(id.0 as usize).ok_or(codespan_reporting::files::Error::FileMissing)?;
        let start = source.line_starts.get(line_index).copied().ok_or(
            codespan_reporting::files::Error::LineTooLarge {
                given: line_index,
                max: source.line_starts.len(),
            },
        )?;
        let end = source.line_starts.get(line_index + 1).copied().unwrap_or(source.text.len());
        Ok(start..end)
    }
}
