//! As much XML as the demo's SOAP requests need: elements, attributes, text. Namespaces are dropped, DOCTYPE is refused.

const DEPTH_MAX: usize = 32;

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Element {
    /// The local name.
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) children: Vec<Self>,
    pub(crate) text: String,
}

impl Element {
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    pub(crate) fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str())
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Reads a document. `None` for anything that is not well-formed, or that this small reader does not take.
pub(crate) fn read(document: &str) -> Option<Element> {
    let mut reader = Reader { rest: document };
    reader.skip_prolog()?;
    let root = reader.element(0)?;
    reader.skip_prolog()?;
    reader.rest.is_empty().then_some(root)
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    /// White space, comments and processing instructions.
    fn skip_prolog(&mut self) -> Option<()> {
        loop {
            self.rest = self.rest.trim_start();
            if let Some(rest) = self.rest.strip_prefix("<!--") {
                self.rest = rest.split_once("-->")?.1;
            } else if let Some(rest) = self.rest.strip_prefix("<?") {
                self.rest = rest.split_once("?>")?.1;
            } else {
                return Some(());
            }
        }
    }

    fn element(&mut self, depth: usize) -> Option<Element> {
        if depth > DEPTH_MAX {
            return None;
        }
        self.rest = self.rest.strip_prefix('<')?;
        let full_name = self.name()?;
        let mut element = Element { name: local(full_name).to_owned(), ..Element::default() };
        loop {
            self.rest = self.rest.trim_start();
            if let Some(rest) = self.rest.strip_prefix("/>") {
                self.rest = rest;
                return Some(element);
            }
            if let Some(rest) = self.rest.strip_prefix('>') {
                self.rest = rest;
                self.content(&mut element, full_name, depth)?;
                return Some(element);
            }
            element.attributes.push(self.attribute()?);
        }
    }

    fn content(&mut self, element: &mut Element, full_name: &str, depth: usize) -> Option<()> {
        loop {
            let (text, _) = self.rest.split_once('<')?;
            element.text.push_str(&unescape(text)?);
            self.rest = self.rest.get(text.len()..)?;
            if let Some(rest) = self.rest.strip_prefix("</") {
                self.rest = rest.strip_prefix(full_name)?.trim_start().strip_prefix('>')?;
                return Some(());
            } else if let Some(rest) = self.rest.strip_prefix("<![CDATA[") {
                let (data, rest) = rest.split_once("]]>")?;
                element.text.push_str(data);
                self.rest = rest;
            } else if let Some(rest) = self.rest.strip_prefix("<!--") {
                self.rest = rest.split_once("-->")?.1;
            } else {
                let child = self.element(depth + 1)?;
                element.children.push(child);
            }
        }
    }

    fn name(&mut self) -> Option<&'a str> {
        let end = self.rest.find(|letter: char| {
            letter.is_whitespace() || matches!(letter, '>' | '/' | '=' | '<' | '!')
        })?;
        let (name, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        (!name.is_empty()).then_some(name)
    }

    fn attribute(&mut self) -> Option<(String, String)> {
        let name = local(self.name()?).to_owned();
        self.rest = self.rest.trim_start().strip_prefix('=')?.trim_start();
        let quote = if self.rest.starts_with('\'') { '\'' } else { '"' };
        let (value, rest) = self.rest.strip_prefix(quote)?.split_once(quote)?;
        self.rest = rest;
        if value.contains('<') { None } else { Some((name, unescape(value)?)) }
    }
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

fn unescape(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        let (entity, after) = after.split_once(';')?;
        plain.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => {
                let number = entity.strip_prefix('#')?;
                let code = match number.strip_prefix('x') {
                    Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                    None => number.parse().ok()?,
                };
                char::from_u32(code)?
            }
        });
        rest = after;
    }
    plain.push_str(rest);
    Some(plain)
}

/// Text for an element or an attribute.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            _ => escaped.push(letter),
        }
    }
    escaped
}
