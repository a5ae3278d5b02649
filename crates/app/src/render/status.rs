//! Health of a watch: one screen that says whether the alarm is on, what it does not see, and since
//! when.

use anyhow::Result;
use bartizan_model::time_text;
use serde_json::{Value, json};

use super::{Out, clean};
use crate::watch_health::{AlarmState, BlindSpot, WatchHealth};

/// Blind spots of one kind, and regions, that are named.
const NAMED_SHOWN: usize = 20;

/// The first line, then a line for each thing that is not seen.
pub(crate) fn health_lines(health: &WatchHealth, now_s: i64) -> Vec<String> {
    let spots = health.blind_spots(now_s);
    let mut lines = vec![match health.state(now_s) {
        AlarmState::On => "the alarm is on and sees everything that it should".to_owned(),
        AlarmState::Partly => format!("the alarm is on, and blind in {} ways", spots.len()),
        AlarmState::Off => "THE ALARM IS OFF".to_owned(),
    }];
    if health.state(now_s) == AlarmState::Partly && spots.len() == 1 {
        lines[0] = "the alarm is on, and blind in one way".to_owned();
    }
    let shown = spots.iter().take(NAMED_SHOWN);
    lines.extend(shown.map(|spot| format!("  {}", spot_line(spot, now_s))));
    if spots.len() > NAMED_SHOWN {
        lines.push(format!("  and {} more", spots.len() - NAMED_SHOWN));
    }
    lines
}

/// One screen: state, blind spots, then what is seen.
pub(crate) fn status(out: &mut Out, health: &WatchHealth, now_s: i64) -> Result<()> {
    for line in health_lines(health, now_s) {
        out.line(&line)?;
    }
    out.line("")?;
    let ago = |time_s: i64| age(now_s - time_s);
    let since = time_text(health.started_s);
    out.line(&format!(
        "running since {since}, last tick {} ago",
        ago(health.ticked_s)
    ))?;
    let newest = health.places.iter().max_by_key(|p| p.newest_s);
    if let Some(place) = newest {
        let oldest = health
            .places
            .iter()
            .min_by_key(|p| p.newest_s)
            .unwrap_or(place);
        out.line(&format!(
            "trail: {} accounts and regions, newest event {} ago ({} {}), the quietest {} ago ({} \
            {})",
            health.places.len() as u64 + health.places_left_out,
            ago(place.newest_s),
            clean(&place.account),
            clean(&place.region),
            ago(oldest.newest_s),
            clean(&oldest.account),
            clean(&oldest.region),
        ))?;
    }
    let counts = &health.counts;
    out.line(&format!(
        "events: {} evaluated, {} matched, {} evicted, {} not read; {} findings, {} incidents",
        counts.evaluated,
        counts.matched,
        counts.evicted,
        counts.problems,
        counts.findings,
        counts.incidents
    ))?;
    inputs_seen(out, health, &ago)?;
    proofs(out, health, &ago)
}

/// Queues and snapshots.
fn inputs_seen(out: &mut Out, health: &WatchHealth, ago: &dyn Fn(i64) -> String) -> Result<()> {
    for queue in &health.queues {
        let oldest = queue
            .oldest_s
            .map_or(String::new(), |s| format!(", the oldest {}", ago(s)));
        out.line(&format!(
            "queue {}: {} wait, {} in work{oldest}, {} unreadable",
            clean(&queue.url),
            queue.waiting_count,
            queue.in_flight_count,
            queue.poison_count
        ))?;
    }
    for snapshot in health.snapshots.iter().take(NAMED_SHOWN) {
        out.line(&format!(
            "snapshot of {}: {} ago, {} of {} calls read",
            clean(&snapshot.account),
            ago(snapshot.taken_s),
            snapshot.calls_read,
            snapshot.calls
        ))?;
    }
    Ok(())
}

/// Digests, canaries, sinks and heartbeat.
fn proofs(out: &mut Out, health: &WatchHealth, ago: &dyn Fn(i64) -> String) -> Result<()> {
    if let Some(digest) = health.digests.iter().min_by_key(|d| d.through_s) {
        let at = time_text(digest.through_s);
        out.line(&format!("digests: everything verified through {at}"))?;
    }
    for canary in health.canaries.iter().take(NAMED_SHOWN) {
        let seen = match (canary.seen_s, canary.delay_s) {
            (Some(seen_s), Some(delay_s)) => {
                format!("seen {} ago, after {}", ago(seen_s), age(delay_s))
            }
            _ => "not seen yet".to_owned(),
        };
        out.line(&format!("canary in {}: {seen}", clean(&canary.region)))?;
    }
    for sink in &health.sinks {
        let oldest = sink
            .oldest_s
            .map_or(String::new(), |s| format!(", the oldest {}", ago(s)));
        out.line(&format!(
            "sink {}: {} alerts wait{oldest}, {} dropped",
            clean(&sink.name),
            sink.waiting_count,
            sink.dead_count
        ))?;
    }
    if let Some(beat) = &health.heartbeat {
        let sent = beat
            .sent_s
            .map_or("not sent yet".to_owned(), |s| format!("{} ago", ago(s)));
        out.line(&format!("heartbeat: {sent}"))?;
    }
    Ok(())
}

/// State, blind spots and health as JSON.
pub(crate) fn status_json(health: &WatchHealth, now_s: i64) -> Result<Value> {
    let spots = health.blind_spots(now_s);
    let spot = |s: &BlindSpot| -> Result<Value> {
        let mut value = serde_json::to_value(s)?;
        value["since"] = json!(s.since_s().map(time_text));
        value["text"] = json!(clean(&spot_line(s, now_s)));
        Ok(value)
    };
    Ok(json!({
        "state": health.state(now_s),
        "as_of": time_text(now_s),
        "blind_spots": spots.iter().map(spot).collect::<Result<Vec<_>>>()?,
        "health": health,
    }))
}

fn spot_line(spot: &BlindSpot, now_s: i64) -> String {
    let words = match spot {
        BlindSpot::Stopped { .. } => "the watch was stopped".to_owned(),
        BlindSpot::Stuck { .. } => "the watch does not run, or is stuck".to_owned(),
        BlindSpot::Unkept { why, .. } => format!("nothing can be kept: {why}"),
        BlindSpot::Silent {
            account,
            region,
            usual_s,
            ..
        } => format!(
            "{account} {region}: no event, where the longest usual silence is {}",
            age(*usual_s)
        ),
        BlindSpot::QueueUnread { queue, why, .. } => format!("queue {queue}: {why}"),
        BlindSpot::QueueBehind {
            queue,
            waiting_count,
            ..
        } => {
            format!("queue {queue}: behind, {waiting_count} messages")
        }
        BlindSpot::SinkDown {
            sink,
            waiting_count,
            why,
            ..
        } => {
            format!("sink {sink}: {waiting_count} alerts wait: {why}")
        }
        BlindSpot::DeadLetters { sink, count } => {
            format!("sink {sink}: {count} alerts were dropped (bartizan alerts redrive)")
        }
        BlindSpot::SnapshotOld { account, .. } => format!("account {account}: snapshot too old"),
        BlindSpot::CallsUnread {
            account,
            unread_count,
            ..
        } => {
            format!("account {account}: {unread_count} calls of the snapshot were not read")
        }
        BlindSpot::DigestOld {
            account, region, ..
        } => {
            format!("{account} {region}: logs are not verified")
        }
        BlindSpot::CanaryOverdue { region, .. } => {
            format!("{region}: our own call does not appear in the trail")
        }
        BlindSpot::CanaryUnsent { region, why, .. } => format!("{region}: no canary: {why}"),
        BlindSpot::Heartbeat { why, .. } => format!("heartbeat fails: {why}"),
    };
    let since = spot
        .since_s()
        .filter(|s| *s > 0)
        .map_or(String::new(), |s| {
            format!(" since {} ({})", time_text(s), age(now_s - s))
        });
    clean(&format!("{words};{since}"))
        .trim_end_matches(';')
        .to_owned()
}

/// `7 s`, `12 min`, `3 h`, `2 d`.
fn age(seconds: i64) -> String {
    match seconds.max(0) {
        s @ 0..120 => format!("{s} s"),
        s @ 120..7200 => format!("{} min", s / 60),
        s @ 7200..172_800 => format!("{} h", s / 3600),
        s => format!("{} d", s / 86_400),
    }
}
