//! The carrier's account.

use secrecy::SecretString;

use super::reader::Reader;
use crate::phone_number::PhoneNumber;

/// The carrier's account. Twilio is the only carrier so far.
#[derive(Clone, Debug)]
pub struct CarrierConfig {
    /// The account's id (`AC…`).
    pub account: String,
    /// The account's primary auth token: it also signs the webhooks.
    pub token: SecretString,
    /// The number calls come from.
    pub number: PhoneNumber,
    /// The REST API's base URL, without a slash at the end.
    pub api_url: String,
}

/// Reads the account; `None` where something is missing that no call can be made without.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<CarrierConfig> {
    let named = reader.text("CALLME_PHONE_PROVIDER").map(|name| name.to_ascii_lowercase());
    let account = reader.required("CALLME_PHONE_ACCOUNT_SID", "copy the Account SID from the Twilio console (AC…)");
    let looks_like_twilio = account.as_deref().is_none_or(|account| is_sid("AC", account));
    let is_named_telnyx = named.as_deref() == Some("telnyx");
    match named.as_deref() {
        Some("twilio") if !looks_like_twilio => {
            reader.warn("CALLME_PHONE_ACCOUNT_SID", "is not AC and 32 hexadecimal digits, as Twilio's are".to_owned());
        }
        Some("twilio") => {}
        Some("telnyx") => reader.fatal(
            "CALLME_PHONE_PROVIDER",
            "asks for Telnyx, which is not in this version yet; set it to twilio and give a Twilio account".to_owned(),
        ),
        Some(_) => reader.fatal("CALLME_PHONE_PROVIDER", "is neither twilio nor telnyx; set it to twilio".to_owned()),
        None if !looks_like_twilio => reader.fatal(
            "CALLME_PHONE_ACCOUNT_SID",
            "is not AC and 32 hexadecimal digits, so it is taken for a Telnyx account, and Telnyx is not in this version \
             yet; give a Twilio Account SID, or set CALLME_PHONE_PROVIDER=twilio"
                .to_owned(),
        ),
        None => {}
    }
    // The id becomes a part of a URL's path.
    if let Some(account) = &account
        && !is_named_telnyx
        && !account.bytes().all(|byte| byte.is_ascii_alphanumeric())
    {
        reader.fatal(
            "CALLME_PHONE_ACCOUNT_SID",
            "has characters other than letters and digits; copy it again".to_owned(),
        );
    }
    let token = reader.secret("CALLME_PHONE_AUTH_TOKEN", "copy the primary Auth Token from the Twilio console");
    let number = reader.phone_number("CALLME_PHONE_NUMBER", "it is the number that calls come from");
    let api_url = reader.url("CALLME_TWILIO_API_URL", &["https", "http"]);
    Some(CarrierConfig { account: account?, token: token?, number: number?, api_url: api_url? })
}

/// Twilio's ids: two letters for the kind, and 32 hexadecimal digits.
pub(super) fn is_sid(kind: &str, text: &str) -> bool {
    text.strip_prefix(kind).is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
