//! Key names as words: how rule files write them, and the well-known names of OAuth's companions.
//!
//! It is compiled into the build script, too, and knows nothing of the rest of the program.

/// `client secret` and `client-secret` as the words of a key.
pub(super) fn key_words(keys: &[String]) -> Vec<Vec<String>> {
    keys.iter().map(|key| words(key)).filter(|words| !words.is_empty()).collect()
}

fn words(key: &str) -> Vec<String> {
    key.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_ascii_lowercase).collect()
}

/// The words that most keys of secrets have: few anchors find many keys.
const CORE: &[&str] = &["secret", "token", "password", "passwd", "passphrase", "pass", "pwd", "key"];

/// A word of each key, which stands in the file however the words are joined.
pub(super) fn anchors(keys: &[Vec<String>]) -> Vec<String> {
    let core = |words: &[String]| CORE.iter().find(|core| words.iter().any(|word| word.contains(**core))).copied();
    let longest = |words: &[String]| words.iter().max_by_key(|word| word.len()).cloned();
    let mut anchors: Vec<String> =
        keys.iter().filter_map(|words| core(words).map(str::to_owned).or_else(|| longest(words))).collect();
    anchors.sort_unstable();
    anchors.dedup();
    anchors
}

/// The keys under which a companion usually stands, for rules that do not give their own.
pub(super) fn part_keys(name: &str) -> Option<Vec<Vec<String>>> {
    let keys: &[&str] = match name {
        "client_id" => {
            &["client id", "app id", "application id", "consumer key", "oauth id", "api client", "oauth key"]
        }
        "client_secret" => &["client secret"],
        "issuer" => &[
            "issuer",
            "issuer uri",
            "issuer url",
            "issuer base url",
            "oidc url",
            "authority",
            "auth server url",
            "domain",
            "okta org url",
            "discovery url",
            "server url",
            "iss",
            "authorization server",
            "org url",
            "idp issuer url",
        ],
        "token_endpoint" => {
            &["token endpoint", "token uri", "token url", "access token uri", "access token url", "oauth token url"]
        }
        "tenant" => &["tenant", "tenant id", "directory id", "realm"],
        "username" => &["username", "user name", "user", "login", "email"],
        "access_key_id" => &["access key id", "access key", "key id"],
        "host" => &["host", "hostname", "server", "base url", "url", "endpoint", "instance url", "addr", "address"],
        _ => return None,
    };
    Some(keys.iter().map(|key| words(key)).collect())
}
