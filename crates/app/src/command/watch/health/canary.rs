//! Canaries: a harmless read with a nonce in its user agent, in each region. Its record must arrive
//! in the trail: proof of sight from end to end.

use crate::watch_health::{CanaryHealth, WatchHealth};

/// Word before the nonce in a user agent: `bartizan/0.1.0 canary/5f3a…`.
const MARK: &str = "canary/";
/// Hexadecimal digits of a nonce.
const NONCE_LEN: usize = 32;
/// Nonces of one region whose records are waited for.
const OPEN_KEPT: usize = 64;

/// Regions in which a canary is due, of those that are watched.
pub(crate) fn due<'r>(
    health: &WatchHealth,
    regions: &'r [String],
    every_s: i64,
    now_s: i64,
) -> Vec<&'r str> {
    let last = |region: &str| {
        let canary = health.canaries.iter().find(|c| c.region == region);
        canary.map_or(i64::MIN, |c| c.sent_s)
    };
    let due = regions.iter().map(String::as_str);
    due.filter(|region| now_s.saturating_sub(last(region)) >= every_s)
        .collect()
}

/// Nonce of 128 random bits, as hexadecimal digits.
pub(crate) fn nonce(random: [u8; 16]) -> String {
    random.iter().map(|b| format!("{b:02x}")).collect()
}

/// Nonce in the user agent of a record; none if it is no canary's.
pub(crate) fn nonce_in(user_agent: &str) -> Option<&str> {
    let nonce = user_agent.split_once(MARK)?.1.get(..NONCE_LEN)?;
    nonce
        .bytes()
        .all(|b| b.is_ascii_hexdigit())
        .then_some(nonce)
}

/// Notes a canary that was sent.
pub(crate) fn sent(health: &mut WatchHealth, region: &str, nonce: &str, now_s: i64) {
    let canary = of(health, region);
    canary.sent_s = now_s;
    canary.why.clear();
    if canary.open.len() >= OPEN_KEPT {
        // The oldest says since when; of the others the newest is let go.
        let newest = canary.open.iter().max_by_key(|(_, sent_s)| **sent_s);
        let newest = newest.map(|(nonce, _)| nonce.clone());
        newest.and_then(|nonce| canary.open.remove(&nonce));
    }
    canary.open.insert(nonce.to_owned(), now_s);
}

/// Notes a canary that could not be sent.
pub(crate) fn failed(health: &mut WatchHealth, region: &str, why: &str, now_s: i64) {
    let canary = of(health, region);
    canary.sent_s = now_s;
    why.clone_into(&mut canary.why);
}

/// Notes the record of a canary. Older ones of its region that are still open are forgiven: the
/// region is seen again. Returns whether it was one of ours.
pub(crate) fn seen(health: &mut WatchHealth, nonce: &str, now_s: i64) -> bool {
    let ours = |c: &&mut CanaryHealth| c.open.contains_key(nonce);
    let Some(canary) = health.canaries.iter_mut().find(ours) else {
        return false;
    };
    let sent_s = canary.open.get(nonce).copied().unwrap_or(now_s);
    canary.open.retain(|_, open_s| *open_s > sent_s);
    canary.seen_s = Some(now_s);
    canary.delay_s = Some((now_s - sent_s).max(0));
    true
}

fn of<'h>(health: &'h mut WatchHealth, region: &str) -> &'h mut CanaryHealth {
    let at = health
        .canaries
        .partition_point(|c| c.region.as_str() < region);
    if health.canaries.get(at).is_none_or(|c| c.region != region) {
        let canary = CanaryHealth {
            region: region.to_owned(),
            ..CanaryHealth::default()
        };
        health.canaries.insert(at, canary);
    }
    &mut health.canaries[at]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch_health::BlindSpot;

    #[test]
    fn a_record_that_does_not_arrive_is_a_blind_spot() {
        let mut health = WatchHealth {
            canary_max_s: 1200,
            ticked_s: i64::MAX / 2,
            ..WatchHealth::default()
        };
        let regions = ["eu-west-1".to_owned(), "us-east-1".to_owned()];
        assert_eq!(due(&health, &regions, 600, 0).len(), 2);
        let nonces = [nonce([1; 16]), nonce([2; 16])];
        sent(&mut health, "eu-west-1", &nonces[0], 1000);
        assert_eq!(due(&health, &regions, 600, 1100), ["us-east-1"]);
        assert_eq!(due(&health, &regions, 600, 1600).len(), 2);
        sent(&mut health, "eu-west-1", &nonces[1], 1600);
        assert!(health.blind_spots(2200).is_empty());
        let overdue = BlindSpot::CanaryOverdue {
            region: "eu-west-1".into(),
            since_s: 1000,
        };
        assert_eq!(health.blind_spots(2201), [overdue]);
        let agent = format!("[bartizan/0.1.0 canary/{}]", nonces[1]);
        assert!(seen(&mut health, nonce_in(&agent).unwrap(), 2300));
        assert!(health.blind_spots(9000).is_empty());
        assert_eq!(health.canaries[0].delay_s, Some(700));
        assert!(!seen(&mut health, &nonces[1], 2400));
        assert_eq!(nonce_in("aws-cli/2 canary/xyz"), None);
    }
}
