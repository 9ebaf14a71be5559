//! Vendors whose keys have no shape of their own: a line of a table for each instead of a rule.
//!
//! That it is a key is for the rules of no provider to tell, by the name it is assigned to. Whose it is tells the vendor's name
//! before it, with its exact alphabet and length. The pattern and the examples are made from those.

use std::borrow::Cow;

use serde::Deserialize;

use super::handling::Handling;
use super::rule::Deferred;
use super::schema::{EntryError, ExamplesEntry, PartEntry, RuleEntry, ShapeEntry, WindowEntry};
use super::sought::{self, names_of_vendor, window_of_vendor};
use super::{Alphabet, BlastRadius, Revoke, RevokeMethod, Verify, VerifyMethod};
use crate::finding::{Confidence, Kind, Severity};

/// A line of the table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VendorEntry {
    /// The vendor's name, as it writes it.
    pub(super) name: String,
    /// What the vendor calls the credential: `API key`.
    #[serde(default = "api_key")]
    secret: String,
    #[serde(default = "kind")]
    kind: Kind,
    #[serde(default = "severity")]
    severity: Severity,
    /// Words of which one stands before the key, in any case: the vendor's name as settings write it.
    words: Vec<String>,
    /// What the key is made of; none for a UUID.
    alphabet: Option<Alphabet>,
    /// The lengths that keys have; none for a UUID.
    #[serde(default)]
    lengths: Vec<usize>,
    /// Names of settings that belong to it: `account id`.
    #[serde(default)]
    with: Vec<String>,
    /// The only hosts that the key may be sent to.
    #[serde(default)]
    hosts: Vec<String>,
    /// Where the vendor's console ends it: `Settings, API keys`.
    console: String,
}

fn api_key() -> String {
    sought::DEFAULT_SECRET.to_owned()
}

fn kind() -> Kind {
    Kind::ApiKey
}

fn severity() -> Severity {
    Severity::High
}

impl VendorEntry {
    /// The name that rules call the provider by, and the id of its rule.
    pub(super) fn names(&self) -> (String, String) {
        names_of_vendor(&self.name, &self.secret)
    }

    /// The rule that the line stands for. Its examples are made only where somebody will look at them.
    ///
    /// # Errors
    /// What the line lacks.
    pub(super) fn rule(self, id: &str, has_examples: bool) -> Result<RuleEntry, EntryError> {
        if self.words.is_empty() || self.words.iter().any(|word| !is_word(word)) {
            return Err(EntryError("`words` must be words of at least three letters, digits, `.`, `-` or `_`"));
        }
        if self.alphabet.is_none() != self.lengths.is_empty() {
            return Err(EntryError("`alphabet` and `lengths` go together; without both, the key is a UUID"));
        }
        if self.lengths.iter().any(|length| !(16..=256).contains(length)) {
            return Err(EntryError("`lengths` must lie between 16 and 256: a shorter key cannot be told from a word"));
        }
        let (before, after) = window_of_vendor(&self.lengths);
        let examples = has_examples.then(|| self.examples(id));
        Ok(RuleEntry {
            title: format!("{} {}", self.name, self.secret),
            kind: self.kind,
            confidence: Confidence::Medium,
            severity: self.severity,
            anchors: self.words,
            case_sensitive: false,
            window: Some(WindowEntry { before, after }),
            pattern: None,
            vendor: Some(VendorKey::new(self.alphabet, self.lengths)),
            keys: None,
            scanner: None,
            encoding: None,
            shape: ShapeEntry { random: true, ..ShapeEntry::default() },
            near: Vec::new(),
            under: Vec::new(),
            except: Vec::new(),
            parts: self.with.iter().map(|words| part(words)).collect(),
            hosts: self.hosts,
            endpoints: super::Endpoints::default(),
            verify: None,
            revoke: None,
            handling: Some(handling(self.name, self.secret, self.console)),
            examples,
            id: id.to_owned(),
        })
    }

    /// Examples in the manner of files that hold such keys. Which manner, the name decides.
    fn examples(&self, id: &str) -> ExamplesEntry {
        let template = match (self.alphabet, self.lengths.first()) {
            (Some(alphabet), Some(length)) => format!("<<{}:{length}>>", template(alphabet)),
            _ => "<<uuid>>".to_owned(),
        };
        let word = self.words.first().map(String::as_str).unwrap_or_default();
        let upper: String = word.to_ascii_uppercase().replace(['.', '-', ' '], "_");
        let name = &self.name;
        let matches = [
            format!("# {name}, production\n{upper}_API_KEY={template}\nLOG_LEVEL=info\n"),
            format!("services:\n  web:\n    environment:\n      - {upper}_TOKEN={template}\n"),
            format!("{{\n  \"{word}\": {{\n    \"apiKey\": \"{template}\",\n    \"timeout\": 30\n  }}\n}}\n"),
            format!("const {upper}_SECRET = '{template}';\nmodule.exports = client;\n"),
            format!("[{word}]\napi_key = \"{template}\"\nretries = 3\n"),
            format!(
                "# asks {word}\nresponse = requests.get(url, headers={{\"Authorization\": \"Bearer {template}\"}})\n"
            ),
        ];
        let rejects = [
            format!("{upper}_API_KEY=${{{upper}_API_KEY}}\n{upper}_VERSION=<<hex:7>>\n"),
            format!("<script src=\"https://cdn.example.net/{word}/<<hex:12>>/{word}.min.js\"></script>\n"),
            format!("{word}_key = os.environ[\"{upper}_KEY\"]  # see the manual of {name}\n"),
            format!("\"{word}-client\": {{ \"version\": \"4.2.0\", \"integrity\": \"sha512-<<base64:86>>==\" }}\n"),
            format!("{word}:\n  apiKey: your-{word}-api-key-goes-here\n"),
        ];
        let first = id.bytes().map(usize::from).sum::<usize>();
        let two = |texts: &[String], apart: usize| {
            texts.iter().cycle().skip(first % texts.len()).step_by(apart).take(2).cloned().collect()
        };
        ExamplesEntry { matches: two(&matches, 5), rejects: two(&rejects, 3) }
    }
}

/// How the keys of a vendor are asked about and ended.
fn handling(name: String, secret: String, console: String) -> Handling {
    let verify = Deferred::new(|| Verify {
        method: VerifyMethod::None,
        reason: Some("no read-only request of this provider is known to rescind".to_owned()),
        check: None,
    });
    let revoke = Deferred::new(move || Revoke {
        method: RevokeMethod::Manual,
        blast_radius: BlastRadius::Key,
        reversible: false,
        steps: vec![
            format!("Sign in to {name} and open {console}."),
            format!("Make a new {secret}, give it to whatever uses the leaked one, and delete that."),
        ],
        call: None,
    });
    (verify, revoke)
}

/// What the keys of a vendor look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VendorKey {
    /// What they are made of; none for a UUID.
    alphabet: Option<Alphabet>,
    /// Their lengths in bytes; none for a UUID.
    lengths: Vec<usize>,
}

impl VendorKey {
    pub(super) fn new(alphabet: Option<Alphabet>, lengths: Vec<usize>) -> Self {
        Self { alphabet, lengths }
    }

    /// Those of the vendor's words that can be the whole name of a setting, each as the words of a key. What ends where another
    /// word begins, as `acme_`, can not. Digits alone are as likely to be an account's number.
    pub fn names<'a>(&self, words: &'a [Cow<'static, str>]) -> impl Iterator<Item = &'a str> {
        let is_telling = self.alphabet != Some(Alphabet::Digits);
        let is_name = |word: &&str| !word.contains('.') && word.ends_with(|last: char| last.is_ascii_alphanumeric());
        words.iter().map(AsRef::as_ref).filter(is_name).filter(move |_| is_telling)
    }

    /// The regular expression for such a key.
    pub fn form(&self) -> String {
        let class = match self.alphabet {
            None => "",
            Some(Alphabet::Digits) => "[0-9]",
            Some(Alphabet::Hex) => "[0-9a-fA-F]",
            Some(Alphabet::LowerAlphanumeric) => "[0-9a-z]",
            Some(Alphabet::Alphanumeric) => "[0-9A-Za-z]",
            Some(Alphabet::Base64url) => "[0-9A-Za-z_-]",
            Some(Alphabet::Base64) => "[0-9A-Za-z+/=]",
            Some(Alphabet::Graphic) => "[!-~&&[^\\x22'`,;]]",
        };
        let lengths: Vec<String> = self.lengths.iter().map(|length| format!("{class}{{{length}}}")).collect();
        if lengths.is_empty() {
            "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}".to_owned()
        } else {
            lengths.join("|")
        }
    }

    /// The regular expression for such a key behind one of the vendor's words, with the key as its group `secret`. Between them
    /// stands what assigns, at once or behind a word that names a key.
    ///
    /// It is made when somebody needs it: of hundreds of vendors, a scan meets a few.
    pub fn pattern(&self, words: &[impl AsRef<str>]) -> String {
        let words: Vec<String> = words.iter().map(|word| regex::escape(word.as_ref())).collect();
        let words = words.join("|");
        let key = self.form();
        let assigned = r"[0-9A-Za-z_.-]{0,40}[\x22'`\])]{0,3}[\t ]{0,8}(?:=>|:=|->|[=:,(|])\s{0,8}";
        let named = r"[^\x00]{0,72}?(?:key|token|secret|auth|pass|bearer|credential|basic|\bpat|\bsid)[^\x00]{0,32}?[\s\x22'`=:>(,]";
        let end = if self.alphabet == Some(Alphabet::Graphic) { r"[\s\x22'`,;]" } else { r"[^0-9A-Za-z_+/=-]" };
        format!(r"(?:(?i:{words}))(?:{assigned}|(?i:{named}))[\x22'`]{{0,3}}(?P<secret>{key})(?:{end}|$)")
    }
}

fn is_word(word: &str) -> bool {
    word.len() >= 3
        && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte))
}

fn part(words: &str) -> PartEntry {
    PartEntry { name: words.replace(' ', "_"), keys: Some(vec![words.to_owned()]), pattern: None }
}

/// What makes up keys of an alphabet in examples.
fn template(alphabet: Alphabet) -> &'static str {
    match alphabet {
        Alphabet::Digits => "digits",
        Alphabet::Hex => "hex",
        Alphabet::LowerAlphanumeric => "lower",
        Alphabet::Alphanumeric => "base62",
        Alphabet::Base64url => "base64url",
        Alphabet::Base64 | Alphabet::Graphic => "base64",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(line: &str) -> Result<RuleEntry, EntryError> {
        let entry: VendorEntry = toml::from_str(line).unwrap();
        let (_, id) = entry.names();
        entry.rule(&id, true)
    }

    #[test]
    fn keys_stand_behind_the_name_of_their_vendor() {
        let rule =
            entry("name = 'Acme Mail'\nwords = ['acme']\nalphabet = 'hex'\nlengths = [32]\nconsole = 'API'").unwrap();
        assert_eq!((rule.id.as_str(), rule.title.as_str()), ("acme-mail-api-key", "Acme Mail API key"));
        let regex = super::super::compile(&rule.vendor.unwrap().pattern(&rule.anchors)).unwrap();
        let key = "0badc0de".repeat(4);
        for (text, expected) in [
            ("ACME_API_KEY=%", true),
            ("acme: \"%\"", true),
            ("acme_mail => '%'", true),
            ("\"acme\": {\n  \"key\": \"%\"", true),
            ("https://api.acme.example/v1?api_key=%&q=1", true),
            ("curl https://acme.example -H 'X-Auth-Token: %'", true),
            ("acme %", false),
            ("acme/%.js", false),
            ("acme at commit %", false),
            ("ACME_API_KEY=%00", false),
            ("ACME_API_KEY=x%", false),
        ] {
            assert_eq!(regex.is_match(text.replace('%', &key).as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn lines_that_say_too_little() {
        for (line, reason) in [
            ("words = []\nalphabet = 'hex'\nlengths = [32]", "`words`"),
            ("words = ['ab']\nalphabet = 'hex'\nlengths = [32]", "`words`"),
            ("words = ['acme']\nalphabet = 'hex'", "go together"),
            ("words = ['acme']\nlengths = [32]", "go together"),
            ("words = ['acme']\nalphabet = 'hex'\nlengths = [8]", "between 16"),
        ] {
            let Err(EntryError(error)) = entry(&format!("name = 'Acme'\nconsole = 'API'\n{line}")) else {
                panic!("{line}")
            };
            assert!(error.contains(reason), "{line}: {error}");
        }
    }
}
