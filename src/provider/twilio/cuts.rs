//! Whether a signed form has the fields that Twilio sent.
//!
//! Twilio signs names and values run together, with nothing between them. Whoever holds one signed form could cut the same text
//! into other fields: hide the name by which a message is known, so that it counts as a new one, or what makes a mere report of
//! a call, so that it asks for instructions. So the names that decide such things stand in a form as names, once, and nowhere
//! else.

/// What decides what a form is, and whether it was there before.
const TELLING: [&str; 5] = ["AnsweredBy", "CallStatus", "CallbackSource", "EventType", "MessageSid"];

/// Twilio's own names that have one of those in them.
const LONGER: [&str; 4] = ["ChannelMessageSid", "OriginalRepliedMessageSid", "ParentMessageSid", "SmsMessageSid"];

/// In their values anything may stand, above all what people write. In order they come before who wrote and in which conversation, and
/// could hide nothing without hiding that too.
const FREE: [&str; 5] = ["Attributes", "Body", "ButtonPayload", "ButtonText", "ChannelMetadata"];

/// Whether each telling name stands in its place. `form` is in the order in which it is signed.
pub(super) fn are_as_sent(form: &[&(String, String)]) -> bool {
    let text: String = form.iter().flat_map(|(name, value)| [name.as_str(), value]).collect();
    TELLING.iter().all(|telling| {
        form.iter().filter(|(name, _)| name == telling).count() <= 1
            && text.match_indices(telling).all(|(at, _)| is_in_its_place(form, at, telling))
    })
}

/// Whether the telling name that begins at `at` of the signed text is a name, or in a value where it means nothing.
fn is_in_its_place(form: &[&(String, String)], mut at: usize, telling: &str) -> bool {
    for (name, value) in form {
        if at < name.len() {
            return at + telling.len() <= name.len() && (name == telling || LONGER.contains(&name.as_str()));
        }
        at -= name.len();
        if at < value.len() {
            return at + telling.len() <= value.len() && FREE.contains(&name.as_str());
        }
        at -= value.len();
    }
    false
}

#[cfg(test)]
mod tests;
