//! Arbitrary text as a configuration file: validation never panics, whatever it thinks of it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rescind::config::environment::Environment;
use rescind::config::{Config, ConfigFile};
use rescind::revoke::Policy;

fuzz_target!(|text: &str| {
    let environment = Environment::fixed::<String, String>([]);
    // No such directory: what the text names beside itself is not there.
    let file = ConfigFile { path: "/no/such/directory/config.toml".into(), named: true };
    if let Ok(mut config) = Config::parse(text.to_owned(), file, &environment) {
        let _ = config.policy_section::<Policy>();
        let _ = config.allow_host(text);
        let _ = config.trust_issuer(text);
    }
});
