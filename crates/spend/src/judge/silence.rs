//! Sensors whose charges stop.

use std::collections::BTreeMap;

use super::options::JudgeOptions;
use super::series::SpendSeries;
use crate::service::sensor_row;

/// Days that a sensor must have had charges before its silence means anything.
const USED_DAYS: usize = 14;
/// Sensors that fall silent on one day, from which that day is enough.
const AT_ONCE: usize = 3;
/// Days after which fewer sensors are: charges of one service may arrive days late.
const ALONE_DAYS: usize = 3;

/// Sensors of an account that fell silent together.
#[derive(Clone, Debug)]
pub(super) struct Silence {
    pub(super) account: Option<String>,
    /// Service and region, each with its cost of a normal day.
    pub(super) sensors: Vec<SilentSensor>,
    /// Position of the first day without charges.
    pub(super) start: usize,
    /// Days without charges.
    pub(super) days: usize,
    /// Position of the day on which it was known.
    pub(super) known: usize,
    pub(super) file: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct SilentSensor {
    pub(super) service: String,
    pub(super) region: Option<String>,
    pub(super) normal_day: f64,
}

/// Usage of one sensor by day.
struct SensorDays {
    quantity: Vec<f64>,
    value: Vec<f64>,
    file: u32,
}

pub(super) fn silences(estate: &SpendSeries, options: &JudgeOptions) -> Vec<Silence> {
    type Key = (Option<String>, Option<String>, &'static str, &'static str);
    let mut sensors: BTreeMap<Key, SensorDays> = BTreeMap::new();
    let mut places: BTreeMap<(Option<String>, Option<String>), Vec<f64>> = BTreeMap::new();
    for series in &estate.usage {
        let place = (series.place.account.clone(), series.place.region.clone());
        let sum = places
            .entry(place.clone())
            .or_insert_with(|| vec![0.0; estate.length()]);
        let service = series.place.service.as_deref().unwrap_or_default();
        let family = series.place.family.as_deref();
        let Some((service, part)) = sensor_row(service, family) else {
            sum.iter_mut()
                .zip(&series.value)
                .for_each(|(sum, v)| *sum += v);
            continue;
        };
        let days = sensors
            .entry((place.0, place.1, service, part))
            .or_insert_with(|| SensorDays {
                quantity: vec![0.0; estate.length()],
                value: vec![0.0; estate.length()],
                file: 0,
            });
        for at in 0..estate.length() {
            // CloudWatch has no quantities.
            days.quantity[at] += series.quantity[at].max(series.value[at]);
            days.value[at] += series.value[at];
            days.file = days.file.max(series.files[at]);
        }
    }
    let mut starts = Starts::new();
    for ((account, region, service, _), days) in &sensors {
        let Some(others) = places.get(&(account.clone(), region.clone())) else {
            continue;
        };
        for (start, length) in stops(days, others, options) {
            let normal_day = super::episode::normal_day(&days.value, start);
            let (service, region) = ((*service).to_owned(), region.clone());
            let sensor = SilentSensor {
                service,
                region,
                normal_day,
            };
            starts
                .entry((account.clone(), start))
                .or_default()
                .push((sensor, length, days.file));
        }
    }
    joined(starts)
}

/// Sensors by account and first silent day, each with its days of silence and its file.
type Starts = BTreeMap<(Option<String>, usize), Vec<(SilentSensor, usize, u32)>>;

/// Silences that began together, without those that a late bill explains.
fn joined(starts: Starts) -> Vec<Silence> {
    let mut found: Vec<Silence> = Vec::new();
    for ((account, start), of_day) in starts {
        let days = of_day.iter().map(|s| s.1).max().unwrap_or(0);
        if days < ALONE_DAYS && of_day.len() < AT_ONCE {
            continue;
        }
        let known = if of_day.len() >= AT_ONCE {
            start
        } else {
            start + ALONE_DAYS - 1
        };
        let file = of_day.first().map_or(0, |s| s.2);
        let sensors: Vec<SilentSensor> = of_day.into_iter().map(|s| s.0).collect();
        match found.last_mut() {
            Some(last) if last.account == account && start <= last.start + 2 => {
                last.sensors.extend(sensors);
                last.days = last.days.max(days);
            }
            _ => found.push(Silence {
                account,
                sensors,
                start,
                days,
                known,
                file,
            }),
        }
    }
    found
}

/// Starts and lengths of silences: days without charges after weeks with charges every day, while
/// the rest of the place goes on.
fn stops(days: &SensorDays, others: &[f64], options: &JudgeOptions) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let learned = usize::try_from(options.learning_days)
        .unwrap_or(0)
        .max(USED_DAYS);
    let mut at = learned;
    while at < days.quantity.len() {
        let before = &days.quantity[at - USED_DAYS..at];
        let goes_on = |at: usize| others[at] > 0.5 * super::episode::normal_day(others, at);
        let silent = |at: usize| days.quantity[at] <= 0.0 && goes_on(at);
        if silent(at) && before.iter().all(|q| *q > 0.0) {
            let length = (at..days.quantity.len())
                .take_while(|at| silent(*at))
                .count();
            found.push((at, length));
            at += length;
        }
        at += 1;
    }
    found
}
