//! LOG-01: no trail records every region.

use bartizan_model::Severity;

use crate::check::{Check, Source};
use crate::missing::GLOBAL;
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "LOG-01",
    title: "No trail records every region",
    severity: Severity::Critical,
    why: "What is done in a region without a trail is on no record that outlives 90 days, and nobody is told.",
    judged: "One trail of all regions that logs.",
    fix: "aws cloudtrail create-trail --name all --s3-bucket-name BUCKET --is-multi-region-trail --enable-log-file-validation, and aws cloudtrail start-logging --name all",
    sources: &[
        Source::Talk,
        Source::TrustedAdvisor("vjafUGJ9H0"),
        Source::Fsbp("CloudTrail.1"),
        Source::Cis("3.1"),
    ],
    needs: &["cloudtrail:trail", "cloudtrail:trailstatus"],
    judge,
};

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    let trails = view.list("cloudtrail:trail");
    let mut unread = trails.unread;
    let (mut stopped, mut single) = (Vec::new(), 0);
    for trail in trails.facts {
        if !trail.is("/IsMultiRegionTrail") {
            single += 1;
            continue;
        }
        match view.fact("cloudtrail:trailstatus", trail.region, &trail.id) {
            Ok(Some(status)) if status.is("/IsLogging") => return verdicts.pass(view.id, GLOBAL),
            Ok(_) => stopped.push(trail.text("/Name").unwrap_or(&trail.id)),
            Err(fact) => unread.push(fact),
        }
    }
    if !unread.is_empty() {
        return verdicts.judge(view.id, GLOBAL, unread.into_iter().map(Err));
    }
    let reason = match (stopped.as_slice(), single) {
        ([], 0) => "there is no trail".to_owned(),
        ([], n) => format!("{n} of one region only"),
        (stopped, _) => format!("stopped: {}", stopped.join(", ")),
    };
    verdicts.fail(view.id, GLOBAL, reason);
}
