//! Loads rule files. A file that cannot be used is reported with the reason; the others still run.

use std::collections::{HashMap, HashSet};

use rsigma_eval::correlation::{GroupByField, compile_correlation};
use rsigma_eval::{CompiledDetection, CompiledMatcher, CompiledRule, Engine, compile_rule};
use rsigma_parser::{
    ConditionOperator, CorrelationRule, CorrelationType, FilterRule, Level, LogSource,
    SigmaCollection, SigmaRule, Timespan, parse_sigma_yaml,
};
use serde::Deserialize;

use super::condition::DetectionItems;
use super::lint;
use super::rate::{Measure, Rate};
use super::route::RouteCache;
use super::rule::{
    AttemptPolicy, CallerFilter, Detection, DetectionSet, FirstSeenBlock, FirstSeenRule,
    KnownSince, RateBlock, Rule, RuleExtension, RuleKind, WindowRule, WindowTest,
};
use bartizan_model::limits::{
    NESTING_MAX, PATTERN_BYTES_MAX, RULE_FILE_BYTES_MAX, RULES_MAX, YAML_ALIASES_MAX,
};
use bartizan_model::{Confidence, Severity, Stage};

/// Rule file.
#[derive(Debug, Clone)]
pub struct RuleFile {
    /// File name for messages.
    pub name: String,
    /// YAML text.
    pub text: String,
    /// Shipped with Bartizan.
    pub builtin: bool,
}

/// Error in a rule file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleProblem {
    /// File name.
    pub file: String,
    /// Name of the rule, if known.
    pub rule: Option<String>,
    /// Error and suggested fix.
    pub text: String,
    /// In a rule shipped with Bartizan.
    pub builtin: bool,
}

/// Compiled rules, ready to run.
#[derive(Default)]
pub struct Rules {
    /// Texts and conditions of all rules.
    pub rules: Vec<Rule>,
    /// Compiled detections.
    pub detections: Vec<Detection>,
    /// Items shared by the detections.
    pub items: DetectionItems,
    /// Errors in rule files.
    pub problems: Vec<RuleProblem>,
    /// Routes decided so far.
    pub(super) decided: RouteCache,
}

impl Rules {
    /// Detections and items for deciding routes.
    pub(super) fn set(&self) -> DetectionSet<'_> {
        DetectionSet {
            detections: &self.detections,
            items: &self.items,
        }
    }

    /// Loads all files. Ids are resolved across files, so that a correlation may refer to a rule in
    /// another file.
    pub fn load(files: &[RuleFile]) -> Self {
        let mut loader = Loader::default();
        for (file, parsed) in files.iter().zip(parse_all(files)) {
            loader.file(file, parsed);
        }
        loader.finish()
    }
}

/// Parses the YAML of all files on all available threads, because in a short run this takes longer
/// than everything else.
fn parse_all(files: &[RuleFile]) -> Vec<Result<SigmaCollection, String>> {
    let parse = |file: &RuleFile| {
        sane(&file.text)?;
        parse_sigma_yaml(&file.text).map_err(|e| e.to_string())
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = files.len().div_ceil(threads).max(FILES_A_THREAD_MIN);
    let Some((first, others)) = files
        .split_at_checked(share)
        .filter(|(_, others)| !others.is_empty())
    else {
        return files.iter().map(parse).collect();
    };
    std::thread::scope(|scope| {
        let start = |part: &'_ [RuleFile]| part.iter().map(parse).collect::<Vec<_>>();
        let running: Vec<_> = others
            .chunks(share)
            .map(|part| scope.spawn(move || start(part)))
            .collect();
        let mut parsed = start(first);
        for one in running {
            parsed.extend(
                one.join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            );
        }
        parsed
    })
}

/// Minimum number of files per thread; for fewer, starting a thread takes longer than parsing.
const FILES_A_THREAD_MIN: usize = 16;

#[derive(Default)]
struct Loader {
    singles: Vec<(SigmaRule, RuleExtension, RuleOrigin)>,
    correlations: Vec<(CorrelationRule, RuleExtension, RuleOrigin)>,
    filters: Vec<(FilterRule, RuleOrigin)>,
    problems: Vec<RuleProblem>,
    ids: HashSet<String>,
}

#[derive(Clone)]
struct RuleOrigin {
    file: String,
    builtin: bool,
}

impl Loader {
    fn file(&mut self, file: &RuleFile, parsed: Result<SigmaCollection, String>) {
        let origin = RuleOrigin {
            file: file.name.clone(),
            builtin: file.builtin,
        };
        let parsed = match parsed {
            Ok(parsed) => parsed,
            Err(text) => return self.problem(&origin, None, text),
        };
        for error in parsed.errors {
            self.problem(&origin, None, error);
        }
        for rule in parsed.rules {
            let title = rule.title.clone();
            let checked = self
                .claim(rule.id.as_deref())
                .and_then(|()| logsource(&rule.logsource))
                .and_then(|()| patterns(&rule))
                .and_then(|()| lint::check(&rule.detection))
                .and_then(|()| extension(rule.custom_attributes.get("bartizan")));
            match checked.and_then(|e| lint::check_extension(&e).map(|()| e)) {
                Ok(extension) => self.singles.push((rule, extension, origin.clone())),
                Err(text) => self.problem(&origin, Some(title), text),
            }
        }
        for rule in parsed.correlations {
            let title = rule.title.clone();
            match self
                .claim(rule.id.as_deref())
                .and_then(|()| extension(rule.custom_attributes.get("bartizan")))
            {
                Ok(extension) => self.correlations.push((rule, extension, origin.clone())),
                Err(text) => self.problem(&origin, Some(title), text),
            }
        }
        self.filters.extend(
            parsed
                .filters
                .into_iter()
                .map(|filter| (filter, origin.clone())),
        );
    }

    /// Registers an id; fails if it is taken.
    fn claim(&mut self, id: Option<&str>) -> Result<(), String> {
        if self.ids.len() >= RULES_MAX {
            return Err(format!("more than {RULES_MAX} rules"));
        }
        match id {
            Some(id) if !self.ids.insert(id.to_owned()) => Err(format!(
                "the id {id} is taken by a rule before it: give this one another id"
            )),
            _ => Ok(()),
        }
    }

    fn problem(&mut self, origin: &RuleOrigin, rule: Option<String>, text: impl Into<String>) {
        self.problems.push(RuleProblem {
            file: origin.file.clone(),
            rule,
            text: text.into(),
            builtin: origin.builtin,
        });
    }

    fn finish(mut self) -> Rules {
        let mut out = Rules::default();
        // Names by which a correlation can refer to a rule (id, name, title), to the index of its
        // detection.
        let mut named: HashMap<String, usize> = HashMap::new();
        let since_change = |e: &RuleExtension| {
            e.first_seen
                .as_ref()
                .is_some_and(|f| f.known_since == KnownSince::Change)
        };
        if self
            .singles
            .iter()
            .any(|(_, extension, _)| since_change(extension))
        {
            let file = RuleFile {
                name: CHANGE.to_owned(),
                text: CHANGE_RULE.to_owned(),
                builtin: true,
            };
            self.file(
                &file,
                parse_sigma_yaml(&file.text).map_err(|e| e.to_string()),
            );
        }
        let compiled = self.compile();
        let mut absences = Vec::new();
        for ((rule, extension, origin), compiled) in
            std::mem::take(&mut self.singles).into_iter().zip(compiled)
        {
            let Some(compiled) = compiled else { continue };
            let attempts = extension.attempts.unwrap_or_else(|| {
                if reads_errors(&compiled) {
                    AttemptPolicy::Same
                } else {
                    AttemptPolicy::Lower
                }
            });
            let callers = extension.callers.unwrap_or(if origin.builtin {
                CallerFilter::Principals
            } else {
                CallerFilter::Any
            });
            let (number, detection) = (out.rules.len(), out.detections.len());
            let kind = match single_kind(&extension) {
                Ok(kind) => kind,
                Err(text) => {
                    self.problem(&origin, Some(rule.title.clone()), text);
                    continue;
                }
            };
            if let Some(absence) = &extension.absence {
                absences.push((number, absence.of.clone(), origin.clone()));
            }
            for name in [rule.id.as_ref(), rule.name.as_ref(), Some(&rule.title)]
                .into_iter()
                .flatten()
            {
                named.entry(name.clone()).or_insert(detection);
            }
            let uses = if matches!(kind, RuleKind::Part) {
                Vec::new()
            } else {
                vec![(number, 0)]
            };
            let condition = out.items.condition(&compiled);
            let reads = out.items.reads(&condition);
            out.detections.push(Detection {
                rule: number,
                compiled,
                condition,
                reads,
                callers,
                attempts,
                uses,
            });
            let head = RuleHead {
                id: rule.id.or(rule.name),
                title: rule.title,
                description: rule.description,
                level: rule.level,
                tags: rule.tags,
                false_positives: rule.falsepositives,
            };
            out.rules
                .push(head.rule(&extension, &origin, callers, attempts, kind));
        }
        for (rule, of, origin) in absences {
            match named.get(&of) {
                Some(other) => out.detections[*other].uses.push((rule, 1)),
                None => self.problem(
                    &origin,
                    Some(out.rules[rule].title.clone()),
                    format!("absence of {of:?}: no rule of that id or name"),
                ),
            }
        }
        // All rules with the same scope share its learning period.
        let mut scopes: HashSet<Vec<String>> = HashSet::new();
        for number in 0..out.rules.len() {
            let RuleKind::FirstSeen(first_seen) = &out.rules[number].kind else {
                continue;
            };
            if first_seen.known_since == KnownSince::Change
                && scopes.insert(first_seen.scope.clone())
                && let Some(change) = named.get(CHANGE)
            {
                out.detections[*change].uses.push((number, 1));
            }
        }
        let mut silent = HashSet::new();
        for (rule, extension, origin) in std::mem::take(&mut self.correlations) {
            let (title, generate) = (rule.title.clone(), rule.generate);
            match correlate(rule, &extension, &origin, &named, &mut out) {
                Ok(parts) if !generate => silent.extend(parts),
                Ok(_) => {}
                Err(text) => self.problem(&origin, Some(title), text),
            }
        }
        // Sigma: a rule that a correlation refers to makes no findings of its own unless the
        // correlation says so (`generate`).
        for number in silent {
            let detection = &mut out.detections[number];
            if matches!(out.rules[detection.rule].kind, RuleKind::Single) {
                detection.uses.retain(|(rule, _)| *rule != detection.rule);
                out.rules[detection.rule].kind = RuleKind::Part;
            }
        }
        self.problems.sort();
        out.problems = self.problems;
        out
    }

    /// Compiles all rules with all filters applied. A rule that does not compile gives `None` and a
    /// problem.
    fn compile(&mut self) -> Vec<Option<CompiledRule>> {
        let mut compiled: Vec<Option<CompiledRule>> = Vec::new();
        for (rule, _, origin) in &self.singles {
            let result = compile_rule(rule);
            if let Err(e) = &result {
                let problem = RuleProblem {
                    file: origin.file.clone(),
                    rule: Some(rule.title.clone()),
                    text: e.to_string(),
                    builtin: origin.builtin,
                };
                self.problems.push(problem);
            }
            compiled.push(result.ok());
        }
        if !self.filters.is_empty() {
            let mut engine = Engine::new();
            engine.extend_compiled_rules(compiled.iter().flatten().cloned());
            for (filter, origin) in std::mem::take(&mut self.filters) {
                if let Err(e) = engine.apply_filter(&filter) {
                    self.problem(&origin, Some(filter.title), e.to_string());
                }
            }
            let mut filtered = engine.rules().iter().cloned();
            for rule in compiled.iter_mut().flatten() {
                *rule = filtered.next().unwrap_or_else(|| rule.clone());
            }
        }
        compiled.iter_mut().flatten().for_each(mark_arrays);
        compiled
    }
}

/// Name of the part that starts the learning period for rules with [`KnownSince::Change`].
const CHANGE: &str = "change-of-anything";

const CHANGE_RULE: &str = "
title: Any change
name: change-of-anything
logsource: {product: aws, service: cloudtrail}
detection:
    selection: {readOnly: false}
    condition: selection
level: informational
bartizan: {part: true, attempts: same, callers: any}
";

/// Attributes shared by detection and correlation rules.
struct RuleHead {
    id: Option<String>,
    title: String,
    description: Option<String>,
    level: Option<Level>,
    tags: Vec<String>,
    false_positives: Vec<String>,
}

impl RuleHead {
    fn rule(
        self,
        extension: &RuleExtension,
        origin: &RuleOrigin,
        callers: CallerFilter,
        attempts: AttemptPolicy,
        kind: RuleKind,
    ) -> Rule {
        let tags: Vec<String> = self.tags.iter().map(|t| t.to_lowercase()).collect();
        let techniques = tags
            .iter()
            .filter_map(|t| t.strip_prefix("attack.t"))
            .filter(|t| t.starts_with(|c: char| c.is_ascii_digit()));
        let attack: Vec<String> = techniques.map(|t| format!("T{t}")).collect();
        Rule {
            id: self.id.unwrap_or_else(|| self.title.clone()),
            title: self.title,
            why: one_line(self.description.as_deref().unwrap_or_default()),
            advice: one_line(extension.advice.as_deref().unwrap_or_default()),
            severity: match self.level {
                Some(Level::Critical) => Severity::Critical,
                Some(Level::High) => Severity::High,
                Some(Level::Medium) | None => Severity::Medium,
                Some(Level::Low) => Severity::Low,
                Some(Level::Informational) => Severity::Info,
            },
            confidence: extension.confidence.unwrap_or(Confidence::Medium),
            stage: extension.stage.unwrap_or_else(|| stage_of(&tags)),
            attack,
            false_positives: self.false_positives,
            file: origin.file.clone(),
            builtin: origin.builtin,
            callers,
            attempts,
            kind,
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Stage of the first tactic among the tags.
fn stage_of(tags: &[String]) -> Stage {
    const STAGES: [(&str, Stage); 16] = [
        ("reconnaissance", Stage::Gain),
        ("resource-development", Stage::Gain),
        ("initial-access", Stage::Gain),
        ("credential-access", Stage::Gain),
        ("discovery", Stage::Gain),
        ("lateral-movement", Stage::Gain),
        ("execution", Stage::Maintain),
        ("persistence", Stage::Maintain),
        ("privilege-escalation", Stage::Maintain),
        ("command-and-control", Stage::Maintain),
        ("collection", Stage::Steal),
        ("exfiltration", Stage::Steal),
        ("impact", Stage::Steal),
        ("defense-evasion", Stage::Blind),
        ("defense-impairment", Stage::Blind),
        ("stealth", Stage::Blind),
    ];
    let tactics = tags
        .iter()
        .filter_map(|t| t.strip_prefix("attack."))
        .map(|t| t.replace('_', "-"));
    tactics
        .filter_map(|t| STAGES.iter().find(|(name, _)| *name == t))
        .map(|(_, s)| *s)
        .next()
        .unwrap_or(Stage::Hygiene)
}

fn extension(block: Option<&yaml_serde::Value>) -> Result<RuleExtension, String> {
    block.map_or_else(
        || Ok(RuleExtension::default()),
        |b| RuleExtension::deserialize(b.clone()).map_err(|e| format!("bartizan: {e}")),
    )
}

fn seconds(text: &str) -> Result<i64, String> {
    let span = Timespan::parse(text).map_err(|e| e.to_string())?;
    i64::try_from(span.seconds).map_err(|e| e.to_string())
}

fn single_kind(extension: &RuleExtension) -> Result<RuleKind, String> {
    let kinds = [
        extension.first_seen.is_some(),
        extension.absence.is_some(),
        extension.rate.is_some(),
        extension.travel.is_some(),
        extension.part,
    ];
    if kinds.iter().filter(|k| **k).count() > 1 {
        return Err("bartizan: only one of part, first-seen, absence, rate and travel".to_owned());
    }
    if extension.part {
        return Ok(RuleKind::Part);
    }
    if let Some(block) = &extension.first_seen {
        let (history_s, learning_s) = (seconds(&block.history)?, seconds(&block.learning)?);
        let (at_least, within_s) = match (block.at_least, &block.within) {
            (Some(at_least), Some(within)) => (at_least, seconds(within)?),
            (None, None) => (1, 0),
            _ => {
                return Err(
                    "bartizan: first-seen has at-least and within together, or neither".to_owned(),
                );
            }
        };
        let FirstSeenBlock {
            key,
            scope,
            known_since,
            ..
        } = block;
        let (key, scope, known_since) = (key.clone(), scope.clone(), *known_since);
        return Ok(RuleKind::FirstSeen(FirstSeenRule {
            key,
            scope,
            history_s,
            learning_s,
            at_least,
            within_s,
            known_since,
        }));
    }
    let window = |group_by: &[String], parts: usize, span_s: i64, test: WindowTest| {
        Ok(RuleKind::Window(WindowRule {
            group_by: vec![group_by.to_vec(); parts],
            span_s,
            test,
            unless_part: None,
        }))
    };
    if let Some(block) = &extension.absence {
        return window(
            &block.group_by,
            2,
            seconds(&block.within)?,
            WindowTest::Absence {
                before: block.before,
            },
        );
    }
    if let Some(block) = &extension.rate {
        let span_s = seconds(&block.per)?.max(1);
        let learning_spans = seconds(&block.learning)? / span_s;
        let measure = match (&block.distinct[..], &block.sum) {
            ([], None) => Measure::Events,
            ([], Some(field)) => Measure::Sum(vec![field.clone()]),
            (fields, None) => Measure::Distinct(fields.to_vec()),
            _ => {
                return Err("bartizan: a rate counts distinct values or a sum, not both".to_owned());
            }
        };
        let &RateBlock {
            factor,
            at_least,
            at_least_new,
            ..
        } = block;
        let rate = Rate {
            measure,
            factor,
            at_least,
            learning_spans,
            at_least_new,
        };
        return window(&block.group_by, 1, span_s, WindowTest::Rate(rate));
    }
    if let Some(block) = &extension.travel {
        return window(
            &block.group_by,
            1,
            0,
            WindowTest::Travel {
                speed_kmh: block.speed_kmh,
            },
        );
    }
    Ok(RuleKind::Single)
}

/// Adds a correlation and returns the detections that it refers to.
fn correlate(
    rule: CorrelationRule,
    extension: &RuleExtension,
    origin: &RuleOrigin,
    named: &HashMap<String, usize>,
    out: &mut Rules,
) -> Result<Vec<usize>, String> {
    let mut compiled = compile_correlation(&rule).map_err(|e| e.to_string())?;
    // Without a condition, a temporal correlation needs every rule that it names (Sigma
    // specification, "temporal").
    let temporal = matches!(
        compiled.correlation_type,
        CorrelationType::Temporal | CorrelationType::TemporalOrdered
    );
    if temporal
        && compiled
            .condition
            .predicates
            .iter()
            .all(|(op, n)| *op == ConditionOperator::Gte && *n <= 1.0)
    {
        compiled.condition.predicates =
            vec![(ConditionOperator::Gte, compiled.rule_refs.len() as f64)];
    }
    let mut parts = Vec::new();
    for name in &compiled.rule_refs {
        parts.push(
            *named
                .get(name)
                .ok_or_else(|| format!("it refers to {name:?}, and no rule has that id or name"))?,
        );
    }
    let counted = matches!(
        compiled.correlation_type,
        CorrelationType::EventCount | CorrelationType::Temporal | CorrelationType::TemporalOrdered
    );
    if !counted && compiled.condition.field.is_none() {
        return Err(format!(
            "{} needs a field in its condition",
            compiled.correlation_type.as_str()
        ));
    }
    let group_by = compiled.rule_refs.iter().map(|name| {
        let resolve = |field: &GroupByField| field.resolve(&[name.as_str()]).to_owned();
        compiled.group_by.iter().map(resolve).collect()
    });
    let unless_part = match &extension.unless {
        None => None,
        Some(name) => {
            let part = compiled.rule_refs.iter().position(|r| r == name);
            Some(part.ok_or_else(|| {
                format!("bartizan: unless names {name:?}, which is none of its rules")
            })?)
        }
    };
    let window = WindowRule {
        unless_part,
        group_by: group_by.collect(),
        span_s: i64::try_from(compiled.timespan_secs).map_err(|e| e.to_string())?,
        test: WindowTest::Sigma {
            kind: compiled.correlation_type,
            condition: compiled.condition,
            expression: compiled.extended_expr,
            parts: compiled.rule_refs.clone(),
            mode: compiled.window_mode,
            at_least: compiled
                .rule_refs
                .iter()
                .map(|name| {
                    extension
                        .at_least
                        .get(name)
                        .copied()
                        .unwrap_or(1)
                        .clamp(1, 1000)
                })
                .collect(),
            gap_s: compiled
                .gap_secs
                .and_then(|g| i64::try_from(g).ok())
                .unwrap_or(0),
        },
    };
    let number = out.rules.len();
    for (part, detection) in parts.iter().enumerate() {
        out.detections[*detection].uses.push((number, part));
    }
    let head = RuleHead {
        id: rule.id.or(rule.name),
        title: rule.title,
        description: rule.description,
        level: rule.level,
        tags: rule.tags,
        false_positives: rule.falsepositives,
    };
    // For parts that are about errors, or do not care, a denied call is no lesser match.
    let cares = parts
        .iter()
        .all(|d| out.detections[*d].attempts != AttemptPolicy::Same);
    let attempts = if cares {
        AttemptPolicy::Lower
    } else {
        AttemptPolicy::Same
    };
    out.rules.push(head.rule(
        extension,
        origin,
        CallerFilter::Any,
        attempts,
        RuleKind::Window(window),
    ));
    Ok(parts)
}

/// Rejects text that is not a rule file before parsing the YAML: aliases can expand a small file
/// without bound.
fn sane(text: &str) -> Result<(), String> {
    if text.len() > RULE_FILE_BYTES_MAX {
        return Err(format!("larger than {} KiB", RULE_FILE_BYTES_MAX >> 10));
    }
    let mut deepest = 0usize;
    let mut depth = 0usize;
    let mut aliases = 0;
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        deepest = deepest.max(
            indent / 2
                + line
                    .trim_start()
                    .bytes()
                    .take_while(|b| *b == b'-' || *b == b' ')
                    .filter(|b| *b == b'-')
                    .count(),
        );
        for (n, b) in line.bytes().enumerate() {
            match b {
                b'[' | b'{' => depth += 1,
                b']' | b'}' => depth = depth.saturating_sub(1),
                b'*' if starts_name(line, n) => aliases += 1,
                _ => {}
            }
            deepest = deepest.max(depth);
        }
    }
    if aliases > YAML_ALIASES_MAX {
        return Err(format!(
            "{aliases} YAML aliases: no rule needs more than {YAML_ALIASES_MAX}"
        ));
    }
    if deepest > NESTING_MAX * 2 {
        return Err(format!("nested deeper than {NESTING_MAX}"));
    }
    Ok(())
}

/// Whether the `*` at `at` is a YAML alias: at the start of a value, with a name after it.
fn starts_name(line: &str, at: usize) -> bool {
    let bytes = line.as_bytes();
    let before = line[..at].trim_end().bytes().last();
    let named = bytes
        .get(at + 1)
        .is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    named && matches!(before, None | Some(b':' | b'-' | b'[' | b',' | b'{'))
}

/// A rule must be for CloudTrail, or for AWS without a more specific source.
fn logsource(source: &LogSource) -> Result<(), String> {
    let is = |value: &Option<String>, wanted: &str| {
        value
            .as_deref()
            .is_none_or(|v| v.eq_ignore_ascii_case(wanted))
    };
    let somehow = source.product.is_some() || source.service.is_some();
    if somehow && is(&source.product, "aws") && is(&source.service, "cloudtrail") {
        return Ok(());
    }
    let text = [&source.product, &source.service, &source.category]
        .map(|v| v.as_deref().unwrap_or("-"))
        .join("/");
    Err(format!(
        "its logsource is {text}, not aws/cloudtrail: it is about other logs"
    ))
}

/// Rejects patterns that would take too much time or memory.
fn patterns(rule: &SigmaRule) -> Result<(), String> {
    fn longest(detection: &rsigma_parser::Detection) -> usize {
        use rsigma_parser::{Detection as D, SigmaValue};
        let value = |v: &SigmaValue| match v {
            SigmaValue::String(s) => s.original.len(),
            _ => 0,
        };
        match detection {
            D::AllOf(items) => items
                .iter()
                .flat_map(|i| &i.values)
                .map(value)
                .max()
                .unwrap_or(0),
            D::Keywords(values) => values.iter().map(value).max().unwrap_or(0),
            D::AnyOf(inner) | D::And(inner) => inner.iter().map(longest).max().unwrap_or(0),
            D::ArrayMatch { body, .. } => longest(body),
            D::Conditional { named, .. } => named.values().map(longest).max().unwrap_or(0),
        }
    }
    let longest = rule
        .detection
        .named
        .values()
        .map(longest)
        .max()
        .unwrap_or(0);
    if longest > PATTERN_BYTES_MAX {
        return Err(format!(
            "a pattern of {longest} bytes: at most {PATTERN_BYTES_MAX}"
        ));
    }
    Ok(())
}

/// Whether a rule reads the result of the call: then it is about errors, and a failed call is no
/// attempt.
fn reads_errors(rule: &CompiledRule) -> bool {
    let mut found = false;
    rule.detections.values().for_each(|d| {
        items(d, &mut |field, _| {
            found |= matches!(
                field,
                Some("errorCode" | "errorMessage" | "responseElements.ConsoleLogin")
            )
        });
    });
    found
}

fn items(detection: &CompiledDetection, see: &mut dyn FnMut(Option<&str>, &CompiledMatcher)) {
    match detection {
        CompiledDetection::AllOf(inner) => inner
            .iter()
            .for_each(|i| see(i.field.as_deref(), &i.matcher)),
        CompiledDetection::AnyOf(inner) | CompiledDetection::And(inner) => {
            inner.iter().for_each(|d| items(d, see))
        }
        CompiledDetection::Keywords(matcher) => see(None, matcher),
        CompiledDetection::ArrayMatch { field, body, .. } => {
            see(Some(field), &CompiledMatcher::Null);
            items(body, see);
        }
        CompiledDetection::Conditional { named, .. } => named.values().for_each(|d| items(d, see)),
    }
}

/// Array scopes need array members as JSON, all other matchers their text. The prefix tells
/// [`super::view::EventView`] which of the two is needed.
fn mark_arrays(rule: &mut CompiledRule) {
    fn mark(detection: &mut CompiledDetection) {
        match detection {
            CompiledDetection::ArrayMatch { field, .. } => field.insert(0, super::view::STRUCTURED),
            CompiledDetection::AnyOf(inner) | CompiledDetection::And(inner) => {
                inner.iter_mut().for_each(mark)
            }
            _ => {}
        }
    }
    rule.detections.values_mut().for_each(mark);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Rules {
        Rules::load(&[RuleFile {
            name: "test.yml".to_owned(),
            text: text.to_owned(),
            builtin: false,
        }])
    }

    const RULE: &str = "title: A bucket was deleted
id: 11111111-2222-4333-8444-555555555555
logsource: {product: aws, service: cloudtrail}
detection:
    call: {eventSource: s3.amazonaws.com, eventName: DeleteBucket}
    condition: call
level: high
";

    #[test]
    fn a_rule_is_read_with_its_detection() {
        let rules = load(RULE);
        assert_eq!(rules.problems.len(), 0, "{:?}", rules.problems[0].text);
        assert_eq!(rules.rules[0].title, "A bucket was deleted");
        assert_eq!(rules.rules[0].severity, Severity::High);
        assert_eq!(rules.detections.len(), 1);
    }

    #[test]
    fn a_file_that_is_no_rule_is_a_problem_and_costs_no_other_file() {
        let rules = load("title: [");
        assert_eq!((rules.rules.len(), rules.problems.len()), (0, 1));
        assert_eq!(rules.problems[0].file, "test.yml");
    }
}
