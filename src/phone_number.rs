//! A phone number that cannot be written down by accident.

use std::fmt;

/// An E.164 number. It exists in memory only: it has no serialisation, and prints as its last two digits.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PhoneNumber(String);

/// The text was not an E.164 number. Does not repeat the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an E.164 phone number (+ and 7 to 15 digits, no spaces)")]
pub struct NotAPhoneNumber;

impl PhoneNumber {
    /// Reads `+` and 7 to 15 digits, the first not zero (ITU-T E.164).
    ///
    /// # Errors
    /// When the text has any other form.
    pub fn parse(text: &str) -> Result<Self, NotAPhoneNumber> {
        let digits = text.strip_prefix('+').ok_or(NotAPhoneNumber)?;
        let ok =
            (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
        ok.then(|| Self(text.to_owned())).ok_or(NotAPhoneNumber)
    }

    /// The number itself, for the carrier's wire and nothing else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+…{}", &self.0[self.0.len() - 2..])
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PhoneNumber({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_prints_masked_whichever_way_it_is_printed() {
        let number = PhoneNumber::parse("+393331234567").expect("a valid number");
        assert_eq!(format!("{number} {number:?} {number:#?}"), "+…67 PhoneNumber(+…67) PhoneNumber(+…67)");
        assert_eq!(number.reveal(), "+393331234567");
    }

    #[test]
    fn only_e164_is_a_number() {
        for text in
            ["", "+", "393331234567", "+0393331234", "+39 333 1234567", "+123456", "+1234567890123456", "+39a331234567"]
        {
            assert_eq!(PhoneNumber::parse(text), Err(NotAPhoneNumber), "{text:?}");
        }
    }
}
