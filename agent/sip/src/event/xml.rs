//! XML as a small tree: no document types, no entities but XML's own five, bounded depth and size.

use quick_xml::{Reader, escape::unescape, events::Event};
use std::borrow::Cow;

/// The longest body that is read, in bytes.
const LONGEST: usize = 65_536;
/// The deepest nesting; packages need six.
const DEEPEST: usize = 24;
/// The most elements of a document.
const MOST_ELEMENTS: usize = 2_048;
/// The most attributes of an element.
const MOST_ATTRIBUTES: usize = 32;

/// Why a body is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    /// It is no well-formed XML, or ends before its end.
    #[error("it is no well-formed XML")]
    Broken,
    /// It has a document type, which could define entities that grow.
    #[error("it has a document type")]
    DocType,
    /// It is longer, deeper or has more elements than any package needs.
    #[error("it is larger than any event package needs")]
    TooLarge,
    /// It is XML, but not the document that was expected.
    #[error("it is another document")]
    Other,
}

/// An element with what is in it. Names are without their prefix: packages are told apart by their root, and PBXs
/// write prefixes and namespaces as they like.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Element {
    /// Its name.
    pub name: String,
    /// Its attributes.
    pub attributes: Vec<(String, String)>,
    /// Its text, that of its children left out.
    pub text: String,
    /// Its children, in order.
    pub children: Vec<Element>,
}

impl Element {
    /// The attribute of that name.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The first child of that name.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The children of that name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of the first child of that name, without blanks at its ends; `None` when it is empty.
    pub fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.trim()).filter(|text| !text.is_empty())
    }
}

/// Reads a document whose root has that name. Bytes that are not UTF-8 are read as Latin-1, which old PBXs write.
pub fn parse(bytes: &[u8], root: &str) -> Result<Element, XmlError> {
    if bytes.len() > LONGEST {
        return Err(XmlError::TooLarge);
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().map(|&byte| char::from(byte)).collect()),
    };
    let found = tree(text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\0'))?;
    if found.name == root { Ok(found) } else { Err(XmlError::Other) }
}

fn tree(text: &str) -> Result<Element, XmlError> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    let mut count = 0;
    loop {
        match reader.read_event().map_err(|_| XmlError::Broken)? {
            Event::Start(start) => {
                count += 1;
                if open.len() >= DEEPEST || count > MOST_ELEMENTS {
                    return Err(XmlError::TooLarge);
                }
                open.push(element(&start)?);
            }
            Event::Empty(start) => {
                count += 1;
                if count > MOST_ELEMENTS {
                    return Err(XmlError::TooLarge);
                }
                let empty = element(&start)?;
                match open.last_mut() {
                    Some(parent) => parent.children.push(empty),
                    None => return Ok(empty),
                }
            }
            Event::End(_) => {
                let Some(done) = open.pop() else { return Err(XmlError::Broken) };
                match open.last_mut() {
                    Some(parent) => parent.children.push(done),
                    // What stands behind the root is nobody's.
                    None => return Ok(done),
                }
            }
            Event::Text(text) => add(&mut open, text.into_inner().as_ref()),
            Event::CData(text) => add(&mut open, text.into_inner().as_ref()),
            Event::GeneralRef(name) => {
                let known = format!("&{};", name.into_inner());
                // An entity that only a document type could explain stays out.
                add(&mut open, unescape(&known).unwrap_or_default().as_ref());
            }
            Event::DocType(_) => return Err(XmlError::DocType),
            Event::Eof => return Err(XmlError::Broken),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}

fn add(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn element(start: &quick_xml::events::BytesStart<'_>) -> Result<Element, XmlError> {
    let mut attributes = Vec::new();
    // The check for doubles compares each with each; the first of a name counts.
    for attribute in start.attributes().with_checks(false) {
        let attribute = attribute.map_err(|_| XmlError::Broken)?;
        if attributes.len() >= MOST_ATTRIBUTES {
            return Err(XmlError::TooLarge);
        }
        let name = attribute.key.local_name().as_ref().to_owned();
        let value = unescape(&attribute.value).unwrap_or_default().into_owned();
        attributes.push((name, value));
    }
    let name = start.local_name().as_ref().to_owned();
    Ok(Element { name, attributes, ..Element::default() })
}

/// Text made fit to stand between tags or in an attribute.
pub fn escaped(text: &str) -> String {
    // Control characters cannot stand in XML at all, not even escaped.
    let plain: String = text.chars().filter(|c| !c.is_control()).collect();
    quick_xml::escape::escape(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_prefix_and_text_its_escapes() {
        let root = parse(
            b"<?xml version=\"1.0\"?>\n<!-- x --><p:a xmlns:p='urn:x' n=\"1 &lt; 2\"><p:b>x &amp; &#65;&nbsp;<![CDATA[<y>]]></p:b><c/></p:a>",
            "a",
        )
        .unwrap();
        assert_eq!(root.attribute("n"), Some("1 < 2"));
        assert_eq!(root.text_of("b"), Some("x & A<y>"));
        assert!(root.child("c").is_some() && root.child("d").is_none());
        let latin = parse(b"<a>J\xfcrgen</a>", "a").unwrap();
        assert_eq!(latin.text, "J\u{fc}rgen");
        assert_eq!(parse("\u{feff}<a/>\0\r\n".as_bytes(), "a").unwrap().name, "a");
    }

    #[test]
    fn what_could_grow_is_refused() {
        let bomb = b"<!DOCTYPE a [<!ENTITY b \"bbbbbbbb\"><!ENTITY c \"&b;&b;&b;&b;\">]><a>&c;</a>";
        assert_eq!(parse(bomb, "a"), Err(XmlError::DocType));
        let deep = [b"<a>".repeat(1000), b"</a>".repeat(1000)].concat();
        assert_eq!(parse(&deep, "a"), Err(XmlError::TooLarge));
        let many = [&b"<a>"[..], &b"<b/>".repeat(5000), b"</a>"].concat();
        assert_eq!(parse(&many, "a"), Err(XmlError::TooLarge));
        let wide: String = (0..100).map(|n| format!(" a{n}=\"\"")).collect();
        assert_eq!(parse(format!("<a{wide}/>").as_bytes(), "a"), Err(XmlError::TooLarge));
        assert_eq!(parse(&vec![b' '; 70_000], "a"), Err(XmlError::TooLarge));
    }

    #[test]
    fn what_is_cut_or_crossed_is_broken() {
        for text in ["", "<a>", "<a><b></a>", "</a>", "<a", "plain", "<a x=></a>", "<a>x</b>"] {
            assert_eq!(parse(text.as_bytes(), "a"), Err(XmlError::Broken), "{text}");
        }
        assert_eq!(parse(b"<b/>", "a"), Err(XmlError::Other));
    }

    #[test]
    fn what_is_written_reads_back() {
        let nasty = "a<b>&\"'\u{1}\r\n]]>";
        let read = parse(format!("<a n=\"{0}\">{0}</a>", escaped(nasty)).as_bytes(), "a").unwrap();
        assert_eq!(read.text, "a<b>&\"']]>");
        assert_eq!(read.attribute("n"), Some("a<b>&\"']]>"));
    }
}
