//! Is an envelope that is about to leave one whole XML document?
//!
//! Values are escaped where they are written, but a template decides where: in a tag's name, or inside one branch of a
//! condition that opens what another closes, they can still make something that is no XML.

use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::refused;
use crate::error::BackendError;

/// Refuses what is not one element, closed, with whole tags around it. The reason holds nothing of the text.
pub(super) fn check(text: &str) -> Result<(), BackendError> {
    match fault(text) {
        None => Ok(()),
        Some((_, what)) => Err(refused(format!("the envelope is not well-formed: {what}"))),
    }
}

/// The first thing that keeps a text from being one XML element, and the byte where it is.
pub(super) fn fault(text: &str) -> Option<(usize, &'static str)> {
    let mut reader = Reader::from_str(text);
    let (mut depth, mut roots) = (0_usize, 0_usize);
    loop {
        let begin = usize::try_from(reader.buffer_position()).unwrap_or_default();
        let Ok(event) = reader.read_event() else {
            return Some((begin, "a tag is broken or closes another"));
        };
        let is_outside = depth == 0;
        let what = match event {
            Event::Start(tag) => {
                roots += usize::from(is_outside);
                depth += 1;
                fault_of_tag(&tag)
            }
            Event::Empty(tag) => {
                roots += usize::from(is_outside);
                fault_of_tag(&tag)
            }
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                None
            }
            Event::Text(text) if is_outside && !is_blank(&text) => {
                Some("there is text outside of its element")
            }
            Event::CData(_) | Event::GeneralRef(_) if is_outside => {
                Some("there is text outside of its element")
            }
            Event::GeneralRef(name)
                if !name.is_char_ref()
                    && !matches!(&*name, "amp" | "lt" | "gt" | "quot" | "apos") =>
            {
                Some("it names an entity that nobody defines")
            }
            Event::DocType(_) => Some("it has a DOCTYPE"),
            Event::Eof => break,
            _ => None,
        };
        if let Some(what) = what {
            return Some((begin, what));
        }
    }
    let what = match (depth, roots) {
        (0, 1) => return None,
        (0, 0) => "it has no element",
        (0, _) => "it has more than one outer element",
        _ => "an element is not closed",
    };
    Some((text.len(), what))
}

fn is_blank(text: &str) -> bool {
    // a byte order mark may stand before everything
    text.strip_prefix('\u{feff}').unwrap_or(text).trim_ascii().is_empty()
}

fn fault_of_tag(tag: &BytesStart<'_>) -> Option<&'static str> {
    let mut is_named = is_name(tag.name().into_inner());
    for attribute in tag.attributes() {
        let Ok(attribute) = attribute else {
            return Some("an attribute is broken or occurs twice");
        };
        if attribute.value.contains('<') {
            return Some("an attribute holds a tag");
        }
        is_named &= is_name(attribute.key.into_inner());
    }
    (!is_named).then_some("a name is not a name")
}

fn is_name(name: &str) -> bool {
    let starts = |character: char| character.is_alphabetic() || matches!(character, '_' | ':');
    name.starts_with(starts)
        && name.chars().all(|character| {
            character.is_alphanumeric() || matches!(character, '_' | ':' | '-' | '.')
        })
}
