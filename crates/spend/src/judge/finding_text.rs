//! Findings of the bill in the common form, and their sentences.

use super::commitment::Commitment;
use super::episode::{Episode, Harmless, Novelty, normal_day};
use super::kinds::{SpendRule, look, technique};
use super::ladder::{Ladder, LadderVerdict};
use super::options::JudgeOptions;
use super::series::{SpendPlace, SpendSeries};
use super::silence::Silence;
use super::spend_finding::{ChartDay, SpendFinding, SpendSubject};
use crate::charge::ChargeKind;
use crate::day::{day_text, month_end, month_start, month_text};
use crate::ledger::{BillFile, BudgetNotice, ReportedAnomaly, UnreadPeriod};
use bartizan_model::limits::EVIDENCE_MAX;
use bartizan_model::{
    Confidence, Evidence, Finding, Severity, Stage, Verdict, finding_id, shell_word, time_text,
};

/// Days of a chart.
const CHART_DAYS: usize = 30;

/// ATT&CK: Unused/Unsupported Cloud Regions.
const UNUSED_REGIONS: &str = "T1535";

/// Makes findings of one bill.
pub(super) struct SpendText<'e> {
    pub(super) estate: &'e SpendSeries,
    pub(super) files: &'e [BillFile],
    pub(super) options: &'e JudgeOptions,
}

/// Amount as people read it: `2,359.30 USD`.
pub(super) fn money(amount: f64, currency: &str) -> String {
    let cents = format!("{:.2}", amount.abs());
    let (whole, part) = cents.split_once('.').unwrap_or((&cents, "00"));
    let mut grouped = String::new();
    for (n, digit) in whole.chars().enumerate() {
        if n > 0 && (whole.len() - n).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let sign = if amount < 0.0 { "-" } else { "" };
    format!("{sign}{grouped}.{part} {currency}")
}

/// `3.4 times` or `25 % more`.
fn compared(value: f64, expected: f64) -> String {
    match value / expected {
        factor if factor >= 100.0 => "more than 100 times".to_owned(),
        factor if factor >= 2.0 => format!("{factor:.1} times"),
        factor => format!("{:.0} % more than", (factor - 1.0) * 100.0),
    }
}

fn time_of(day: i32) -> String {
    time_text(i64::from(day) * 86_400)
}

impl SpendText<'_> {
    fn base(&self, rule: SpendRule, place: &SpendPlace, entity: &str, window: i32) -> Finding {
        Finding {
            id: finding_id("spend", entity, false, i64::from(window)),
            rule: rule.id().to_owned(),
            title: rule.title().to_owned(),
            summary: String::new(),
            severity: Severity::Info,
            confidence: Confidence::Medium,
            stage: Stage::Steal,
            attack: Vec::new(),
            account: place.account.clone(),
            region: place.region.clone(),
            first_time: None,
            last_time: None,
            count: 1,
            refused: 0,
            calls: Vec::new(),
            actor: None,
            resources: Vec::new(),
            counterparty: Vec::new(),
            evidence: Vec::new(),
            verdict: Verdict::Must,
            because: Vec::new(),
            show: self.show(place, self.estate.last),
        }
    }

    /// Question to Cost Explorer that shows the spend again.
    fn show(&self, place: &SpendPlace, day: i32) -> String {
        let mut filters = Vec::new();
        for (key, value) in [
            ("LINKED_ACCOUNT", &place.account),
            ("REGION", &place.region),
        ] {
            if let Some(value) = value.as_deref().filter(|v| *v != crate::place::GLOBAL) {
                filters.push(format!(
                    r#"{{"Dimensions":{{"Key":"{key}","Values":["{value}"]}}}}"#
                ));
            }
        }
        let filter = match filters.as_slice() {
            [] => String::new(),
            [one] => format!(" --filter {}", shell_word(one)),
            more => format!(
                " --filter {}",
                shell_word(&format!(r#"{{"And":[{}]}}"#, more.join(",")))
            ),
        };
        format!(
            "aws ce get-cost-and-usage --time-period Start={},End={} --granularity DAILY --metrics \
             UnblendedCost UsageQuantity --group-by Type=DIMENSION,Key=SERVICE \
             Type=DIMENSION,Key=USAGE_TYPE{filter}",
            day_text(month_start(day)),
            day_text(day + 1),
        )
    }

    fn file(&self, number: u32) -> String {
        self.files
            .get(number as usize)
            .map_or_else(String::new, |f| f.name.clone())
    }

    pub(super) fn rise(&self, episode: &Episode) -> SpendFinding {
        let (place, rule) = (&episode.place, SpendRule::of(episode));
        let start = self.estate.day(episode.start);
        let entity = format!(
            "{}/{}/{}",
            place.account.as_deref().unwrap_or_default(),
            place.service.as_deref().unwrap_or_default(),
            place.region.as_deref().unwrap_or_default(),
        );
        let mut finding = self.base(rule, place, &entity, month_start(start));
        let family = episode.families.first().map_or("", |f| f.0.as_str());
        let service = place.service.as_deref().unwrap_or_default();
        finding.severity = episode.severity;
        finding.confidence = episode.confidence;
        finding.attack = vec![technique(service, family).to_owned()];
        if rule == SpendRule::NewRegion {
            finding.attack.push(UNUSED_REGIONS.to_owned());
        }
        finding.first_time = Some(time_of(start));
        finding.last_time = Some(time_of(self.estate.day(episode.last)));
        finding.count = episode.days.len() as u64;
        finding.resources = episode
            .families
            .iter()
            .filter(|f| !f.0.is_empty())
            .take(5)
            .map(|f| f.0.clone())
            .collect();
        finding.summary = self.rise_summary(episode, family);
        finding.because = self.rise_because(episode);
        finding.because.extend(
            look(service, family, place.region.as_deref()).map(|l| format!("look at it: {l}")),
        );
        finding.show = self.show(place, self.estate.day(episode.last));
        finding.evidence = self.rise_evidence(episode, family);
        let so_far = episode.excess();
        SpendFinding {
            finding,
            subject: SpendSubject::new(rule, place.service.as_deref()),
            so_far,
            daily: episode.daily(),
            currency: place.currency.clone(),
            known_day: self.estate.day(episode.known),
            chart: self.chart(place, Some(episode)),
        }
    }

    fn rise_summary(&self, episode: &Episode, family: &str) -> String {
        let place = &episode.place;
        let largest = episode.days.iter().max_by(|a, b| {
            (a.1.0 - a.1.1)
                .total_cmp(&(b.1.0 - b.1.1))
                .then(b.0.cmp(a.0))
        });
        let (at, (value, expected)) = largest.map_or((0, (0.0, 0.0)), |(at, v)| (*at, *v));
        let (day, currency) = (day_text(self.estate.day(at)), &place.currency);
        let what = self.what(place, family);
        let cost = money(value, currency);
        match SpendRule::of(episode) {
            SpendRule::NewRegion => {
                format!("{what} cost {cost} on {day}; nothing was ever used in that region before")
            }
            SpendRule::NewService => {
                format!("{what} cost {cost} on {day}; the service was never used there before")
            }
            SpendRule::WithoutCost => format!(
                "{what} was used for about {cost} at list prices on {day}, and the bill shows no \
                 cost: credits or a free tier pay for it"
            ),
            // Less than a cent is printed as 0.00.
            _ if expected < 0.005 => format!("{what} cost {cost} on {day}, and nothing before"),
            _ => format!(
                "{what} cost {cost} on {day}, {} the {} expected",
                compared(value, expected),
                money(expected, currency)
            ),
        }
    }

    fn what(&self, place: &SpendPlace, family: &str) -> String {
        let mut words = place
            .service
            .clone()
            .unwrap_or_else(|| "everything".to_owned());
        if !family.is_empty() {
            words = format!("{words} ({family})");
        }
        if let Some(region) = place
            .region
            .as_deref()
            .filter(|r| *r != crate::place::GLOBAL)
        {
            words = format!("{words} in {region}");
        }
        match &place.account {
            Some(account) => format!("{words}, account {account},"),
            None => words,
        }
    }

    fn rise_because(&self, episode: &Episode) -> Vec<String> {
        let currency = &episode.place.currency;
        let (extra, days) = (episode.excess(), episode.days.len());
        let mut because = vec![format!(
            "{} more than expected in {days} day{}; a normal day of the account is {}",
            money(extra, currency),
            if days == 1 { "" } else { "s" },
            money(episode.normal_day, currency),
        )];
        let last = self.estate.day(episode.last);
        if episode.last + 2 >= self.estate.length() {
            let left = f64::from(month_end(last) - 1 - last);
            because.push(format!(
                "at this rate {} more by the end of {}",
                money(episode.daily() * left, currency),
                month_text(last)
            ));
        }
        if let Some(learned) = episode.learned {
            let day = day_text(self.estate.day(learned));
            because.push(format!("from {day} on this level counts as normal"));
        }
        because.extend(episode.harmless.as_ref().map(|h| match h {
            Harmless::Broad { services, factor } => format!(
                "{services} services rose by about {:.0} % on the same day, as in a deployment or \
                 on a busy day",
                (factor - 1.0) * 100.0
            ),
            Harmless::Price => "the quantity did not rise: the price did".to_owned(),
            Harmless::Launch { services } => {
                format!("{services} services began in the region together, as in a launch")
            }
            Harmless::Announced => "it was announced".to_owned(),
        }));
        if episode.novelty == Novelty::Family {
            because.push("this kind of usage was not on the bill before".to_owned());
        }
        because
    }

    fn rise_evidence(&self, episode: &Episode, family: &str) -> Vec<Evidence> {
        let place = &episode.place;
        let charge = [
            place.service.as_deref(),
            place.region.as_deref(),
            Some(family),
        ];
        let charge: Vec<&str> = charge
            .into_iter()
            .flatten()
            .filter(|c| !c.is_empty())
            .collect();
        let day = |(at, (value, expected)): (&usize, &(f64, f64))| Evidence::Cost {
            file: self.file(episode.file),
            day: day_text(self.estate.day(*at)),
            charge: charge.join(" "),
            amount: money(*value, &place.currency),
            expected: money(*expected, &place.currency),
        };
        episode.days.iter().take(EVIDENCE_MAX).map(day).collect()
    }

    /// Last days of a place with what was expected of them.
    fn chart(&self, place: &SpendPlace, episode: Option<&Episode>) -> Vec<ChartDay> {
        let length = self.estate.length();
        let mut sums = vec![0.0; length];
        let is_of =
            |own: &Option<String>, wanted: &Option<String>| wanted.is_none() || own == wanted;
        for series in self.estate.usage.iter().filter(|s| {
            is_of(&s.place.account, &place.account)
                && is_of(&s.place.service, &place.service)
                && is_of(&s.place.region, &place.region)
        }) {
            sums.iter_mut()
                .zip(&series.value)
                .for_each(|(sum, v)| *sum += v);
        }
        let end = episode.map_or(length, |e| (e.start + CHART_DAYS - 10).min(length));
        let from = end.saturating_sub(CHART_DAYS);
        let usual = normal_day(&sums, episode.map_or(end, |e| e.start));
        (from..end)
            .map(|at| ChartDay {
                day: self.estate.day(at),
                value: sums[at],
                expected: usual,
            })
            .collect()
    }

    pub(super) fn silent(&self, silence: &Silence) -> SpendFinding {
        let sensor = silence.sensors.first();
        let place = SpendPlace {
            account: silence.account.clone(),
            service: sensor.map(|s| s.service.clone()),
            region: sensor.and_then(|s| s.region.clone()),
            family: None,
            currency: "USD".to_owned(),
        };
        let start = self.estate.day(silence.start);
        let account = silence.account.as_deref().unwrap_or_default();
        let entity = format!("{account}/silent");
        let mut finding = self.base(SpendRule::Silent, &place, &entity, month_start(start));
        let mut names: Vec<&str> = silence.sensors.iter().map(|s| s.service.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let many = names.len() > 1;
        finding.stage = Stage::Blind;
        finding.severity = match silence.sensors.iter().any(|s| records_calls(&s.service)) || many {
            true => Severity::High,
            false => Severity::Medium,
        };
        finding.attack = vec!["T1562.008".to_owned()];
        finding.first_time = Some(time_of(start));
        let days = i32::try_from(silence.days).unwrap_or(1);
        finding.last_time = Some(time_of(start + days - 1));
        finding.count = silence.days as u64;
        finding.resources = names.iter().map(|n| (*n).to_owned()).collect();
        finding.summary = format!(
            "{} {} billed every day until {} and not at all since",
            names.join(", "),
            if many { "were" } else { "was" },
            day_text(start - 1)
        );
        let normal: f64 = silence.sensors.iter().map(|s| s.normal_day).sum();
        finding.because = vec![
            format!(
                "a normal day of them is {}; now it is nothing",
                money(normal, "USD")
            ),
            "the rest of the account is billed as before, so the bill itself is not late"
                .to_owned(),
        ];
        let region = place.region.as_deref();
        let looks = names.iter().filter_map(|n| look(n, "", region));
        finding
            .because
            .extend(looks.map(|l| format!("look at it: {l}")));
        finding.evidence = silence
            .sensors
            .iter()
            .take(EVIDENCE_MAX)
            .map(|s| Evidence::Cost {
                file: self.file(silence.file),
                day: day_text(start),
                charge: [Some(s.service.as_str()), s.region.as_deref()]
                    .into_iter()
                    .flatten()
                    .collect::<Vec<_>>()
                    .join(" "),
                amount: money(0.0, "USD"),
                expected: money(s.normal_day, "USD"),
            })
            .collect();
        SpendFinding {
            subject: SpendSubject {
                rule: SpendRule::Silent,
                services: finding.resources.clone(),
            },
            finding,
            so_far: 0.0,
            daily: -normal,
            currency: place.currency.clone(),
            known_day: self.estate.day(silence.known),
            chart: self.chart(&place, None),
        }
    }

    pub(super) fn commitment(&self, bought: &Commitment) -> SpendFinding {
        let place = &bought.place;
        let rule = match bought.kind {
            ChargeKind::Refund => SpendRule::Refund,
            _ => SpendRule::Commitment,
        };
        let service = place.service.as_deref().unwrap_or_default();
        let account = place.account.as_deref().unwrap_or_default();
        let entity = format!("{account}/{service}/{:?}", bought.kind);
        let mut finding = self.base(rule, place, &entity, month_start(bought.day));
        let month = 30.0 * bought.normal_day;
        finding.severity = match bought.kind {
            ChargeKind::Refund => Severity::Info,
            ChargeKind::Upfront if bought.cost > month => Severity::High,
            ChargeKind::Upfront if bought.cost > 0.05 * month => Severity::Medium,
            _ if bought.cost > 0.25 * month => Severity::Medium,
            _ => Severity::Low,
        };
        finding.attack = vec!["T1496".to_owned()];
        finding.first_time = Some(time_of(bought.day));
        finding.last_time = finding.first_time.clone();
        let what = match bought.kind {
            ChargeKind::Upfront => "paid at once",
            ChargeKind::Recurring => "as the first payment of a reservation or savings plan",
            ChargeKind::Refund => "paid back",
            _ => "as a fee",
        };
        let cost = money(bought.cost, &place.currency);
        let day = day_text(bought.day);
        finding.summary = format!("{service}: {cost} {what} on {day}, account {account}");
        finding.because = vec![format!(
            "the account had no such charge before; a normal month of its usage is {}",
            money(month, &place.currency)
        )];
        finding.evidence = vec![Evidence::Cost {
            file: self.file(bought.file),
            day,
            charge: service.to_owned(),
            amount: cost,
            expected: money(0.0, &place.currency),
        }];
        SpendFinding {
            finding,
            subject: SpendSubject::new(rule, place.service.as_deref()),
            so_far: bought.cost,
            daily: 0.0,
            currency: place.currency.clone(),
            known_day: bought.day,
            chart: Vec::new(),
        }
    }

    /// Month ahead of its ladder, for an account or, without one, for all.
    pub(super) fn early(&self, place: &SpendPlace, ladder: &Ladder) -> SpendFinding {
        let account = place.account.as_deref().unwrap_or_default();
        let entity = format!("{account}/early/{}", place.currency);
        let mut finding = self.base(SpendRule::Early, place, &entity, ladder.month);
        let early: Vec<_> = ladder
            .steps
            .iter()
            .filter(|s| s.early() >= self.options.early_days)
            .collect();
        finding.severity = match ladder.verdict {
            LadderVerdict::UhOh => Severity::Low,
            _ => Severity::Info,
        };
        finding.confidence = Confidence::Low;
        finding.attack = vec!["T1496".to_owned()];
        let crossed = early.iter().filter_map(|s| s.crossed_day);
        let (first, last) = (
            crossed.clone().min().unwrap_or(1),
            crossed.max().unwrap_or(1),
        );
        finding.first_time = Some(time_of(ladder.month + first - 1));
        finding.last_time = Some(time_of(ladder.month + last - 1));
        finding.count = early.len() as u64;
        if let Some(step) = early.last() {
            finding.summary = format!(
                "{} crossed {} on day {} of {}; the earliest month before did on day {}",
                place
                    .account
                    .as_ref()
                    .map_or("the bill".to_owned(), |a| format!("account {a}")),
                money(step.threshold, &place.currency),
                step.crossed_day.unwrap_or(0),
                month_text(ladder.month),
                step.usual_day.unwrap_or(0),
            );
        }
        finding.because = vec![format!(
            "{} of {} steps are at least {} days early",
            early.len(),
            ladder.steps.len(),
            self.options.early_days
        )];
        SpendFinding {
            finding,
            subject: SpendSubject::new(SpendRule::Early, None),
            so_far: 0.0,
            daily: 0.0,
            currency: place.currency.clone(),
            known_day: ladder.month + last - 1,
            chart: self.chart(place, None),
        }
    }

    pub(super) fn reported(&self, anomaly: &ReportedAnomaly) -> SpendFinding {
        let place = SpendPlace {
            account: anomaly.account.clone(),
            service: anomaly.service.clone(),
            region: anomaly.region.clone(),
            family: None,
            currency: "USD".to_owned(),
        };
        let mut finding = self.base(SpendRule::Reported, &place, &anomaly.id, 0);
        let family = anomaly
            .usage_type
            .as_deref()
            .map(crate::place::family)
            .unwrap_or_default();
        let service = anomaly.service.as_deref().unwrap_or_default();
        finding.severity = Severity::Medium;
        finding.attack = vec![technique(service, &family).to_owned()];
        let impact = anomaly
            .impact
            .and_then(|i| f64::try_from(i).ok())
            .unwrap_or(0.0);
        finding.summary = format!(
            "{} cost {} more than AWS expected, {} to {}",
            self.what(&place, &family),
            money(impact, "USD"),
            anomaly.first_day,
            anomaly.last_day
        );
        let day = |text: &str| crate::day::time(text.as_bytes()).map(|t| t.0);
        finding.first_time = day(&anomaly.first_day).map(time_of);
        finding.last_time = day(&anomaly.last_day).map(time_of);
        finding.because = vec![format!(
            "AWS Cost Anomaly Detection calls it {}",
            anomaly.id
        )];
        let subject = SpendSubject::new(SpendRule::Reported, place.service.as_deref());
        SpendFinding::outside(finding, subject, impact)
    }

    pub(super) fn budget(&self, notice: &BudgetNotice) -> SpendFinding {
        let place = SpendPlace {
            account: notice.account.clone(),
            service: None,
            region: None,
            family: None,
            currency: "USD".to_owned(),
        };
        let mut finding = self.base(SpendRule::Budget, &place, &notice.budget, 0);
        finding.severity = Severity::Low;
        finding.attack = vec!["T1496".to_owned()];
        let amount = |a: Option<rust_decimal::Decimal>| {
            let value = a.and_then(|a| f64::try_from(a).ok());
            value.map_or("an unknown amount".to_owned(), |v| money(v, "USD"))
        };
        finding.summary = format!(
            "budget {} of {} stands at {}",
            notice.budget,
            amount(notice.limit),
            amount(notice.actual)
        );
        SpendFinding::outside(finding, SpendSubject::new(SpendRule::Budget, None), 0.0)
    }
}

/// Period that could not be read whole: nothing about it is certain.
pub(super) fn unread(period: &UnreadPeriod) -> SpendFinding {
    let rule = SpendRule::Unread;
    let finding = Finding {
        id: finding_id(
            "spend-unread",
            &format!("{}/{}", period.period, period.file),
            false,
            0,
        ),
        rule: rule.id().to_owned(),
        title: rule.title().to_owned(),
        summary: match period.period == period.file {
            true => format!("{}: {}", period.file, period.because),
            false => format!(
                "{}: {} could not be read whole: {}",
                period.period, period.file, period.because
            ),
        },
        severity: Severity::Medium,
        confidence: Confidence::High,
        stage: Stage::Hygiene,
        attack: Vec::new(),
        account: None,
        region: None,
        first_time: None,
        last_time: None,
        count: 1,
        refused: 0,
        calls: Vec::new(),
        actor: None,
        resources: Vec::new(),
        counterparty: Vec::new(),
        evidence: vec![Evidence::Coverage {
            place: period.file.clone(),
            what: period.because.to_owned(),
        }],
        verdict: Verdict::Unknown,
        because: vec!["what is not read is not normal: download the file again".to_owned()],
        show: format!("bartizan spend {}", shell_word(&period.file)),
    };
    SpendFinding::outside(finding, SpendSubject::new(rule, None), 0.0)
}

/// Whether a service records API calls or configurations, so that its silence hides what follows.
fn records_calls(service: &str) -> bool {
    matches!(service, "AWSCloudTrail" | "AWSConfig" | "AmazonGuardDuty")
}
