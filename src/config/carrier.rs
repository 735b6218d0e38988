//! The carrier's account.

use secrecy::SecretString;

use super::reader::Reader;
use crate::phone_number::PhoneNumber;
use crate::provider::telnyx::PublicKey;

/// The carrier's account.
#[derive(Clone, Debug)]
pub struct CarrierConfig {
    /// The account's id at Twilio (`AC…`), the connection's at Telnyx.
    pub account: String,
    /// Twilio's primary auth token, which also signs the webhooks; Telnyx's API key.
    pub token: SecretString,
    /// The number calls come from.
    pub number: PhoneNumber,
    /// The REST API's base URL, without a slash at the end.
    pub api_url: String,
    /// Whose account it is, and what only that one has.
    pub company: Company,
}

/// A carrier.
#[derive(Clone, Debug)]
pub enum Company {
    /// Twilio.
    Twilio,
    /// Telnyx.
    Telnyx {
        /// What its webhooks are signed for.
        public_key: PublicKey,
    },
}

/// The carriers by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    Twilio,
    Telnyx,
}

/// Reads the account; `None` where something is missing that no call can be made without.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<CarrierConfig> {
    let account = reader.text("CALLME_PHONE_ACCOUNT_SID");
    let name = name(reader, account.as_deref());
    let [its_id, its_token, its_url] = match name {
        Name::Twilio => [
            "copy the Account SID from the Twilio console (AC…); for Telnyx, set CALLME_PHONE_PROVIDER and the \
             connection's id",
            "copy the primary Auth Token from the Twilio console",
            "CALLME_TWILIO_API_URL",
        ],
        Name::Telnyx => [
            "copy the id of the Voice API application (the connection) from the Telnyx portal",
            "copy an API key from the Telnyx portal (KEY…)",
            "CALLME_TELNYX_API_URL",
        ],
    };
    let account = reader.required("CALLME_PHONE_ACCOUNT_SID", its_id);
    if let Some(account) = &account {
        if name == Name::Twilio && !is_sid("AC", account) {
            reader.warn("CALLME_PHONE_ACCOUNT_SID", "is not AC and 32 hexadecimal digits, as Twilio's are".to_owned());
        }
        // The id becomes a part of a URL's path.
        if !account.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let text = "has characters other than letters and digits; copy it again";
            reader.fatal("CALLME_PHONE_ACCOUNT_SID", text.to_owned());
        }
    }
    let token = reader.secret("CALLME_PHONE_AUTH_TOKEN", its_token);
    let number = reader.phone_number("CALLME_PHONE_NUMBER", "it is the number that calls come from");
    let company = match name {
        Name::Twilio => Some(Company::Twilio),
        Name::Telnyx => public_key(reader).map(|public_key| Company::Telnyx { public_key }),
    };
    let api_url = reader.url(its_url, &["https", "http"]);
    Some(CarrierConfig { account: account?, token: token?, number: number?, api_url: api_url?, company: company? })
}

/// The carrier that is named, else the one whose ids look like this one; Twilio where there is none.
fn name(reader: &mut Reader<'_>, account: Option<&str>) -> Name {
    let likely = if account.is_none_or(|account| is_sid("AC", account)) { Name::Twilio } else { Name::Telnyx };
    match reader.text("CALLME_PHONE_PROVIDER").map(|name| name.to_ascii_lowercase()).as_deref() {
        Some("twilio") => Name::Twilio,
        Some("telnyx") => Name::Telnyx,
        Some(_) => {
            reader.fatal("CALLME_PHONE_PROVIDER", "is neither twilio nor telnyx; set it to one of them".to_owned());
            likely
        }
        None => likely,
    }
}

fn public_key(reader: &mut Reader<'_>) -> Option<PublicKey> {
    let remedy = "without it nobody can tell Telnyx's webhooks from forged ones; copy the public key from the Telnyx \
                  portal (Keys & Credentials). With a Twilio account, check CALLME_PHONE_ACCOUNT_SID (AC…)";
    let text = reader.required("CALLME_TELNYX_PUBLIC_KEY", remedy)?;
    match PublicKey::parse(&text) {
        Ok(key) => Some(key),
        Err(why) => {
            reader.fatal("CALLME_TELNYX_PUBLIC_KEY", format!("is {why}; copy it again"));
            None
        }
    }
}

/// Twilio's ids: two letters for the kind, and 32 hexadecimal digits.
pub(super) fn is_sid(kind: &str, text: &str) -> bool {
    text.strip_prefix(kind).is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
