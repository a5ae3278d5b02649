//! One result as it is shown: id, reasons and fix in words.

use bartizan_evidence::Justification;
use bartizan_model::shell_word;
use bartizan_posture::{Check, CheckResult, MissingFact, MissingReason, Reason, Source, check};

use crate::cli::Standard;
use crate::posture::{JudgedAccount, result_id};

/// Results as they are shown.
pub(crate) struct CheckList<'a> {
    pub(crate) judged: &'a [JudgedAccount],
    pub(crate) compliance: Option<Standard>,
    /// Whether only what fails now and did not before is in it.
    pub(crate) is_new: bool,
    /// Results that `--severity` or `--new` left out.
    pub(crate) hidden: usize,
}

/// One result with the check that gave it.
pub(super) struct ResultRow<'a> {
    pub(super) check: &'static Check,
    pub(super) result: &'a CheckResult,
    /// Why it is no cause for alarm, where somebody accepted it.
    pub(super) accepted: Option<&'a Justification>,
    /// Time of the snapshot, milliseconds since 1970.
    pub(super) time_ms: i64,
}

impl CheckList<'_> {
    pub(super) fn rows(&self) -> impl Iterator<Item = ResultRow<'_>> {
        self.judged.iter().flat_map(|judged| {
            judged.results.iter().filter_map(|result| {
                let accepted = &judged.accepted;
                Some(ResultRow {
                    check: check(result.check)?,
                    result,
                    // Few accounts have any, and an id is a hash.
                    accepted: (!accepted.is_empty())
                        .then(|| accepted.get(&result_id(result)))
                        .flatten(),
                    time_ms: judged.time_ms,
                })
            })
        })
    }
}

/// RFC 3339, whole seconds.
pub(super) fn time(ms: i64) -> String {
    bartizan_model::time_text(ms.div_euclid(1000))
}

/// Reasons of a verdict as text.
pub(crate) fn check_reasons(result: &CheckResult) -> Vec<String> {
    let text = |reason: &Reason| match reason {
        Reason::Read(text) => text.clone(),
        Reason::Unread(fact) => missing(fact),
    };
    result.because.iter().map(text).collect()
}

/// Something that was not read, with why, e.g. `s3:bucketpolicy of site was not read:
/// s3:GetBucketPolicy denied`.
pub(crate) fn missing(fact: &MissingFact) -> String {
    let of = if fact.id.is_empty() {
        String::new()
    } else {
        format!(" of {}", fact.id)
    };
    let kind = &fact.kind;
    let region = match &*fact.region {
        "global" => String::new(),
        region => format!(" in {region}"),
    };
    let unread = |why: &str| format!("{kind}{of}{region} was not read: {why}");
    match &fact.why {
        MissingReason::NotAsked => unread("not asked"),
        MissingReason::NotInDump => unread("not in the dump"),
        MissingReason::Call(status) => unread(&format!("{} {status}", fact.call)),
        MissingReason::NoDocument => unread("its document is not in the store"),
        MissingReason::NotUnderstood(why) => unread(why),
        MissingReason::Field(field) => format!("{kind}{of}{region} does not say {field}"),
        MissingReason::NotListed => format!("{kind}{of}{region} is not in the list"),
        MissingReason::OtherAccount => format!("{kind}{of} belongs to another account"),
        MissingReason::NoSnapshotBefore => "there is no snapshot before".to_owned(),
        MissingReason::NoTrail => "no trail was read: bartizan watch reads it".to_owned(),
        MissingReason::NoOrigin => "who made the change is not on record".to_owned(),
    }
}

/// The command that mends a failure, with names filled in.
pub(super) fn fix(row: &ResultRow<'_>) -> String {
    let result = row.result;
    let resource = result.resource.as_str();
    let last = resource.rsplit(['/', ':']).next().unwrap_or(resource);
    // The owner of `…:user/alice/AKIAEXAMPLE`.
    let owner = resource.rsplit('/').nth(1).unwrap_or(last);
    let filled = [
        ("{resource}", resource),
        ("{name}", last),
        ("{owner}", owner),
        ("{account}", &result.account),
        ("{region}", &result.region),
    ];
    filled
        .into_iter()
        .fold(row.check.fix.to_owned(), |text, (name, value)| {
            text.replace(name, &shell_word(value))
        })
}

/// Name of a source, e.g. `CIS 3.0 1.5`.
pub(super) fn source(source: Source) -> String {
    match source {
        Source::Talk => "SEC402 (2013)".to_owned(),
        Source::TrustedAdvisor(id) => format!("Trusted Advisor {id}"),
        Source::Cis(number) => format!("CIS 3.0 {number}"),
        Source::Fsbp(control) => format!("FSBP {control}"),
    }
}
