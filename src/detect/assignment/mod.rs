//! Assignments: the one detector for the words too common for patterns (`secret`, `token`, `password`, `key`).
//!
//! Around such a word it reads the whole name, then whatever assigns in the languages and formats people keep secrets in,
//! then the value. It understands the form only; whether the value is a credential is for the rules and filters.

mod columns;
mod cursor;
mod fallback;
mod form;
mod list;
mod markup;
mod notation;
mod plain;
mod value;

use std::ops::Range;

use super::key::{self, Key};
use crate::rules::Window;
use cursor::Cursor;
use form::Form;
use notation::Notation;
use value::{value, value_before};

pub(crate) use plain::PlainRun;

/// The longest name of a setting that is read.
const LONGEST_KEY: usize = 160;

/// The most backslashes before a quotation mark: text quoted four times over.
const DEEPEST_QUOTE: usize = 15;

/// The most white space that may stand between a key and its value.
const LONGEST_GAP: usize = 64;

/// A name and the value assigned to it.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    /// Where the name stands.
    pub(crate) key_span: Range<usize>,
    /// As `key_span`, and in prose also the word before it.
    words: Range<usize>,
    /// Where the value stands, without quotes.
    pub(crate) span: Range<usize>,
    /// What delimits the value.
    pub(crate) quote: Quote,
    /// Whether it cannot be a name or an expression of a program.
    pub(crate) is_literal: bool,
    /// Whether it is a parameter of a URL or form.
    pub(crate) is_parameter: bool,
    /// Further values of the same name: the rest of a list, or of a column.
    others: Vec<(Range<usize>, Quote)>,
}

impl Assignment {
    /// The words of the name, given the bytes that it was read from.
    pub(crate) fn key(&self, bytes: &[u8]) -> Key {
        Key::parse(bytes.get(self.words.clone()).unwrap_or_default())
    }

    /// An assignment for each value.
    pub(crate) fn each(mut self) -> impl Iterator<Item = Self> {
        let others = std::mem::take(&mut self.others);
        let first = self.clone();
        let others = others.into_iter().map(move |(span, quote)| Self { span, quote, ..first.clone() });
        std::iter::once(self).chain(others)
    }
}

/// What delimits a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quote {
    /// White space or punctuation.
    None,
    /// A quotation mark.
    Mark(u8),
    /// A quotation mark behind a backslash: text within quoted text.
    Escaped(u8),
}

/// How far around a word anything that [`at`] reads may stand: before it the name and a pair's value before that, behind it
/// the name, what assigns, and the value.
pub(crate) const REACH: Window = Window { before: 1200, after: 5120 };

/// A name that a word belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    /// Where the name stands.
    pub(crate) span: Range<usize>,
    /// As `span`, and in prose also the word before it: headings write `Client Secret: …`.
    pub(crate) words: Range<usize>,
    /// Every byte that decided how far the name reaches.
    pub(crate) read: Range<usize>,
    /// Where the reading goes on: behind the quotation marks and brackets that close the name.
    end: usize,
    is_quoted: bool,
}

/// Reads the name that the word at `word` belongs to.
pub(crate) fn name(bytes: &[u8], word: Range<usize>) -> Name {
    let untrimmed = name_around(bytes, &word);
    let span = trimmed(bytes, untrimmed.clone(), &word);
    let mut read = untrimmed.start.saturating_sub(2)..untrimmed.end + 1;
    let mut cursor = Cursor { bytes, position: span.end };
    let is_quoted = cursor.skip_closers() || (is_subscript(bytes, &span) && cursor.eat(b"}"));
    let mut words = span.clone();
    let is_prose = preceding(bytes, span.start) == Some(b' ');
    if is_prose && key::is_one_word(bytes.get(span.clone()).unwrap_or_default()) {
        read.end = read.end.max(cursor.position + DEEPEST_QUOTE + 2);
        if !is_quoted {
            words.start = name_before(bytes, span.start);
            read.start = words.start.saturating_sub(1);
        }
    }
    Name { span, words, read, end: cursor.position, is_quoted }
}

/// Reads the assignment to the name that the word at `word` belongs to.
pub(crate) fn at(bytes: &[u8], word: Range<usize>) -> Option<Assignment> {
    assigned(bytes, &name(bytes, word))
}

/// Whether something may be assigned to a name, as the first character behind it tells: in programs, mostly nothing is. Also gives
/// the end of what was read to tell.
pub(crate) fn may_assign(bytes: &[u8], name: &Name) -> (bool, usize) {
    let rest = bytes.get(name.end..).unwrap_or_default();
    let blanks = rest.iter().take(LONGEST_GAP).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let mut read = blanks + 2;
    let may_assign = name.is_quoted
        || match rest.get(blanks) {
            Some(b'{') => {
                let inner = rest.get(blanks + 1..).unwrap_or_default();
                let gap = inner.iter().take(LONGEST_GAP).take_while(|byte| **byte == b' ').count();
                read += gap + 3;
                // A property of C#, or text that C++ makes something from.
                inner.get(gap..).unwrap_or_default().starts_with(b"get") || (blanks == 0 && inner.starts_with(b"\""))
            }
            Some(b'.' | b';' | b']' | b'}' | b'!' | b'+' | b'/' | b'^' | b'#' | b'~') => false,
            Some(b'@') => rest.get(blanks + 1) == Some(&b'"'),
            Some(b':') => rest.get(blanks + 1) != Some(&b':'),
            // What follows a list of columns.
            Some(b')') => {
                let after = rest.get(blanks + 1..).unwrap_or_default();
                let gap = after.iter().take(LONGEST_GAP).take_while(|byte| byte.is_ascii_whitespace()).count();
                read += gap;
                gap < LONGEST_GAP && after.get(gap).is_some_and(|byte| matches!(byte | 0x20, b'v' | b'f'))
            }
            _ => true,
        };
    (may_assign, name.end + read)
}

/// Reads what is assigned to a name.
pub(crate) fn assigned(bytes: &[u8], name: &Name) -> Option<Assignment> {
    if !may_assign(bytes, name).0 {
        return None;
    }
    let mut cursor = Cursor { bytes, position: name.end };
    let form = Form::read(&mut cursor, name);
    let enclosing = preceding(bytes, name.span.start).filter(|mark| !name.is_quoted && matches!(mark, b'"' | b'\''));
    let read = form.and_then(|form| value(&mut cursor, form, enclosing));
    let read = read.or_else(|| if name.is_quoted { value_before(bytes, name.span.start) } else { None });
    let ((span, quote), others) = match read {
        Some((span, quote)) => {
            let others = list::others(bytes, &span, quote).into_iter().map(|other| (other, quote)).collect();
            ((span, quote), others)
        }
        None => {
            let mut column = columns::values(bytes, name.span.clone()).into_iter();
            (column.next()?, column.collect())
        }
    };
    let is_parameter = matches!(form, Some(Form::Parameter | Form::Noted(Notation::Percent)));
    let is_noted = matches!(form, Some(Form::Noted(_)));
    let is_literal = (quote != Quote::None || is_noted) && form != Some(Form::Argument);
    let (key_span, words) = (name.span.clone(), name.words.clone());
    Some(Assignment { key_span, words, span, quote, is_literal, is_parameter, others })
}

/// The name that a value is assigned to, read from the value backwards on its line.
pub(crate) fn key_before(bytes: &[u8], value_start: usize) -> Option<Key> {
    let line = line_start(bytes, value_start);
    let end = line.iter().rposition(|byte| !b" \t\"'`=:>,([{\\".contains(byte))? + 1;
    let start = line.get(..end)?.iter().rposition(|byte| !is_name(*byte)).map_or(0, |index| index + 1);
    let operator = line.get(end..)?;
    let assigns = operator.iter().any(|byte| b"=:>,(".contains(byte));
    (assigns && start < end).then(|| Key::parse(line.get(start..end).unwrap_or_default()))
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

fn name_around(bytes: &[u8], word: &Range<usize>) -> Range<usize> {
    let left = bytes.get(..word.start).unwrap_or_default();
    let left = left.iter().rev().take(LONGEST_KEY).take_while(|byte| is_name(**byte)).count();
    let right = bytes.get(word.end..).unwrap_or_default();
    let right = right.iter().take(LONGEST_KEY).take_while(|byte| is_name(**byte)).count();
    word.start - left..word.end + right
}

fn trimmed(bytes: &[u8], mut span: Range<usize>, word: &Range<usize>) -> Range<usize> {
    // The end of a mark in a notation stands before the name: `%22name`, `\u0022name`.
    let written = match (preceding(bytes, span.start), bytes.get(span.start)) {
        (Some(b'%'), _) => 2,
        (Some(b'\\'), Some(b'u')) => 5,
        (Some(b'\\'), Some(b'x')) => 3,
        // The end of a line in quoted text.
        (Some(b'\\'), Some(b'n' | b'r' | b't')) => 1,
        _ => 0,
    };
    let is_mark = || written == 1 || bytes.get(span.start - 1..).and_then(notation::mark).is_some();
    if written > 0 && span.start + written <= word.start && is_mark() {
        span.start += written;
    }
    // The dashes of a flag and the arrow of `secret->value` are not part of the name.
    while span.start < word.start && matches!(bytes.get(span.start), Some(b'-' | b'.')) {
        span.start += 1;
    }
    while span.end > word.end && matches!(bytes.get(span.end - 1), Some(b'-' | b'.')) {
        span.end -= 1;
    }
    span
}

/// Whether what ends here is itself a key of JSON.
fn is_key(bytes: &[u8], end: usize) -> bool {
    let after = bytes.get(end..).unwrap_or_default();
    let quote = after.iter().take(DEEPEST_QUOTE).take_while(|byte| matches!(byte, b'\\' | b'"' | b'\'')).count();
    let rest = after.get(quote..).unwrap_or_default();
    let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    quote > 0 && rest.get(blanks) == Some(&b':')
}

/// Whether a name stands in braces behind the name of a table, as in Perl: `$ENV{NAME}`.
fn is_subscript(bytes: &[u8], span: &Range<usize>) -> bool {
    let table = span.start.checked_sub(2).and_then(|index| bytes.get(index));
    preceding(bytes, span.start) == Some(b'{')
        && table.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'>')
}

/// The start of the word that stands one space before the name.
fn name_before(bytes: &[u8], start: usize) -> usize {
    let left = bytes.get(..start.saturating_sub(1)).unwrap_or_default();
    let length = left.iter().rev().take(LONGEST_KEY).take_while(|byte| is_name(**byte)).count();
    start.saturating_sub(1 + length)
}

fn preceding(bytes: &[u8], position: usize) -> Option<u8> {
    position.checked_sub(1).and_then(|index| bytes.get(index)).copied()
}

/// What stands between the start of the line and the name, as far as a name may be long.
fn line_start(bytes: &[u8], position: usize) -> &[u8] {
    let left = bytes.get(position.saturating_sub(LONGEST_KEY)..position).unwrap_or_default();
    let length = left.iter().rev().take_while(|byte| **byte != b'\n').count();
    left.get(left.len() - length..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(&str, &str)>) {
        let start = text.to_ascii_lowercase().find("secret").unwrap();
        let found = at(text.as_bytes(), start..start + 6);
        let found = found.map(|found| (found.key(text.as_bytes()).words().join(" "), text[found.span].to_owned()));
        let found = found.as_ref().map(|(key, value)| (key.as_str(), value.as_str()));
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn forms_of_assignment() {
        let some = Some(("client secret", "v4l-ue"));
        for text in [
            "CLIENT_SECRET=v4l-ue\n",
            "export CLIENT_SECRET=v4l-ue",
            "CLIENT_SECRET='v4l-ue'",
            "client_secret: v4l-ue # why",
            "  - client-secret: \"v4l-ue\"",
            "{\"client_secret\":\"v4l-ue\"}",
            "{\\\"client_secret\\\":\\\"v4l-ue\\\"}",
            "clientSecret = 'v4l-ue';",
            "const clientSecret: string = \"v4l-ue\"",
            "var clientSecret string = \"v4l-ue\"",
            "let client_secret: &str = \"v4l-ue\";",
            "client_secret => 'v4l-ue',",
            "clientSecret := `v4l-ue`",
            ".clientSecret(\"v4l-ue\")",
            "os.environ[\"CLIENT_SECRET\"] = \"v4l-ue\"",
            "getenv('CLIENT_SECRET', 'v4l-ue')",
            "ENV['CLIENT_SECRET'] || 'v4l-ue'",
            "<ClientSecret>v4l-ue</ClientSecret>",
            "<add key=\"ClientSecret\" value=\"v4l-ue\"/>",
            "- name: CLIENT_SECRET\n  value: v4l-ue\n",
            "{\"key\":\"client_secret\",\"value\":\"v4l-ue\"}",
            "{\"value\":\"v4l-ue\",\"key\":\"client_secret\",\"type\":\"text\"}",
            "\\\\\\\"client_secret\\\\\\\":\\\\\\\"v4l-ue\\\\\\\"",
            "| client_secret | v4l-ue |",
            "?client_secret=v4l-ue&x=1",
            "--client-secret v4l-ue --x",
            "--client-secret=v4l-ue",
            "ENV CLIENT_SECRET v4l-ue",
            "f(client_secret=v4l-ue, x)",
            "clientSecret: SecretStr(\"v4l-ue\")",
            "Client Secret: v4l-ue",
            "client_secret:\n  \"v4l-ue\"",
            "client_secret = b\"v4l-ue\"",
            "client_secret=v4l-ue&scope=openid&x=1\n",
            "clientSecret \"v4l-ue\"",
            ":client-secret \"v4l-ue\"",
            "-ClientSecret \"v4l-ue\"",
            "{client_secret, \"v4l-ue\"},",
            "[\"--client-secret\", \"v4l-ue\"]",
            "\"-y\", \"--client-secret\", \"v4l-ue\"",
            "buildConfigField 'String', 'CLIENT_SECRET', '\"v4l-ue\"'",
            "buildConfigField(\"String\", \"CLIENT_SECRET\", \"\\\"v4l-ue\\\"\")",
            "<key>ClientSecret</key>\n\t<string>v4l-ue</string>",
            "<name>client.secret</name><value>v4l-ue</value>",
            "<string name=\"client_secret\">v4l-ue</string>",
            "<meta-data android:name=\"CLIENT_SECRET\" android:value=\"v4l-ue\"/>",
            "<property name=\"clientSecret\">\n  <value>v4l-ue</value>\n</property>",
            "<entry key=\"client-secret\" encrypted=\"no\">v4l-ue</entry>",
            "variable \"client_secret\" {\n  type    = string\n  default = \"v4l-ue\"\n}",
            "**Client Secret:** v4l-ue",
            "**Client Secret**: v4l-ue",
            "client_secret is v4l-ue",
            "clientSecret = []byte(\"v4l-ue\")",
            "clientSecret = new Key(Encoding.UTF8.GetBytes(\"v4l-ue\"))",
            "clientSecret(\"{noop}v4l-ue\")",
            "setx CLIENT_SECRET v4l-ue",
            "set -gx CLIENT_SECRET v4l-ue",
            "client_secret = [[v4l-ue]]",
            "body=client_secret%3Dv4l-ue%26x%3D1",
            "\"a=1\\u0026client_secret\\u003dv4l-ue\\u0026x\"",
            "<pre>{&quot;client_secret&quot;: &quot;v4l-ue&quot;}</pre>",
            "#define CLIENT_SECRET \"v4l-ue\"",
            "client_secret <- \"v4l-ue\"",
            "declare -x CLIENT_SECRET=\"v4l-ue\"",
            "setx /M CLIENT_SECRET v4l-ue",
            "const char client_secret[] = \"v4l-ue\";",
            "char client_secret[64] = \"v4l-ue\";",
            "std::string client_secret{\"v4l-ue\"};",
            "public string ClientSecret { get; set; } = \"v4l-ue\";",
            "clientSecret: process.env.ID || \"v4l-ue\",",
            "client_secret = os.getenv(\"ID\", \"v4l-ue\")",
            "System.getenv(\"CLIENT_SECRET\") ?: \"v4l-ue\"",
            "env::var(\"CLIENT_SECRET\").unwrap_or_else(|_| \"v4l-ue\".to_string())",
            "Optional.ofNullable(System.getenv(\"CLIENT_SECRET\")).orElse(\"v4l-ue\")",
            "String.fromEnvironment('CLIENT_SECRET', defaultValue: 'v4l-ue')",
            "parser.add_argument(\"--client-secret\", default=\"v4l-ue\")",
            "ENV.fetch(\"CLIENT_SECRET\") { \"v4l-ue\" }",
            "$ENV{CLIENT_SECRET} // 'v4l-ue'",
            "$ENV{CLIENT_SECRET} = 'v4l-ue';",
            "mapOf(\"client_secret\" to \"v4l-ue\")",
            "url.Values{\"client_secret\": {\"v4l-ue\"}}",
            "{\"client_secret\": []string{\"v4l-ue\"}}",
            "client_secret: ['v4l-ue', 'w4l-ue']",
            "\"client_secret\" : [ \"v4l-ue\" ]",
            "client_secret: &anchor \"v4l-ue\"",
            "client_secret: !!str v4l-ue",
            "<client_secret><![CDATA[v4l-ue]]></client_secret>",
            "<client-secret type=\"a\">v4l-ue</client-secret>",
            "<add value=\"v4l-ue\" key=\"ClientSecret\"/>",
            "<param-name>clientSecret</param-name><param-value>v4l-ue</param-value>",
            "<td>Client secret</td>\n <td>v4l-ue</td>",
            "<code>client_secret</code>: <code>v4l-ue</code>",
            "{ \"ParameterKey\": \"ClientSecret\", \"ParameterValue\": \"v4l-ue\" }",
            "name  = \"/orders/client_secret\"\n  type  = \"SecureString\"\n  value = \"v4l-ue\"",
            "{\"key\":\"client_secret\",\"type\":\"secret\",\"value\":\"v4l-ue\"}",
            "'client_secret=' . 'v4l-ue'",
            "\"&client_secret=\" + \"v4l-ue\"",
            "credentials { clientSecret 'v4l-ue' }",
            "invalid: client_secret 'v4l-ue' is wrong",
            "Map.of(\"a\", \"b\", \"client_secret\", \"v4l-ue\")",
            "resValue \"string\", \"client_secret\", \"v4l-ue\"",
            "#define ClientSecret @\"v4l-ue\"",
            "{ CLIENT_SECRET: z.string().default(\"v4l-ue\") }",
            "clientSecret = sys.env.getOrElse(\"ID\", \"v4l-ue\")",
            "\"clientSecret\":{\"type\":\"securestring\",\"defaultValue\":\"v4l-ue\"}",
            "<Parameter Value=\"v4l-ue\" Name=\"ClientSecret\"/>",
            "my $client_secret = q{v4l-ue};",
            "CLIENT_SECRET = %q(v4l-ue)",
            "{\"clientSecret\": {\"value\": \"v4l-ue\"}}",
            "\"ClientSecret\": [ { \"Value\": \"v4l-ue\" } ]",
            "CLIENT_SECRET:\n    value: \"v4l-ue\"\n",
            "client_secret:\n  default: v4l-ue\n",
            "[\n  \"client_secret=v4l-ue\\n\"\n]",
            "[\n  \"client_secret: v4l-ue\\n\",\n]",
            "\"a: 1\\nclient_secret: v4l-ue\\nb: 2\"",
            "\"env:\\n  - name: CLIENT_SECRET\\n    value: v4l-ue\\n\"",
            "String clientSecret() { return \"v4l-ue\"; }",
            "def client_secret(self) -> str:\n    return \"v4l-ue\"",
            "clientSecret = isLive ? \"v4l-ue\" : \"\"",
            "CLIENT_SECRET=\"v4l-ue\"\n: ${X:=1}",
        ] {
            check(text, some);
        }
    }

    #[test]
    fn long_words_stand_alone_beside_and_below_their_names() {
        let value = "v4l-u3".repeat(3);
        for text in [
            "# the Client Secret %",
            "<clientSecret>{AQ %}</clientSecret>",
            "OIDCClientSecret %",
            "Client Secret\n%\n",
            "# Client Secret\n\n%",
            "Client Secret:\n%\n",
            "client_secret: |-\n  %\n",
            "clientSecret: >\n    %\nnext: 1",
            "client_secret:\n  - %\n",
            "wrong client_secret % given",
            "the client secret %, thanks",
            "args:\n  - --client-secret\n  - %\n",
        ] {
            let text = text.replace('%', &value);
            let start = text.to_ascii_lowercase().find("secret").unwrap();
            let found = at(text.as_bytes(), start..start + 6).map(|found| &text[found.span]);
            assert_eq!(found, Some(value.as_str()), "{text}");
        }
    }

    #[test]
    fn what_assigns_nothing() {
        for text in [
            "the client_secret is",
            "client_secret",
            "client_secret\n= 3",
            "ClientSecret::new()",
            "client_secret=\n",
            "fn client_secret() {",
            "client_secret=\"unfinished\n\"",
            "[\"client_secret\"]",
            "[\"client_id\", \"client_secret\", \"scope\"]",
            "Client Secret\nshort\n",
            "the secret is rust/books/1_first_edition/",
            "Client Secret\nseveral long-words-of-prose here",
            "ClientSecret anotherWordThatIsLong and more",
            "variable \"client_secret\" {\n  type = string\n}\ndefault = \"x\"",
            "the client secret id=4711471147114711 of",
            "<string name=\"client_secret\"/>",
        ] {
            check(text, None);
        }
    }
}
