//! Keys of digests and logs, as CloudTrail writes them (CloudTrail user guide, "Finding your
//! CloudTrail log files" and "CloudTrail digest file structure"). A path on a disk is a key from
//! its last `AWSLogs/` on.

use jiff::Timestamp;

/// Account, region and trail of a chain of digests. Backfill digests are a chain of their own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesName {
    /// Account id, 12 digits.
    pub account: String,
    /// Region whose logs the digests name.
    pub region: String,
    /// Organization id, e.g. `o-a1b2c3d4e5`, for an organization trail.
    pub organization: Option<String>,
    pub trail: String,
    /// Home region of the trail.
    pub home: String,
    pub backfill: bool,
}

/// Logs that the digests of a trail may name: those of an account in a region, with or without an
/// organization in their key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogGroup {
    pub account: String,
    pub region: String,
    pub organization: Option<String>,
}

/// Digest or log, by its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrailFileName {
    /// `…/CloudTrail-Digest/…_20260301T060000Z.json.gz`.
    Digest {
        series: SeriesName,
        /// Time in the name, seconds since 1970.
        end_s: i64,
    },
    /// `…/CloudTrail/us-east-1/2026/03/01/…_20260301T0605Z_Yx3…json.gz`.
    Log {
        group: LogGroup,
        /// Earliest and latest delivery by the name: a minute, or a day if only the folder tells.
        delivered_s: (i64, i64),
    },
    /// Any other file.
    Other,
}

impl SeriesName {
    /// Group of the logs that these digests name.
    #[must_use]
    pub fn logs(&self) -> LogGroup {
        LogGroup {
            account: self.account.clone(),
            region: self.region.clone(),
            organization: self.organization.clone(),
        }
    }
}

/// The part of a path or key from the last `AWSLogs/` on; `None` if there is none.
#[must_use]
pub fn key_of(path: &str) -> Option<&str> {
    path.rmatch_indices("AWSLogs/")
        .map(|(at, _)| at)
        .find(|at| *at == 0 || path.as_bytes()[at - 1] == b'/')
        .map(|at| &path[at..])
}

impl TrailFileName {
    /// Reads a path, e.g. `trail/AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/01/….json.gz`.
    #[must_use]
    pub fn parse(path: &str) -> Self {
        key_of(path).and_then(parse_key).unwrap_or(Self::Other)
    }
}

fn parse_key(key: &str) -> Option<TrailFileName> {
    let mut parts = key.split('/').skip(1);
    let mut first = parts.next()?;
    let organization = first.starts_with("o-").then(|| first.to_owned());
    if organization.is_some() {
        first = parts.next()?;
    }
    if !is_account(first) {
        return None;
    }
    let (folder, region) = (parts.next()?, parts.next()?);
    let rest: Vec<&str> = parts.collect();
    let [year, month, day, file] = rest[..] else {
        return None;
    };
    let group = LogGroup {
        account: first.to_owned(),
        region: region.to_owned(),
        organization,
    };
    match folder {
        "CloudTrail-Digest" => digest(group, file),
        "CloudTrail" => {
            let delivered_s = minute(file).map_or_else(
                || {
                    let start_s = seconds(&format!("{year}-{month}-{day}T00:00:00Z"))?;
                    Some((start_s, start_s + 86_399))
                },
                |minute_s| Some((minute_s, minute_s + 59)),
            )?;
            Some(TrailFileName::Log { group, delivered_s })
        }
        _ => None,
    }
}

/// `ACCOUNT_CloudTrail-Digest_REGION_TRAIL_HOME_YYYYMMDDTHHMMSSZ[_backfill].json.gz`. The name of a
/// trail may have dots, underscores and dashes.
fn digest(group: LogGroup, file: &str) -> Option<TrailFileName> {
    let stem = file.strip_suffix(".json.gz")?;
    let (stem, backfill) = match stem.strip_suffix("_backfill") {
        Some(stem) => (stem, true),
        None => (stem, false),
    };
    let (stem, stamp) = stem.rsplit_once('_')?;
    let (stem, home) = stem.rsplit_once('_')?;
    let head = format!("{}_CloudTrail-Digest_{}_", group.account, group.region);
    let trail = stem.strip_prefix(&head).filter(|t| !t.is_empty())?;
    Some(TrailFileName::Digest {
        end_s: stamp_s(stamp)?,
        series: SeriesName {
            account: group.account,
            region: group.region,
            organization: group.organization,
            trail: trail.to_owned(),
            home: home.to_owned(),
            backfill,
        },
    })
}

/// Minute of delivery in the name of a log.
fn minute(file: &str) -> Option<i64> {
    file.split('_').find_map(|part| {
        (part.len() == 14)
            .then(|| part.strip_suffix('Z'))
            .flatten()
            .and_then(|digits| stamp_s(&format!("{digits}00Z")))
    })
}

/// Seconds since 1970 of `20260301T060000Z`.
fn stamp_s(stamp: &str) -> Option<i64> {
    let plain = stamp.len() == 16
        && stamp.bytes().enumerate().all(|(n, b)| match n {
            8 => b == b'T',
            15 => b == b'Z',
            _ => b.is_ascii_digit(),
        });
    if !plain {
        return None;
    }
    let part = |from: usize, to: usize| &stamp[from..to];
    seconds(&format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0, 4),
        part(4, 6),
        part(6, 8),
        part(9, 11),
        part(11, 13),
        part(13, 15)
    ))
}

/// Seconds since 1970 of a time in RFC 3339.
pub(super) fn seconds(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_second)
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_tell_series_and_time() {
        let name = TrailFileName::parse(
            "/x/AWSLogs/y/AWSLogs/o-a1/111122223333/CloudTrail-Digest/eu-west-1/2026/03/01/\
            111122223333_CloudTrail-Digest_eu-west-1_my.trail_v2_us-east-1_20260301T060501Z_backfill\
            .json.gz",
        );
        let TrailFileName::Digest { series, end_s } = name else {
            panic!("{name:?}")
        };
        assert_eq!(
            (series.trail.as_str(), series.home.as_str(), series.backfill),
            ("my.trail_v2", "us-east-1", true)
        );
        assert_eq!(series.organization.as_deref(), Some("o-a1"));
        assert_eq!(Some(end_s), seconds("2026-03-01T06:05:01Z"));
        let log = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/01/";
        for (file, delivered) in [
            (
                "111122223333_CloudTrail_eu-west-1_20260301T0605Z_abc.json.gz",
                ("2026-03-01T06:05:00Z", "2026-03-01T06:05:59Z"),
            ),
            (
                "forged.json.gz",
                ("2026-03-01T00:00:00Z", "2026-03-01T23:59:59Z"),
            ),
        ] {
            let TrailFileName::Log { delivered_s, .. } =
                TrailFileName::parse(&format!("{log}{file}"))
            else {
                panic!("{file}")
            };
            assert_eq!(
                Some(delivered_s),
                seconds(delivered.0).zip(seconds(delivered.1))
            );
        }
        assert_eq!(TrailFileName::parse("AWSLogs/x"), TrailFileName::Other);
        assert_eq!(key_of("notAWSLogs/x"), None);
    }
}
