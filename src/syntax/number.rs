//! Numbers as KDL 2 writes them: what is one, and what it is worth.

/// Returns whether `text` is a decimal, hexadecimal, octal or binary number.
pub(crate) fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    for (prefix, radix) in RADIXES {
        if let Some(digits) = digits.strip_prefix(prefix) {
            return is_run(digits, radix);
        }
    }
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (digits, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    is_run(whole, 10)
        && fraction.is_none_or(|fraction| is_run(fraction, 10))
        && exponent.is_none_or(|exponent| is_run(exponent.strip_prefix(['+', '-']).unwrap_or(exponent), 10))
}

const RADIXES: [(&str, u32); 3] = [("0x", 16), ("0o", 8), ("0b", 2)];

/// A digit, then digits and underscores.
fn is_run(text: &str, radix: u32) -> bool {
    let mut bytes = text.bytes().map(|byte| (byte, char::from(byte).is_digit(radix)));
    bytes.next().is_some_and(|(_, digit)| digit) && bytes.all(|(byte, digit)| digit || byte == b'_')
}

/// Returns the integer that a number was written as: `0x10` is 16, `1_000` is 1000.
///
/// `None` when it has a fraction or an exponent, is `#inf`, `#-inf` or `#nan`, or does not fit.
pub fn integer(written: &str) -> Option<i128> {
    let (negative, digits) = match written.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, written.strip_prefix('+').unwrap_or(written)),
    };
    let found = RADIXES.iter().find_map(|(prefix, radix)| Some((digits.strip_prefix(prefix)?, *radix)));
    let (digits, radix) = found.unwrap_or((digits, 10));
    if !is_run(digits, radix) {
        return None;
    }
    let digits: String = digits.chars().filter(|&c| c != '_').collect();
    let magnitude = i128::from_str_radix(&digits, radix).ok()?;
    Some(if negative { -magnitude } else { magnitude })
}

/// Returns the nearest floating-point number to what was written.
pub fn float(written: &str) -> f64 {
    match written {
        "#inf" => return f64::INFINITY,
        "#-inf" => return f64::NEG_INFINITY,
        "#nan" => return f64::NAN,
        _ => {}
    }
    if let Some(integer) = integer(written) {
        return integer as f64;
    }
    let digits: String = written.chars().filter(|&c| c != '_').collect();
    digits.parse().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_from_what_only_starts_like_one() {
        for text in ["0", "-1", "+1_000", "3.10", "1e10", "1.0E-1_0", "0xABC_def", "0o17", "0b1_"] {
            assert!(is_number(text), "{text}");
        }
        for text in
            ["", "-", "10s", "1.", ".5", "1._5", "1.0.0", "1e", "0x", "0x_1", "0o8", "0b2", "1e1e1", "0X1"]
        {
            assert!(!is_number(text), "{text}");
        }
    }

    #[test]
    fn a_number_is_worth_what_it_says() {
        assert_eq!(integer("-0x1_0"), Some(-16));
        assert_eq!(integer("1_000"), Some(1000));
        assert_eq!(integer("1.0"), None);
        assert_eq!(integer("#inf"), None);
        assert_eq!(float("1_0.5e1"), 105.0);
        assert_eq!(float("#-inf"), f64::NEG_INFINITY);
        assert_eq!(float("0b11"), 3.0);
    }
}
