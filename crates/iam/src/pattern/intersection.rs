//! Texts that two patterns both match, written as patterns again.

use super::{Pattern, Token};

/// Patterns that one intersection may come to.
const PATTERNS_MAX: usize = 24;

/// Steps that one intersection may take.
const STEPS_MAX: usize = 4_000;

impl Pattern {
    /// Texts that both match, as patterns: `a*` and `*b` have `a*b` in common. None: they come to
    /// more patterns than are worth writing.
    ///
    /// ```
    /// use bartizan_iam::Pattern;
    /// let (one, two) = (Pattern::arn("arn:aws:s3:::logs-*"), Pattern::arn("arn:aws:s3:::*/2026"));
    /// assert_eq!(one.intersection(&two).unwrap(), [Pattern::arn("arn:aws:s3:::logs-*/2026")]);
    /// assert_eq!(one.intersection(&Pattern::arn("arn:aws:s3:::b")).unwrap(), []);
    /// ```
    pub fn intersection(&self, other: &Self) -> Option<Vec<Self>> {
        if self.covers(other) {
            return Some(vec![other.clone()]);
        }
        if other.covers(self) {
            return Some(vec![self.clone()]);
        }
        if self.meets(other).is_none() {
            return Some(Vec::new());
        }
        let mut steps_left = STEPS_MAX;
        let found = both(&self.tokens, &other.tokens, &mut steps_left)?;
        let mut kept: Vec<Self> = Vec::new();
        for pattern in found.into_iter().map(Self::of) {
            if kept.iter().any(|k| k.covers(&pattern)) {
                continue;
            }
            kept.retain(|k| !pattern.covers(k));
            kept.push(pattern);
        }
        kept.sort_by_key(ToString::to_string);
        (kept.len() <= PATTERNS_MAX).then_some(kept)
    }
}

/// The narrower of two tokens of which neither is `*`; none where they have nothing in common.
fn narrower(a: Token, b: Token) -> Option<Token> {
    match (a, b) {
        (Token::Letter(letter), other) | (other, Token::Letter(letter)) => {
            other.takes(letter).then_some(Token::Letter(letter))
        }
        (Token::One(a), Token::One(b)) => Some(Token::One(a && b)),
        _ => None,
    }
}

fn both(a: &[Token], b: &[Token], steps_left: &mut usize) -> Option<Vec<Vec<Token>>> {
    *steps_left = steps_left.checked_sub(1)?;
    let is_many = |t: Option<&Token>| matches!(t, Some(Token::Many(_)));
    match (a.first(), b.first()) {
        (None, None) => return Some(vec![Vec::new()]),
        (Some(one), Some(two)) if !is_many(Some(one)) && !is_many(Some(two)) => {
            let Some(token) = narrower(*one, *two) else {
                return Some(Vec::new());
            };
            let mut rest = both(&a[1..], &b[1..], steps_left)?;
            rest.iter_mut().for_each(|r| r.insert(0, token));
            return Some(rest);
        }
        (None, Some(_)) | (Some(_), None) if !is_many(a.first()) && !is_many(b.first()) => {
            return Some(Vec::new());
        }
        _ => {}
    }
    let (many, other) = if is_many(a.first()) { (a, b) } else { (b, a) };
    let Some(Token::Many(colons)) = many.first().copied() else {
        return Some(Vec::new());
    };
    let mut found: Vec<Vec<Token>> = Vec::new();
    // The `*` takes the first tokens of the other pattern, one more each time.
    let mut taken: Vec<Token> = Vec::new();
    for at in 0..=other.len() {
        for rest in both(&many[1..], &other[at..], steps_left)? {
            let whole: Vec<Token> = taken.iter().copied().chain(rest).collect();
            if !found.contains(&whole) {
                found.push(whole);
            }
        }
        if found.len() > PATTERNS_MAX * 4 {
            return None;
        }
        let Some(token) = other.get(at).copied() else {
            break;
        };
        match token {
            Token::Letter(':') if !colons => break,
            Token::Letter(_) => taken.push(token),
            Token::One(wide) => taken.push(Token::One(wide && colons)),
            Token::Many(wide) => {
                taken.push(Token::Many(wide && colons));
                // A part of what that stands for may be left to what follows here.
                for rest in both(&many[1..], &other[at..], steps_left)? {
                    let whole: Vec<Token> = taken.iter().copied().chain(rest).collect();
                    if !found.contains(&whole) {
                        found.push(whole);
                    }
                }
            }
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All texts of at most so many characters.
    fn texts(letters: &[char], length_max: usize) -> Vec<String> {
        let mut all = vec![String::new()];
        let mut last = all.clone();
        for _ in 0..length_max {
            last = last
                .iter()
                .flat_map(|t| letters.iter().map(move |l| format!("{t}{l}")))
                .collect();
            all.extend(last.iter().cloned());
        }
        all
    }

    #[test]
    fn the_intersection_of_small_patterns_has_exactly_what_both_match() {
        let patterns = texts(&['a', 'b', '*', '?'], 4);
        let universe = texts(&['a', 'b', 'c'], 6);
        let mut tried = 0;
        for (n, one) in patterns.iter().enumerate() {
            // One pair in many, the same ones each time.
            for two in patterns.iter().skip(n % 37).step_by(37) {
                let (one, two) = (Pattern::text(one), Pattern::text(two));
                let both = one.intersection(&two).unwrap();
                for text in universe.iter().step_by(3) {
                    let expected = one.matches(text) && two.matches(text);
                    let found = both.iter().any(|p| p.matches(text));
                    assert_eq!(found, expected, "{one} and {two}: {text}, {both:?}");
                }
                tried += 1;
            }
        }
        assert!(tried > 2_000);
    }

    #[test]
    fn wildcards_of_arns_stay_within_their_segments() {
        let both = |a: &str, b: &str| Pattern::arn(a).intersection(&Pattern::arn(b)).unwrap();
        assert_eq!(
            both("arn:aws:sqs:*:1111:a*", "arn:aws:sqs:eu-*:*:*z"),
            [Pattern::arn("arn:aws:sqs:eu-*:1111:a*z")]
        );
        assert_eq!(
            both("*", "arn:aws:s3:::b"),
            [Pattern::arn("arn:aws:s3:::b")]
        );
        assert_eq!(both("arn:aws:sqs:*:1:a", "arn:aws:sns:*:1:a"), []);
    }
}
