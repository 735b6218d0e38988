//! Finds what must not have been written, in whichever usual way it was written.

/// What must not be found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scanner {
    /// National parts of phone numbers, digits only.
    numbers: Vec<String>,
    /// Keys, tokens, signatures, byte for byte.
    secrets: Vec<String>,
    /// Words of messages, in lower case.
    words: Vec<String>,
}

impl Scanner {
    /// Looks for E.164 numbers, with and without their country code (of one or two digits), and for secrets.
    pub(crate) fn new(numbers: &[&str], secrets: &[&str]) -> Self {
        let national = |number: &&str| number.trim_start_matches('+').chars().skip(2).collect();
        let secrets = secrets.iter().map(|secret| (*secret).to_owned()).collect();
        Self { numbers: numbers.iter().map(national).collect(), secrets, words: Vec::new() }
    }

    /// Looks for these as well.
    pub(crate) fn with_secrets(mut self, secrets: &[&str]) -> Self {
        self.secrets.extend(secrets.iter().map(|secret| (*secret).to_owned()));
        self
    }

    /// Looks for the long words of these messages as well.
    pub(crate) fn with_words(mut self, messages: &[&str]) -> Self {
        let long = |word: &&str| word.chars().count() >= 7;
        let words = messages.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric()).filter(long));
        self.words.extend(words.map(str::to_lowercase));
        self
    }

    /// What was found; empty when nothing leaked.
    pub(crate) fn leaks(&self, text: &str) -> Vec<String> {
        let plain = percent_decoded(text);
        let (digits, small) = (numbers_of(&plain), plain.to_lowercase());
        let mut found: Vec<String> = Vec::new();
        let mut note = |what: &str, which: &str| found.push(format!("{what} {which:?} in {text:?}"));
        for number in self.numbers.iter().filter(|number| digits.iter().any(|run| run.contains(*number))) {
            note("the number", number);
        }
        for secret in self.secrets.iter().filter(|secret| text.contains(*secret) || plain.contains(*secret)) {
            note("the secret", secret);
        }
        for word in self.words.iter().filter(|word| small.contains(*word)) {
            note("the word", word);
        }
        for token in runs(&plain, |c| c.is_ascii_hexdigit()).filter(|run| run.len() >= 64) {
            note("a media token", token);
        }
        let base64 = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c);
        for signature in runs(&plain, base64).filter(|run| run.len() == 28 && run.ends_with('=')) {
            note("a signature", signature);
        }
        for number in
            runs(&plain, |c| c.is_ascii_digit() || c == '+').filter(|run| run.starts_with('+') && run.len() > 7)
        {
            note("a number", number);
        }
        found
    }

    /// Panics where something leaked.
    #[track_caller]
    pub(crate) fn check(&self, what: &str, text: &str) {
        let leaks: Vec<String> = text.lines().flat_map(|line| self.leaks(line)).collect();
        assert!(leaks.is_empty(), "{what}:\n{}", leaks.join("\n"));
    }
}

/// Digits that one written number could consist of: with up to four characters of punctuation between two of them.
fn numbers_of(text: &str) -> Vec<String> {
    let (mut found, mut run, mut gap) = (Vec::new(), String::new(), 0);
    for c in text.chars() {
        if c.is_ascii_digit() {
            run.push(c);
            gap = 0;
        } else {
            gap += 1;
            if c.is_alphanumeric() || gap > 4 {
                found.push(std::mem::take(&mut run));
            }
        }
    }
    found.push(run);
    found
}

fn runs(text: &str, belongs: impl Fn(char) -> bool) -> impl Iterator<Item = &str> {
    text.split(move |c| !belongs(c))
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let code = bytes.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        let decoded = code.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        out.push(decoded.unwrap_or(bytes[at]));
        at += if decoded.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[test]
fn every_usual_way_to_write_it_is_found() {
    let scanner =
        Scanner::new(&["+393331234567"], &["a-key/with+signs"]).with_words(&["Shall I restart the xylophone?"]);
    for leak in [
        "call +393331234567 now",
        "to=%2B393331234567&x",
        "to: 00393331234567",
        "(333) 123-4567",
        "+39 333 123 45 67",
        "333.123.4567",
        "333\u{a0}123\u{a0}4567",
        "{\"to\":\"393331234567\"}",
        "whatsapp:+393331234567",
        "%2B39%20333%20123%204567",
        "Bearer a-key/with+signs",
        "a-key%2Fwith%2Bsigns",
        "the XYLOPHONE plays",
        "some other +4915112345678",
        "token 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "X-Twilio-Signature: RSOYDt4T1cUTdK1PDd93/VVr8B8=",
    ] {
        assert_eq!(scanner.leaks(leak).len().min(1), 1, "{leak}");
    }
    for fine in [
        "to +…67",
        "call call-1-1790000000000 ended: answered, by agent",
        "CA0123456789abcdef0123456789abcdef",
        "2026-11-21T10:00:00.333123Z 4567 ms",
        "POST /api/call/{id}/continue -> 200 OK request=3f2b8c1e-0000-4000-8000-3331a2345678",
        "a rest is due",
    ] {
        assert_eq!(scanner.leaks(fine), [""; 0], "{fine}");
    }
}
