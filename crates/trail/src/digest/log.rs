//! Log file: its hash, and the calls in it that switch trails on and off.

use std::io::Read;

use memchr::memmem;

use super::check::FileFault;
use super::member::{ContentHash, MemberReader};
use crate::event::{Event, Field};
use crate::shape::TrailItem;
use crate::split::Splitter;
use bartizan_model::limits::TRAIL_SWITCHES_MAX;

/// Log file, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRead {
    /// Hash of the inflated file.
    pub sha256: ContentHash,
    pub(super) switches: Vec<TrailSwitch>,
}

/// Successful call that switched a trail or its validation on or off.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TrailSwitch {
    /// Seconds since 1970.
    pub(super) time_s: i64,
    pub(super) event_id: String,
    pub(super) call: String,
    pub(super) is_off: bool,
    /// Account of the trail, by its ARN or by who received the event.
    pub(super) account: String,
    /// Home region of the trail, by its ARN or by where it was called.
    pub(super) home: String,
    pub(super) trail: String,
}

/// Reader of logs; one per thread.
pub struct LogReader {
    member: MemberReader,
    splitter: Splitter,
    source: memmem::Finder<'static>,
    calls: [memmem::Finder<'static>; 5],
}

impl Default for LogReader {
    fn default() -> Self {
        Self::new()
    }
}

/// Calls after which a trail is signed no more, or is again.
const CALLS: [&str; 5] = [
    "StopLogging",
    "StartLogging",
    "DeleteTrail",
    "CreateTrail",
    "UpdateTrail",
];

impl LogReader {
    /// Reader with empty buffers.
    #[must_use]
    pub fn new() -> Self {
        Self {
            member: MemberReader::new(),
            splitter: Splitter::new(),
            source: memmem::Finder::new("cloudtrail.amazonaws.com"),
            calls: CALLS.map(memmem::Finder::new),
        }
    }

    /// Reads a log to its end.
    ///
    /// # Errors
    /// If it is not exactly one gzip member.
    pub fn read(&mut self, source: &mut dyn Read) -> Result<LogRead, FileFault> {
        let member = self.member.read(source)?;
        let mut switches = Vec::new();
        if let Some(bytes) = member.bytes
            && self.source.find(bytes).is_some()
            && self.calls.iter().any(|call| call.find(bytes).is_some())
        {
            self.splitter.begin();
            self.splitter.push(bytes, true, &mut |item| {
                if let TrailItem::Event(event) = item
                    && switches.len() < TRAIL_SWITCHES_MAX
                {
                    switches.extend(switch(&event));
                }
            });
        }
        Ok(LogRead {
            sha256: member.sha256,
            switches,
        })
    }
}

fn switch(event: &Event<'_>) -> Option<TrailSwitch> {
    if event.text(Field::EventSource)? != "cloudtrail.amazonaws.com" || event.error().is_some() {
        return None;
    }
    let call = event.text(Field::EventName)?;
    let is_off = match &*call {
        "StopLogging" | "DeleteTrail" => true,
        "StartLogging" | "CreateTrail" => false,
        "UpdateTrail" => {
            let validation = event.text_at("requestParameters.enableLogFileValidation")?;
            !validation.eq_ignore_ascii_case("true")
        }
        _ => return None,
    };
    let name = event.text_at("requestParameters.name")?;
    // `arn:aws:cloudtrail:us-east-1:111122223333:trail/main`, or the name alone.
    let parts: Vec<&str> = name.splitn(6, ':').collect();
    let (account, home, trail) = match parts[..] {
        ["arn", _, "cloudtrail", home, account, resource] => (
            account.to_owned(),
            home.to_owned(),
            resource.strip_prefix("trail/")?.to_owned(),
        ),
        _ => (
            event.text(Field::RecipientAccountId)?.into_owned(),
            event.text(Field::AwsRegion)?.into_owned(),
            name.into_owned(),
        ),
    };
    Some(TrailSwitch {
        time_s: event.time_s()?,
        event_id: event.text(Field::EventId)?.into_owned(),
        call: call.into_owned(),
        is_off,
        account,
        home,
        trail,
    })
}
