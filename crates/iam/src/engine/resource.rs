//! Patterns over ARNs as statements have them: short ones filled up, variables kept until a request
//! is known.

use std::borrow::Cow;

use crate::pattern::Pattern;
use crate::request::{Context, ContextLookup, ContextValue, PolicyGrammar};
use crate::tri::Tri;
use crate::value::{TemplatePiece, pieces};

/// A pattern over ARNs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ResourcePattern {
    Pattern(Pattern),
    /// With variables: known when the request is.
    Template(Vec<TemplatePiece>),
}

impl ResourcePattern {
    /// None: a text that means no resource in this place.
    pub(super) fn new(text: &str, variables: bool, side: PolicyGrammar) -> Option<Self> {
        let mut colons = 0;
        for piece in pieces(text, variables) {
            match piece {
                TemplatePiece::Letter(':', _) => colons += 1,
                // AWS fills variables behind the fifth colon only ("IAM policy elements: variables
                // and tags"); before it they are characters, which are in no ARN.
                TemplatePiece::Variable(..) | TemplatePiece::Letter(_, false) if colons < 5 => {
                    return None;
                }
                _ => {}
            }
        }
        let segments = (colons + 1).min(6);
        let mut text = Cow::Borrowed(text);
        if text != "*" && segments < 6 {
            let filled = match side {
                PolicyGrammar::Identity => true,
                PolicyGrammar::Resource => text.contains('*'),
                PolicyGrammar::Scp => text.ends_with('*'),
                PolicyGrammar::Rcp => false,
            };
            if !filled {
                return None;
            }
            for _ in segments..6 {
                text.to_mut().push_str(":*");
            }
        }
        let pieces = pieces(&text, variables);
        if pieces
            .iter()
            .any(|p| matches!(p, TemplatePiece::Variable(..)))
        {
            return Some(Self::Template(pieces));
        }
        Some(Self::Pattern(Pattern::arn_of(letters(&pieces))))
    }

    /// Condition keys in place of variables, in lower case.
    pub(super) fn variables(&self) -> Vec<&str> {
        let Self::Template(pieces) = self else {
            return Vec::new();
        };
        let keys = pieces.iter().filter_map(|piece| match piece {
            TemplatePiece::Variable(key, _) => Some(key.as_str()),
            TemplatePiece::Letter(..) => None,
        });
        keys.collect()
    }

    pub(super) fn holds(&self, resource: &str, context: &Context) -> Tri {
        match self {
            Self::Pattern(pattern) => Tri::from(pattern.matches(resource)),
            Self::Template(pieces) => match filled(pieces, context) {
                FilledTemplate::With(letters) => {
                    Tri::from(Pattern::arn_of(letters.into_iter()).matches(resource))
                }
                FilledTemplate::Unknown => Tri::Maybe,
                FilledTemplate::Missing => Tri::No,
            },
        }
    }
}

pub(super) fn letters(pieces: &[TemplatePiece]) -> impl Iterator<Item = (char, bool)> {
    pieces.iter().filter_map(|p| match p {
        TemplatePiece::Letter(letter, wild) => {
            Some((*letter, *wild && matches!(letter, '*' | '?')))
        }
        TemplatePiece::Variable(..) => None,
    })
}

/// A template with anything in place of its variables.
pub(crate) fn widened(pieces: &[TemplatePiece]) -> String {
    pieces
        .iter()
        .map(|p| {
            if let TemplatePiece::Letter(letter, _) = p {
                *letter
            } else {
                '*'
            }
        })
        .collect()
}

pub(crate) enum FilledTemplate {
    With(Vec<(char, bool)>),
    Missing,
    Unknown,
}

pub(crate) fn filled(pieces: &[TemplatePiece], context: &Context) -> FilledTemplate {
    let mut out = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match piece {
            TemplatePiece::Letter(letter, wild) => {
                out.push((*letter, *wild && matches!(letter, '*' | '?')))
            }
            TemplatePiece::Variable(key, default) => match (context.get(key), default) {
                (ContextLookup::Is(ContextValue::One(value)), _) => {
                    out.extend(value.chars().map(|l| (l, false)))
                }
                (ContextLookup::Unknown | ContextLookup::Is(ContextValue::StartsWith(_)), _) => {
                    return FilledTemplate::Unknown;
                }
                (_, Some(default)) => out.extend(default.chars().map(|l| (l, false))),
                _ => return FilledTemplate::Missing,
            },
        }
    }
    FilledTemplate::With(out)
}
