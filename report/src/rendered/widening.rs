//! Existing objects that would be replaced by wider ones.

use policy_schema::verify::Widening;

use crate::place::Texts;

/// One of them, and why, in a sentence.
pub fn text(widening: &Widening, texts: &Texts<'_>) -> String {
    let Widening {
        subject,
        place,
        reasons,
    } = widening;
    let place = place.and_then(|place| texts.line(place));
    let place = place.map(|place| format!(" ({place})"));
    format!(
        "{subject}{} would be replaced and may be wider: {}",
        place.unwrap_or_default(),
        reasons.join("; ")
    )
}
