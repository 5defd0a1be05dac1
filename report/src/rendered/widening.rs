//! Existing objects that rendered objects would replace with wider ones.

use policy_schema::verify::Widening;

use crate::place::Texts;

/// Formats one such object with the reasons.
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
