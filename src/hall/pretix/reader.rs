//! Reading typed values out of a plan: each either comes out checked or leaves a finding.
//!
//! Owns the bounds on single values. It knows JSON's types and the format's habits (positions,
//! whole numbers, colours), not what a zone or a seat is.

use super::findings::{Findings, WarningKind};
use super::json::{At, Node, quoted};

/// Beyond this a coordinate is a slip: 10,000,000 units are 200 km where a seat is 50 cm (25 units)
/// wide. It also keeps every sum of three of them exact to far below a hundredth.
const COORDINATE_MAX: f64 = 1e7;

/// The longest name of a hall, a section, a category or an area, in characters.
pub(super) const NAME_CHARS_MAX: usize = 200;

/// The longest row or seat number, in characters: it has to fit a ticket, and the layout repeats
/// it for every seat.
pub(super) const LABEL_CHARS_MAX: usize = 32;

/// The longest words drawn on a plan, in characters.
pub(super) const WORDS_CHARS_MAX: usize = 1_000;

/// The CSS colours a plan may use by name are plain letters; the longest is
/// `lightgoldenrodyellow`.
const COLOUR_NAME_CHARS_MAX: usize = 20;

/// Reads values and gathers what is wrong with them.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) findings: Findings,
}

impl Reader {
    /// A fault at a value.
    pub(super) fn fault(&mut self, at: &At<'_, '_>, message: impl Into<String>) {
        self.findings.fault(at.path(), message.into());
    }

    /// A warning at a value.
    pub(super) fn warn(&mut self, kind: WarningKind, at: &At<'_, '_>, message: impl Into<String>) {
        self.findings.warn(kind, at.path(), message.into());
    }

    /// Whether the value is an object. Warns of members that are not `known` or written twice.
    pub(super) fn object(&mut self, at: &At<'_, '_>, sort: &'static str, known: &[&str]) -> bool {
        let Node::Object(members) = at.node else {
            let found = at.node.describe();
            self.fault(at, format!("A {sort} must be an object, but this is {found}."));
            return false;
        };
        for (key, _) in members {
            if !known.contains(&key.as_ref()) {
                self.findings.unknown_member(sort, key, || at.path_of(key));
            }
        }
        for key in known {
            if members.iter().filter(|(name, _)| name == key).count() > 1 {
                let message = format!("“{key}” is written more than once; the last one counts.");
                self.warn(WarningKind::RepeatedMember, at, message);
            }
        }
        true
    }

    /// A member that must be there. The fault stands at the object that lacks it.
    pub(super) fn required<'j, 'c>(
        &mut self,
        at: &'c At<'j, '_>,
        key: &'static str,
    ) -> Option<At<'j, 'c>> {
        let member = at.member(key).filter(|member| !matches!(member.node, Node::Null));
        if member.is_none() {
            self.fault(at, format!("“{key}” is missing."));
        }
        member
    }

    /// A member that may be missing; `null` is taken for missing.
    pub(super) fn optional<'j, 'c>(
        &mut self,
        at: &'c At<'j, '_>,
        key: &'static str,
    ) -> Option<At<'j, 'c>> {
        at.member(key).filter(|member| !matches!(member.node, Node::Null))
    }

    /// Whether the value is a list.
    pub(super) fn list(&mut self, at: &At<'_, '_>) -> bool {
        let is_list = matches!(at.node, Node::List(_));
        if !is_list {
            self.fault(at, format!("This must be a list, but it is {}.", at.node.describe()));
        }
        is_list
    }

    /// A number within what a drawing can have, rounded to a hundredth of a unit.
    pub(super) fn number(&mut self, at: &At<'_, '_>) -> Option<f64> {
        let &Node::Number(number) = at.node else {
            self.fault(at, format!("This must be a number, but it is {}.", at.node.describe()));
            return None;
        };
        if number.is_nan() || number.abs() > COORDINATE_MAX {
            let limit = COORDINATE_MAX;
            self.fault(at, format!("{number} is beyond any drawing; the limit is {limit}."));
            return None;
        }
        Some(hundredths(number))
    }

    /// A number the format wants whole. One that is not is kept, with a warning.
    pub(super) fn whole(&mut self, at: &At<'_, '_>) -> Option<f64> {
        let number = self.number(at)?;
        if let &Node::Number(exact) = at.node
            && exact.fract() != 0.0
        {
            let message =
                format!("{exact} is not a whole number, as the format asks; it is used as it is.");
            self.warn(WarningKind::Forbidden, at, message);
        }
        Some(number)
    }

    /// The numbers `x` and `y` of an object.
    pub(super) fn point(&mut self, at: &At<'_, '_>) -> Option<(f64, f64)> {
        if !self.object(at, "point", &["x", "y"]) {
            return None;
        }
        // Both are read before either is given up, so that both faults are told.
        let x = self.required(at, "x").map(|x| self.number(&x));
        let y = self.required(at, "y").map(|y| self.number(&y));
        Some((x??, y??))
    }

    /// A text without control characters or space around it.
    pub(super) fn text(&mut self, at: &At<'_, '_>, chars_max: usize) -> Option<String> {
        let Node::Text(text) = at.node else {
            self.fault(at, format!("This must be text, but it is {}.", at.node.describe()));
            return None;
        };
        if text.chars().nth(chars_max).is_some() {
            let length = text.chars().count();
            self.fault(
                at,
                format!("{length} characters are too many here; the limit is {chars_max}."),
            );
            return None;
        }
        // Names are printed on terminals, where a control character could do anything.
        if text.chars().any(char::is_control) {
            let message = format!("{} has control characters; they are left out.", quoted(text));
            self.warn(WarningKind::Forbidden, at, message);
            return Some(without_control(text));
        }
        Some(text.trim().to_owned())
    }

    /// A row's or a seat's number: a text, or, with a warning, a number.
    pub(super) fn label(&mut self, at: &At<'_, '_>) -> Option<String> {
        if let &Node::Number(number) = at.node {
            let message = format!("{number} should be text, “{number}”; it is taken as such.");
            self.warn(WarningKind::Forbidden, at, message);
            return Some(number.to_string());
        }
        self.text(at, LABEL_CHARS_MAX)
    }

    /// A CSS colour: `#rgb`, `#rrggbb` (or with alpha) or a plain name. It ends in style sheets and
    /// drawings, so nothing else comes in.
    pub(super) fn colour(&mut self, at: &At<'_, '_>, key: &'static str) -> Option<String> {
        let member = self.optional(at, key)?;
        if let Node::Text(text) = member.node
            && is_colour(text)
        {
            return Some(text.to_string());
        }
        let found = member.node.describe();
        self.warn(
            WarningKind::Drawing,
            &member,
            format!("Not a colour Usher draws (#rrggbb or a name), but {found}; left out."),
        );
        None
    }

    /// Members the hall has no use for: their types are checked all the same, as warnings.
    pub(super) fn unused(&mut self, at: &At<'_, '_>, texts: &[&'static str]) {
        for key in texts {
            if let Some(member) = self.optional(at, key)
                && !matches!(member.node, Node::Text(_))
            {
                let message =
                    format!("This should be text, but it is {}; not used.", member.node.describe());
                self.warn(WarningKind::Forbidden, &member, message);
            }
        }
    }
}

/// Rounded to a hundredth of a unit: where a seat is 25 units wide, a fifth of a millimetre. Keeps
/// layouts short.
pub(super) fn hundredths(number: f64) -> f64 {
    // Adding 0.0 turns -0 into 0.
    (number * 100.0).round() / 100.0 + 0.0
}

/// A name given from outside the plan, cleaned like the plan's own.
pub(super) fn without_control(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    spaced.trim().to_owned()
}

fn is_colour(text: &str) -> bool {
    match text.strip_prefix('#') {
        Some(digits) => {
            matches!(digits.len(), 3 | 4 | 6 | 8) && digits.bytes().all(|b| b.is_ascii_hexdigit())
        }
        None => {
            (3..=COLOUR_NAME_CHARS_MAX).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_alphabetic())
        }
    }
}
