//! What a message is to say, checked as Twilio checks it: a body, or a template with its variables.

use serde_json::{Map, Value};

use super::super::EmulatorConfig;
use super::super::form::{Form, field};
use super::super::rest::Refusal;
use super::super::timeline::TextForm;

/// The longest body and the longest variable, in characters.
const LONGEST: usize = 1600;

/// What a message says.
pub(super) struct Content {
    pub(super) form: TextForm,
    /// As the phone shows it.
    pub(super) words: String,
    /// The template.
    pub(super) sid: Option<String>,
}

impl Content {
    /// Reads a form. With a template, a body means nothing.
    pub(super) fn read(form: &Form, config: &EmulatorConfig) -> Result<Self, Refusal> {
        let bad = |code, message: &'static str| Err(Refusal::new(400, code, message));
        if let Some(sid) = field(form, "ContentSid") {
            // What Conversations itself sees is wrong has its codes, what the channel's side finds has others.
            let is_sid = sid.strip_prefix("HX").is_some_and(|hex| hex.len() == 32);
            if !is_sid {
                return bad(50526, "Invalid content SID");
            }
            if sid != config.template_sid {
                return bad(92006, "The Content Sid is Invalid");
            }
            let variables = serde_json::from_str(field(form, "ContentVariables").unwrap_or("{}"));
            let Ok(Value::Object(variables)) = variables else {
                return bad(50527, "Invalid content variables format");
            };
            let words = fill(&config.template_text, &variables);
            let words = words.ok_or_else(|| Refusal::new(400, 21656, "The ContentVariables Parameter is invalid"))?;
            return Ok(Self { form: TextForm::Template, words, sid: Some(sid.to_owned()) });
        }
        if field(form, "ContentVariables").is_some() {
            return bad(50528, "Content SID is missing");
        }
        match field(form, "Body") {
            None => bad(20001, "Body, MediaSid or ContentSid is required."),
            Some(body) if body.chars().count() > LONGEST => {
                bad(21617, "The concatenated message body exceeds the 1600 character limit")
            }
            Some(body) => Ok(Self { form: TextForm::Free, words: body.to_owned(), sid: None }),
        }
    }
}

/// A template's text with its variables in it: a string for each place, none of them empty, with a line break, a tab or
/// more than four spaces in a row.
pub(super) fn fill(template: &str, variables: &Map<String, Value>) -> Option<String> {
    let (mut words, mut rest, mut places) = (String::new(), template, 0);
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}")?;
        let value = variables.get(name)?.as_str()?;
        let is_bad = value.is_empty() || value.contains(['\n', '\r', '\t']) || value.contains("     ");
        if is_bad || value.chars().count() > LONGEST {
            return None;
        }
        words.extend([before, value]);
        (rest, places) = (after, places + 1);
    }
    words.push_str(rest);
    (places == variables.len()).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::form;

    #[test]
    fn what_cannot_be_sent_is_refused_with_twilios_code() {
        let config = EmulatorConfig::default();
        let template = config.template_sid.as_str();
        let (long, other) = ("é".repeat(1601), format!("HX{}", "0".repeat(32)));
        let cases = [
            (vec![], 20001),
            (vec![("Body", "")], 20001),
            (vec![("Body", long.as_str())], 21617),
            (vec![("ContentVariables", r#"{"1":"a"}"#)], 50528),
            (vec![("ContentSid", "HX1"), ("ContentVariables", r#"{"1":"a"}"#)], 50526),
            (vec![("ContentSid", other.as_str()), ("ContentVariables", r#"{"1":"a"}"#)], 92006),
            (vec![("ContentSid", template)], 21656),
            (vec![("ContentSid", template), ("ContentVariables", "a")], 50527),
            (vec![("ContentSid", template), ("ContentVariables", r#"{"1":1}"#)], 21656),
            (vec![("ContentSid", template), ("ContentVariables", r#"{"2":"a"}"#)], 21656),
            (vec![("ContentSid", template), ("ContentVariables", r#"{"1":""}"#)], 21656),
            (vec![("ContentSid", template), ("ContentVariables", r#"{"1":"a\nb"}"#)], 21656),
        ];
        for (fields, code) in cases {
            let form = form::of(fields.iter().map(|(name, value)| (*name, (*value).to_owned())));
            let refusal = Content::read(&form, &config).map(|content| content.words).expect_err("is refused");
            assert_eq!((refusal.status, refusal.code), (400, code), "{fields:?}");
        }
    }

    #[test]
    fn a_template_shows_its_variables_in_their_places_and_no_body() {
        let config = EmulatorConfig { template_text: "{{1}}, {{2}} asks.".to_owned(), ..Default::default() };
        let variables = r#"{"1":"{{2}}","2":"Bob"}"#;
        let fields = [("ContentSid", config.template_sid.as_str()), ("ContentVariables", variables), ("Body", "x")];
        let form = form::of(fields.map(|(name, value)| (name, value.to_owned())));
        let content = Content::read(&form, &config).map(|content| (content.form, content.words));
        assert_eq!(content, Ok((TextForm::Template, "{{2}}, Bob asks.".to_owned())));
    }
}
