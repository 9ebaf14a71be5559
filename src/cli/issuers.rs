//! `rescind issuers`: whom the configuration trusts, and whether they can be asked.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Subcommand;
use serde::Serialize;

use super::exit::{Exit, Hint};
use super::{CommandResult, Global, ListFormat as Format, logging};
use crate::config::environment::Environment;
use crate::config::{Config, Issuer, KnownIssuer, Zone};
use crate::egress::{Egress, EgressPolicy};
use crate::finding::{escape, provider_of_issuer};
use crate::issuer::{Endpoint, Issuers};
use crate::provider::Providers;
use crate::rules::RuleSet;

/// The endpoints of an issuer, in the order to tell them.
const ENDPOINTS: [Endpoint; 5] =
    [Endpoint::Token, Endpoint::Introspection, Endpoint::Revocation, Endpoint::KeySet, Endpoint::UserInfo];

/// List the issuers and instances that the configuration trusts, and check whether they can be asked
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,

    /// Load rules from a file or a directory of `.toml` files as well: their providers may have instances (can be repeated)
    #[arg(long, value_name = "PATH", global = true)]
    rules: Vec<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// List the issuers, instances and providers that may be asked; asks nobody
    List {
        /// List the issuers that the program knows instead: their key sets are fetched where a token names them, and nothing is
        /// sent to them; `{}` stands for the name of a tenant
        #[arg(long)]
        known: bool,
        /// Choose the form of the list
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Fetch what issuers publish about themselves, and tell what can be asked of them; sends nothing secret
    Check {
        /// Identifiers of issuers, such as https://login.example.com; without any, all of the configuration
        #[arg(value_name = "ISSUER")]
        issuers: Vec<String>,
        /// Allow connections to a loopback or private address, as HOST:PORT (can be repeated)
        #[arg(long, value_name = "HOST:PORT")]
        allow_host: Vec<String>,
        /// Choose the form of the answer
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
}

pub(crate) fn run(args: &Args, global: &Global) -> CommandResult {
    let environment = Environment::of_process();
    logging::start(global.verbose, &environment)?;
    let mut config = Config::load(global.config.as_deref(), &environment)?;
    config.check_instances(&RuleSet::load(&args.rules)?)?;
    match &args.command {
        Command::List { known: true, format } => list_known(&config, *format),
        Command::List { known: false, format } => list(&config, *format),
        Command::Check { issuers, allow_host, format } => {
            for host in allow_host {
                config.allow_host(host)?;
            }
            check(&mut config, issuers, *format)
        }
    }
}

/// What may be asked where.
#[derive(Serialize)]
struct Trusted<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<&'a str>,
    url: String,
    zone: &'static str,
    verify: bool,
    revoke: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    /// How its clients are administered.
    #[serde(skip_serializing_if = "Option::is_none")]
    administration: Option<&'static str>,
}

/// An issuer that the program knows.
#[derive(Serialize)]
struct Known {
    provider: &'static str,
    issuer: &'static str,
    /// Whether the configuration lets its provider be asked.
    may_fetch: bool,
}

fn list_known(config: &Config, format: Format) -> CommandResult {
    let providers = Providers::from(config);
    let known = KnownIssuer::patterns().filter_map(|issuer| {
        let provider = provider_of_issuer(issuer)?;
        Some(Known { provider, issuer, may_fetch: providers.may_fetch_from(provider) })
    });
    let known: Vec<Known> = known.collect();
    let mut out = anstream::stdout().lock();
    match format {
        Format::Json => {
            serde_json::to_writer_pretty(&mut out, &known)?;
            writeln!(out)?;
        }
        Format::Text => {
            for Known { provider, issuer, may_fetch } in &known {
                let switched_off = if *may_fetch { "" } else { "  (not among `providers`)" };
                writeln!(out, "{provider:12} {issuer}{switched_off}")?;
            }
        }
    }
    Ok(Exit::Clean)
}

fn list(config: &Config, format: Format) -> CommandResult {
    let issuers: Vec<Trusted<'_>> = config.issuers.iter().map(|issuer| Trusted::issuer(issuer)).collect();
    let instances = config.instances.iter().map(|instance| Trusted {
        provider: Some(&instance.provider),
        url: instance.url.to_string(),
        zone: zone(instance.zone),
        verify: instance.verify,
        revoke: instance.revoke,
        client_id: None,
        administration: None,
    });
    let instances: Vec<Trusted<'_>> = instances.collect();
    let mut out = anstream::stdout().lock();
    match format {
        Format::Json => {
            let document = serde_json::json!({
                "issuers": issuers,
                "instances": instances,
                "providers": config.providers,
                "revoke_providers": config.revoke_providers,
            });
            serde_json::to_writer_pretty(&mut out, &document)?;
            writeln!(out)?;
        }
        Format::Text => {
            for trusted in issuers.iter().chain(&instances) {
                writeln!(out, "{}", trusted.line())?;
            }
            let providers = match &config.providers {
                None => "all of the program".to_owned(),
                Some(none) if none.is_empty() => "none".to_owned(),
                Some(some) => some.join(", "),
            };
            writeln!(out, "providers that may be asked where their rules say: {providers}")?;
            let owned = config.revoke_providers.join(", ");
            writeln!(out, "providers to revoke at: {}", if owned.is_empty() { "none" } else { &owned })?;
        }
    }
    Ok(Exit::Clean)
}

impl<'a> Trusted<'a> {
    fn issuer(issuer: &'a Issuer) -> Self {
        Self {
            provider: None,
            url: issuer.issuer.clone(),
            zone: zone(issuer.zone),
            verify: issuer.verify,
            revoke: issuer.revoke,
            client_id: issuer.credentials.as_ref().map(|own| own.client_id.as_str()),
            administration: issuer.administration.as_ref().map(|own| own.interface.as_str()),
        }
    }

    fn line(&self) -> String {
        let what = self.provider.map_or_else(|| "issuer".to_owned(), |provider| format!("instance of {provider}"));
        let may = match (self.verify, self.revoke) {
            (true, true) => "verify and revoke",
            (true, false) => "verify",
            (false, true) => "revoke",
            (false, false) => "nothing",
        };
        let client = self.client_id.map(|id| format!(", as client {}", escape(id.as_bytes()))).unwrap_or_default();
        let clients = self.administration.map(|kind| format!(", administer clients by {kind}")).unwrap_or_default();
        format!("{what} {}: {may}{client}{clients} ({} zone)", escape(self.url.as_bytes()), self.zone)
    }
}

fn zone(zone: Zone) -> &'static str {
    match zone {
        Zone::Public => "public",
        Zone::Internal => "internal",
        Zone::Loopback => "loopback",
    }
}

/// What an issuer publishes, as far as it can be used.
#[derive(Serialize)]
struct Checked {
    issuer: String,
    usable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    endpoints: Vec<CheckedEndpoint>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keys: Option<usize>,
}

#[derive(Serialize)]
struct CheckedEndpoint {
    name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    client_authentication: Vec<&'static str>,
}

fn check(config: &mut Config, named: &[String], format: Format) -> CommandResult {
    for issuer in named {
        // Whoever names an issuer here wants it asked for what it publishes, and nothing secret is sent.
        config.trust_issuer(issuer)?;
    }
    let is_wanted = |issuer: &&Arc<Issuer>| named.is_empty() || named.contains(&issuer.issuer);
    let wanted: Vec<Arc<Issuer>> = config.issuers.iter().filter(is_wanted).cloned().collect();
    if wanted.is_empty() {
        let error = anyhow::anyhow!("there is no issuer to check");
        return Err(Hint::attach(error, "name one, or add an `[[issuer]]` to the configuration"));
    }
    let egress = Egress::new(EgressPolicy::from(&*config))?;
    let issuers = Issuers::new(config, egress);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    let mut checked = Vec::new();
    for issuer in &wanted {
        checked.push(runtime.block_on(check_one(&issuers, issuer)));
    }
    let mut out = anstream::stdout().lock();
    match format {
        Format::Json => {
            serde_json::to_writer_pretty(&mut out, &checked)?;
            writeln!(out)?;
        }
        Format::Text => checked.iter().try_for_each(|checked| checked.write(&mut out))?,
    }
    let all_usable = checked.iter().all(|checked| checked.usable);
    Ok(if all_usable { Exit::Clean } else { Exit::Incomplete })
}

async fn check_one(issuers: &Issuers, trusted: &Issuer) -> Checked {
    let issuer = trusted.issuer.clone();
    let metadata = match issuers.metadata_of(trusted).await {
        Ok(metadata) => metadata,
        Err(error) => {
            return Checked {
                issuer,
                usable: false,
                error: Some(error.to_string()),
                endpoints: Vec::new(),
                keys: None,
            };
        }
    };
    let endpoint = |endpoint: Endpoint| {
        let (url, error) = match metadata.endpoint(endpoint) {
            Ok(destination) => (Some(destination.url().to_string()), None),
            Err(error) => (None, Some(error.to_string())),
        };
        let takes_clients = matches!(endpoint, Endpoint::Token | Endpoint::Introspection | Endpoint::Revocation);
        let methods = takes_clients.then(|| &metadata.authentication_methods(endpoint).methods);
        let client_authentication =
            methods.filter(|_| url.is_some()).into_iter().flatten().map(|method| method.as_str());
        CheckedEndpoint { name: endpoint.as_str(), client_authentication: client_authentication.collect(), url, error }
    };
    let endpoints = ENDPOINTS.map(endpoint).into();
    let key_set = issuers.key_set(trusted).await;
    let error = key_set.as_ref().err().map(ToString::to_string);
    Checked { issuer, usable: error.is_none(), error, endpoints, keys: key_set.ok().map(|keys| keys.len()) }
}

impl Checked {
    fn write(&self, out: &mut impl Write) -> std::io::Result<()> {
        let shown = |text: &str| escape(text.as_bytes()).into_owned();
        writeln!(out, "{}: {}", shown(&self.issuer), if self.usable { "can be asked" } else { "cannot be asked" })?;
        if let Some(error) = &self.error {
            writeln!(out, "  {}", shown(error))?;
        }
        for endpoint in &self.endpoints {
            let what = endpoint.url.as_deref().or(endpoint.error.as_deref()).unwrap_or_default();
            let methods = endpoint.client_authentication.join(", ");
            let methods = if methods.is_empty() { String::new() } else { format!(" ({methods})") };
            writeln!(out, "  {:23} {}{methods}", endpoint.name, shown(what))?;
        }
        match self.keys {
            Some(keys) => writeln!(out, "  {:23} {keys}", "usable keys"),
            None => Ok(()),
        }
    }
}
