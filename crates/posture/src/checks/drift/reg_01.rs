//! REG-01: a region was switched on.

use bartizan_model::Severity;

use super::before;
use crate::check::Check;
use crate::missing::{Fault, GLOBAL};
use crate::reading::FactView;
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "REG-01",
    title: "A region was switched on",
    severity: Severity::Medium,
    why: "A region that nobody uses is where nobody looks: intruders switch one on to mine or to hide.",
    judged: "An opt-in region that is on now and was not in the snapshot before.",
    fix: "aws account disable-region --region-name REGION",
    sources: &[],
    needs: &["account:region"],
    judge,
};

const KIND: &str = "account:region";

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    verdicts.judge(view.id, GLOBAL, [fault(view)]);
}

fn fault(view: &AccountView<'_>) -> Fault {
    let had = before(view, KIND)?.all(KIND, GLOBAL)?;
    let has = view.all(KIND, GLOBAL)?;
    let was_on = |id: &str| had.iter().any(|f| f.id == id && is_on(f));
    let fresh: Vec<&str> = has
        .iter()
        .filter(|f| is_on(f) && !was_on(&f.id))
        .map(|f| f.id.as_str())
        .collect();
    Ok((!fresh.is_empty()).then(|| format!("switched on: {}", fresh.join(", "))))
}

/// Whether somebody switched it on. Regions of old are on by default.
fn is_on(region: &FactView<'_>) -> bool {
    matches!(
        region.text("/RegionOptStatus"),
        Some("ENABLED" | "ENABLING")
    )
}
