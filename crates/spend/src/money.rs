//! Exact decimals from the text of bills.

use rust_decimal::Decimal;

/// Amount as a bill prints it: `0.00000080000`, `1.2E-7`, `"1,234.50"`, `$5`, `(3.00)`. `None` if
/// it is no number or has more digits than [`Decimal`] can hold exactly.
#[must_use]
pub fn amount(text: &[u8]) -> Option<Decimal> {
    let text = text.trim_ascii();
    plain(text).or_else(|| loose(text))
}

/// Digits with an optional sign and point, at most 18 of them: nearly all amounts.
fn plain(text: &[u8]) -> Option<Decimal> {
    let (negative, digits) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        _ => (false, text),
    };
    if digits.len() > 19 || digits.is_empty() {
        return None;
    }
    let (mut units, mut scale, mut count) = (0i64, None, 0);
    for byte in digits {
        match byte {
            b'0'..=b'9' => {
                units = units * 10 + i64::from(byte - b'0');
                count += 1;
                scale = scale.map(|s: u32| s + 1);
            }
            b'.' if scale.is_none() => scale = Some(0),
            _ => return None,
        }
    }
    let fits = (1..=18).contains(&count);
    fits.then(|| Decimal::new(if negative { -units } else { units }, scale.unwrap_or(0)))
}

/// Numbers as spreadsheets print them, and those with an exponent or many digits.
fn loose(text: &[u8]) -> Option<Decimal> {
    let text = std::str::from_utf8(text).ok()?;
    let (negative, text) = match text.strip_prefix('(').and_then(|t| t.strip_suffix(')')) {
        Some(inner) => (true, inner),
        None => (false, text),
    };
    let bare: String = text
        .chars()
        .filter(|c| !matches!(c, '$' | '€' | '£' | ' ' | '\u{a0}'))
        .collect();
    let bare = thousands_removed(&bare)?;
    let value = if bare.contains(['e', 'E']) {
        scientific(&bare)?
    } else {
        Decimal::from_str_exact(&trimmed_zeros(&bare)).ok()?
    };
    Some(if negative { -value } else { value })
}

/// `1,234.50` → `1234.50`. A comma anywhere else is no number of ours.
fn thousands_removed(text: &str) -> Option<String> {
    if !text.contains(',') {
        return Some(text.to_owned());
    }
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let mut groups = whole.split(',');
    let first = groups.next()?.trim_start_matches('-');
    let fits = (1..=3).contains(&first.len())
        && groups.all(|g| g.len() == 3 && g.bytes().all(|b| b.is_ascii_digit()))
        && !rest.contains(',');
    fits.then(|| text.replace(',', ""))
}

/// Zeros at the end of a fraction say nothing and would count as digits.
fn trimmed_zeros(text: &str) -> String {
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    }
}

fn scientific(text: &str) -> Option<Decimal> {
    let (mantissa, exponent) = text.split_once(['e', 'E'])?;
    let exponent: i32 = exponent.parse().ok()?;
    let mantissa = Decimal::from_str_exact(&trimmed_zeros(mantissa)).ok()?;
    let scale = i32::try_from(mantissa.scale())
        .ok()?
        .checked_sub(exponent)?;
    if scale >= 0 {
        let scale = u32::try_from(scale).ok()?;
        return Decimal::try_from_i128_with_scale(mantissa.mantissa(), scale).ok();
    }
    let power = 10i128.checked_pow(scale.unsigned_abs())?;
    let units = mantissa.mantissa().checked_mul(power)?;
    Decimal::try_from_i128_with_scale(units, 0).ok()
}

/// Decimal whose shortest text is that of a binary number: 0.1 is 0.1. Parquet and CloudWatch have
/// amounts as doubles, made from decimals of at most 15 digits.
#[must_use]
pub fn of_double(value: f64) -> Option<Decimal> {
    value
        .is_finite()
        .then(|| amount(format!("{value:e}").as_bytes()))?
}

/// Sum, or `None` if it would have to be rounded.
#[must_use]
pub(crate) fn exact_sum(a: Decimal, b: Decimal) -> Option<Decimal> {
    let sum = a.checked_add(b)?;
    (sum.scale() >= a.scale().max(b.scale())).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::{amount, exact_sum, of_double};

    #[test]
    fn amounts_as_bills_print_them() {
        for (text, value) in [
            ("0.00000080000", Some("0.00000080000")),
            ("1.2E-7", Some("0.00000012")),
            ("2.5e3", Some("2500")),
            ("-4.00", Some("-4.00")),
            ("1,234.50", Some("1234.5")),
            ("$1,234", Some("1234")),
            ("(3.00)", Some("-3")),
            (" 7 ", Some("7")),
            ("0.000235520300000", Some("0.000235520300000")),
            (
                "123456789012345678901234.5",
                Some("123456789012345678901234.5"),
            ),
            ("12345678901234567890123456789012", None),
            ("1e400", None),
            ("1,23", None),
            ("NaN", None),
            ("-", None),
            (".", None),
            ("", None),
        ] {
            let read = amount(text.as_bytes()).map(|d| d.to_string());
            assert_eq!(read.as_deref(), value, "{text:?}");
        }
        assert_eq!(of_double(0.1), amount(b"0.1"));
        assert_eq!(of_double(1.2e-7), amount(b"0.00000012"));
        assert_eq!(of_double(f64::NAN), None);
    }

    #[test]
    fn a_sum_that_would_be_rounded_is_refused() {
        let (huge, tiny) = (
            amount(b"9999999999999999999999999999"),
            amount(b"0.0000000001"),
        );
        assert_eq!(huge.zip(tiny).and_then(|(a, b)| exact_sum(a, b)), None);
        let half = amount(b"0.5");
        assert_eq!(
            half.zip(half).and_then(|(a, b)| exact_sum(a, b)),
            amount(b"1.0")
        );
    }
}
