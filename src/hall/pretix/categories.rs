//! The categories: price levels that seats and areas name.
//!
//! Owns what a name in the plan stands for.

use std::collections::BTreeMap;

use super::findings::WarningKind;
use super::json::{At, Node, quoted};
use super::reader::{NAME_CHARS_MAX, Reader};
use crate::hall::{Category, Hall};

/// More price levels than any house prints; well within the index's 16 bits.
const CATEGORIES_MAX: usize = 1_000;

/// What a category is drawn in when the plan gives no usable colour: a middle grey.
const COLOUR_UNSAID: &str = "#888888";

/// The plan's categories, and the index each name in the plan stands for.
pub(super) struct Categories<'j> {
    list: Vec<Category>,
    by_name: BTreeMap<&'j str, u16>,
}

impl<'j> Categories<'j> {
    /// All of the plan's categories; none, and a fault, where one of them is at fault.
    pub(super) fn read(reader: &mut Reader, plan: &At<'j, '_>) -> Option<Categories<'j>> {
        let all = reader.required(plan, "categories")?;
        if !reader.list(&all) {
            return None;
        }
        if all.items().count() > CATEGORIES_MAX {
            let message = format!(
                "{} categories are too many; the limit is {CATEGORIES_MAX}.",
                all.items().count()
            );
            reader.fault(&all, message);
            return None;
        }
        let mut categories = Categories { list: Vec::new(), by_name: BTreeMap::new() };
        let mut whole = true;
        for at in all.items() {
            whole &= read_category(reader, &at, &mut categories).is_some();
        }
        // After a faulty category, every seat of it would be a second fault that is none.
        whole.then_some(categories)
    }

    /// The categories, for the hall.
    pub(super) fn into_list(self) -> Vec<Category> {
        self.list
    }

    /// The index of the category that a seat or an area names; a fault where there is none.
    pub(super) fn index(&self, reader: &mut Reader, at: &At<'_, '_>) -> Option<u16> {
        let Node::Text(name) = at.node else {
            let found = at.node.describe();
            reader.fault(at, format!("A category's name must be text, but this is {found}."));
            return None;
        };
        let index = self.by_name.get(name.as_ref()).copied();
        if index.is_none() {
            let name = quoted(name);
            reader.fault(at, format!("There is no category {name} among the plan's categories."));
        }
        index
    }
}

fn read_category<'j>(
    reader: &mut Reader,
    at: &At<'j, '_>,
    categories: &mut Categories<'j>,
) -> Option<()> {
    if !reader.object(at, "category", &["name", "color"]) {
        return None;
    }
    let written = reader.required(at, "name")?;
    let name = reader.text(&written, NAME_CHARS_MAX)?;
    if name.is_empty() {
        reader.fault(&written, "A category has to have a name: prices are given by it.");
        return None;
    }
    let color = reader.colour(at, "color");
    let Node::Text(key) = written.node else { return None };
    if let Some(first) = categories.list.iter().position(|category| category.name == name) {
        let message = format!(
            "The category {} is there already, at /categories/{first}; the two are taken as one.",
            quoted(&name)
        );
        reader.warn(WarningKind::Category, at, message);
        categories.by_name.insert(key, first as u16);
        return Some(());
    }
    categories.by_name.insert(key, categories.list.len() as u16);
    let color = color.unwrap_or_else(|| COLOUR_UNSAID.into());
    categories.list.push(Category { name, color });
    Some(())
}

/// Warns of categories that no seat and no area names: their prices would be set for nothing.
pub(super) fn warn_of_unused(reader: &mut Reader, hall: &Hall) {
    let mut used = vec![false; hall.categories.len()];
    for seat in hall.sections.iter().flat_map(|s| &s.rows).flat_map(|row| &row.seats) {
        used[usize::from(seat.category)] = true;
    }
    for area in &hall.areas {
        used[usize::from(area.category)] = true;
    }
    for (category, _) in hall.categories.iter().zip(used).filter(|(_, used)| !used) {
        let message = format!("The category {} has no seats.", quoted(&category.name));
        reader.findings.warn(WarningKind::Category, "/categories".into(), message);
    }
}
