//! An XML answer as a tree of elements, within limits.

use std::borrow::Cow;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::{Namespace, NamespaceResolver, ResolveResult};
use quick_xml::reader::NsReader;
use rustc_hash::FxHashMap;

use crate::graph::AnswerLimits;

pub(super) const SOAP_1_1: &str = "http://schemas.xmlsoap.org/soap/envelope/";
pub(super) const SOAP_1_2: &str = "http://www.w3.org/2003/05/soap-envelope";
const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";

const ATTRIBUTES_MAX: usize = 128;
const NAMESPACES_MAX: usize = 256;
const TEXT_BYTES_MAX: usize = 1024 * 1024;
const ELEMENTS_MAX: usize = 1_000_000;

/// A SOAP answer: its elements in document order, and where its Body is.
#[derive(Debug)]
pub(super) struct Envelope<'a> {
    pub(super) elements: Vec<Element<'a>>,
    pub(super) names: Vec<Box<str>>,
    pub(super) attributes: Vec<Attribute<'a>>,
    pub(super) body: Option<usize>,
}

#[derive(Debug)]
pub(super) struct Element<'a> {
    /// The local name, by number.
    pub(super) name: u32,
    pub(super) text: Cow<'a, str>,
    /// Attributes of this element: a range of the envelope's.
    pub(super) attributes: (u32, u32),
    pub(super) first_child: Option<u32>,
    last_child: Option<u32>,
    next_sibling: Option<u32>,
    pub(super) is_nil: bool,
    is_soap: bool,
}

#[derive(Debug)]
pub(super) struct Attribute<'a> {
    pub(super) name: Box<str>,
    pub(super) value: Cow<'a, str>,
}

/// Reads an envelope. The reason of a refusal holds nothing of the text.
pub(super) fn read(text: &str, limits: AnswerLimits) -> Result<Envelope<'_>, String> {
    let mut reader = NsReader::from_str(text);
    reader.config_mut().expand_empty_elements = false;
    reader.resolver_mut().set_max_namespace_bindings(NAMESPACES_MAX);
    let mut tree = Tree::default();
    loop {
        let event =
            reader.read_event().map_err(|error| malformed(&error, reader.error_position()))?;
        match event {
            Event::Start(start) => {
                tree.open(&start, reader.resolver())?;
                if tree.stack.len() > limits.depth {
                    return Err(format!("the XML nests deeper than {}", limits.depth));
                }
            }
            Event::Empty(start) => {
                tree.open(&start, reader.resolver())?;
                tree.stack.pop();
            }
            Event::End(_) => drop(tree.stack.pop()),
            Event::Text(text) => tree.text(text.xml10_content())?,
            Event::CData(text) => tree.text(text.xml10_content())?,
            Event::GeneralRef(reference) => tree.text(Cow::Owned(resolve(&reference)?.into()))?,
            Event::DocType(_) => return Err("a DOCTYPE is refused".to_owned()),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    if !tree.stack.is_empty() {
        return Err("the XML ends inside an element".to_owned());
    }
    let body = tree.body()?;
    Ok(Envelope { elements: tree.elements, names: tree.names, attributes: tree.attributes, body })
}

fn malformed(error: &quick_xml::Error, position: u64) -> String {
    let what = match error {
        quick_xml::Error::Syntax(_) => "it breaks off or has bad syntax",
        quick_xml::Error::IllFormed(_) => "its tags do not match",
        quick_xml::Error::InvalidAttr(_) => "an attribute is malformed",
        quick_xml::Error::Namespace(_) => "its namespaces are too many or malformed",
        _ => "it is malformed",
    };
    format!("the XML cannot be read: {what} at byte {position}")
}

/// A character reference, or one of the five entities that need no declaration.
fn resolve(reference: &BytesRef<'_>) -> Result<char, String> {
    let bad = || "an entity that XML does not define was used".to_owned();
    if let Some(character) = reference.resolve_char_ref().map_err(|_| bad())? {
        return Ok(character);
    }
    match &*reference.xml10_content() {
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "amp" => Ok('&'),
        "apos" => Ok('\''),
        "quot" => Ok('"'),
        _ => Err(bad()),
    }
}

#[derive(Default)]
struct Tree<'a> {
    elements: Vec<Element<'a>>,
    attributes: Vec<Attribute<'a>>,
    names: Vec<Box<str>>,
    numbers: FxHashMap<Box<str>, u32>,
    /// The open elements, outermost first.
    stack: Vec<u32>,
}

impl<'a> Tree<'a> {
    fn open(&mut self, start: &BytesStart<'a>, resolver: &NamespaceResolver) -> Result<(), String> {
        let number = u32::try_from(self.elements.len()).unwrap_or(u32::MAX);
        if self.elements.len() >= ELEMENTS_MAX {
            return Err(format!("the XML has more than {ELEMENTS_MAX} elements"));
        }
        if self.stack.is_empty() && number > 0 {
            return Err("the XML has more than one root".to_owned());
        }
        let (namespace, local) = resolver.resolve_element(start.name());
        let is_soap = is_namespace(&namespace, &[SOAP_1_1, SOAP_1_2]);
        let name = self.number(local.into_inner());
        let begin = self.attributes.len();
        let is_nil = self.read_attributes(start, resolver)?;
        let range = (begin, self.attributes.len());
        self.elements.push(Element {
            name,
            text: Cow::Borrowed(""),
            attributes: (u32::try_from(range.0).unwrap_or(0), u32::try_from(range.1).unwrap_or(0)),
            first_child: None,
            last_child: None,
            next_sibling: None,
            is_nil,
            is_soap,
        });
        self.attach(number);
        self.stack.push(number);
        Ok(())
    }

    /// Makes an element the last child of the open one.
    fn attach(&mut self, number: u32) {
        let Some(parent) =
            self.stack.last().and_then(|parent| self.elements.get_mut(*parent as usize))
        else {
            return;
        };
        let before = parent.last_child.replace(number);
        parent.first_child.get_or_insert(number);
        if let Some(sibling) = before.and_then(|sibling| self.elements.get_mut(sibling as usize)) {
            sibling.next_sibling = Some(number);
        }
    }

    /// Keeps the attributes that are data; says whether the element is nil.
    fn read_attributes(
        &mut self,
        start: &BytesStart<'a>,
        resolver: &NamespaceResolver,
    ) -> Result<bool, String> {
        let begin = self.attributes.len();
        let (mut is_nil, mut xsi_type) = (false, None);
        for (index, attribute) in start.attributes().enumerate() {
            let attribute =
                attribute.map_err(|_| "an attribute of the XML is malformed".to_owned())?;
            if index >= ATTRIBUTES_MAX {
                return Err(format!("an element has more than {ATTRIBUTES_MAX} attributes"));
            }
            if attribute.key.as_namespace_binding().is_some() {
                continue;
            }
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|_| "an attribute of the XML holds an unknown entity".to_owned())?;
            let (namespace, local) = resolver.resolve_attribute(attribute.key);
            let local = local.into_inner();
            if is_namespace(&namespace, &[XSI]) {
                match local {
                    "nil" => is_nil = matches!(value.trim(), "true" | "1"),
                    "type" => {
                        let name = value.trim();
                        xsi_type = Some(name.rsplit(':').next().unwrap_or(name).to_owned());
                    }
                    _ => {}
                }
                continue;
            }
            self.keep(begin, local, value.into_owned());
        }
        if let Some(name) = xsi_type {
            let has_own =
                self.attributes.iter().skip(begin).any(|attribute| &*attribute.name == "@type");
            self.keep(begin, if has_own { "xsi:type" } else { "type" }, name);
        }
        Ok(is_nil)
    }

    /// A local name that occurs twice (with two prefixes) counts once.
    fn keep(&mut self, begin: usize, name: &str, value: String) {
        let name = format!("@{name}");
        if !self.attributes.iter().skip(begin).any(|attribute| *attribute.name == *name) {
            self.attributes.push(Attribute { name: name.into(), value: Cow::Owned(value) });
        }
    }

    fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(name.into());
        self.numbers.insert(name.into(), number);
        number
    }

    fn text(&mut self, text: Cow<'a, str>) -> Result<(), String> {
        let Some(element) =
            self.stack.last().and_then(|open| self.elements.get_mut(*open as usize))
        else {
            return if text.trim().is_empty() {
                Ok(())
            } else {
                Err("the XML has text outside its root".to_owned())
            };
        };
        if element.text.len() + text.len() > TEXT_BYTES_MAX {
            return Err(format!("an element holds more than {TEXT_BYTES_MAX} bytes of text"));
        }
        if element.text.is_empty() {
            element.text = text;
        } else {
            element.text.to_mut().push_str(&text);
        }
        Ok(())
    }

    /// The Body of the Envelope; its prefix may be any, its namespace one of the two.
    fn body(&self) -> Result<Option<usize>, String> {
        let is = |element: &Element<'_>, name: &str| {
            element.is_soap
                && self.names.get(element.name as usize).is_some_and(|own| **own == *name)
        };
        let root = self.elements.first().filter(|root| is(root, "Envelope"));
        let root = root.ok_or_else(|| "the root element is not a SOAP Envelope".to_owned())?;
        let mut child = root.first_child;
        while let Some((number, element)) =
            child.and_then(|at| Some((at, self.elements.get(at as usize)?)))
        {
            if is(element, "Body") {
                return Ok(Some(number as usize));
            }
            child = element.next_sibling;
        }
        Err("the SOAP Envelope has no Body".to_owned())
    }
}

fn is_namespace(resolved: &ResolveResult<'_>, names: &[&str]) -> bool {
    matches!(resolved, ResolveResult::Bound(Namespace(name)) if names.contains(name))
}

impl Envelope<'_> {
    /// The Fault in the Body, if it is one.
    pub(super) fn fault(&self) -> Option<usize> {
        self.children(self.body?).find(|child| {
            self.name(*child) == "Fault"
                && self.elements.get(*child).is_some_and(|element| element.is_soap)
        })
    }

    pub(super) fn children(&self, at: usize) -> impl Iterator<Item = usize> {
        let first = self.elements.get(at).and_then(|element| element.first_child);
        std::iter::successors(first, |child| self.elements.get(*child as usize)?.next_sibling)
            .map(|child| child as usize)
    }

    pub(super) fn child(&self, at: usize, name: &str) -> Option<usize> {
        self.children(at).find(|child| self.name(*child) == name)
    }

    pub(super) fn name(&self, at: usize) -> &str {
        let name = self.elements.get(at).and_then(|element| self.names.get(element.name as usize));
        name.map_or("", |name| name)
    }

    pub(super) fn text(&self, at: usize) -> &str {
        self.elements.get(at).map_or("", |element| element.text.trim())
    }
}
