//! Compiles parsed rule files into [`Rules`].

use std::collections::{HashMap, HashSet};

use rsigma_eval::{CompiledRule, Engine, compile_rule};
use rsigma_parser::{CorrelationRule, FilterRule, SigmaCollection, SigmaRule, parse_sigma_yaml};

use super::check::{logsource, patterns};
use super::compiled::{mark_arrays, reads_errors};
use super::correlate::correlate;
use super::head::{RuleHead, RuleOrigin};
use super::rules::{RuleFile, RuleProblem, Rules};
use super::single::{extension, single_kind};
use crate::lint;
use crate::rule::{AttemptPolicy, CallerFilter, Detection, KnownSince, RuleExtension, RuleKind};
use bartizan_model::limits::RULES_MAX;

/// Compiles parsed rules, and resolves the names by which they refer to each other.
#[derive(Default)]
pub(super) struct Loader {
    singles: Vec<SingleRule>,
    correlations: Vec<(CorrelationRule, RuleExtension, RuleOrigin)>,
    filters: Vec<(FilterRule, RuleOrigin)>,
    problems: Vec<RuleProblem>,
    ids: HashSet<String>,
    /// Names by which a correlation can refer to a rule (id, name, title), to the index of its
    /// detection.
    named: HashMap<String, usize>,
    /// Absence rules: index of the rule, the name of what is missed, and the rule's file.
    absences: Vec<(usize, String, RuleOrigin)>,
}

/// Detection rule, its `bartizan` block, and its file.
type SingleRule = (SigmaRule, RuleExtension, RuleOrigin);

impl Loader {
    pub(super) fn file(&mut self, file: &RuleFile, parsed: Result<SigmaCollection, String>) {
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

    pub(super) fn finish(mut self) -> Rules {
        let mut out = Rules::default();
        self.add_change_rule();
        let compiled = self.compile();
        for (single, compiled) in std::mem::take(&mut self.singles).into_iter().zip(compiled) {
            if let Some(compiled) = compiled {
                self.single(single, compiled, &mut out);
            }
        }
        self.resolve_absences(&mut out);
        self.start_learning_periods(&mut out);
        self.correlations(&mut out);
        self.problems.sort();
        out.problems = self.problems;
        out
    }

    /// Adds the rule that starts learning periods, if a rule needs it.
    fn add_change_rule(&mut self) {
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
    }

    /// Adds a detection rule.
    fn single(&mut self, single: SingleRule, compiled: CompiledRule, out: &mut Rules) {
        let (rule, extension, origin) = single;
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
            Err(text) => return self.problem(&origin, Some(rule.title), text),
        };
        if let Some(absence) = &extension.absence {
            self.absences
                .push((number, absence.of.clone(), origin.clone()));
        }
        for name in [rule.id.as_ref(), rule.name.as_ref(), Some(&rule.title)]
            .into_iter()
            .flatten()
        {
            self.named.entry(name.clone()).or_insert(detection);
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

    /// Connects absence rules with the detections that they miss.
    fn resolve_absences(&mut self, out: &mut Rules) {
        for (rule, of, origin) in std::mem::take(&mut self.absences) {
            match self.named.get(&of) {
                Some(other) => out.detections[*other].uses.push((rule, 1)),
                None => self.problem(
                    &origin,
                    Some(out.rules[rule].title.clone()),
                    format!("absence of {of:?}: no rule of that id or name"),
                ),
            }
        }
    }

    /// Starts the learning period of each scope by any change in it; all rules with the same scope
    /// share it.
    fn start_learning_periods(&self, out: &mut Rules) {
        let mut scopes: HashSet<Vec<String>> = HashSet::new();
        for number in 0..out.rules.len() {
            let RuleKind::FirstSeen(first_seen) = &out.rules[number].kind else {
                continue;
            };
            if first_seen.known_since == KnownSince::Change
                && scopes.insert(first_seen.scope.clone())
                && let Some(change) = self.named.get(CHANGE)
            {
                out.detections[*change].uses.push((number, 1));
            }
        }
    }

    /// Adds all correlations.
    fn correlations(&mut self, out: &mut Rules) {
        let mut silent = HashSet::new();
        for (rule, extension, origin) in std::mem::take(&mut self.correlations) {
            let (title, generate) = (rule.title.clone(), rule.generate);
            match correlate(rule, &extension, &origin, &self.named, out) {
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
