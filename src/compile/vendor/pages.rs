//! Paging.

use std::sync::Arc;

use super::Vendor;
use crate::config::yaml::Node;
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{NextPage, PageSize, Pages};

impl Vendor<'_, '_> {
    pub(super) fn pages(&mut self, node: Option<&Node>) -> Option<Pages> {
        let node = node?;
        let next = self.next(node.get("next")?)?;
        let size = node.get("size");
        let number = |text: Option<&str>, default: u32| {
            text.and_then(|text| text.parse().ok()).unwrap_or(default)
        };
        let mut carry = Vec::new();
        for entry in node.get("carry").map(Node::entries).unwrap_or_default() {
            carry.push((Arc::clone(&entry.key), self.path(&entry.value)?));
        }
        Some(Pages {
            next,
            carry,
            more: self.optional_path(node, "more"),
            size: size.and_then(|size| {
                Some(PageSize {
                    variable: Arc::from(size.get_text("variable")?),
                    min: number(size.get_text("min"), 1),
                    max: number(size.get_text("max"), 100),
                })
            }),
            max_pages: number(node.get_text("max_pages"), 10),
            total: self.optional_path(node, "total"),
        })
    }

    fn next(&mut self, node: &Node) -> Option<NextPage> {
        let start = node.get_text("start").and_then(|text| text.parse::<u32>().ok());
        let mut keep = Self::words(node.get("keep"));
        let segment: Option<Arc<str>> = node.get_text("segment").map(Arc::from);
        if let (None, Some(entry)) = (node.get("body_link"), node.entry("segment")) {
            self.error(
                Code::InvalidPages,
                entry.key_span,
                "`segment` is for `body_link`",
                "there is no such link here",
            );
        }
        keep.extend(segment.clone());
        let is_link = node.get("link_header").is_some() || node.get("body_link").is_some();
        if is_link && keep.is_empty() {
            self.problem(
                Diagnostic::error(Code::InvalidPages, "a link says nothing without `keep`")
                    .at(node.span, "which of the link's query parameters are to be sent?")
                    .help("list them: `keep: [cursor]`; each is a variable of the same name"),
            );
        }
        let counts = node.get("page").is_some() || node.get("offset").is_some();
        if let (false, Some(entry)) = (counts, node.entry("start")) {
            self.error(
                Code::InvalidPages,
                entry.key_span,
                "`start` is for `page` and `offset`",
                "counts nothing here",
            );
        }
        if let Some(cursor) = node.get("cursor") {
            let mut values = Vec::new();
            for entry in cursor.entries() {
                values.push((Arc::clone(&entry.key), self.path(&entry.value)?));
            }
            return Some(NextPage::Cursor(values));
        }
        if let Some(variable) = node.get_text("page") {
            return Some(NextPage::Page {
                variable: Arc::from(variable),
                start: start.unwrap_or(1),
            });
        }
        if let Some(variable) = node.get_text("offset") {
            return Some(NextPage::Offset {
                variable: Arc::from(variable),
                start: start.unwrap_or(0),
            });
        }
        if let Some(relation) = node.get_text("link_header") {
            return Some(NextPage::LinkHeader { relation: Arc::from(relation), parameters: keep });
        }
        let path = self.path(node.get("body_link")?)?;
        Some(NextPage::BodyLink { path, parameters: keep, segment })
    }
}
