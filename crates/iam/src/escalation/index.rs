//! Users and roles of one account, found by patterns over their ARNs.

use crate::arn::Arn;
use crate::bits::Bits;
use crate::engine::{CompiledStatement, FilledTemplate, ResourcePattern, filled, widened};
use crate::pattern::Pattern;
use crate::policy::Block;
use crate::request::Context;

/// ARNs of users and roles of one account, to be found by patterns.
pub(super) struct PrincipalIndex {
    segments: [String; 5],
    /// Last segment and number, sorted.
    names: Vec<(String, u32)>,
    all: Bits,
}

impl PrincipalIndex {
    pub(super) fn new<'t>(arns: impl Iterator<Item = &'t str>, account: &str) -> Self {
        let mut partition = "aws".to_owned();
        let mut names: Vec<(String, u32)> = Vec::new();
        for (number, arn) in arns.enumerate() {
            let parsed = Arn::parse(arn);
            if let Some(arn) = parsed {
                arn.partition.clone_into(&mut partition);
            }
            names.push((
                parsed.map_or_else(String::new, |a| a.resource.to_owned()),
                number as u32,
            ));
        }
        names.sort();
        let mut all = Bits::default();
        all.fill(0..names.len() as u32);
        Self {
            segments: [
                "arn".to_owned(),
                partition,
                "iam".to_owned(),
                String::new(),
                account.to_owned(),
            ],
            names,
            all,
        }
    }

    /// Those that a statement is about.
    pub(super) fn set(&self, statement: &CompiledStatement) -> Bits {
        let of = |list: &[ResourcePattern]| {
            let mut set = Bits::default();
            for resource in list {
                let found = match resource {
                    ResourcePattern::Pattern(pattern) => self.matching(pattern),
                    // Any text may stand in place of a variable.
                    ResourcePattern::Template(pieces) => {
                        self.matching(&Pattern::arn(&widened(pieces)))
                    }
                };
                set = if set.is_empty() {
                    found
                } else {
                    set.union(&found)
                };
            }
            set
        };
        match &statement.resource {
            None => self.all.clone(),
            Some(Block::Is(list)) => of(list),
            Some(Block::Not(list)) => self.all.difference(&of(list)),
        }
    }

    /// Those that a statement with variables is about once they are filled: for sure, and perhaps
    /// where nobody knows a variable. None: it names all but some.
    pub(super) fn set_for(
        &self,
        statement: &CompiledStatement,
        context: &Context,
    ) -> Option<(Bits, Bits)> {
        let Some(Block::Is(list)) = &statement.resource else {
            return None;
        };
        let (mut sure, mut perhaps) = (Bits::default(), Bits::default());
        for resource in list {
            let (found, is_sure) = match resource {
                ResourcePattern::Pattern(pattern) => (self.matching(pattern), true),
                ResourcePattern::Template(pieces) => match filled(pieces, context) {
                    FilledTemplate::With(letters) => {
                        (self.matching(&Pattern::arn_of(letters.into_iter())), true)
                    }
                    FilledTemplate::Missing => continue,
                    FilledTemplate::Unknown => {
                        (self.matching(&Pattern::arn(&widened(pieces))), false)
                    }
                },
            };
            if is_sure {
                sure = sure.union(&found);
            }
            perhaps = perhaps.union(&found);
        }
        Some((sure, perhaps))
    }

    fn matching(&self, pattern: &Pattern) -> Bits {
        let [a, b, c, d, e] = &self.segments;
        let Some(rest) = pattern.behind([a, b, c, d, e]) else {
            return Bits::default();
        };
        if rest.is_all() {
            return self.all.clone();
        }
        let prefix = rest.prefix();
        let from = self
            .names
            .partition_point(|(name, _)| name.as_str() < prefix.as_str());
        let mut numbers: Vec<u32> = self.names[from..]
            .iter()
            .take_while(|(name, _)| name.starts_with(&prefix))
            .filter(|(name, _)| rest.matches(name))
            .map(|(_, n)| *n)
            .collect();
        numbers.sort_unstable();
        let mut set = Bits::default();
        numbers.into_iter().for_each(|n| set.insert(n));
        set
    }
}
