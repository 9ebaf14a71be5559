//! Reads a planned credential's value again from where it lies.

use std::ops::ControlFlow;

use crate::detect::Detector;
use crate::finding::{Fingerprint, FingerprintKey, Kind, Place, TextSpan};
use crate::revoke::plan::PlannedLocation;
use crate::secret::Secret;
use crate::source::{image, reread as source_reread};

/// The value of that finding at that place, if it still stands there. Moved lines do not matter: the place is detected in
/// again.
pub(super) fn reread(
    detector: &Detector,
    key: &FingerprintKey,
    id: Fingerprint,
    kind: Kind,
    planned: &PlannedLocation,
) -> Option<Secret> {
    let location = planned.to_location();
    let value_in = |bytes: &[u8]| {
        at_span(bytes, &location.span)
            .filter(|value| Fingerprint::of(key, kind, value) == id)
            .map(Secret::new)
            .or_else(|| detector.detect(bytes).into_iter().find(|found| found.id == id).map(|found| found.secret))
    };
    let result = if let Place::Image(place) = &location.place {
        let mut found = None;
        let mut visit = |bytes: &[u8]| {
            found = value_in(bytes);
            if found.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        image::reread(place, &location.path, &mut visit).map(|()| found).map_err(|error| error.to_string())
    } else {
        source_reread::bytes(&location).map(|bytes| value_in(&bytes)).map_err(|error| error.to_string())
    };
    result.unwrap_or_else(|error| {
        tracing::warn!(finding = %id, "cannot read a planned place again: {error}");
        None
    })
}

fn at_span<'a>(bytes: &'a [u8], span: &TextSpan) -> Option<&'a [u8]> {
    bytes.get(usize::try_from(span.byte_start).ok()?..usize::try_from(span.byte_end).ok()?)
}
