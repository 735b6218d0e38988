//! The carrier's text side, behind its ports, where it is switched on.

use std::sync::Arc;

use anyhow::Context;

use crate::config::{Company, Config, MessagingMode};
use crate::privacy::keyed::HashKey;
use crate::provider::public_url::PublicUrl;
use crate::provider::telnyx::{TelnyxMessageWebhooks, TelnyxMessaging, TelnyxMessagingConfig, Template};
use crate::provider::telnyx::{TelnyxSms, TelnyxSmsConfig};
use crate::provider::twilio::{ConversationsConfig, SenderMode, TwilioConversations, TwilioMessageWebhooks};
use crate::provider::twilio::{TwilioSms, TwilioSmsConfig};
use crate::provider::{Messaging, MessagingWebhooks, Sms};

/// What sends.
///
/// # Errors
/// When a setting that looked right does not hold.
pub(super) fn messaging(config: &Config, hash_key: &HashKey) -> anyhow::Result<Option<Arc<dyn Messaging>>> {
    let Some(texts) = &config.messaging else { return Ok(None) };
    let carrier = &config.carrier;
    Ok(Some(match carrier.company {
        Company::Twilio => {
            let mode = match &texts.mode {
                MessagingMode::Sandbox { code } => SenderMode::Sandbox { code: code.clone() },
                MessagingMode::Production => SenderMode::Production,
            };
            let conversations = TwilioConversations::new(ConversationsConfig {
                account_sid: carrier.account.clone(),
                auth_token: carrier.token.clone(),
                from: texts.number.clone(),
                mode,
                template: texts.template.clone(),
                conversations_url: texts.conversations_url.clone(),
            });
            Arc::new(conversations.context("the Conversations client")?)
        }
        Company::Telnyx { .. } => {
            let messaging = TelnyxMessaging::new(TelnyxMessagingConfig {
                api_key: carrier.token.clone(),
                from: texts.number.clone(),
                template: texts.template.as_deref().and_then(Template::parse),
                hash_key: hash_key.clone(),
                public_url: PublicUrl::parse(&config.public_url).context("CALLME_PUBLIC_URL")?,
                api_url: carrier.api_url.clone(),
            });
            Arc::new(messaging.context("the Telnyx messaging client")?)
        }
    }))
}

/// What sends by SMS, where that is allowed.
///
/// # Errors
/// When a setting that looked right does not hold.
pub(super) fn sms(config: &Config) -> anyhow::Result<Option<Arc<dyn Sms>>> {
    let Some(texts) = config.messaging.as_ref().filter(|texts| texts.sms) else { return Ok(None) };
    let carrier = &config.carrier;
    let public_url = PublicUrl::parse(&config.public_url).context("CALLME_PUBLIC_URL")?;
    Ok(Some(match carrier.company {
        Company::Twilio => {
            let sms = TwilioSms::new(TwilioSmsConfig {
                account_sid: carrier.account.clone(),
                auth_token: carrier.token.clone(),
                from: carrier.number.clone(),
                public_url,
                api_url: carrier.api_url.clone(),
            });
            Arc::new(sms.context("the SMS client")?)
        }
        Company::Telnyx { .. } => {
            let sms = TelnyxSms::new(TelnyxSmsConfig {
                api_key: carrier.token.clone(),
                from: carrier.number.clone(),
                profile: texts.profile.clone(),
                public_url,
                api_url: carrier.api_url.clone(),
            });
            Arc::new(sms.context("the Telnyx SMS client")?)
        }
    }))
}

/// What reads the webhooks.
pub(super) fn webhooks(config: &Config, hash_key: &HashKey) -> Option<Arc<dyn MessagingWebhooks>> {
    let texts = config.messaging.as_ref()?;
    let carrier = &config.carrier;
    let (sender, sms) = (texts.number.clone(), texts.sms.then(|| carrier.number.clone()));
    Some(match carrier.company {
        Company::Twilio => Arc::new(TwilioMessageWebhooks::new(carrier.account.clone(), sender, sms)),
        Company::Telnyx { .. } => {
            Arc::new(TelnyxMessageWebhooks::new(sender, sms, texts.profile.clone(), hash_key.clone()))
        }
    })
}
