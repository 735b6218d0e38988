//! The instructions a server gives: the few verbs a bridged call needs.

use std::collections::VecDeque;
use std::time::Duration;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// One instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    /// `<Connect><Stream>`.
    Stream {
        url: String,
        /// `<Parameter>`s, in order.
        parameters: Vec<(String, String)>,
        status_callback: Option<String>,
    },
    Redirect(String),
    Pause(Duration),
    Hangup,
    Reject,
}

impl Verb {
    /// Its name, for the timeline.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Stream { .. } => "Stream",
            Self::Redirect(_) => "Redirect",
            Self::Pause(_) => "Pause",
            Self::Hangup => "Hangup",
            Self::Reject => "Reject",
        }
    }
}

/// Reads a document; the error says in words what is wrong with it.
pub(super) fn parse(text: &str) -> Result<VecDeque<Verb>, String> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().trim_text(true);
    let mut verbs = VecDeque::new();
    let mut path: Vec<String> = Vec::new();
    let mut url = String::new();
    loop {
        let event = reader.read_event().map_err(|e| format!("12100 the document is not XML: {e}"))?;
        match event {
            Event::Start(start) => {
                open(&start, &path, &mut verbs)?;
                path.push(name(&start));
            }
            Event::Empty(start) => open(&start, &path, &mut verbs)?,
            Event::Text(part) if path.last().is_some_and(|p| p == "Redirect") => {
                url.push_str(&part.decode().map_err(|e| e.to_string())?);
            }
            Event::GeneralRef(part) if path.last().is_some_and(|p| p == "Redirect") => {
                let entity = part.decode().map_err(|e| e.to_string())?;
                let resolved = quick_xml::escape::resolve_xml_entity(&entity);
                url.push_str(resolved.ok_or_else(|| format!("12100 unknown entity {entity}"))?);
            }
            // The pop is wanted whatever the name is.
            Event::End(_) if path.pop().is_some_and(|p| p == "Redirect") => {
                verbs.push_back(Verb::Redirect(std::mem::take(&mut url)));
            }
            Event::Eof => break,
            _ => {}
        }
    }
    if path.is_empty() { Ok(verbs) } else { Err("12100 the document ends too early".to_owned()) }
}

fn open(start: &BytesStart<'_>, path: &[String], verbs: &mut VecDeque<Verb>) -> Result<(), String> {
    let attribute = |wanted: &str| -> Result<Option<String>, String> {
        let found = start.try_get_attribute(wanted).map_err(|e| format!("12100 {e}"))?;
        found
            .map(|a| a.unescape_value().map(std::borrow::Cow::into_owned).map_err(|e| format!("12100 {e}")))
            .transpose()
    };
    let inside: Vec<&str> = path.iter().map(String::as_str).collect();
    match (inside.as_slice(), name(start).as_str()) {
        ([], "Response") | (["Response"], "Connect" | "Redirect") => {}
        (["Response", "Connect"], "Stream") => {
            let url = attribute("url")?.ok_or("31923 a Stream without url")?;
            let status_callback = attribute("statusCallback")?;
            verbs.push_back(Verb::Stream { url, parameters: Vec::new(), status_callback });
        }
        (["Response", "Connect", "Stream"], "Parameter") => {
            let pair = (attribute("name")?.unwrap_or_default(), attribute("value")?.unwrap_or_default());
            if pair.0.len() + pair.1.len() >= 500 {
                return Err("31924 a Parameter of 500 characters or more".to_owned());
            }
            if let Some(Verb::Stream { parameters, .. }) = verbs.back_mut() {
                parameters.push(pair);
            }
        }
        (["Response"], "Hangup") => verbs.push_back(Verb::Hangup),
        (["Response"], "Reject") => verbs.push_back(Verb::Reject),
        (["Response"], "Pause") => {
            let seconds = attribute("length")?.and_then(|l| l.parse().ok()).unwrap_or(1);
            verbs.push_back(Verb::Pause(Duration::from_secs(seconds)));
        }
        (_, other) => return Err(format!("12200 the emulator does not know <{other}> there")),
    }
    Ok(())
}

fn name(start: &BytesStart<'_>) -> String {
    String::from_utf8_lossy(start.name().as_ref()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_with_parameters_and_what_follows_it_is_read() {
        let text = r#"<?xml version="1.0" encoding="UTF-8"?>
            <Response><Connect><Stream url="wss://a.example/media/t&amp;1"><Parameter name="k" value="a&lt;b"/></Stream></Connect>
            <Redirect method="POST">https://a.example/twiml?s=1&amp;again=1</Redirect><Hangup/></Response>"#;
        let stream = Verb::Stream {
            url: "wss://a.example/media/t&1".to_owned(),
            parameters: vec![("k".to_owned(), "a<b".to_owned())],
            status_callback: None,
        };
        let redirect = Verb::Redirect("https://a.example/twiml?s=1&again=1".to_owned());
        assert_eq!(parse(text).unwrap(), [stream, redirect, Verb::Hangup]);
        assert_eq!(parse("<Response/>").unwrap(), []);
    }

    #[test]
    fn a_document_that_twilio_would_refuse_is_refused() {
        let cases = [
            "<Response><Connect>",
            "<Response><Say>x</Say></Response>",
            "<Response><Stream url='x'/></Response>",
            "<a></b>",
        ];
        for text in cases {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
