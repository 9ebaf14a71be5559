//! Asking issuers and acting on the answers, as far as the user and the configuration allow.

use anyhow::Context as _;
use time::OffsetDateTime;

use super::args::Args;
use super::gather::Gathered;
use crate::config::Config;
use crate::egress::{Egress, EgressPolicy};
use crate::issuer::Issuers;
use crate::verify::{self, Observer, VerifyContext};

/// What may be asked and done in this run. Opened before the scan, so that a mistake in it costs no scan.
pub(super) struct Mandate {
    verify: Option<VerifyContext>,
}

impl Mandate {
    pub(super) fn prepare(args: &Args, config: &Config) -> anyhow::Result<Self> {
        if !args.online.verify && args.online.revoke.is_none() {
            return Ok(Self { verify: None });
        }
        let egress = Egress::new(EgressPolicy::from(config))?;
        let verify = VerifyContext::new(config, Issuers::new(config, egress.clone()), egress);
        Ok(Self { verify: Some(verify) })
    }

    /// Judges the findings: by what they say themselves, and by their issuers where that was asked for.
    pub(super) fn judge(&self, gathered: &mut Gathered) -> anyhow::Result<()> {
        let Some(context) = &self.verify else {
            verify::judge_offline(&mut gathered.findings, OffsetDateTime::now_utc());
            return Ok(());
        };
        let stop = gathered.stop.clone();
        let is_cancelled = || stop.load(std::sync::atomic::Ordering::Relaxed);
        let observer = Observer { progress: &|_, _| {}, is_cancelled: &is_cancelled };
        verify::verify_findings(&mut gathered.findings, context, &observer).context("cannot start the verification")
    }
}
