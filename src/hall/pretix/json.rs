//! JSON that knows where it stands: a tree, and for every value in it a JSON Pointer.
//!
//! Owns the parsing of a plan's bytes. It knows nothing of halls. Unlike `serde_json::Value` it
//! keeps members that are written twice, so that they can be reported instead of swallowed.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

use super::Fault;

/// A JSON value. Texts borrow from the plan's bytes wherever they hold no escapes.
#[derive(Debug)]
pub(super) enum Node<'j> {
    Null,
    Truth(bool),
    Number(f64),
    Text(Cow<'j, str>),
    List(Vec<Node<'j>>),
    Object(Vec<(Cow<'j, str>, Node<'j>)>),
}

impl Node<'_> {
    /// What the value is, as a clerk would say it.
    pub(super) fn describe(&self) -> String {
        match self {
            Node::Null => "null".into(),
            Node::Truth(truth) => truth.to_string(),
            Node::Number(number) => format!("the number {number}"),
            Node::Text(text) => format!("the text {}", quoted(text)),
            Node::List(_) => "a list".into(),
            Node::Object(_) => "an object".into(),
        }
    }
}

/// A text in quotation marks, cut to a length that fits a sentence; control characters escaped,
/// because messages are printed on terminals.
pub(super) fn quoted(text: &str) -> String {
    const SHOWN: usize = 60;
    let mut shown: String = text.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    format!("“{}”", shown.replace("\\\"", "\"").replace("\\'", "'"))
}

/// Reads the plan's bytes. Nesting deeper than 128 is refused by the parser, so no plan can
/// exhaust the stack.
pub(super) fn parse(plan: &[u8]) -> Result<Node<'_>, Fault> {
    // Editors on Windows put a byte order mark in front; RFC 8259 lets a reader ignore it.
    let plan = plan.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(plan);
    serde_json::from_slice(plan)
        .map_err(|error| Fault { path: String::new(), message: format!("Not JSON: {error}.") })
}

#[derive(Deserialize)]
struct Key<'j>(#[serde(borrow)] Cow<'j, str>);

struct NodeVisitor;

impl<'j> Visitor<'j> for NodeVisitor {
    type Value = Node<'j>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Node<'j>, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Node<'j>, E> {
        Ok(Node::Truth(truth))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Node<'j>, E> {
        Ok(Node::Number(number as f64))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Node<'j>, E> {
        Ok(Node::Number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Node<'j>, E> {
        Ok(Node::Number(number))
    }

    fn visit_borrowed_str<E>(self, text: &'j str) -> Result<Node<'j>, E> {
        Ok(Node::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node<'j>, E> {
        Ok(Node::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'j>>(self, mut from: A) -> Result<Node<'j>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = from.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'j>>(self, mut from: A) -> Result<Node<'j>, A::Error> {
        let mut members = Vec::new();
        while let Some((Key(key), value)) = from.next_entry()? {
            members.push((key, value));
        }
        Ok(Node::Object(members))
    }
}

impl<'j> Deserialize<'j> for Node<'j> {
    fn deserialize<D: Deserializer<'j>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(NodeVisitor)
    }
}

/// A JSON Pointer (RFC 6901) as a chain up the stack: written out only when there is something
/// to report, so that a plan in order costs nothing.
#[derive(Clone, Copy)]
pub(super) struct Pointer<'p> {
    parent: Option<&'p Pointer<'p>>,
    step: Step<'p>,
}

#[derive(Clone, Copy)]
enum Step<'p> {
    Member(&'p str),
    Item(usize),
}

impl fmt::Display for Pointer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(parent) = self.parent else { return Ok(()) };
        parent.fmt(f)?;
        match self.step {
            Step::Member(key) => write!(f, "/{}", key.replace('~', "~0").replace('/', "~1")),
            Step::Item(index) => write!(f, "/{index}"),
        }
    }
}

/// A value and where it stands.
#[derive(Clone, Copy)]
pub(super) struct At<'j, 'p> {
    pub(super) node: &'j Node<'j>,
    pub(super) pointer: Pointer<'p>,
}

impl<'j> At<'j, '_> {
    /// The whole plan.
    pub(super) fn root(node: &'j Node<'j>) -> At<'j, 'static> {
        At { node, pointer: Pointer { parent: None, step: Step::Item(0) } }
    }

    /// A member of this object; of one written twice the last, as JavaScript reads it.
    pub(super) fn member<'c>(&'c self, key: &'c str) -> Option<At<'j, 'c>> {
        let Node::Object(members) = self.node else { return None };
        let (_, node) = members.iter().rev().find(|(name, _)| name == key)?;
        let step = Step::Member(key);
        Some(At { node, pointer: Pointer { parent: Some(&self.pointer), step } })
    }

    /// The items of this list; none where it is not a list.
    pub(super) fn items<'c>(&'c self) -> impl Iterator<Item = At<'j, 'c>> {
        let items = match self.node {
            Node::List(items) => items.as_slice(),
            Node::Null | Node::Truth(_) | Node::Number(_) | Node::Text(_) | Node::Object(_) => &[],
        };
        items.iter().enumerate().map(|(index, node)| {
            let step = Step::Item(index);
            At { node, pointer: Pointer { parent: Some(&self.pointer), step } }
        })
    }

    /// The JSON Pointer, written out.
    pub(super) fn path(&self) -> String {
        self.pointer.to_string()
    }

    /// The JSON Pointer of a member of this object, written out, without looking it up.
    pub(super) fn path_of(&self, key: &str) -> String {
        Pointer { parent: Some(&self.pointer), step: Step::Member(key) }.to_string()
    }
}
