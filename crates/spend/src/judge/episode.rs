//! Rises of related series as one episode: an account's service in a region.

use std::collections::{BTreeMap, BTreeSet};

use super::baseline::median;
use super::options::JudgeOptions;
use super::rise::{Run, runs};
use super::series::{SpendPlace, SpendSeries, UsageSeries};
use bartizan_model::{Confidence, Severity};

/// Days between the starts of two rises of one place that belong together.
const JOIN_DAYS: usize = 3;
/// Days between the starts of rises that have one cause.
const TOGETHER_DAYS: usize = 1;
/// Services that rise together when demand or a deployment is the cause.
const BROAD_SERVICES: usize = 3;

/// Share of all that rose, from which the others do not matter.
const ALONE_SHARE: f64 = 0.85;

/// How new the spend is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Novelty {
    /// The series had charges before.
    None,
    /// First of this family of usage types for the service in the region.
    Family,
    /// First of the service in the region.
    ServiceInRegion,
    /// First of the service in the account.
    Service,
    /// First spend of the account in the region.
    Region,
}

/// Why a rise is probably harmless.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Harmless {
    /// Several services rose by about the same factor.
    Broad { services: usize, factor: f64 },
    /// The quantity did not rise: the price did.
    Price,
    /// Many of the services used elsewhere began in a new region.
    Launch { services: usize },
    /// It was announced.
    Announced,
}

/// Rise of an account's service in a region.
#[derive(Clone, Debug)]
pub(super) struct Episode {
    /// Without family.
    pub(super) place: SpendPlace,
    pub(super) novelty: Novelty,
    /// Position of the first and the last day.
    pub(super) start: usize,
    pub(super) last: usize,
    /// Cost and expected cost by position.
    pub(super) days: BTreeMap<usize, (f64, f64)>,
    /// Families by excess, largest first.
    pub(super) families: Vec<(String, f64)>,
    /// The account's normal day before it began.
    pub(super) normal_day: f64,
    pub(super) harmless: Option<Harmless>,
    pub(super) severity: Severity,
    pub(super) confidence: Confidence,
    /// Position of the day on which it became medium, or what it is below that.
    pub(super) known: usize,
    pub(super) learned: Option<usize>,
    /// Number of the file with the first charge.
    pub(super) file: u32,
    /// Cost that the bill shows on those days, as against the price list.
    pub(super) shown: f64,
    pub(super) quantity: f64,
}

impl Episode {
    pub(super) fn excess(&self) -> f64 {
        self.days
            .values()
            .map(|(value, expected)| value - expected)
            .sum()
    }

    /// Median extra cost of its days.
    pub(super) fn daily(&self) -> f64 {
        median(&self.days.values().map(|(v, e)| v - e).collect::<Vec<_>>())
    }
}

/// Run of one series.
struct SeriesRun {
    series: usize,
    run: Run,
    is_price: bool,
}

/// Rises of all accounts, by place.
pub(super) fn episodes(estate: &SpendSeries, options: &JudgeOptions) -> Vec<Episode> {
    let learned_at = usize::try_from(options.learning_days).unwrap_or(0);
    let mut all: Vec<SeriesRun> = Vec::new();
    for (number, series) in estate.usage.iter().enumerate() {
        for run in runs(&series.value, learned_at, options) {
            let is_price = !run.is_new && is_price(series, &run);
            all.push(SeriesRun {
                series: number,
                run,
                is_price,
            });
        }
    }
    let accounts = estate.account_days();
    let mut found = Vec::new();
    let mut by_place: BTreeMap<SpendPlace, Vec<&SeriesRun>> = BTreeMap::new();
    for run in &all {
        let place = SpendPlace {
            family: None,
            ..estate.usage[run.series].place.clone()
        };
        by_place.entry(place).or_default().push(run);
    }
    for (place, mut of_place) in by_place {
        let empty = Vec::new();
        let account = accounts.get(&place.bill()).unwrap_or(&empty);
        of_place.sort_by(|a, b| b.run.excess().total_cmp(&a.run.excess()));
        // The largest rise takes those that began with it, then the largest of the rest.
        while let Some(largest) = of_place.first().copied() {
            let (joined, rest) = of_place.iter().partition(|r| is_joined(largest, r));
            of_place = rest;
            let normal_day = normal_day(account, largest.run.start);
            let episode = Joined {
                estate,
                options,
                runs: &joined,
                all: &all,
            };
            found.extend(episode.judged(&place, normal_day));
        }
    }
    found.sort_by(|a, b| (a.start, &a.place).cmp(&(b.start, &b.place)));
    found
}

/// Whether a rise belongs to a larger one: it began during its first days. A small one that began
/// before was there without it.
fn is_joined(largest: &SeriesRun, other: &SeriesRun) -> bool {
    let (start, begins) = (largest.run.start, other.run.start);
    match begins >= start {
        true => begins <= start + JOIN_DAYS,
        false => {
            start - begins <= 1 || {
                start - begins <= JOIN_DAYS && other.run.excess() > largest.run.excess() / 4.0
            }
        }
    }
}

/// Median of four weeks before a day.
pub(super) fn normal_day(account: &[f64], start: usize) -> f64 {
    median(&account[start.saturating_sub(28).min(account.len())..start.min(account.len())])
}

/// Whether the price rose and the quantity did not.
fn is_price(series: &UsageSeries, run: &Run) -> bool {
    let before = &series.quantity[run.start.saturating_sub(14)..run.start];
    let during: Vec<f64> = run.days.iter().map(|d| series.quantity[d.at]).collect();
    let (before, during) = (median(before), median(&during));
    let factor = |d: &super::rise::RunDay| d.value / d.expected.max(f64::MIN_POSITIVE);
    let rise = median(&run.days.iter().map(factor).collect::<Vec<_>>());
    before > 0.0 && during / before < 1.0 + (rise - 1.0) / 3.0 && rise < 3.0
}

/// Runs of one place that belong together.
struct Joined<'e> {
    estate: &'e SpendSeries,
    options: &'e JudgeOptions,
    runs: &'e [&'e SeriesRun],
    all: &'e [SeriesRun],
}

impl Joined<'_> {
    fn judged(&self, place: &SpendPlace, normal_day: f64) -> Option<Episode> {
        let priced: Vec<&&SeriesRun> = self.runs.iter().filter(|r| !r.is_price).collect();
        let only_price = priced.is_empty();
        let counted = if only_price {
            self.runs.iter().collect()
        } else {
            priced
        };
        let start = counted.iter().map(|r| r.run.start).min()?;
        let mut days: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
        let mut families: BTreeMap<String, f64> = BTreeMap::new();
        let (mut shown, mut quantity) = (0.0, 0.0);
        for run in &counted {
            let series = &self.estate.usage[run.series];
            for day in &run.run.days {
                let sum = days.entry(day.at).or_default();
                sum.0 += day.value;
                sum.1 += day.expected;
                shown += series.cost[day.at];
                quantity += series.quantity[day.at];
            }
            let family = series.place.family.clone().unwrap_or_default();
            *families.entry(family).or_default() += run.run.excess();
        }
        let mut families: Vec<(String, f64)> = families.into_iter().collect();
        families.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let first = counted.iter().find(|r| r.run.start == start)?;
        let mut episode = Episode {
            place: place.clone(),
            novelty: self.novelty(place, start, &counted),
            start,
            last: days.keys().next_back().copied().unwrap_or(start),
            days,
            families,
            normal_day,
            harmless: None,
            severity: Severity::Info,
            confidence: Confidence::Medium,
            known: start,
            learned: counted.iter().filter_map(|r| r.run.learned).min(),
            file: self.estate.usage[first.series].files[start],
            shown,
            quantity,
        };
        episode.harmless = match only_price {
            true => Some(Harmless::Price),
            false => self.harmless(&episode),
        };
        self.weigh(&mut episode)?;
        Some(episode)
    }

    /// Newest thing about it.
    fn novelty(&self, place: &SpendPlace, start: usize, counted: &[&&SeriesRun]) -> Novelty {
        let used = |same: &dyn Fn(&SpendPlace) -> bool| {
            self.estate.usage.iter().any(|s| {
                s.place.account == place.account
                    && same(&s.place)
                    && s.value[..start]
                        .iter()
                        .zip(&s.quantity)
                        .any(|(v, q)| *v > 0.0 || *q > 0.0)
            })
        };
        let (service, region) = (&place.service, &place.region);
        match () {
            () if region.is_some() && !used(&|p| p.region == *region) => Novelty::Region,
            () if service.is_some() && !used(&|p| p.service == *service) => Novelty::Service,
            () if !used(&|p| p.service == *service && p.region == *region) => {
                Novelty::ServiceInRegion
            }
            () if counted
                .iter()
                .any(|r| r.run.is_new && r.run.start <= start + 1) =>
            {
                Novelty::Family
            }
            () => Novelty::None,
        }
    }

    fn harmless(&self, episode: &Episode) -> Option<Harmless> {
        let announced = |name: &Option<String>| {
            name.as_ref()
                .is_some_and(|n| self.options.announced.contains(n))
        };
        if announced(&episode.place.region) || announced(&episode.place.service) {
            return Some(Harmless::Announced);
        }
        let together = self.all.iter().filter(|r| {
            let place = &self.estate.usage[r.series].place;
            place.account == episode.place.account
                && r.run.start.abs_diff(episode.start) <= TOGETHER_DAYS
        });
        if episode.novelty == Novelty::Region {
            let services: BTreeSet<&Option<String>> = together
                .map(|r| &self.estate.usage[r.series].place)
                .filter(|p| p.region == episode.place.region)
                .map(|p| &p.service)
                .collect();
            let services = services.len();
            return (services > BROAD_SERVICES).then_some(Harmless::Launch { services });
        }
        let mut factors: BTreeMap<&Option<String>, Vec<f64>> = BTreeMap::new();
        let mut all = 0.0;
        for run in together.filter(|r| !r.run.is_new && !r.is_price) {
            all += run.run.excess();
            let factor = |d: &super::rise::RunDay| d.value / d.expected.max(f64::MIN_POSITIVE);
            let place = &self.estate.usage[run.series].place;
            let factors = factors.entry(&place.service).or_default();
            factors.push(median(&run.run.days.iter().map(factor).collect::<Vec<_>>()));
        }
        let services = factors.len();
        let factor = median(&factors.values().map(|f| median(f)).collect::<Vec<_>>());
        let (value, expected) = episode
            .days
            .values()
            .fold((0.0, 0.0), |sum, d| (sum.0 + d.0, sum.1 + d.1));
        let own = value / expected.max(f64::MIN_POSITIVE);
        let is_broad = services >= BROAD_SERVICES && factor < 3.0 && own < 1.6 * factor;
        // One service alone did nearly all of it: the others are a coincidence.
        let is_broad = is_broad && episode.excess() < ALONE_SHARE * all;
        is_broad.then_some(Harmless::Broad { services, factor })
    }

    /// Sets the severity, and the day on which it was reached. `None` if there is nothing to say.
    fn weigh(&self, episode: &mut Episode) -> Option<()> {
        let floor = self.options.money_floor;
        let normal = episode.normal_day.max(floor);
        if episode.excess() < floor / 2.0 && episode.novelty < Novelty::Region {
            return None;
        }
        let mut reached = Severity::Info;
        let (mut sum, mut recent) = (0.0, Vec::new());
        for (at, (value, expected)) in &episode.days {
            sum += value - expected;
            recent.push(value - expected);
            let now = self.severity(episode, sum, &recent, normal);
            if now > reached {
                if reached < Severity::Medium {
                    episode.known = *at;
                }
                reached = now;
            }
        }
        episode.severity = reached;
        episode.confidence = match (reached, episode.novelty) {
            (Severity::High | Severity::Critical, Novelty::Region) => Confidence::High,
            (Severity::Info | Severity::Low, _) => Confidence::Low,
            _ => Confidence::Medium,
        };
        Some(())
    }

    fn severity(&self, episode: &Episode, sum: f64, recent: &[f64], normal: f64) -> Severity {
        let options = self.options;
        let daily = median(&recent[recent.len().saturating_sub(3)..]);
        let (total, daily_share) = (sum / normal, daily / normal);
        if sum < options.money_floor / 2.0 {
            return Severity::Info;
        }
        if episode.harmless.is_some() {
            return Severity::Low;
        }
        let needed = match episode.novelty {
            Novelty::Region => options.region_share,
            Novelty::Service | Novelty::ServiceInRegion => 2.5 * options.daily_share,
            _ => options.daily_share,
        };
        let enough = match episode.novelty {
            Novelty::Region => needed,
            _ => options.total_share,
        };
        match () {
            () if daily < options.money_floor || daily_share < needed || total < enough => {
                Severity::Low
            }
            () if total >= 30.0 => Severity::Critical,
            () if total >= 1.0 || daily_share >= 0.5 => Severity::High,
            () => Severity::Medium,
        }
    }
}
