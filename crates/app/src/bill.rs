//! Reading a bill from files, folders, globs, standard input or S3, and live, for `spend` and
//! `watch`.

use std::io::Read;
use std::sync::Arc;

use anyhow::Result;
use bartizan_cloud::bill::{BillRequest, COST_EXPLORER_REQUEST_CENTS, LiveBill, live_bill};
use bartizan_cloud::live::{Identity, Live};
use bartizan_cloud::model::Model;
use bartizan_model::limits::BILL_ANSWER_BYTES_MAX;
use bartizan_spend::{BillReader, Ledger, Manifest, PlannedFile, plan};

use jiff::Timestamp;

use crate::cli::Global;
use crate::import::runtime;
use crate::render::{self, Bytes};
use crate::trail::{TrailObject, WantedObjects, objects};

/// Days that are asked for live: three months, so that there is a ladder.
const LIVE_DAYS: u16 = 92;

/// Where a bill is.
pub(crate) struct BillSource<'a> {
    pub(crate) paths: &'a [String],
    /// Profile of the AWS configuration, for S3 and for live calls.
    pub(crate) profile: Option<&'a str>,
    pub(crate) live: bool,
    /// Requests of Cost Explorer at most.
    pub(crate) cost_explorer: u32,
}

/// Files of a bill, and answers of AWS.
pub(crate) struct BillParts {
    pub(crate) objects: Vec<TrailObject>,
    pub(crate) answers: Option<LiveBill>,
}

impl BillParts {
    /// Lists the files, and asks AWS where that is wanted.
    pub(crate) fn find(global: &Global, source: &BillSource<'_>, now: Timestamp) -> Result<Self> {
        Ok(Self {
            objects: bill_objects(source.paths, source.profile)?,
            answers: source.live.then(|| ask(global, source, now)).transpose()?,
        })
    }
}

/// Asks AWS for the bill. The price is said before.
fn ask(global: &Global, source: &BillSource<'_>, now: Timestamp) -> Result<LiveBill> {
    if source.cost_explorer > 0 {
        let cents = source
            .cost_explorer
            .saturating_mul(COST_EXPLORER_REQUEST_CENTS);
        render::note(
            global,
            &format!(
                "Cost Explorer: at most {} requests at 0.{COST_EXPLORER_REQUEST_CENTS:02} USD, up \
                to {}.{:02} USD",
                source.cost_explorer,
                cents / 100,
                cents % 100
            ),
        );
    }
    let identity = Identity {
        profile: source.profile.map(str::to_owned),
        ..Identity::default()
    };
    let request = BillRequest {
        now,
        days: LIVE_DAYS,
        cost_explorer_requests: source.cost_explorer,
    };
    let answers = runtime()?.block_on(async {
        let live = Live::connect(Arc::new(Model::builtin()), &identity).await?;
        anyhow::Ok(live_bill(&live, &request).await)
    })?;
    for (call, why) in &answers.unanswered {
        render::note(global, &format!("{call}: {why}"));
    }
    for place in &answers.exports {
        render::note(
            global,
            &format!(
                "the bill is exported: bartizan spend {}",
                render::shell(place)
            ),
        );
    }
    if answers.documents.is_empty() && answers.unanswered.is_empty() {
        render::note(
            global,
            "CloudWatch has no estimate of charges: switch on billing alerts in the billing \
            preferences of the account",
        );
    }
    Ok(answers)
}

/// Objects of a bill.
fn bill_objects(paths: &[String], profile: Option<&str>) -> Result<Vec<TrailObject>> {
    let wanted = WantedObjects {
        paths,
        list: None,
        since: None,
        until: None,
        profile,
    };
    Ok(objects(&wanted)?.0)
}

/// Reads all that counts, and says how many were left out as older deliveries.
pub(crate) fn read_bill(global: &Global, parts: &BillParts) -> (Ledger, usize) {
    let objects = &parts.objects;
    let manifests: Vec<Manifest> = objects
        .iter()
        .filter_map(|o| Manifest::parse(&o.name, &manifest_text(o)?))
        .collect();
    let names: Vec<String> = objects.iter().map(|o| o.name.clone()).collect();
    let bar = Bytes::new(global, objects.iter().map(|o| o.bytes).sum());
    let (mut reader, mut superseded) = (BillReader::default(), 0);
    for file in plan(&names, &manifests) {
        match file {
            PlannedFile::Superseded(_) => superseded += 1,
            PlannedFile::Missing { key, period } => reader.missing(&key, period.as_deref()),
            PlannedFile::Read(name) => {
                let Some(object) = objects.iter().find(|o| o.name == name) else {
                    continue;
                };
                match object.open() {
                    Ok(mut source) => reader.read(&name, &mut source),
                    Err(error) => {
                        render::note(global, &format!("cannot read {name}: {error}"));
                        reader.unreadable(&name);
                    }
                }
                bar.add(object.bytes.unwrap_or(0));
            }
        }
    }
    bar.clear();
    if let Some(answers) = &parts.answers {
        for document in &answers.documents {
            reader.read(&document.name, &mut document.text.as_slice());
        }
        let of_charges = |call: &str| call.starts_with("cloudwatch:") || call.starts_with("ce:");
        for (call, _) in answers
            .unanswered
            .iter()
            .filter(|(call, _)| of_charges(call))
        {
            reader.unanswered(call);
        }
    }
    (reader.finish(), superseded)
}

/// Text of a file that may be a manifest: JSON in a named file.
fn manifest_text(object: &TrailObject) -> Option<Vec<u8>> {
    let mut source = match object.bytes {
        Some(bytes) if bytes <= BILL_ANSWER_BYTES_MAX => object.open().ok()?,
        _ => return None,
    };
    let mut text = vec![0; 1];
    source.read_exact(&mut text).ok()?;
    if text != b"{" {
        return None;
    }
    source.read_to_end(&mut text).ok()?;
    Some(text)
}
