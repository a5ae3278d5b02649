//! Histogram of the age of credentials: those that work, and those that are switched off.

use maud::{Markup, html};
use serde::Serialize;

use super::svg::{drawing, scaled};

const WIDTH: i64 = 620;
const HEIGHT: i64 = 200;

/// Ages of keys, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct KeyAges {
    pub(crate) buckets: Vec<AgeBucket>,
}

/// Keys of one span of age.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct AgeBucket {
    /// Inclusive; none for those whose age is not known.
    pub(crate) from_days: Option<i64>,
    pub(crate) active: usize,
    pub(crate) inactive: usize,
}

/// First days of the buckets.
const STEPS: [i64; 6] = [0, 30, 90, 180, 365, 730];

impl KeyAges {
    /// Counts keys, each by its age and whether it works.
    pub(crate) fn of(keys: impl Iterator<Item = (Option<i64>, bool)>) -> Self {
        let bucket = |from_days| AgeBucket {
            from_days,
            active: 0,
            inactive: 0,
        };
        let mut buckets: Vec<AgeBucket> = STEPS.iter().map(|s| bucket(Some(*s))).collect();
        buckets.push(bucket(None));
        for (age, is_active) in keys {
            let number = match age {
                Some(days) => STEPS.iter().rposition(|s| days >= *s).unwrap_or(0),
                None => STEPS.len(),
            };
            if let Some(bucket) = buckets.get_mut(number) {
                match is_active {
                    true => bucket.active += 1,
                    false => bucket.inactive += 1,
                }
            }
        }
        Self { buckets }
    }
}

/// The histogram, and its counts as a table.
pub(crate) fn key_ages(ages: &KeyAges) -> Markup {
    let count = |b: &AgeBucket| b.active + b.inactive;
    let most = ages.buckets.iter().map(count).max().unwrap_or(0);
    if most == 0 {
        return html! {};
    }
    let step = (WIDTH - 20) / ages.buckets.len().max(1) as i64;
    let foot = HEIGHT - 40;
    let high = |n: usize| scaled(n as f64, most as f64, foot - 24);
    let picture = html! {
        @for (n, bucket) in ages.buckets.iter().enumerate() {
            @let (x, on, off) = (10 + n as i64 * step, high(bucket.active), high(bucket.inactive));
            rect class=(if is_old(bucket) { "bar old" } else { "bar" }) x=(x + 6) y=(foot - on)
                 width=(step - 12) height=(on) {}
            rect class="bar off" x=(x + 6) y=(foot - on - off) width=(step - 12) height=(off) {}
            @if count(bucket) > 0 {
                text x=(x + step / 2) y=(foot - on - off - 6) text-anchor="middle" {
                    (count(bucket))
                }
            }
            text class="dim" x=(x + step / 2) y=(HEIGHT - 22) text-anchor="middle" {
                (label(bucket))
            }
        }
        line class="lane" x1="10" x2=(WIDTH - 10) y1=(foot) y2=(foot) {}
        text class="dim" x=(WIDTH / 2) y=(HEIGHT - 5) text-anchor="middle" { "age in days" }
    };
    html! {
        div class="half" {
            (drawing((WIDTH, HEIGHT), "age of access keys", "counts are in the table", &picture))
        }
        table class="small" {
            thead { tr {
                th scope="col" { "age in days" } th scope="col" { "active" }
                th scope="col" { "inactive" }
            } }
            tbody { @for bucket in &ages.buckets {
                tr {
                    td { (label(bucket)) } td { (bucket.active) } td { (bucket.inactive) }
                }
            } }
        }
    }
}

/// CIS asks for a new key every 90 days.
fn is_old(bucket: &AgeBucket) -> bool {
    bucket.from_days.is_some_and(|d| d >= 90)
}

fn label(bucket: &AgeBucket) -> String {
    let Some(from) = bucket.from_days else {
        return "unknown".to_owned();
    };
    let next = STEPS.iter().find(|s| **s > from);
    match next {
        Some(next) => format!("{from}–{}", next - 1),
        None => format!("{from}+"),
    }
}
