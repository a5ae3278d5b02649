//! Patterns of policies (`*` and `?`) as regular languages: matching, covering, meeting and
//! subtracting are decided exactly.
//!
//! In an ARN a wildcard stays within its segment: "wildcards … within the individual segments of an
//! ARN (the parts separated by colons)",
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>.
//! The sixth and last segment may hold colons itself.

mod intersection;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fmt;

/// Pattern with `*` and `?`. Texts are compared character by character: fold the case before where
/// it does not matter.
///
/// ```
/// use bartizan_iam::Pattern;
/// let bucket = Pattern::arn("arn:aws:s3:::logs-*");
/// assert!(bucket.matches("arn:aws:s3:::logs-2026/01"));
/// assert!(!Pattern::arn("arn:aws:*:logs-1").matches("arn:aws:s3:::logs-1"));
/// assert!(bucket.covers(&Pattern::arn("arn:aws:s3:::logs-?/a*")));
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    tokens: Vec<Token>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Token {
    Letter(char),
    /// `?`; whether it may be a colon.
    One(bool),
    /// `*`; whether it may hold colons.
    Many(bool),
}

impl Token {
    #[inline]
    fn takes(self, letter: char) -> bool {
        match self {
            Self::Letter(own) => own == letter,
            Self::One(colons) | Self::Many(colons) => colons || letter != ':',
        }
    }
}

/// Remainder of a language when others are taken away.
///
/// ```
/// use bartizan_iam::{Pattern, Rest, rest};
/// assert_eq!(
///     rest(&Pattern::text("ab*"), &[&Pattern::text("a*")]),
///     Rest::Nothing
/// );
/// assert!(
///     matches!(rest(&Pattern::text("a*"), &[&Pattern::text("ab*")]), Rest::Text(text) if text.starts_with('a'))
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rest {
    /// Nothing: proved.
    Nothing,
    /// At least this text.
    Text(String),
    /// The question needs more than [`STATES_MAX`] states.
    TooLarge,
}

/// Work of one question: places that patterns may stand at, in all states.
const WORK_MAX: usize = 50_000_000;

/// States of an automaton that one question may need.
///
/// ```
/// use bartizan_iam::{Pattern, Rest, rest};
/// // Patterns of real policies stay far below it; what does not is said to be too large, and never decided wrongly.
/// let wild = Pattern::text("*a*b*c*");
/// assert_ne!(rest(&wild, &[&Pattern::text("*d*")]), Rest::TooLarge);
/// assert!(bartizan_iam::STATES_MAX > 1_000);
/// ```
pub const STATES_MAX: usize = 20_000;

impl Pattern {
    /// A pattern over plain text: wildcards stand for anything.
    pub fn text(pattern: &str) -> Self {
        let token = |letter| match letter {
            '*' => Token::Many(true),
            '?' => Token::One(true),
            letter => Token::Letter(letter),
        };
        Self::of(pattern.chars().map(token))
    }

    /// A pattern over ARNs; `*` alone is everything.
    pub fn arn(pattern: &str) -> Self {
        Self::arn_of(
            pattern
                .chars()
                .map(|letter| (letter, matches!(letter, '*' | '?'))),
        )
    }

    /// Pattern over ARNs from characters, each with whether it is a wildcard.
    pub(crate) fn arn_of(letters: impl Iterator<Item = (char, bool)>) -> Self {
        let letters: Vec<_> = letters.collect();
        if letters.as_slice() == [('*', true)] {
            return Self::of([Token::Many(true)]);
        }
        let mut colons = 0;
        Self::of(letters.into_iter().map(|(letter, wild)| {
            let last = colons >= 5;
            colons += usize::from(letter == ':');
            match letter {
                '*' if wild => Token::Many(last),
                '?' if wild => Token::One(last),
                letter => Token::Letter(letter),
            }
        }))
    }

    /// Pattern over plain text from characters, each with whether it is a wildcard.
    pub(crate) fn text_of(letters: impl Iterator<Item = (char, bool)>) -> Self {
        Self::of(letters.map(|(letter, wild)| match letter {
            '*' if wild => Token::Many(true),
            '?' if wild => Token::One(true),
            letter => Token::Letter(letter),
        }))
    }

    /// Exactly this text.
    pub fn exact(text: &str) -> Self {
        Self::of(text.chars().map(Token::Letter))
    }

    fn of(tokens: impl IntoIterator<Item = Token>) -> Self {
        let mut kept: Vec<Token> = Vec::new();
        for token in tokens {
            // `**` is `*`; of two kinds the wider one.
            match (kept.last_mut(), token) {
                (Some(Token::Many(before)), Token::Many(colons)) => *before |= colons,
                _ => kept.push(token),
            }
        }
        Self { tokens: kept }
    }

    /// Pattern in lower case.
    pub(crate) fn folded(&self) -> Self {
        Self::of(self.tokens.iter().flat_map(|token| match token {
            Token::Letter(letter) => letter.to_lowercase().map(Token::Letter).collect::<Vec<_>>(),
            other => vec![*other],
        }))
    }

    /// Whether it is `*`.
    pub fn is_all(&self) -> bool {
        self.tokens == [Token::Many(true)]
    }

    /// Text of a pattern without wildcards.
    pub fn as_exact(&self) -> Option<String> {
        self.tokens
            .iter()
            .map(|t| {
                if let Token::Letter(letter) = t {
                    Some(*letter)
                } else {
                    None
                }
            })
            .collect()
    }

    /// Whether one of its characters is in a range.
    pub(crate) fn has(&self, letters: &std::ops::Range<char>) -> bool {
        self.tokens
            .iter()
            .any(|t| matches!(t, Token::Letter(letter) if letters.contains(letter)))
    }

    /// Characters before the first wildcard.
    pub fn prefix(&self) -> String {
        self.tokens
            .iter()
            .map_while(|t| {
                if let Token::Letter(letter) = t {
                    Some(*letter)
                } else {
                    None
                }
            })
            .collect()
    }

    /// Pattern for the last segment of an ARN, if this one matches the five segments before it.
    pub(crate) fn behind(&self, segments: [&str; 5]) -> Option<Self> {
        if self.is_all() {
            return Some(self.clone());
        }
        let mut rest = &self.tokens[..];
        for segment in segments {
            let end = rest.iter().position(|t| *t == Token::Letter(':'))?;
            if !(Self {
                tokens: rest[..end].to_vec(),
            })
            .matches(segment)
            {
                return None;
            }
            rest = &rest[end + 1..];
        }
        Some(Self {
            tokens: rest.to_vec(),
        })
    }

    /// Whether a text is in its language. Time: the product of both lengths at worst.
    pub fn matches(&self, text: &str) -> bool {
        let tokens = &self.tokens[..];
        let (mut at, mut rest) = (0, text.chars());
        // Where to go on when a try fails: behind the last `*`, with what it has not taken yet. A
        // `*` that may not hold a colon only stands where all colons before it are fixed, so no
        // earlier one needs another try.
        let mut retry: Option<(usize, bool, std::str::Chars<'_>)> = None;
        loop {
            let before = rest.clone();
            match (tokens.get(at).copied(), rest.next()) {
                (Some(Token::Many(colons)), _) => {
                    at += 1;
                    rest = before;
                    retry = Some((at, colons, rest.clone()));
                    continue;
                }
                (None, None) => return true,
                (Some(token), Some(letter)) if token.takes(letter) => {
                    at += 1;
                    continue;
                }
                _ => {}
            }
            let Some((behind, colons, left)) = &mut retry else {
                return false;
            };
            match left.next() {
                Some(letter) if *colons || letter != ':' => (at, rest) = (*behind, left.clone()),
                _ => return false,
            }
        }
    }

    /// Whether every text of the other is in this one. False also when that is too large to decide.
    pub fn covers(&self, other: &Self) -> bool {
        self.is_all() || self == other || rest(other, &[self]) == Rest::Nothing
    }

    /// A shortest text that is in both.
    pub fn meets(&self, other: &Self) -> Option<String> {
        if self.is_all() || other.is_all() {
            return Some(if self.is_all() {
                other.example()
            } else {
                self.example()
            });
        }
        let mut queue = VecDeque::from([(0, 0)]);
        /// Place from which another was reached, and the character.
        type Came = Option<((usize, usize), Option<char>)>;
        let mut came: HashMap<(usize, usize), Came> = HashMap::from([((0, 0), None)]);
        while let Some((a, b)) = queue.pop_front() {
            let (one, two) = (self.tokens.get(a).copied(), other.tokens.get(b).copied());
            if one.is_none() && two.is_none() {
                let mut text = Vec::new();
                let mut at = (a, b);
                while let Some((from, letter)) = came[&at] {
                    text.extend(letter);
                    at = from;
                }
                return Some(text.into_iter().rev().collect());
            }
            let mut next: Vec<((usize, usize), Option<char>)> = Vec::new();
            if matches!(one, Some(Token::Many(_))) {
                next.push(((a + 1, b), None));
            }
            if matches!(two, Some(Token::Many(_))) {
                next.push(((a, b + 1), None));
            }
            if let (Some(one), Some(two)) = (one, two) {
                let letter = match (one, two) {
                    (Token::Letter(letter), _) | (_, Token::Letter(letter)) => letter,
                    _ => 'x',
                };
                if one.takes(letter) && two.takes(letter) {
                    let step = |token, at| {
                        if matches!(token, Token::Many(_)) {
                            at
                        } else {
                            at + 1
                        }
                    };
                    next.push(((step(one, a), step(two, b)), Some(letter)));
                }
            }
            for (to, letter) in next {
                came.entry(to).or_insert_with(|| {
                    queue.push_back(to);
                    Some(((a, b), letter))
                });
            }
        }
        None
    }

    /// A short text that it matches.
    pub fn example(&self) -> String {
        let letter = |t: &Token| match t {
            Token::Letter(letter) => Some(*letter),
            Token::One(_) => Some('x'),
            Token::Many(_) => None,
        };
        self.tokens.iter().filter_map(letter).collect()
    }
}

/// Characters that stand for a variable in patterns that are compared as languages: a value of any
/// length, so that only that character and a `*` that may hold anything take it. No policy that has
/// such a character itself is compared this way.
pub(crate) const VARIABLES: std::ops::Range<char> = '\u{f0000}'..'\u{f8000}';

fn takes(token: Token, letter: char) -> bool {
    match token {
        Token::One(_) | Token::Many(false) if VARIABLES.contains(&letter) => false,
        token => token.takes(letter),
    }
}

/// Where an automaton stands: in each of the patterns that must match, and in all those that are
/// taken away.
type AutomatonState = (Vec<u32>, Vec<u32>);

/// Remainder of `from` when all of `without` are taken away.
///
/// ```
/// use bartizan_iam::{Pattern, Rest, rest};
/// let (logs, old) = (
///     Pattern::arn("arn:aws:s3:::logs-*"),
///     Pattern::arn("arn:aws:s3:::logs-2025*"),
/// );
/// assert!(matches!(rest(&logs, &[&old]), Rest::Text(name) if !old.matches(&name)));
/// ```
pub fn rest(from: &Pattern, without: &[&Pattern]) -> Rest {
    rest_of(&[from], without)
}

/// Remainder of the texts that all of `from` match when those of each of `without` are taken away.
///
/// Walks `from` character by character with the set of all places where the others may stand
/// (subset construction). Of characters that no pattern names one stands for all.
///
/// ```
/// use bartizan_iam::{Pattern, Rest, rest_of};
/// let (a, b) = (Pattern::text("a*"), Pattern::text("*z"));
/// // What is in both and not taken away: begins with a, ends with z, and is not "az".
/// assert!(
///     matches!(rest_of(&[&a, &b], &[&Pattern::exact("az")]), Rest::Text(text) if text.len() > 2)
/// );
/// ```
pub fn rest_of(from: &[&Pattern], without: &[&Pattern]) -> Rest {
    rest_within(from, without, &mut WORK_MAX.clone())
}

/// [`rest_of`] within a budget of work, which is lowered: places looked at, in all states.
pub(crate) fn rest_within(from: &[&Pattern], without: &[&Pattern], work_left: &mut usize) -> Rest {
    if without.iter().any(|p| p.is_all() || from.contains(p)) {
        return Rest::Nothing;
    }
    let offsets: Vec<usize> = without
        .iter()
        .scan(0, |at, p| {
            let here = *at;
            *at += p.tokens.len() + 1;
            Some(here)
        })
        .collect();
    // Places of all patterns one after the other; one behind the last token of a pattern is its
    // end.
    let tokens: Vec<Option<Token>> = without
        .iter()
        .flat_map(|p| p.tokens.iter().copied().map(Some).chain([None]))
        .collect();
    *work_left = work_left.saturating_sub(tokens.len());
    let close = |set: &mut BTreeSet<u32>, place: usize| {
        let mut place = place;
        set.insert(place as u32);
        while let Some(Token::Many(_)) = tokens[place] {
            place += 1;
            set.insert(place as u32);
        }
    };
    let named = |letter: &char| {
        tokens
            .iter()
            .flatten()
            .chain(from.iter().flat_map(|p| &p.tokens))
            .any(|t| *t == Token::Letter(*letter))
    };
    let fresh = ('a'..='z')
        .chain('0'..='9')
        .chain('A'..='Z')
        .find(|l| !named(l))
        .unwrap_or('\u{10ffff}');
    let mut start = BTreeSet::new();
    offsets.iter().for_each(|place| close(&mut start, *place));
    let start: AutomatonState = (vec![0; from.len()], start.into_iter().collect());
    let mut came: HashMap<AutomatonState, Option<(AutomatonState, Option<char>)>> =
        HashMap::from([(start.clone(), None)]);
    let mut queue = VecDeque::from([start]);
    while let Some(state) = queue.pop_front() {
        let (at, places) = &state;
        *work_left = work_left.saturating_sub(places.len() + 1);
        if *work_left == 0 {
            return Rest::TooLarge;
        }
        let own: Vec<Option<Token>> = at
            .iter()
            .zip(from)
            .map(|(at, p)| p.tokens.get(*at as usize).copied())
            .collect();
        if own.iter().all(Option::is_none) && !places.iter().any(|p| tokens[*p as usize].is_none())
        {
            let mut text = Vec::new();
            let mut here = &state;
            while let Some(Some((before, letter))) = came.get(here) {
                text.extend(*letter);
                here = before;
            }
            return Rest::Text(text.into_iter().rev().collect());
        }
        let mut next: Vec<(AutomatonState, Option<char>)> = Vec::new();
        for (n, token) in own.iter().enumerate() {
            if let Some(Token::Many(_)) = token {
                let mut at = at.clone();
                at[n] += 1;
                next.push(((at, places.clone()), None));
            }
        }
        // A character that one of them names is the only one; else those that the others name, and
        // one for all the rest. That one goes first: a witness of plain characters reads better.
        let letters: Vec<char> = match own.iter().flatten().find_map(|t| {
            if let Token::Letter(l) = t {
                Some(*l)
            } else {
                None
            }
        }) {
            _ if own.iter().any(Option::is_none) => Vec::new(),
            Some(letter) => vec![letter],
            None => {
                let named = places.iter().filter_map(|p| match tokens[*p as usize] {
                    Some(Token::Letter(letter)) => Some(letter),
                    _ => None,
                });
                let named: BTreeSet<char> = named.chain([':']).collect();
                std::iter::once(fresh).chain(named).collect()
            }
        };
        for letter in letters
            .into_iter()
            .filter(|l| own.iter().flatten().all(|t| takes(*t, *l)))
        {
            let mut set = BTreeSet::new();
            for &place in places {
                match tokens[place as usize] {
                    Some(token) if takes(token, letter) => {
                        let to = if matches!(token, Token::Many(_)) {
                            place
                        } else {
                            place + 1
                        };
                        close(&mut set, to as usize);
                    }
                    _ => {}
                }
            }
            let to = at.iter().zip(&own).map(|(at, t)| {
                if matches!(t, Some(Token::Many(_))) {
                    *at
                } else {
                    at + 1
                }
            });
            next.push(((to.collect(), set.into_iter().collect()), Some(letter)));
        }
        for (to, letter) in next {
            if came.len() >= STATES_MAX {
                return Rest::TooLarge;
            }
            came.entry(to).or_insert_with_key(|to| {
                queue.push_back(to.clone());
                Some((state.clone(), letter))
            });
        }
    }
    Rest::Nothing
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for token in &self.tokens {
            match token {
                // A character that would read as a wildcard, as policies write it.
                Token::Letter(letter @ ('*' | '?')) => write!(f, "${{{letter}}}")?,
                Token::Letter(letter) => write!(f, "{letter}")?,
                Token::One(_) => f.write_str("?")?,
                Token::Many(_) => f.write_str("*")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All texts of up to four characters.
    fn texts() -> Vec<String> {
        let mut all = vec![String::new()];
        let mut last = all.clone();
        for _ in 0..4 {
            last = last
                .iter()
                .flat_map(|t| ['a', 'b', ':'].map(|l| format!("{t}{l}")))
                .collect();
            all.extend(last.iter().cloned());
        }
        all
    }

    /// Matching by trying everything.
    fn naive(tokens: &[Token], text: &[char]) -> bool {
        match (tokens.first(), text.first()) {
            (None, None) => true,
            (Some(Token::Many(_)), None) => naive(&tokens[1..], text),
            (Some(t @ Token::Many(_)), Some(letter)) => {
                naive(&tokens[1..], text) || t.takes(*letter) && naive(tokens, &text[1..])
            }
            (Some(t), Some(letter)) => t.takes(*letter) && naive(&tokens[1..], &text[1..]),
            _ => false,
        }
    }

    fn pattern() -> impl proptest::strategy::Strategy<Value = Pattern> {
        use proptest::prelude::*;
        prop_oneof![
            "[ab:*?]{0,5}".prop_map(|t| Pattern::text(&t)),
            "[ab:*?]{0,7}".prop_map(|t| Pattern::arn(&t))
        ]
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(400))]

        #[test]
        fn operations_are_what_trying_all_short_texts_says(a in pattern(), b in pattern(), c in pattern()) {
            let is = |p: &Pattern, t: &str| naive(&p.tokens, &t.chars().collect::<Vec<_>>());
            let mut met = false;
            for text in texts() {
                proptest::prop_assert_eq!(a.matches(&text), is(&a, &text), "{:?} {:?}", a, text);
                met |= is(&a, &text) && is(&b, &text);
            }
            match a.meets(&b) {
                Some(text) => {
                    proptest::prop_assert!(is(&a, &text) && is(&b, &text), "{a:?} {b:?} {text}");
                }
                None => proptest::prop_assert!(!met, "{:?} {:?} meet", a, b),
            }
            let info = format!("{a:?} {b:?} {c:?}");
            match rest_of(&[&a, &b], &[&c]) {
                Rest::Text(text) => {
                    let fits = is(&a, &text) && is(&b, &text) && !is(&c, &text);
                    proptest::prop_assert!(fits, "{} {}", info, text);
                }
                Rest::Nothing => {
                    for text in texts() {
                        let fits = is(&a, &text) && is(&b, &text) && !is(&c, &text);
                        proptest::prop_assert!(!fits, "{} {}", info, text);
                    }
                }
                Rest::TooLarge => proptest::prop_assert!(false, "too large"),
            }
            match rest(&a, &[&b, &c]) {
                Rest::Text(text) => {
                    let fits = is(&a, &text) && !is(&b, &text) && !is(&c, &text);
                    proptest::prop_assert!(fits, "{} {}", info, text);
                }
                Rest::Nothing => {
                    for text in texts() {
                        let fits = is(&a, &text) && !is(&b, &text) && !is(&c, &text);
                        proptest::prop_assert!(!fits, "{} {}", info, text);
                    }
                }
                Rest::TooLarge => proptest::prop_assert!(false, "too large"),
            }
        }
    }

    #[test]
    fn wildcards_stay_in_their_segment() {
        for (pattern, text, is) in [
            ("*", "anything at all", true),
            ("arn:aws:s3:::b/*", "arn:aws:s3:::b/a:b/c", true),
            ("arn:aws:*:b", "arn:aws:s3:::b", false),
            ("arn:*:*:*:*:*", "arn:aws:s3:::b", true),
            ("arn:aws:sns:*:1:t", "arn:aws:sns:us-east-1:1:t", true),
            ("arn:aws:sns:*:t", "arn:aws:sns:us-east-1:1:t", false),
        ] {
            assert_eq!(Pattern::arn(pattern).matches(text), is, "{pattern} {text}");
        }
        let slow = Pattern::text(&"a*".repeat(50));
        assert!(!slow.matches(&format!("{}b", "a".repeat(20))));
        assert!(!Pattern::text(&"*a".repeat(1000)).matches(&"a".repeat(999)));
    }
}
