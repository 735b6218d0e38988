//! The carrier that is configured, behind its ports.

use std::sync::Arc;

use anyhow::Context;

use crate::clock::Clock;
use crate::config::{CarrierConfig, Company};
use crate::provider::public_url::PublicUrl;
use crate::provider::telnyx::{self, Telnyx, TelnyxConfig, TelnyxWebhooks};
use crate::provider::twilio::{self, Twilio, TwilioConfig, TwilioWebhooks};
use crate::provider::{CallCommands, Carrier, CarrierWebhooks, MediaWire};

/// A carrier's calls, from all sides.
pub(super) struct CarrierParts {
    pub(super) carrier: Arc<dyn Carrier>,
    /// Where it is told by command what to do with a call.
    pub(super) commands: Option<Arc<dyn CallCommands>>,
    pub(super) webhooks: Arc<dyn CarrierWebhooks>,
    pub(super) wire: Arc<dyn MediaWire>,
}

/// Makes them.
///
/// # Errors
/// When a setting that looked right does not hold.
pub(super) fn carrier(
    config: &CarrierConfig,
    public_url: PublicUrl,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<CarrierParts> {
    let CarrierConfig { account, token, number, api_url, company } = config.clone();
    Ok(match company {
        Company::Twilio => {
            let webhooks = Arc::new(TwilioWebhooks::new(account.clone(), &token, public_url.clone()));
            let config = TwilioConfig { account_sid: account, auth_token: token, from: number, public_url, api_url };
            let carrier = Arc::new(Twilio::new(config).context("the Twilio client")?);
            CarrierParts { carrier, commands: None, webhooks, wire: Arc::new(twilio::MediaStreams) }
        }
        Company::Telnyx { public_key } => {
            let webhooks = Arc::new(TelnyxWebhooks::new(account.clone(), public_key, Arc::clone(clock)));
            let config = TelnyxConfig { connection_id: account, api_key: token, from: number, public_url, api_url };
            let carrier = Arc::new(Telnyx::new(config).context("the Telnyx client")?);
            let commands = Some(Arc::clone(&carrier) as Arc<dyn CallCommands>);
            CarrierParts { carrier, commands, webhooks, wire: Arc::new(telnyx::MediaStreams) }
        }
    })
}
