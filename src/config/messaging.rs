//! Messaging: where a question goes when nobody picks up. Nothing that is wrong here stops a call.

use std::num::NonZeroU32;
use std::time::Duration;

use super::carrier::is_sid;
use super::reader::Reader;
use super::variables::default_of;
use crate::domain::text::{AgentText, BadText, LONGEST_MESSAGE};
use crate::phone_number::PhoneNumber;
use crate::provider::telnyx::Template;

/// WhatsApp through the carrier's account.
#[derive(Clone, Debug)]
pub struct MessagingConfig {
    /// The WhatsApp sender: whom the person sees the messages come from.
    pub number: PhoneNumber,
    /// Whose sender that is.
    pub mode: MessagingMode,
    /// Twilio: the Conversations API's base URL, without a slash at the end.
    pub conversations_url: String,
    /// Telnyx: the messaging profile that the sender belongs to, where we were told.
    pub profile: Option<String>,
    /// The approved template for when the window is closed; its one variable is the question. At Twilio its Content SID (`HX…`),
    /// at Telnyx its name and language ([`Template::parse`] reads it).
    pub template: Option<String>,
    /// Whether SMS is the last resort; it goes out by the number that calls.
    pub sms: bool,
    /// What the person is told once on each channel, with the first message.
    pub privacy_notice: Option<AgentText>,
    /// How long a question stays open.
    pub open_question: Duration,
    /// Messages that agents may write in an hour; `None` is no limit.
    pub messages_per_hour: Option<NonZeroU32>,
}

/// Whose WhatsApp sender it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessagingMode {
    /// Twilio's, shared by all of its customers: only who has joined can be written to.
    Sandbox {
        /// What the person sends after the word `join`; `None` where nobody told us.
        code: Option<String>,
    },
    /// The account's own.
    Production,
}

const ENABLED: &str = "CALLME_WHATSAPP_ENABLED";
const MODE: &str = "CALLME_WHATSAPP_MODE";
const NUMBER: &str = "CALLME_WHATSAPP_PHONE_NUMBER";
const CODE: &str = "CALLME_WHATSAPP_SANDBOX_CODE";
const TEMPLATE: &str = "CALLME_WHATSAPP_TEMPLATE_SID";
const PROFILE: &str = "CALLME_TELNYX_MESSAGING_PROFILE_ID";
const CONVERSATIONS_URL: &str = "CALLME_TWILIO_CONVERSATIONS_URL";
const SMS: &str = "CALLME_WHATSAPP_FALLBACK_TO_SMS";
const NOTICE: &str = "CALLME_PRIVACY_NOTICE";

/// The sandbox's number, the same for every account.
const SANDBOX_NUMBER: &str = "+14155238886";

/// Reads what messaging needs; `None` where it is switched off, or cannot work as it is set.
///
/// A setting that messaging cannot do without switches it off. One that it can do without, such as the template, is
/// left out by itself.
///
/// `by_telnyx` says whether it goes by Telnyx, which has no sandbox, rather than by Twilio.
pub(super) fn read(reader: &mut Reader<'_>, by_telnyx: bool) -> Option<MessagingConfig> {
    let sms = reader.switch(SMS);
    if !reader.switch(ENABLED) {
        if sms {
            reader.warn(SMS, format!("has no effect while WhatsApp is off; set {ENABLED}=true"));
        }
        return None;
    }
    // All of them are read before the first that is missing counts: every problem is told at once.
    let mode = if by_telnyx { Some(MessagingMode::Production) } else { mode(reader) };
    let number = number(reader, mode.as_ref());
    let template = template(reader, mode.as_ref(), by_telnyx);
    let profile = if by_telnyx { profile(reader) } else { None };
    let conversations_url = match reader.url_or_why(CONVERSATIONS_URL, &["https", "http"]) {
        Ok(url) => Some(url),
        Err(why) => off(reader, CONVERSATIONS_URL, &why),
    };
    let privacy_notice = privacy_notice(reader);
    let open_question = reader.hours("CALLME_OPEN_QUESTION_HOURS", 1..=720);
    let messages_per_hour =
        reader.most("CALLME_MAX_MESSAGES_PER_HOUR", "an agent that runs away can write without end");
    Some(MessagingConfig {
        number: number?,
        mode: mode?,
        conversations_url: conversations_url?,
        profile,
        template,
        sms,
        privacy_notice: privacy_notice?,
        open_question,
        messages_per_hour,
    })
}

/// Warns that messaging is off because of a variable, and gives the nothing that is left of it.
fn off<T>(reader: &mut Reader<'_>, variable: &'static str, why: &str) -> Option<T> {
    reader.warn(variable, format!("{why}; WhatsApp stays off until then"));
    None
}

fn mode(reader: &mut Reader<'_>) -> Option<MessagingMode> {
    let mode = reader.text(MODE).unwrap_or_else(|| default_of(MODE).to_owned());
    match mode.to_ascii_lowercase().as_str() {
        "sandbox" => Some(MessagingMode::Sandbox { code: code(reader) }),
        "production" => Some(MessagingMode::Production),
        _ => off(reader, MODE, "is neither sandbox nor production; set it to one of them"),
    }
}

fn number(reader: &mut Reader<'_>, mode: Option<&MessagingMode>) -> Option<PhoneNumber> {
    let Some(value) = reader.text(NUMBER) else {
        return match mode? {
            MessagingMode::Sandbox { .. } => {
                Some(PhoneNumber::parse(SANDBOX_NUMBER).expect("Twilio's own number is E.164"))
            }
            MessagingMode::Production => {
                off(reader, NUMBER, "is not set; set it to the number of your WhatsApp sender")
            }
        };
    };
    // Twilio's console shows it with the prefix.
    let number = value.strip_prefix("whatsapp:").unwrap_or(&value);
    match PhoneNumber::parse(number) {
        Ok(number) => Some(number),
        Err(why) => off(reader, NUMBER, &format!("is {why}; write it with its country code")),
    }
}

/// The two words, as the person sends them after `join`.
fn code(reader: &mut Reader<'_>) -> Option<String> {
    let remedy =
        "agents cannot tell the person how to join; copy the two words that follow \"join\" in the Twilio console";
    let Some(value) = reader.text(CODE) else {
        reader.warn(CODE, format!("is not set: {remedy}"));
        return None;
    };
    let mut words: Vec<&str> =
        value.split(|c: char| c == '-' || c.is_whitespace()).filter(|word| !word.is_empty()).collect();
    if words.len() == 3 && words[0].eq_ignore_ascii_case("join") {
        words.remove(0);
    }
    if words.len() == 2 && words.iter().all(|word| word.chars().all(char::is_alphanumeric)) {
        return Some(words.join("-"));
    }
    reader.warn(CODE, format!("is not two words, so {remedy}"));
    None
}

/// The profile's id, a UUID.
fn profile(reader: &mut Reader<'_>) -> Option<String> {
    let id = reader.text(PROFILE)?;
    if id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Some(id);
    }
    reader.warn(
        PROFILE,
        "is not an id, and is left out; copy the messaging profile's id from the Telnyx portal".to_owned(),
    );
    None
}

fn template(reader: &mut Reader<'_>, mode: Option<&MessagingMode>, by_telnyx: bool) -> Option<String> {
    let (form, what) = if by_telnyx {
        ("a template's name, alone or with a colon and its language", "name and language (name:en_US)")
    } else {
        ("HX and 32 hexadecimal digits", "Content SID (HX…)")
    };
    let remedy = format!(
        "a message that begins outside WhatsApp's 24 hours is refused; set it to the {what} of an approved template whose one \
         variable is the question"
    );
    match reader.text(TEMPLATE) {
        Some(template) if by_telnyx && Template::parse(&template).is_some() => return Some(template),
        Some(template) if !by_telnyx && is_sid("HX", &template) => return Some(template),
        Some(_) => reader.warn(TEMPLATE, format!("is not {form}, so {remedy}")),
        None if mode == Some(&MessagingMode::Production) => reader.warn(TEMPLATE, format!("is not set: {remedy}")),
        None => {}
    }
    None
}

/// The notice, where there is one; outer `None` where there is one that cannot be sent: without it, nothing may be.
#[expect(clippy::option_option, reason = "unset is fine, unusable switches messaging off")]
fn privacy_notice(reader: &mut Reader<'_>) -> Option<Option<AgentText>> {
    let Some(value) = reader.text(NOTICE) else { return Some(None) };
    match AgentText::parse(&value) {
        Ok(notice) => Some(Some(notice)),
        Err(BadText::Empty) => off(reader, NOTICE, "has nothing that can be read; correct it or remove it"),
        Err(BadText::TooLong(length)) => {
            off(reader, NOTICE, &format!("has {length} characters; shorten it to {LONGEST_MESSAGE} at most"))
        }
    }
}
