//! Text for people: what was found, whether it works, where it stands, and what to do next.
//!
//! Findings go to standard output by [`super::write`]; [`diagnostics`] and [`summary`] are for standard error. Colour
//! repeats what the words say already. All foreign text is escaped, so that a scanned file cannot steer the terminal.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;

use anstyle::{AnsiColor, Style};
use indicatif::{HumanBytes, HumanCount};

use super::record::timestamp;
use super::replacement::replacement;
use super::{Redactor, Report, advice, by_presence};
use crate::finding::{
    Finding, GitObject, GitPlace, ImagePlace, Kind, LivenessState, Location, Pairing, PartValue, Place,
    RevocationState, SenderConstraint, Severity, TokenFacts, escape,
};
use crate::rules::Rule;

/// Places shown of each finding.
const PLACES: usize = 5;
/// Digits shown of a commit's id.
const SHORT_ID: usize = 12;

pub(super) fn write(report: &Report<'_>, out: &mut dyn io::Write, color: bool) -> io::Result<()> {
    let redactor = Redactor::new(report.findings, report.show_secrets);
    for (index, finding) in report.findings.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        let text = Text { redactor: &redactor, color, show_secrets: report.show_secrets };
        let rule = report.rules.get(&finding.rule).map(AsRef::as_ref);
        out.write_all(text.finding(finding, rule).as_bytes())?;
    }
    Ok(())
}

/// `path:line:column: severity: what it is, in which commit or layer [id]`.
pub(super) fn write_short(report: &Report<'_>, out: &mut dyn io::Write, color: bool) -> io::Result<()> {
    let redactor = Redactor::new(report.findings, report.show_secrets);
    let text = Text { redactor: &redactor, color, show_secrets: report.show_secrets };
    for finding in report.findings {
        let severity = text.painted(finding.severity.as_str(), severity_style(finding.severity));
        let redacted = finding.redacted();
        let is_shown = report.show_secrets && finding.kind != Kind::File;
        let value = if is_shown { finding.secret.expose() } else { redacted.as_bytes() };
        let title = format!("{} {}", finding.title, escape(value));
        let state = match finding.liveness.state {
            LivenessState::NotChecked => "",
            state => liveness_words(state),
        };
        let mut places: Vec<&Location> = finding.locations.iter().collect();
        places.sort_by_key(|location| by_presence(location));
        for location in places {
            let (position, circumstances) = text.location(location);
            let facts = [&title, state, &circumstances].into_iter().filter(|fact| !fact.is_empty());
            let facts: Vec<&str> = facts.collect();
            writeln!(out, "{position}: {severity}: {} [{}]", facts.join(", "), finding.id)?;
        }
    }
    Ok(())
}

/// What could not be scanned and what else should be known, one line each. At most `limit` lines, the gaps first; the last
/// line tells how many more there are.
pub fn diagnostics(report: &Report<'_>, limit: usize, color: bool) -> String {
    let redactor = Redactor::new(report.findings, report.show_secrets);
    let text = Text { redactor: &redactor, color, show_secrets: report.show_secrets };
    let mut lines = String::new();
    let (gaps, notes): (Vec<_>, Vec<_>) = report.diagnostics.iter().partition(|diagnostic| diagnostic.gap);
    for diagnostic in gaps.into_iter().chain(notes).take(limit) {
        let label = if diagnostic.gap {
            text.painted("not scanned", AnsiColor::Yellow.on_default())
        } else {
            Cow::Borrowed("note")
        };
        let place = text.redactor.place(&diagnostic.place);
        let reason = text.shown(&diagnostic.reason);
        let _ = writeln!(lines, "{label}: {}: {reason} [{}]", escape(place.as_bytes()), diagnostic.code);
    }
    let more = report.diagnostics.len().saturating_sub(limit);
    if more > 0 {
        let _ = writeln!(lines, "+{more} more; `--report jsonl=FILE` writes all of them");
    }
    lines
}

/// The end of a run in a few lines: what was found, what was covered, whether that was everything.
pub fn summary(report: &Report<'_>, color: bool) -> String {
    let redactor = Redactor::new(report.findings, report.show_secrets);
    let text = Text { redactor: &redactor, color, show_secrets: report.show_secrets };
    let summary = report.summary;
    let mut lines = String::new();

    let counts = report.counts();
    let found = match report.findings.len() {
        0 if report.is_complete() => {
            text.painted("no secrets found", AnsiColor::Green.on_default().bold()).into_owned()
        }
        0 => "no secrets found in what was scanned".to_owned(),
        n => {
            let plural = if n == 1 { "" } else { "s" };
            let states = listed(counts.liveness.map(|(state, n)| (liveness_words(state), n)));
            let severities = listed(counts.severity.map(|(severity, n)| (severity.as_str(), n)));
            let found =
                text.painted(&format!("{n} secret{plural} found"), AnsiColor::Red.on_default().bold()).into_owned();
            format!("{found}: {states} ({severities})")
        }
    };
    let _ = writeln!(lines, "{found}");

    let targets: Vec<_> = summary.targets.iter().map(|target| text.redactor.place(target)).collect();
    let scanned = if targets.is_empty() { String::new() } else { format!("{}: ", targets.join(", ")) };
    let duration = match summary.duration.as_millis() {
        milliseconds @ 0..1000 => format!("{milliseconds} ms"),
        _ => format!("{:.1} s", summary.duration.as_secs_f64()),
    };
    let (items, bytes) = (HumanCount(summary.items), HumanBytes(summary.bytes));
    let unit = if summary.items == 1 { "item" } else { "items" };
    let _ = writeln!(lines, "scanned {}{items} {unit}, {bytes} in {duration}", escape(scanned.as_bytes()));

    let left_out =
        listed([("below `--min-confidence`", summary.below_min_confidence), ("suppressed", summary.suppressed)]);
    if !left_out.is_empty() {
        let _ = writeln!(lines, "not shown: {left_out}");
    }
    if !report.is_complete() {
        let label = text.painted("incomplete", AnsiColor::Yellow.on_default().bold());
        let gaps = report.diagnostics.iter().filter(|diagnostic| diagnostic.gap).count();
        let interrupted = if summary.interrupted { "the scan was interrupted" } else { "" };
        let unscanned = match gaps {
            0 => String::new(),
            1 => "1 place was not scanned".to_owned(),
            n => format!("{n} places were not scanned"),
        };
        let and = if interrupted.is_empty() || unscanned.is_empty() { "" } else { ", " };
        let _ = writeln!(lines, "{label}: {interrupted}{and}{unscanned}");
    }
    lines
}

/// How the lines of one report are made.
#[derive(Clone, Copy)]
struct Text<'r> {
    redactor: &'r Redactor,
    color: bool,
    show_secrets: bool,
}

impl Text<'_> {
    fn finding(self, finding: &Finding, rule: Option<&Rule>) -> String {
        let mut lines = String::new();
        let severity = self.painted(finding.severity.as_str(), severity_style(finding.severity));
        let title = self.painted(&finding.title, Style::new().bold()).into_owned();
        let redacted = finding.redacted();
        let _ = writeln!(lines, "{severity}: {title} {}", escape(redacted.as_bytes()));
        if self.show_secrets && finding.kind != Kind::File {
            self.field(&mut lines, "value", &escape(finding.secret.expose()));
        }
        self.field(&mut lines, "state", &self.state(finding));
        if let Some(revocation) = self.revocation(finding) {
            self.field(&mut lines, "revocation", &revocation);
        }
        for part in &finding.parts {
            let value = match &part.value {
                PartValue::Public(value) => self.shown(value),
                PartValue::Finding(id) => Cow::Owned(format!("finding {id}")),
            };
            let elsewhere = part.place.as_ref().filter(|place| place.pairing == Pairing::SiblingFile);
            let value = match elsewhere {
                Some(place) => {
                    let path = self.redactor.path(&place.path);
                    Cow::Owned(format!("{value} ({}:{})", escape(&path), place.line))
                }
                None => value,
            };
            self.field(&mut lines, &escape(part.name.as_bytes()), &value);
        }
        if let Some(token) = &finding.token {
            self.field(&mut lines, "token", &self.token(token));
        }
        let mut places: Vec<&Location> = finding.locations.iter().collect();
        places.sort_by_key(|location| by_presence(location));
        let mut name = "found in";
        for location in places.iter().take(PLACES) {
            let (position, circumstances) = self.location(location);
            let comma = if circumstances.is_empty() { "" } else { ", " };
            self.field(&mut lines, name, &format!("{position}{comma}{circumstances}"));
            name = "";
        }
        let more = places.len().saturating_sub(PLACES);
        if more > 0 {
            self.field(&mut lines, "", &format!("+{more} more {}", if more == 1 { "place" } else { "places" }));
        }
        if !finding.owners.is_empty() {
            let owners: Vec<_> = finding.owners.iter().map(|owner| self.shown(&owner.name)).collect();
            self.field(&mut lines, "tell", &owners.join(", "));
        }
        let kind = finding.kind.as_str();
        let confidence = finding.confidence.as_str();
        let named = format!("{} ({kind}, {confidence} confidence, {} bytes)", finding.rule, finding.length());
        self.field(&mut lines, "rule", &named);
        self.field(&mut lines, "id", &finding.id.to_string());
        let advice = advice::next_step(finding, rule);
        self.field(&mut lines, "next", advice.line);
        for (number, step) in (1..).zip(advice.steps) {
            self.field(&mut lines, "", &format!("{number}. {}", self.shown(step)));
        }
        if let Some(words) = replacement(finding) {
            self.field(&mut lines, "instead", words);
        }
        lines
    }

    fn field(self, lines: &mut String, name: &str, value: &str) {
        let name = format!("{name:<13}");
        let _ = writeln!(lines, "  {} {value}", self.painted(&name, Style::new().dimmed()));
    }

    fn state(self, finding: &Finding) -> String {
        let liveness = &finding.liveness;
        let style = match liveness.state {
            LivenessState::Live | LivenessState::LiveRestricted => AnsiColor::Red.on_default().bold(),
            LivenessState::Dead => AnsiColor::Green.on_default(),
            LivenessState::Unknown => AnsiColor::Yellow.on_default(),
            LivenessState::NotChecked => Style::new(),
        };
        let mut line = self.painted(liveness_words(liveness.state), style).into_owned();
        if let Some(reason) = &liveness.reason {
            let _ = write!(line, ": {}", self.shown(reason));
        }
        if let Some(identity) = &liveness.identity {
            let told = [("of", &identity.account), ("may", &identity.scopes), ("until", &identity.expires)];
            for (word, text) in told {
                if let Some(text) = text {
                    let _ = write!(line, "; {word} {}", self.shown(text));
                }
            }
        }
        let how: Vec<Cow<'_, str>> = [
            liveness.method.map(|method| format!("by {method}").into()),
            liveness.host.as_deref().map(|host| format!("asked {}", self.shown(host)).into()),
            liveness.checked_at.map(|at| timestamp(at.unix_timestamp()).into()),
        ]
        .into_iter()
        .flatten()
        .collect();
        if !how.is_empty() {
            let _ = write!(line, " ({})", how.join(", "));
        }
        line
    }

    fn revocation(self, finding: &Finding) -> Option<String> {
        let revocation = &finding.revocation;
        let (words, style) = match revocation.state {
            RevocationState::None => return None,
            RevocationState::Planned => ("planned", Style::new()),
            RevocationState::Revoked => ("revoked, and shown to be dead", AnsiColor::Green.on_default()),
            RevocationState::Accepted => ("accepted by the issuer, not proven", AnsiColor::Yellow.on_default()),
            RevocationState::StillLive => {
                ("accepted by the issuer, but still live", AnsiColor::Red.on_default().bold())
            }
            RevocationState::Refused => ("refused", AnsiColor::Yellow.on_default()),
            RevocationState::Failed => ("failed", AnsiColor::Yellow.on_default()),
            RevocationState::Unknown => ("outcome not known", AnsiColor::Yellow.on_default()),
        };
        let mut line = self.painted(words, style).into_owned();
        if let Some(detail) = &revocation.detail {
            let _ = write!(line, ": {}", self.shown(detail));
        }
        // A person's work is told by its steps.
        if let Some(method) = revocation.method.as_ref().filter(|method| *method != "manual") {
            let _ = write!(line, " (by {})", self.shown(method));
        }
        if let Some(receipt) = &revocation.receipt {
            let _ = write!(line, ", ledger entry {}", self.shown(receipt));
        }
        Some(line)
    }

    fn token(self, token: &TokenFacts) -> String {
        let mut facts: Vec<String> = token.usage.map(|usage| usage.title().to_owned()).into_iter().collect();
        facts.push(self.shown(&token.alg).into_owned());
        let mut fact = |name: &str, value: Option<&str>| {
            if let Some(value) = value {
                facts.push(format!("{name} {}", self.shown(value)));
            }
        };
        fact("issuer", token.iss.as_deref());
        fact("subject", token.sub.as_deref());
        fact("audience", (!token.aud.is_empty()).then(|| token.aud.join(" ")).as_deref());
        fact("client", token.client_id.as_deref());
        fact("scope", token.scope.as_deref());
        facts.push(match token.exp {
            Some(seconds) => format!("expires {}", timestamp(seconds)),
            None => "never expires".to_owned(),
        });
        if let (Some(issued), Some(expires)) = (token.iat, token.exp)
            && let lifetime @ 1..LONGEST_LIFETIME = expires.saturating_sub(issued)
        {
            facts.push(format!("made for {}", in_words(lifetime)));
        }
        match &token.cnf {
            None => {}
            Some(SenderConstraint::Dpop(_)) => facts.push("bound to a DPoP key".to_owned()),
            Some(SenderConstraint::MutualTls(_)) => facts.push("bound to a client certificate".to_owned()),
            Some(SenderConstraint::Other(_)) => facts.push("bound to its sender".to_owned()),
        }
        facts.join(", ")
    }

    /// Where it is, as `path:line:column`, and what else is known of the place.
    fn location(self, location: &Location) -> (String, String) {
        let path = self.redactor.path(&location.path);
        let (path, circumstances) = match &location.place {
            Place::File => (escape(&path), String::new()),
            // A member of an archive that was piped in has a path, which begins with the name of the input.
            Place::Stdin => {
                let member = path.strip_prefix(b"-").unwrap_or_default();
                (format!("standard input{}", escape(member)).into(), String::new())
            }
            Place::Staged { repository, .. } => (escape(&path), format!("staged in {}", self.place(repository))),
            Place::Git(git) => {
                let path = match git.object {
                    GitObject::Blob => escape(&path),
                    GitObject::Commit => format!("message of commit {}", short(&git.oid)).into(),
                    GitObject::Tag => format!("message of tag {}", short(&git.oid)).into(),
                };
                (path, self.git_place(git))
            }
            Place::Image(image) => (escape(&path), self.image_place(image)),
        };
        (format!("{path}:{}:{}", location.span.line, location.span.column), circumstances)
    }

    fn git_place(self, git: &GitPlace) -> String {
        let mut line = format!("repository {}", self.place(&git.repository));
        if let Some(commit) = &git.commit {
            let id = short(&commit.id);
            let day = commit.date.split('T').next().unwrap_or_default();
            let _ = write!(line, ", commit {id} by {} on {}", self.shown(&commit.author), self.shown(day));
        }
        let branches = git.branches.as_deref().filter(|branches| !branches.names.is_empty());
        line.push_str(match (git.reachable, git.in_head) {
            (Some(false), _) => ", not reachable from any reference",
            (_, Some(true)) => ", in HEAD",
            (Some(true), Some(false)) if branches.is_some() => ", not in HEAD",
            (Some(true), Some(false)) => ", only in history",
            (_, None) | (None, _) => "",
        });
        if let Some(branches) = branches {
            line.push_str(if branches.names.len() + branches.more == 1 { ", in branch " } else { ", in branches " });
            let names: Vec<_> = branches.names.iter().take(SHOWN_BRANCHES).map(|name| self.shown(name)).collect();
            line.push_str(&names.join(", "));
            let more = (branches.names.len() + branches.more).saturating_sub(names.len());
            if more > 0 {
                let _ = write!(line, " and {more} more");
            }
        }
        line
    }

    fn image_place(self, image: &ImagePlace) -> String {
        let mut line = format!("image {}", self.place(&image.image));
        if let Some(layer) = &image.layer {
            let _ = write!(line, ", layer {}", self.place(layer));
        }
        if let Some(instruction) = &image.instruction {
            let _ = write!(line, " `{}`", escape(self.redactor.instruction(instruction).as_bytes()));
        }
        if let Some(layer) = &image.shadowed_by {
            let _ = write!(line, ", deleted or overwritten by layer {}", self.place(layer));
        }
        line
    }

    /// Foreign text, redacted and escaped.
    fn shown(self, text: &str) -> Cow<'_, str> {
        Cow::Owned(escape(self.redactor.text(text).as_bytes()).into_owned())
    }

    /// The name of a repository, image or layer, redacted and escaped.
    fn place(self, text: &str) -> String {
        escape(self.redactor.place(text).as_bytes()).into_owned()
    }

    fn painted(self, text: &str, style: Style) -> Cow<'_, str> {
        if self.color && !style.is_plain() {
            Cow::Owned(format!("{style}{text}{style:#}"))
        } else {
            Cow::Owned(text.to_owned())
        }
    }
}

/// How many branches of a place are named.
const SHOWN_BRANCHES: usize = 5;

fn severity_style(severity: Severity) -> Style {
    match severity {
        Severity::Critical => AnsiColor::Red.on_default().bold(),
        Severity::High => AnsiColor::Red.on_default(),
        Severity::Medium => AnsiColor::Yellow.on_default(),
        Severity::Low | Severity::Info => AnsiColor::Blue.on_default(),
    }
}

fn liveness_words(state: LivenessState) -> &'static str {
    match state {
        LivenessState::Live => "live",
        LivenessState::LiveRestricted => "live, with restricted rights",
        LivenessState::Dead => "dead",
        LivenessState::Unknown => "not known",
        LivenessState::NotChecked => "not checked",
    }
}

/// `3 live, 1 dead`: what there is any of.
fn listed<const N: usize>(counts: [(&str, u64); N]) -> String {
    let present: Vec<String> = counts.iter().filter(|(_, n)| *n > 0).map(|(name, n)| format!("{n} {name}")).collect();
    present.join(", ")
}

fn short(id: &str) -> &str {
    id.get(..SHORT_ID).unwrap_or(id)
}

/// Longer lifetimes, in seconds, are not told: that is "for ever", or not meant.
const LONGEST_LIFETIME: i64 = 200 * 365 * 86_400;

/// A span of time in the largest unit that it fills.
fn in_words(seconds: i64) -> String {
    let (size, unit) = match seconds {
        172_800.. => (86_400, "days"),
        7_200.. => (3_600, "hours"),
        120.. => (60, "minutes"),
        _ => (1, "seconds"),
    };
    format!("{} {unit}", seconds / size)
}
