//! Properties of compiled rules that rsigma does not know.

use rsigma_eval::{CompiledDetection, CompiledMatcher, CompiledRule};

use crate::view::STRUCTURED;

/// Whether a rule reads the result of the call: then it is about errors, and a failed call is no
/// attempt.
pub(super) fn reads_errors(rule: &CompiledRule) -> bool {
    let mut found = false;
    rule.detections.values().for_each(|d| {
        items(d, &mut |field, _| {
            found |= matches!(
                field,
                Some("errorCode" | "errorMessage" | "responseElements.ConsoleLogin")
            )
        });
    });
    found
}

fn items(detection: &CompiledDetection, see: &mut dyn FnMut(Option<&str>, &CompiledMatcher)) {
    match detection {
        CompiledDetection::AllOf(inner) => inner
            .iter()
            .for_each(|i| see(i.field.as_deref(), &i.matcher)),
        CompiledDetection::AnyOf(inner) | CompiledDetection::And(inner) => {
            inner.iter().for_each(|d| items(d, see))
        }
        CompiledDetection::Keywords(matcher) => see(None, matcher),
        CompiledDetection::ArrayMatch { field, body, .. } => {
            see(Some(field), &CompiledMatcher::Null);
            items(body, see);
        }
        CompiledDetection::Conditional { named, .. } => named.values().for_each(|d| items(d, see)),
    }
}

/// Array scopes need array members as JSON, all other matchers their text. The prefix tells
/// [`crate::EventView`] which of the two is needed.
pub(super) fn mark_arrays(rule: &mut CompiledRule) {
    fn mark(detection: &mut CompiledDetection) {
        match detection {
            CompiledDetection::ArrayMatch { field, .. } => field.insert(0, STRUCTURED),
            CompiledDetection::AnyOf(inner) | CompiledDetection::And(inner) => {
                inner.iter_mut().for_each(mark)
            }
            _ => {}
        }
    }
    rule.detections.values_mut().for_each(mark);
}
