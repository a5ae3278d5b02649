//! Patterns over ARNs as statements have them: short ones filled up, variables kept until a request
//! is known.

use std::borrow::Cow;

use crate::pattern::Pattern;
use crate::request::{Context, ContextValue, ContextLookup, PolicySide};
use crate::tri::Tri;
use crate::value::{Piece, pieces};

/// A pattern over ARNs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ResourcePattern {
    Pattern(Pattern),
    /// With variables: known when the request is.
    Template(Vec<Piece>),
}

impl ResourcePattern {
    /// None: a text that means no resource in this place.
    pub(super) fn new(text: &str, variables: bool, side: PolicySide) -> Option<Self> {
        let mut colons = 0;
        for piece in pieces(text, variables) {
            match piece {
                Piece::Letter(':', _) => colons += 1,
                // AWS fills variables behind the fifth colon only ("IAM policy elements: variables
                // and tags"); before it they are letters, which are in no ARN.
                Piece::Variable(..) | Piece::Letter(_, false) if colons < 5 => return None,
                _ => {}
            }
        }
        let segments = (colons + 1).min(6);
        let mut text = Cow::Borrowed(text);
        if text != "*" && segments < 6 {
            let filled = match side {
                PolicySide::Identity => true,
                PolicySide::Resource => text.contains('*'),
                PolicySide::Scp => text.ends_with('*'),
                PolicySide::Rcp => false,
            };
            if !filled {
                return None;
            }
            for _ in segments..6 {
                text.to_mut().push_str(":*");
            }
        }
        let pieces = pieces(&text, variables);
        if pieces.iter().any(|p| matches!(p, Piece::Variable(..))) {
            return Some(Self::Template(pieces));
        }
        Some(Self::Pattern(Pattern::arn_of(letters(&pieces))))
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

pub(super) fn letters(pieces: &[Piece]) -> impl Iterator<Item = (char, bool)> {
    pieces.iter().filter_map(|p| match p {
        Piece::Letter(letter, wild) => Some((*letter, *wild && matches!(letter, '*' | '?'))),
        Piece::Variable(..) => None,
    })
}

/// A template with anything in place of its variables.
pub(crate) fn widened(pieces: &[Piece]) -> String {
    pieces
        .iter()
        .map(|p| {
            if let Piece::Letter(letter, _) = p {
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

pub(crate) fn filled(pieces: &[Piece], context: &Context) -> FilledTemplate {
    let mut out = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match piece {
            Piece::Letter(letter, wild) => {
                out.push((*letter, *wild && matches!(letter, '*' | '?')))
            }
            Piece::Variable(key, default) => match (context.get(key), default) {
                (ContextLookup::Is(ContextValue::One(value)), _) => out.extend(value.chars().map(|l| (l, false))),
                (ContextLookup::Unknown, _) => return FilledTemplate::Unknown,
                (_, Some(default)) => out.extend(default.chars().map(|l| (l, false))),
                _ => return FilledTemplate::Missing,
            },
        }
    }
    FilledTemplate::With(out)
}
