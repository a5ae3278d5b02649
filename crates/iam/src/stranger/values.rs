//! Whether all that a statement asks of one key can hold, over all that the key can be.
//!
//! Texts are decided on the languages of their patterns ([`rest_within`]), addresses on ranges,
//! times on the moments where an answer changes. What none of these decides is left open, never
//! answered no.

use std::cell::Cell;
use std::net::IpAddr;

use super::issuers::tenant;
use super::possibilities::{KeyAbsence, KeyPossibilities, TenantShape, ValueControl, ValueRange};
use crate::pattern::{Pattern, Rest, rest_within};
use crate::policy::PolicyCondition;
use crate::value::{
    Cidr, Comparison, ConditionOperator, SetOperator, TemplatePiece, date, number, pieces,
};

/// Ways to meet several conditions on one key that are looked at: one value of each.
const WAYS_MAX: usize = 512;

/// Outcome of the conditions on one key for a requester.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyOutcome {
    /// Proved: the requester can never meet them.
    Never,
    /// Some requesters of this kind meet them, or it is not known.
    Sometimes,
    /// The requester meets them by choice.
    Chosen,
    /// Every value meets them.
    Always,
}

/// Conditions of a statement on one key; all must hold.
pub(super) struct KeyConditions<'a> {
    variables: bool,
    wishes: Vec<KeyCondition<'a>>,
}

struct KeyCondition<'a> {
    number: usize,
    operator: ConditionOperator,
    values: &'a [String],
}

/// One condition with its values as patterns.
struct ResolvedCondition {
    test: Comparison,
    set: SetOperator,
    negated: bool,
    values: Vec<ResolvedValue>,
}

struct ResolvedValue {
    /// Characters, each with whether it is a wildcard.
    letters: Vec<(char, bool)>,
    /// A variable whose value nobody knows is in it: `*` stands there.
    loose: bool,
}

impl KeyCondition<'_> {
    /// Whether it holds where the key is absent.
    fn holds_without(&self) -> bool {
        let ConditionOperator {
            set,
            test,
            negated,
            if_exists,
        } = self.operator;
        match set {
            _ if test == Comparison::Null => {
                self.values.iter().any(|v| v.eq_ignore_ascii_case("true"))
            }
            _ if if_exists => true,
            SetOperator::All => true,
            SetOperator::Any => false,
            SetOperator::None => negated,
        }
    }
}

impl ResolvedValue {
    fn text(&self) -> String {
        self.letters.iter().map(|(letter, _)| *letter).collect()
    }

    fn is_whole(&self) -> bool {
        self.letters.iter().all(|(_, wild)| !wild)
    }
}

impl ResolvedCondition {
    fn is_text(&self) -> bool {
        matches!(
            self.test,
            Comparison::Equals
                | Comparison::EqualsIgnoreCase
                | Comparison::Like
                | Comparison::Bool
                | Comparison::Binary
                | Comparison::Arn
        )
    }

    /// Whether it ignores case.
    fn folds(&self) -> bool {
        matches!(self.test, Comparison::EqualsIgnoreCase | Comparison::Bool)
    }

    /// Pattern of one value; none: it matches nothing.
    fn pattern(&self, value: &ResolvedValue, folded: bool) -> Option<Pattern> {
        let text = value.text();
        if self.test == Comparison::Arn
            && !(text.starts_with("arn:") && text.splitn(6, ':').count() == 6)
        {
            return None;
        }
        let pattern = match self.test {
            Comparison::Arn => Pattern::arn_of(value.letters.iter().copied()),
            _ => Pattern::text_of(value.letters.iter().copied()),
        };
        Some(if folded { pattern.folded() } else { pattern })
    }

    /// Whether one value of a request is what it asks for. None: a variable decides.
    fn takes(&self, given: &str) -> Option<bool> {
        let mut any = Some(false);
        for value in &self.values {
            let is = match self.test {
                Comparison::Number(order) => number(given)
                    .zip(number(&value.text()))
                    .is_some_and(|(a, b)| order.holds(a, b)),
                Comparison::Date(order) => date(given)
                    .zip(date(&value.text()))
                    .is_some_and(|(a, b)| order.holds(a, b)),
                Comparison::Ip => {
                    let net = Cidr::parse(&value.text());
                    net.zip(given.parse::<IpAddr>().ok())
                        .is_some_and(|(net, address)| net.holds(address))
                }
                Comparison::EqualsIgnoreCase | Comparison::Bool => self
                    .pattern(value, true)
                    .is_some_and(|p| p.matches(&given.to_lowercase())),
                _ => self.pattern(value, false).is_some_and(|p| p.matches(given)),
            };
            match (is, value.loose) {
                (true, false) => return Some(!self.negated),
                (true, true) => any = None,
                // A text with a star in place of a number or a network is none.
                (false, true) if !self.is_text() => any = None,
                _ => {}
            }
        }
        any.map(|any| any != self.negated)
    }
}

impl<'a> KeyConditions<'a> {
    pub(super) fn new(variables: bool) -> Self {
        Self {
            variables,
            wishes: Vec::new(),
        }
    }

    pub(super) fn add(
        &mut self,
        number: usize,
        operator: ConditionOperator,
        condition: &'a PolicyCondition,
    ) {
        self.wishes.push(KeyCondition {
            number,
            operator,
            values: &condition.values,
        });
    }

    /// Numbers of the conditions.
    pub(super) fn numbers(&self) -> impl Iterator<Item = usize> {
        self.wishes.iter().map(|w| w.number)
    }

    /// Whether all of it holds where the key is absent.
    pub(super) fn hold_without(&self) -> bool {
        self.wishes.iter().all(KeyCondition::holds_without)
    }

    /// ARNs without an account that are written out: `arn:aws:s3:::bucket`.
    pub(super) fn ownerless(&self) -> Vec<&'a String> {
        let asked = self
            .wishes
            .iter()
            .filter(|w| !w.operator.negated && w.operator.test != Comparison::Null);
        let is = |v: &&String| {
            !v.contains(['*', '?', '$'])
                && crate::arn::Arn::parse(v).is_some_and(|arn| arn.account.is_empty())
        };
        asked.flat_map(|w| w.values).filter(is).collect()
    }

    /// Whether all conditions can hold for a requester with these possibilities of the key.
    /// `variable` gives those of another key; `work` is the budget, which is lowered.
    pub(super) fn held(
        &self,
        slot: &KeyPossibilities,
        variable: impl Fn(&str) -> KeyPossibilities,
        work: &Cell<usize>,
    ) -> KeyOutcome {
        let without = self.hold_without();
        let present = || self.present(slot, &variable, work);
        match slot.absent {
            KeyAbsence::Always if without => KeyOutcome::Always,
            KeyAbsence::Always => KeyOutcome::Never,
            KeyAbsence::Never => present(),
            KeyAbsence::Chosen if without => {
                if present() == KeyOutcome::Always {
                    KeyOutcome::Always
                } else {
                    KeyOutcome::Chosen
                }
            }
            KeyAbsence::Chosen => present(),
            KeyAbsence::Seldom => match present() {
                KeyOutcome::Never if without => KeyOutcome::Sometimes,
                held => held,
            },
            KeyAbsence::Perhaps => match (without, present()) {
                (true, KeyOutcome::Always) => KeyOutcome::Always,
                (false, KeyOutcome::Never) => KeyOutcome::Never,
                _ => KeyOutcome::Sometimes,
            },
        }
    }

    /// Outcome where the key is present.
    fn present(
        &self,
        slot: &KeyPossibilities,
        variable: &dyn Fn(&str) -> KeyPossibilities,
        work: &Cell<usize>,
    ) -> KeyOutcome {
        let (asks_presence, rest): (Vec<&KeyCondition<'_>>, Vec<&KeyCondition<'_>>) = self
            .wishes
            .iter()
            .partition(|w| w.operator.test == Comparison::Null);
        if asks_presence
            .iter()
            .any(|w| !w.values.iter().any(|v| v.eq_ignore_ascii_case("false")))
        {
            return KeyOutcome::Never;
        }
        if matches!(&slot.values, ValueRange::Texts(bases) if bases.is_empty()) {
            return KeyOutcome::Never;
        }
        let wants: Vec<ResolvedCondition> = rest.iter().map(|w| self.want(w, variable)).collect();
        if wants.is_empty() {
            return KeyOutcome::Always;
        }
        match &slot.values {
            ValueRange::Address => addresses(&wants, work),
            ValueRange::Time(now) => times(&wants, *now),
            ValueRange::Texts(bases) => texts(&wants, bases, slot, work),
        }
    }

    fn want(
        &self,
        wish: &KeyCondition<'_>,
        variable: &dyn Fn(&str) -> KeyPossibilities,
    ) -> ResolvedCondition {
        let ConditionOperator {
            test, set, negated, ..
        } = wish.operator;
        let wild = |letter: char| {
            matches!(test, Comparison::Like | Comparison::Arn) && matches!(letter, '*' | '?')
        };
        let one = |text: &String| {
            let mut value = ResolvedValue {
                letters: Vec::new(),
                loose: false,
            };
            for piece in pieces(text, self.variables) {
                match piece {
                    TemplatePiece::Letter(letter, free) => {
                        value.letters.push((letter, free && wild(letter)))
                    }
                    TemplatePiece::Variable(key, default) => match filled(&variable(&key)) {
                        VariableValue::With(text) => {
                            value.letters.extend(text.chars().map(|l| (l, false)))
                        }
                        VariableValue::Missing => {
                            value.letters.extend(default?.chars().map(|l| (l, false)))
                        }
                        VariableValue::Unknown => {
                            value.letters.push(('*', true));
                            value.loose = true;
                        }
                    },
                }
            }
            Some(value)
        };
        ResolvedCondition {
            test,
            set,
            negated,
            values: wish.values.iter().filter_map(one).collect(),
        }
    }
}

enum VariableValue {
    With(String),
    Missing,
    Unknown,
}

/// Value of a policy variable.
fn filled(slot: &KeyPossibilities) -> VariableValue {
    match (&slot.absent, &slot.values) {
        (KeyAbsence::Always, _) => VariableValue::Missing,
        (KeyAbsence::Never | KeyAbsence::Seldom, ValueRange::Texts(bases)) => {
            match bases.as_slice() {
                [one] => one
                    .as_exact()
                    .map_or(VariableValue::Unknown, VariableValue::With),
                _ => VariableValue::Unknown,
            }
        }
        _ => VariableValue::Unknown,
    }
}

fn texts(
    wants: &[ResolvedCondition],
    bases: &[Pattern],
    slot: &KeyPossibilities,
    work: &Cell<usize>,
) -> KeyOutcome {
    if !wants.iter().all(ResolvedCondition::is_text) {
        return tried_out(wants, bases, slot);
    }
    let folded = wants.iter().any(ResolvedCondition::folds);
    let bases: Vec<Pattern> = bases
        .iter()
        .map(|b| if folded { b.folded() } else { b.clone() })
        .collect();
    // Where one condition ignores case and another does not, what is found may be too much.
    let mut loose = folded && !wants.iter().all(ResolvedCondition::folds);
    // Several conditions on any of several values may be met by a value each.
    loose |= wants.iter().filter(|w| w.set == SetOperator::Any).count() > 1;
    let (mut asked, mut barred): (Vec<Vec<Pattern>>, Vec<Pattern>) = (Vec::new(), Vec::new());
    // Values that belong to somebody who is named.
    let mut taken: Vec<Pattern> = Vec::new();
    for want in wants {
        let mut list = Vec::new();
        for value in &want.values {
            let Some(pattern) = want.pattern(value, folded) else {
                continue;
            };
            loose |= value.loose;
            if want.negated {
                if !value.loose && (!folded || want.folds()) {
                    barred.push(pattern);
                }
                continue;
            }
            match &slot.control {
                ValueControl::Taken { with_account } => {
                    let says_whose = crate::arn::Arn::parse(&value.text())
                        .is_some_and(|arn| !arn.account.is_empty());
                    taken.extend(
                        (value.is_whole() && (*with_account || !says_whose))
                            .then(|| pattern.clone()),
                    );
                }
                ValueControl::Tenant(shapes, _) => {
                    let tenant = tenant(&value.letters, shapes);
                    // No name has a star in it, and none ends where that of a tenant begins.
                    if is_dead(want, value, shapes, tenant.is_some()) {
                        continue;
                    }
                    taken.extend(tenant.map(|t| if folded { t.folded() } else { t }));
                }
                ValueControl::Chosen | ValueControl::ContextValue => {}
            }
            list.push(pattern);
        }
        if !want.negated {
            asked.push(list);
        }
    }
    let none_of = |extra: &[Pattern]| -> Vec<Pattern> {
        barred
            .iter()
            .chain(&slot.not)
            .chain(extra)
            .cloned()
            .collect()
    };
    let any = exists(&bases, &asked, &none_of(&[]), work);
    let open = loose && !asked.iter().any(Vec::is_empty);
    let several = wants.iter().filter(|w| w.set == SetOperator::Any).count() > 1;
    if any == Some(false) && !(open && several) {
        return KeyOutcome::Never;
    }
    if !loose && any == Some(true) && always(&bases, &asked, &barred, work) {
        return KeyOutcome::Always;
    }
    let of_choice = |found: Option<bool>| {
        if found == Some(true) && !loose {
            KeyOutcome::Chosen
        } else {
            KeyOutcome::Sometimes
        }
    };
    match &slot.control {
        ValueControl::ContextValue => KeyOutcome::Sometimes,
        ValueControl::Chosen | ValueControl::Tenant(_, false) => of_choice(any),
        ValueControl::Taken { .. } => of_choice(exists(&bases, &asked, &none_of(&taken), work)),
        ValueControl::Tenant(_, true) => match exists(&bases, &asked, &none_of(&taken), work) {
            Some(false) => KeyOutcome::Never,
            found => of_choice(found),
        },
    }
}

/// Whether a value of a claim is one that no token has: a star that is no wildcard, or a beginning
/// without what must follow.
fn is_dead(
    want: &ResolvedCondition,
    value: &ResolvedValue,
    shapes: &[TenantShape],
    is_tenant: bool,
) -> bool {
    let text = value.text();
    let starts = |s: &TenantShape| !s.0.is_empty() && text.starts_with(s.0);
    let literal = !matches!(want.test, Comparison::Like | Comparison::Arn) && !value.loose;
    literal && text.contains(['*', '?'])
        || value.is_whole() && !is_tenant && shapes.iter().any(starts)
}

/// Whether some text is of a base, of one value of each list, and none of what is barred; none: too
/// large to decide.
fn exists(
    bases: &[Pattern],
    asked: &[Vec<Pattern>],
    barred: &[Pattern],
    work: &Cell<usize>,
) -> Option<bool> {
    let barred: Vec<&Pattern> = barred.iter().collect();
    // Lists of accounts are long, and most of them cannot be meant.
    let may_be = |p: &&Pattern| {
        p.as_exact().is_none_or(|text| {
            bases.iter().any(|b| b.matches(&text)) && !barred.iter().any(|b| b.matches(&text))
        })
    };
    let asked: Vec<Vec<&Pattern>> = asked
        .iter()
        .map(|list| list.iter().filter(may_be).collect())
        .collect();
    let ways = asked.iter().try_fold(1_usize, |n, list| {
        n.checked_mul(list.len()).filter(|n| *n <= WAYS_MAX)
    })?;
    let mut unknown = false;
    for way in 0..ways {
        let mut left = way;
        let mut from: Vec<&Pattern> = Vec::with_capacity(asked.len() + 1);
        for list in &asked {
            from.push(list[left % list.len()]);
            left /= list.len();
        }
        for base in bases {
            let all: Vec<&Pattern> = std::iter::once(base).chain(from.iter().copied()).collect();
            match rest(&all, &barred, work) {
                Rest::Text(_) => return Some(true),
                Rest::TooLarge => unknown = true,
                Rest::Nothing => {}
            }
        }
    }
    if unknown { None } else { Some(false) }
}

fn rest(from: &[&Pattern], without: &[&Pattern], work: &Cell<usize>) -> Rest {
    let mut left = work.get();
    let rest = rest_within(from, without, &mut left);
    work.set(left);
    rest
}

/// Whether every text of the bases meets everything.
fn always(
    bases: &[Pattern],
    asked: &[Vec<Pattern>],
    barred: &[Pattern],
    work: &Cell<usize>,
) -> bool {
    bases.iter().all(|base| {
        let covered = |list: &Vec<Pattern>| {
            rest(&[base], &list.iter().collect::<Vec<_>>(), work) == Rest::Nothing
        };
        asked.iter().all(covered)
            && barred
                .iter()
                .all(|b| rest(&[base, b], &[], work) == Rest::Nothing)
    })
}

/// Values that compare as numbers, dates or addresses on a key of texts: those are tried where an
/// answer may change.
fn tried_out(
    wants: &[ResolvedCondition],
    bases: &[Pattern],
    slot: &KeyPossibilities,
) -> KeyOutcome {
    let whole: Option<Vec<String>> = bases.iter().map(Pattern::as_exact).collect();
    let known = whole.is_some();
    let candidates: Vec<String> = whole.unwrap_or_else(|| {
        let mut list: Vec<String> = ["0", "1", "true", "false"].map(str::to_owned).to_vec();
        for want in wants {
            for value in &want.values {
                let text = value.text();
                if let Some(at) = number(&text).or_else(|| date(&text)) {
                    list.extend([at - 1.0, at, at + 1.0].map(|n| n.to_string()));
                }
                list.extend(Cidr::parse(&text).map(|net| net.first().to_string()));
                list.extend(want.pattern(value, false).map(|p| p.example()));
            }
        }
        list.retain(|c| {
            bases.iter().any(|b| b.matches(c)) && !slot.not.iter().any(|n| n.matches(c))
        });
        list
    });
    let all = |given: &String| {
        wants
            .iter()
            .map(|w| w.takes(given))
            .try_fold(true, |v, one| one.map(|one| v && one))
    };
    let answers: Vec<Option<bool>> = candidates.iter().map(all).collect();
    let (some, every) = (
        answers.contains(&Some(true)),
        answers.iter().all(|a| *a == Some(true)),
    );
    match &slot.control {
        _ if known && every => KeyOutcome::Always,
        _ if known && answers.iter().all(|a| *a == Some(false)) => KeyOutcome::Never,
        ValueControl::Chosen if some => KeyOutcome::Chosen,
        _ => KeyOutcome::Sometimes,
    }
}

/// Addresses that nobody calls from: special ones of IPv4 (RFC 6890).
const RESERVED: &[&str] = &[
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "224.0.0.0/3",
];

/// All of IPv6 that is given out (IANA, "Internet Protocol Version 6 Address Space").
const GLOBAL: &str = "2000::/3";

/// AddressRanges of one family, from first to last, sorted and apart.
type AddressRanges = Vec<(u128, u128)>;

fn addresses(wants: &[ResolvedCondition], work: &Cell<usize>) -> KeyOutcome {
    let (of_ranges, others): (Vec<&ResolvedCondition>, Vec<&ResolvedCondition>) =
        wants.iter().partition(|w| w.test == Comparison::Ip);
    let mut loose = false;
    let (mut four, mut six): (AddressRanges, AddressRanges) =
        (vec![(0, u128::from(u32::MAX))], vec![(0, u128::MAX)]);
    for want in of_ranges {
        let (mut named4, mut named6): (AddressRanges, AddressRanges) = (Vec::new(), Vec::new());
        for value in &want.values {
            if value.loose {
                loose = true;
                if !want.negated {
                    (named4, named6) = (vec![(0, u128::from(u32::MAX))], vec![(0, u128::MAX)]);
                }
            } else if let Some(net) = Cidr::parse(&value.text()) {
                let (first, last) = net.range();
                if net.first().is_ipv4() {
                    named4.push((first, last))
                } else {
                    named6.push((first, last))
                }
            }
        }
        if !want.negated {
            (named4, named6) = (
                without(vec![(0, u128::from(u32::MAX))], &named4),
                without(vec![(0, u128::MAX)], &named6),
            );
        }
        (four, six) = (without(four, &named4), without(six, &named6));
    }
    let any_text = [Pattern::text("?*")];
    let slot = KeyPossibilities::new(KeyAbsence::Never, Vec::new(), ValueControl::ContextValue);
    let by_text = if others.is_empty() {
        KeyOutcome::Always
    } else if others.iter().all(|w| w.is_text()) {
        texts_of(&others, &any_text, &slot, work)
    } else {
        KeyOutcome::Sometimes
    };
    let nets = |list: &[&str]| -> AddressRanges {
        list.iter()
            .filter_map(|n| Cidr::parse(n))
            .map(|n| n.range())
            .collect()
    };
    let full4 = without(vec![(0, u128::from(u32::MAX))], &nets(RESERVED));
    let every4 = without(full4, &four).is_empty();
    let every6 = without(nets(&[GLOBAL]), &six).is_empty();
    match by_text {
        KeyOutcome::Never => KeyOutcome::Never,
        _ if four.is_empty() && six.is_empty() => KeyOutcome::Never,
        // The requester chooses the family of the address.
        KeyOutcome::Always if (every4 || every6) && !loose => KeyOutcome::Always,
        _ => KeyOutcome::Sometimes,
    }
}

fn texts_of(
    wants: &[&ResolvedCondition],
    bases: &[Pattern],
    slot: &KeyPossibilities,
    work: &Cell<usize>,
) -> KeyOutcome {
    let copies: Vec<ResolvedCondition> = wants
        .iter()
        .map(|w| ResolvedCondition {
            test: w.test,
            set: w.set,
            negated: w.negated,
            values: w
                .values
                .iter()
                .map(|v| ResolvedValue {
                    letters: v.letters.clone(),
                    loose: v.loose,
                })
                .collect(),
        })
        .collect();
    texts(&copies, bases, slot, work)
}

/// Remainder of some ranges without others.
fn without(from: AddressRanges, taken: &AddressRanges) -> AddressRanges {
    let mut left = from;
    for (first, last) in taken {
        left = left
            .into_iter()
            .flat_map(|(a, b)| {
                let below = (a < *first).then(|| (a, b.min(first.saturating_sub(1))));
                let above = (b > *last).then(|| (a.max(last.saturating_add(1)), b));
                [below, above]
            })
            .flatten()
            .collect();
    }
    left
}

/// Conditions on the time of a request: what holds now is open; what will hold some day may be.
fn times(wants: &[ResolvedCondition], now: Option<f64>) -> KeyOutcome {
    let moment = |want: &ResolvedCondition, at: f64| -> Option<bool> {
        let mut any = false;
        for value in &want.values {
            let text = value.text();
            any |= match want.test {
                _ if value.loose => return None,
                Comparison::Number(order) => {
                    number(&text).is_some_and(|wanted| order.holds(at, wanted))
                }
                Comparison::Date(order) => {
                    date(&text).is_some_and(|wanted| order.holds(at, wanted))
                }
                Comparison::Like if text == "*" => true,
                Comparison::Ip | Comparison::Arn | Comparison::Bool => false,
                _ => return None,
            };
        }
        Some(any != want.negated)
    };
    let all = |at: f64| {
        wants
            .iter()
            .map(|w| moment(w, at))
            .try_fold(true, |v, one| one.map(|one| v && one))
    };
    let bounds = wants
        .iter()
        .flat_map(|w| &w.values)
        .filter_map(|v| number(&v.text()).or_else(|| date(&v.text())));
    let mut moments: Vec<f64> = bounds.flat_map(|at| [at - 1.0, at, at + 1.0]).collect();
    if let Some(now) = now {
        moments.retain(|at| *at > now);
    }
    let later: Vec<Option<bool>> = moments.into_iter().map(all).collect();
    let at_once = all(now.unwrap_or(0.0));
    match now {
        Some(_) if at_once == Some(true) => KeyOutcome::Always,
        None if at_once == Some(true) && later.iter().all(|a| *a == Some(true)) => {
            KeyOutcome::Always
        }
        _ if at_once == Some(false) && later.iter().all(|a| *a == Some(false)) => KeyOutcome::Never,
        _ => KeyOutcome::Sometimes,
    }
}
