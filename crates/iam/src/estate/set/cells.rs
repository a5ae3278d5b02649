//! Resources that no policy tells apart, as languages, each with one that is in it.

use super::asked::AskedPiece;
use super::model::ResourceCell;
use crate::engine::{CompiledStatement, FilledTemplate, ResourcePattern, filled, widened};
use crate::limits::{CLASSES_MAX, PATTERNS_MAX};
use crate::pattern::{Pattern, Rest, rest_of};
use crate::policy::Block;
use crate::request::Context;

/// Patterns that tell resources apart, and resources that are told apart from all others.
#[derive(Default)]
pub(super) struct ToldApart {
    patterns: Vec<Pattern>,
    exact: Vec<String>,
    /// Whether a condition compares tags of the resource.
    by_tags: bool,
}

impl ToldApart {
    /// Resources that statements name. `context`: condition keys of the caller, for variables.
    pub(super) fn by(statements: &[&CompiledStatement], context: &Context) -> Self {
        let mut apart = Self::default();
        for statement in statements {
            apart.by_tags |= statement
                .conditions
                .iter()
                .any(|c| c.key.contains("resourcetag/") || c.key.contains("buckettag/"));
            let (Some(Block::Is(list)) | Some(Block::Not(list))) = &statement.resource else {
                continue;
            };
            for resource in list {
                apart.add(resource, context);
            }
        }
        apart
    }

    fn add(&mut self, resource: &ResourcePattern, context: &Context) {
        let pattern = match resource {
            ResourcePattern::Pattern(pattern) => pattern.clone(),
            ResourcePattern::Template(pieces) => match filled(pieces, context) {
                FilledTemplate::With(letters) => Pattern::arn_of(letters.into_iter()),
                FilledTemplate::Unknown => Pattern::arn(&widened(pieces)),
                FilledTemplate::Missing => return,
            },
        };
        match pattern.as_exact() {
            Some(text) if !self.exact.contains(&text) => self.exact.push(text),
            None if !self.patterns.contains(&pattern) => self.patterns.push(pattern),
            _ => {}
        }
    }
}

impl AskedPiece<'_, '_> {
    /// Its resources in cells, each with an example. False: there are more.
    pub(super) fn cells(&self, apart: &ToldApart) -> (Vec<(ResourceCell, String)>, bool) {
        let is_in = |text: &str| {
            self.within.iter().all(|w| w.matches(text))
                && !self.without.iter().any(|w| w.matches(text))
        };
        let mut singles: Vec<&String> = self.singles.iter().chain(&apart.exact).collect();
        if apart.by_tags {
            singles.extend(&self.tagged);
        }
        // A bucket of somebody else is none of these.
        let is_own = |text: &&&String| match &self.plain_buckets {
            Some(own) => crate::estate::owner::bucket_of(text)
                .is_some_and(|bucket| own.iter().any(|b| b == bucket)),
            None => true,
        };
        singles.retain(|text| is_in(text) && is_own(&text));
        singles.sort();
        singles.dedup();
        let mut found: Vec<(ResourceCell, String)> = singles
            .iter()
            .map(|one| (ResourceCell::one(one), (*one).clone()))
            .collect();
        if !self.is_open {
            return (found, true);
        }
        let meets = |p: &&Pattern| {
            self.within.iter().all(|w| w.meets(p).is_some())
                && !self.within.iter().any(|w| p.covers(w))
        };
        let patterns: Vec<&Pattern> = apart.patterns.iter().filter(meets).collect();
        let mut whole = patterns.len() <= PATTERNS_MAX;
        let patterns = &patterns[..patterns.len().min(PATTERNS_MAX)];
        let mut walk = CellWalk {
            piece: self,
            but: singles.into_iter().map(|s| Pattern::exact(s)).collect(),
            within: self.within.iter().collect(),
            without: self.without.iter().collect(),
            found: Vec::new(),
        };
        whole &= walk.walk(patterns);
        found.append(&mut walk.found);
        (found, whole)
    }
}

/// Walk over all combinations of patterns that some resource shows.
struct CellWalk<'p, 'x, 'a> {
    piece: &'p AskedPiece<'x, 'a>,
    /// Resources that are asked by themselves.
    but: Vec<Pattern>,
    within: Vec<&'p Pattern>,
    without: Vec<&'p Pattern>,
    found: Vec<(ResourceCell, String)>,
}

impl<'p> CellWalk<'p, '_, '_> {
    /// False: there are more than are looked at.
    fn walk(&mut self, others: &[&'p Pattern]) -> bool {
        match rest_of(&self.within, &self.without) {
            Rest::Nothing => return true,
            Rest::TooLarge => return false,
            Rest::Text(_) => {}
        }
        let Some((first, others)) = others.split_first() else {
            return self.leaf();
        };
        self.within.push(first);
        let with = self.walk(others);
        self.within.pop();
        self.without.push(first);
        let apart = self.walk(others);
        self.without.pop();
        with && apart
    }

    /// Adds what is left, if that is anything beside what is asked by itself.
    fn leaf(&mut self) -> bool {
        let text = match self.example() {
            Rest::Nothing => return true,
            Rest::TooLarge => return false,
            Rest::Text(text) => text,
        };
        if self.found.len() >= CLASSES_MAX {
            return false;
        }
        let own = |list: &[&Pattern]| list.iter().map(|p| (*p).clone()).collect::<Vec<_>>();
        let mut without = own(&self.without);
        let within = own(&self.within);
        let here = |p: &&Pattern| within.iter().all(|w| w.meets(p).is_some());
        without.extend(self.but.iter().filter(here).cloned());
        let is_plain = self.piece.plain_buckets.is_some();
        let cell = ResourceCell {
            account: self.piece.side.filter(|_| is_plain).map(|s| s.id.clone()),
            within,
            without,
            without_own_policy: is_plain,
        };
        self.found.push((cell, text));
        true
    }

    /// A resource of the cell: in one of the buckets that it is about, where it is about some.
    fn example(&self) -> Rest {
        let without: Vec<&Pattern> = self.without.iter().copied().chain(&self.but).collect();
        let Some(buckets) = &self.piece.plain_buckets else {
            if let Some(readable) = &self.piece.readable {
                let within: Vec<&Pattern> = self.within.iter().copied().chain([readable]).collect();
                if let text @ Rest::Text(_) = rest_of(&within, &without) {
                    return text;
                }
            }
            return rest_of(&self.within, &without);
        };
        let mut answer = Rest::Nothing;
        for bucket in buckets {
            for tail in ["", "/*"] {
                let here = Pattern::arn(&format!("arn:aws:s3:::{bucket}{tail}"));
                let within: Vec<&Pattern> = self.within.iter().copied().chain([&here]).collect();
                match rest_of(&within, &without) {
                    Rest::Nothing => {}
                    Rest::TooLarge => answer = Rest::TooLarge,
                    text @ Rest::Text(_) => return text,
                }
            }
        }
        answer
    }
}
