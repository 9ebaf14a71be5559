//! [`Redactor`]: takes found values out of everything else that a report shows.
//!
//! A secret also stands where nobody looks: in the `created_by` of a layer (`ARG TOKEN`), in a file's name, in an author's
//! address, in a URL next to it. What a report shows of those places is cleaned here, on the raw text, before any escaping.

use std::borrow::Cow;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

use crate::finding::{Finding, SourcePath};
use crate::secret::Secret;

/// Stands where a value stood.
const MARK: &str = "[redacted]";
/// A shorter value is not looked for: it would tear up unrelated text, and what is left would spell it.
const MIN_LENGTH: usize = 4;
/// A shorter value is not looked for in paths: there it is a word (`postgres/postgres.conf`), and the path must stay usable.
const MIN_LENGTH_IN_PATHS: usize = 16;
/// A shorter encoding is not looked for: it says too little to be told apart from chance.
const MIN_LENGTH_IN_BASE64: usize = 8;
/// Longer text is cut, so that a hostile image cannot make a report of gigabytes.
const MAX_CHARACTERS: usize = 1024;

/// More of a long text is not looked at, in bytes: searching it costs its length times that of the values.
const MAX_SEARCHED: usize = 16 << 10;
/// How much of a value is searched for; what follows is compared where the beginning stands, and a value that was cut off
/// behind it is taken out as well. It bounds what thousands of private keys cost.
const PREFIX: usize = 32;

/// Replaces the values of all findings of a report.
pub struct Redactor(Values);

enum Values {
    /// They may be shown.
    Shown,
    /// What to replace: the beginnings, and in the same order the whole of each form.
    Hidden(AhoCorasick, Vec<Secret>),
    /// More than the automaton can hold: nothing is known to be clean.
    TooMany,
}

impl Redactor {
    /// A redactor for the values of these findings, or one that changes nothing where values may be shown.
    pub fn new(findings: &[Finding], show_secrets: bool) -> Self {
        if show_secrets {
            return Self(Values::Shown);
        }
        let forms: Vec<Secret> = findings.iter().flat_map(|finding| forms(&finding.secret)).collect();
        let beginnings = forms.iter().map(|form| form.expose().get(..PREFIX).unwrap_or(form.expose()));
        // Overlapping matches are wanted, so that a value that starts within another one is taken out too.
        match AhoCorasick::builder().match_kind(MatchKind::Standard).build(beginnings) {
            Ok(automaton) => Self(Values::Hidden(automaton, forms)),
            Err(_) => Self(Values::TooMany),
        }
    }

    /// Text of a source or an issuer, without the values and no longer than a report can bear.
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let searched = cut(text, MAX_SEARCHED);
        let mut cleaned = self.replace_text(searched, MIN_LENGTH);
        if searched.len() < text.len() {
            // What the cut has left of a value at the very end is too short to be recognised as one.
            let end = cleaned.len().saturating_sub(PREFIX);
            cleaned = Cow::Owned(format!("{}…", cut(&cleaned, end)));
        }
        match cleaned.char_indices().nth(MAX_CHARACTERS) {
            None => cleaned,
            Some((end, _)) => Cow::Owned(format!("{}…", cleaned.get(..end).unwrap_or_default())),
        }
    }

    /// A build instruction: as [`Redactor::text`], and without the values of assignments, since a build argument that no rule
    /// knows, or that the user asked not to hear of, may be a secret all the same.
    pub fn instruction<'t>(&self, instruction: &'t str) -> Cow<'t, str> {
        match (&self.0, self.text(instruction)) {
            (Values::Shown, text) => text,
            (_, text) if text.contains('=') => Cow::Owned(without_assigned_values(&text)),
            (_, text) => text,
        }
    }

    /// A path without the values.
    pub fn path<'p>(&self, path: &'p SourcePath) -> Cow<'p, [u8]> {
        self.replace(path.as_bytes(), MIN_LENGTH_IN_PATHS)
    }

    /// A place that is shown as text already, such as a diagnostic's.
    pub fn place<'t>(&self, place: &'t str) -> Cow<'t, str> {
        self.replace_text(place, MIN_LENGTH_IN_PATHS)
    }

    fn replace_text<'t>(&self, text: &'t str, min_length: usize) -> Cow<'t, str> {
        match self.replace(text.as_bytes(), min_length) {
            Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }

    fn replace<'b>(&self, bytes: &'b [u8], min_length: usize) -> Cow<'b, [u8]> {
        let (automaton, forms) = match &self.0 {
            Values::Shown => return Cow::Borrowed(bytes),
            Values::Hidden(automaton, forms) => (automaton, forms),
            Values::TooMany => return Cow::Borrowed(MARK.as_bytes()),
        };
        let mut covered: Vec<(usize, usize)> = automaton
            .find_overlapping_iter(bytes)
            .filter_map(|found| {
                let form = forms.get(found.pattern().as_usize())?.expose();
                let rest = bytes.get(found.start()..)?;
                let length = rest.iter().zip(form).take_while(|(a, b)| a == b).count();
                (form.len() >= min_length).then_some((found.start(), found.start().saturating_add(length)))
            })
            .collect();
        if covered.is_empty() {
            return Cow::Borrowed(bytes);
        }
        covered.sort_unstable();
        let mut cleaned = Vec::with_capacity(bytes.len());
        let mut copied = 0;
        for (start, end) in covered {
            if start >= copied {
                cleaned.extend_from_slice(bytes.get(copied..start).unwrap_or_default());
                cleaned.extend_from_slice(MARK.as_bytes());
            }
            copied = copied.max(end);
        }
        cleaned.extend_from_slice(bytes.get(copied..).unwrap_or_default());
        Cow::Owned(cleaned)
    }
}

/// The beginning of a text: at most so many bytes, and whole characters.
fn cut(text: &str, bytes: usize) -> &str {
    (0..=bytes.min(text.len())).rev().find_map(|end| text.get(..end)).unwrap_or_default()
}

/// The ways a value is written: as it is; line by line, since a key in a build instruction has lost its line breaks;
/// percent-encoded; and in Base64, where it starts at any of three places within what was encoded (`client:secret`).
fn forms(secret: &Secret) -> Vec<Secret> {
    let value = secret.expose();
    if value.len() < MIN_LENGTH {
        return Vec::new();
    }
    let mut forms = vec![secret.duplicate()];
    let lines = value.split(|byte| matches!(byte, b'\n' | b'\r'));
    forms.extend(
        lines
            .filter(|line| line.len() >= MIN_LENGTH_IN_PATHS && line.len() < value.len() && !line.starts_with(b"-----"))
            .map(Secret::new),
    );
    let percent: String = url::form_urlencoded::byte_serialize(value).collect();
    if percent.as_bytes() != value {
        forms.push(Secret::new(percent));
    }
    for skipped in 0..3 {
        // Three bytes make four digits; digits that depend on neighbours of the value are left out.
        let whole = value.len().saturating_sub(skipped) / 3 * 3;
        let Some(aligned) = value.get(skipped..skipped + whole) else { continue };
        let (standard, url_safe) = (STANDARD.encode(aligned), URL_SAFE.encode(aligned));
        if standard.len() >= MIN_LENGTH_IN_BASE64 {
            if standard != url_safe {
                forms.push(Secret::new(url_safe));
            }
            forms.push(Secret::new(standard));
        }
    }
    forms
}

/// `NAME=…` for each `NAME=value`, quoted or not; options such as `--password=value` are assignments as well.
fn without_assigned_values(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((name, value)) = rest.split_once('=') {
        kept.push_str(name);
        kept.push('=');
        let is_assignment = name.ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
            && value.starts_with(|c: char| c != '=' && !c.is_whitespace());
        rest = if is_assignment {
            kept.push('…');
            after_value(value)
        } else {
            value
        };
    }
    kept + rest
}

/// What follows a shell word.
fn after_value(text: &str) -> &str {
    let mut quote = None;
    let mut is_escaped = false;
    for (place, character) in text.char_indices() {
        match (quote, character) {
            _ if is_escaped => is_escaped = false,
            (None | Some('"'), '\\') => is_escaped = true,
            (Some(open), _) if open == character => quote = None,
            (None, '"' | '\'') => quote = Some(character),
            (None, _) if character.is_whitespace() => return text.get(place..).unwrap_or_default(),
            _ => {}
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[&str], text: &str, expected: &str) {
        let findings: Vec<_> = values.iter().map(|value| crate::report::tests::finding(value)).collect();
        assert_eq!(Redactor::new(&findings, false).text(text), expected);
        assert_eq!(Redactor::new(&findings, true).text(text), text);
    }

    #[test]
    fn values_are_taken_out_of_other_text() {
        check(&["hunter2!"], "RUN |1 P=hunter2! make", "RUN |1 P=[redacted] make");
        check(&["abcdef", "defghi"], "xabcdefghiy", "x[redacted]y");
        check(&["abcdef", "bcde"], "abcdef bcde", "[redacted] [redacted]");
        check(&["abc"], "abc", "abc");
        check(&["p&ss w0rd/9"], concat!("https://u", ":p%26ss+w0rd%2F9@host"), "https://u:[redacted]@host");
        let basic = STANDARD.encode("client:0123456789abcdefghi");
        check(&["0123456789abcdefghi"], &format!("Basic {basic}"), "Basic Y2xpZW50OjAx[redacted]aGk=");
        let long = "0123456789abcdefghijklmnopqrstuvwxyz";
        check(&[long], &format!("<{long}> <{}>", &long[..34]), "<[redacted]> <[redacted]>");
        check(&["-----BEGIN\nMIIEvQIBADANBgkqhkiG9w0\n-----END"], "ENV K=MIIEvQIBADANBgkqhkiG9w0", "ENV K=[redacted]");
    }

    #[test]
    fn short_values_stay_in_paths() {
        let findings = [crate::report::tests::finding("postgres"), crate::report::tests::finding("0123456789abcdef")];
        let redactor = Redactor::new(&findings, false);
        assert_eq!(redactor.place("postgres/0123456789abcdef.conf"), "postgres/[redacted].conf");
        assert_eq!(redactor.text("postgres"), "[redacted]");
    }

    #[test]
    fn instructions_keep_names_only() {
        for (instruction, expected) in [
            ("COPY . /app", "COPY . /app"),
            ("|2 A=1 B=x y /bin/sh -c make", "|2 A=… B=… y /bin/sh -c make"),
            (r#"ENV A="b c\" d" E='f g' H=i\ j k"#, "ENV A=… E=… H=… k"),
            (
                "RUN login --password=p4ss && [ a = b ] && [ a == b ]",
                "RUN login --password=… && [ a = b ] && [ a == b ]",
            ),
            ("ENV A='open", "ENV A=…"),
            ("ENV A=", "ENV A="),
        ] {
            assert_eq!(Redactor::new(&[], false).instruction(instruction), expected);
            assert_eq!(Redactor::new(&[], true).instruction(instruction), instruction);
        }
    }

    #[test]
    fn long_text_is_cut() {
        let shown = Redactor::new(&[], false).text(&"ä".repeat(5000)).chars().count();
        assert_eq!(shown, MAX_CHARACTERS + 1);

        // Redaction makes the text short enough to be shown to the place where it was cut, which is within a value.
        let value = "0123456789abcdefghijklmnopqrstuvwxyz".repeat(20);
        let findings = [crate::report::tests::finding(&value)];
        for padding in (0..value.len()).step_by(45) {
            let text = " ".repeat(padding) + &value.repeat(100);
            let shown = Redactor::new(&findings, false).text(&text).into_owned();
            assert!(!shown.contains("0123"), "{padding}: {shown}");
        }
    }
}
