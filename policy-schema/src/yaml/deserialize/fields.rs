//! Reports unknown and missing fields of a struct.

use super::super::guidance::Instead;
use super::super::node::Entry;
use super::super::wording::{closest, enumerate, quoted};
use super::reader::{Failure, Reader};
use crate::code;

impl Reader<'_, '_> {
    /// Reports fields that are not in `fields`, each of them once. Of several that probably mean the same field, only
    /// the first is reported.
    pub(super) fn drop_unknown(
        &self,
        structure: &str,
        entries: &[Entry],
        fields: &'static [&'static str],
    ) {
        let mut meant = Vec::new();
        for entry in entries {
            let Entry { key, value } = entry;
            let name = key.raw_text().unwrap_or_default();
            if value.dropped.get() || fields.contains(&name) || entry.is_absent() {
                continue;
            }
            value.dropped.set(true);
            let instead = self.instead(structure, entry, fields);
            if let Some(field) = instead.field {
                if meant.contains(&field) {
                    continue;
                }
                meant.push(field);
            }
            let message = format!("{} is not a field of {}", quoted(name), self.place);
            self.report(code::UNKNOWN_FIELD, key, message, instead.help);
        }
    }

    /// The replacement for a field that is not in `fields`.
    fn instead(&self, structure: &str, entry: &Entry, fields: &'static [&'static str]) -> Instead {
        let name = entry.key.raw_text().unwrap_or_default();
        let value = entry.value.raw_text();
        let guided = (self.faults.guidance.unknown_field)(structure, name, value);
        guided.unwrap_or_else(|| {
            let field = closest(name, fields);
            let help = match field {
                Some(field) => format!("did you mean `{field}`?"),
                None => fields_help(fields),
            };
            Instead { help, field }
        })
    }

    /// Reports that a struct lacks `field`, unless the field is present but faulty or misspelled.
    pub(super) fn miss(
        &self,
        structure: &str,
        entries: &[Entry],
        fields: &'static [&'static str],
        field: &'static str,
    ) -> Failure {
        if self.absent.borrow().contains(&field) {
            return Failure::Reported;
        }
        let is_written = |entry: &Entry| {
            let name = entry.key.raw_text().unwrap_or_default();
            let is_meant = || {
                !fields.contains(&name)
                    && self.instead(structure, entry, fields).field == Some(field)
            };
            !entry.is_absent() && (name == field || is_meant())
        };
        if !entries.iter().any(is_written) {
            let at = entries.first().map_or(self.node, |entry| &entry.key);
            let message = format!("{} lacks the required field `{field}`", self.place);
            let help = format!("add the field `{field}`");
            self.report(code::MISSING_FIELD, at, message, help);
        }
        self.absent.borrow_mut().push(field);
        Failure::Again
    }
}

pub(super) fn fields_help(fields: &[&str]) -> String {
    match fields {
        [] => "remove it: no fields are accepted here".to_owned(),
        [field] => format!("the only field is `{field}`"),
        _ => format!("the fields are {}", enumerate(fields, " and ")),
    }
}
