//! The texts of an XML document, each with the names of the elements around it; everything else stays as it stands.

use std::fmt::Write as _;

use super::super::layout::markup_length;

/// Gives each text and attribute value, unescaped and with its names from inside the Body, to `replace`, and writes what comes back.
pub(super) fn rewritten(text: &str, replace: &mut dyn FnMut(&[String], &str) -> String) -> String {
    let mut writer = Writer { out: String::with_capacity(text.len()), open: Vec::new(), replace };
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (before, markup) = rest.split_at(at);
        writer.text(before);
        let length = writer.markup(markup);
        rest = markup.get(length..).unwrap_or_default();
    }
    writer.text(rest);
    writer.out
}

struct Writer<'a> {
    out: String,
    open: Vec<String>,
    replace: &'a mut dyn FnMut(&[String], &str) -> String,
}

impl Writer<'_> {
    /// The names from inside the Body of an envelope; of another document, those inside its root.
    fn names(&self) -> Vec<String> {
        let body = self.open.iter().position(|name| name == "Body").filter(|at| *at <= 1);
        self.open.iter().skip(body.map_or(1, |at| at + 1)).cloned().collect()
    }

    fn text(&mut self, escaped: &str) {
        if escaped.trim().is_empty() {
            return self.out.push_str(escaped);
        }
        let text = unescaped(escaped);
        let names = self.names();
        let replaced = (self.replace)(&names, &text);
        // what stays keeps its spelling
        let written = if replaced == text { escaped.to_owned() } else { self::escaped(&replaced) };
        self.out.push_str(&written);
    }

    /// One piece of markup; how long it was.
    fn markup(&mut self, text: &str) -> usize {
        if let Some(inside) = text.strip_prefix("<![CDATA[") {
            let end = inside.find("]]>").unwrap_or(inside.len());
            let content = inside.get(..end).unwrap_or_default();
            let names = self.names();
            let replaced = (self.replace)(&names, content);
            // writing to a string cannot fail
            write!(self.out, "<![CDATA[{}]]>", replaced.replace("]]>", "]] >")).ok();
            return (end + "<![CDATA[]]>".len()).min(text.len());
        }
        if !text.starts_with("</") && !text.starts_with("<!") && !text.starts_with("<?") {
            return self.element(text);
        }
        if text.starts_with("</") {
            self.open.pop();
        }
        let length = markup_length(text);
        self.out.push_str(text.get(..length).unwrap_or_default());
        length
    }

    fn element(&mut self, text: &str) -> usize {
        let length = markup_length(text);
        let tag = text.get(..length).unwrap_or_default();
        let inside = tag.trim_start_matches('<').trim_end_matches('>');
        let name_end = inside
            .find(|letter: char| letter.is_whitespace() || letter == '/')
            .unwrap_or(inside.len());
        let (name, mut rest) = inside.split_at(name_end);
        self.open.push(local(name).to_owned());
        self.out.push('<');
        self.out.push_str(name);
        while let Some((before, after)) = rest.split_once('=') {
            let quote =
                after.trim_start().chars().next().filter(|quote| matches!(quote, '"' | '\''));
            let Some((quote, (value, next))) = quote
                .and_then(|quote| Some((quote, after.split_once(quote)?.1.split_once(quote)?)))
            else {
                break;
            };
            self.attribute(before, value, quote);
            rest = next;
        }
        self.out.push_str(rest);
        if tag.ends_with('>') {
            self.out.push('>');
        }
        if rest.trim_end().ends_with('/') {
            self.open.pop();
        }
        length
    }

    fn attribute(&mut self, name: &str, escaped: &str, quote: char) {
        let plain = name.trim();
        let is_declaration = plain == "xmlns" || plain.starts_with("xmlns:");
        let value = unescaped(escaped);
        let mut names = self.names();
        names.push(format!("@{}", local(plain)));
        let replaced = if is_declaration { value.clone() } else { (self.replace)(&names, &value) };
        let written = if replaced == value { escaped.to_owned() } else { self::escaped(&replaced) };
        write!(self.out, "{name}={quote}{written}{quote}").ok();
    }
}

fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let Some((name, next)) = after.split_once(';') else {
            out.push('&');
            rest = after;
            continue;
        };
        let letter = match name {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => name.strip_prefix('#').and_then(|number| {
                let hex = number.strip_prefix(['x', 'X']).map(|hex| u32::from_str_radix(hex, 16));
                char::from_u32(hex.unwrap_or_else(|| number.parse()).ok()?)
            }),
        };
        if let Some(letter) = letter {
            out.push(letter);
            rest = next;
        } else {
            out.push('&');
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&apos;")
}
