//! From the regular expressions of Go (RE2) to ours: the two agree on nearly everything, and where they do not, the same text
//! would mean something else or nothing.
//!
//! What differs: `\Q…\E`, octal escapes, `\<` and `\>` (plain characters in Go), `{` that begins no repetition, and within
//! brackets `[`, `&&`, `--` and `~~`, which are plain in Go and set operators here.

use std::str::Chars;

/// Which groups of an expression hold the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Groups {
    /// None: only whether it matches counts.
    Ignored,
    /// The first one that is not empty; the whole match where there is no group.
    First,
    /// The one of that number, counted from 1.
    Numbered(usize),
}

/// The same expression in our syntax, with the secret in groups named `secret`, `secret_2` and so on.
///
/// # Errors
/// What is wrong with it, as far as it cannot be translated. What is left is told by whoever compiles it.
pub(super) fn translated(expression: &str, groups: Groups) -> Result<String, String> {
    let mut translation =
        Translation { rest: expression.chars(), out: String::new(), groups, count: 0, is_ascii: true };
    translation.run()?;
    let Translation { mut out, count, is_ascii, .. } = translation;
    match groups {
        Groups::First if count == 0 => out = format!("(?P<secret>{out})"),
        Groups::Numbered(number) if number > count => {
            return Err(format!("`secretGroup` is {number}, and the pattern has {count} groups"));
        }
        _ => {}
    }
    // Over bytes, only what is marked so knows of characters beyond ASCII.
    Ok(if is_ascii { out } else { format!("(?u:{out})") })
}

struct Translation<'a> {
    rest: Chars<'a>,
    out: String,
    groups: Groups,
    /// How many groups there have been.
    count: usize,
    /// Whether nothing in it speaks of characters beyond ASCII.
    is_ascii: bool,
}

impl Translation<'_> {
    fn run(&mut self) -> Result<(), String> {
        while let Some(character) = self.rest.next() {
            match character {
                '\\' => self.escape()?,
                '[' => self.class()?,
                '(' => self.group(),
                '{' => self.brace(),
                '.' | '+' | '*' | '?' | ')' | '|' | '^' | '$' => self.out.push(character),
                _ => self.literal(character),
            }
        }
        Ok(())
    }

    /// A character that stands for itself.
    fn literal(&mut self, character: char) {
        self.is_ascii &= character.is_ascii();
        if regex_syntax::is_meta_character(character) {
            self.out.push('\\');
        }
        self.out.push(character);
    }

    fn follows(&self, text: &str) -> bool {
        self.rest.as_str().starts_with(text)
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.as_str().get(bytes..).unwrap_or_default().chars();
    }

    /// What stands behind a backslash, outside brackets.
    fn escape(&mut self) -> Result<(), String> {
        match self.rest.clone().next() {
            Some('Q') => {
                self.skip(1);
                let (text, length) = match self.rest.as_str().split_once("\\E") {
                    Some((text, _)) => (text.to_owned(), text.len() + 2),
                    None => (self.rest.as_str().to_owned(), self.rest.as_str().len()),
                };
                self.skip(length);
                text.chars().for_each(|character| self.literal(character));
                Ok(())
            }
            Some(assertion @ ('A' | 'z' | 'b' | 'B')) => {
                self.skip(1);
                self.out.extend(['\\', assertion]);
                Ok(())
            }
            _ if self.class_escape()? => Ok(()),
            _ => {
                let character = self.escaped_character()?;
                self.literal(character);
                Ok(())
            }
        }
    }

    /// An escape that stands for a set of characters, if one follows.
    fn class_escape(&mut self) -> Result<bool, String> {
        let Some(name) = self.rest.clone().next() else { return Ok(false) };
        match name {
            'd' | 'D' | 's' | 'S' | 'w' | 'W' => {
                self.skip(1);
                self.out.extend(['\\', name]);
            }
            'p' | 'P' => {
                self.skip(1);
                self.is_ascii = false;
                let property = match self.rest.as_str().strip_prefix('{') {
                    Some(named) => named.split_once('}').ok_or("`\\p{` has no end")?.0,
                    None => self.rest.as_str().get(..1).ok_or("`\\p` names nothing")?,
                };
                let (name, property) = match property.strip_prefix('^') {
                    Some(property) => (if name == 'p' { 'P' } else { 'p' }, property.to_owned()),
                    None => (name, property.to_owned()),
                };
                let length = if self.follows("{^") {
                    property.len() + 3
                } else if self.follows("{") {
                    property.len() + 2
                } else {
                    1
                };
                self.skip(length);
                self.out.extend(["\\", &name.to_string(), "{", &property, "}"]);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The one character that an escape stands for.
    fn escaped_character(&mut self) -> Result<char, String> {
        let character = self.rest.next().ok_or("a backslash stands at the end")?;
        let number = match character {
            'a' => 0x07,
            'f' => 0x0c,
            't' => 0x09,
            'n' => 0x0a,
            'r' => 0x0d,
            'v' => 0x0b,
            'x' => self.hexadecimal()?,
            '0'..='7' => {
                let more: String =
                    self.rest.as_str().chars().take(2).take_while(|digit| ('0'..='7').contains(digit)).collect();
                if character != '0' && more.is_empty() {
                    return Err("backreferences are not supported".to_owned());
                }
                self.skip(more.len());
                u32::from_str_radix(&format!("{character}{more}"), 8).map_err(|error| error.to_string())?
            }
            _ if character.is_ascii_alphanumeric() => return Err(format!("`\\{character}` is no escape")),
            _ => u32::from(character),
        };
        char::from_u32(number).ok_or_else(|| "an escape stands for no character".to_owned())
    }

    fn hexadecimal(&mut self) -> Result<u32, String> {
        let rest = self.rest.as_str();
        let (digits, length) = match rest.strip_prefix('{') {
            Some(braced) => braced.split_once('}').map(|(digits, _)| (digits, digits.len() + 2)),
            None => rest.get(..2).map(|digits| (digits, 2)),
        }
        .ok_or("`\\x` is cut off")?;
        let number = u32::from_str_radix(digits, 16).map_err(|_| "`\\x` is followed by no hexadecimal number")?;
        self.skip(length);
        Ok(number)
    }

    /// What stands in brackets.
    fn class(&mut self) -> Result<(), String> {
        const UNCLOSED: &str = "unclosed character class";
        self.out.push('[');
        if self.follows("^") {
            self.skip(1);
            self.out.push('^');
        }
        let mut is_first = true;
        loop {
            if self.follows("]") && !is_first {
                self.skip(1);
                self.out.push(']');
                return Ok(());
            }
            is_first = false;
            if let Some((name, _)) = self.rest.as_str().strip_prefix("[:").and_then(|rest| rest.split_once(":]"))
                && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'^')
            {
                let name = name.to_owned();
                self.skip(name.len() + 4);
                self.out.extend(["[:", &name, ":]"]);
                continue;
            }
            let low = match self.rest.next().ok_or(UNCLOSED)? {
                '\\' if self.class_escape()? => continue,
                '\\' => self.escaped_character()?,
                character => character,
            };
            self.literal(low);
            if self.follows("-") && !self.follows("-]") && self.rest.as_str().len() > 1 {
                self.skip(1);
                let high = match self.rest.next().ok_or(UNCLOSED)? {
                    '\\' => self.escaped_character()?,
                    character => character,
                };
                self.out.push('-');
                self.literal(high);
            }
        }
    }

    /// The beginning of a group. Those that do not hold the secret lose their names: no report is to show what they hold.
    fn group(&mut self) {
        let named = ["?P<", "?<"].iter().find_map(|start| {
            let (name, _) = self.rest.as_str().strip_prefix(start)?.split_once('>')?;
            let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            is_name.then_some(start.len() + name.len() + 1)
        });
        match named {
            Some(length) => self.skip(length),
            None if self.follows("?") => return self.flags(),
            None => {}
        }
        self.count += 1;
        let group = match self.groups {
            Groups::First if self.count > 1 => format!("(?P<secret_{}>", self.count),
            Groups::First => "(?P<secret>".to_owned(),
            Groups::Numbered(number) if number == self.count => "(?P<secret>".to_owned(),
            Groups::Ignored | Groups::Numbered(_) => "(?:".to_owned(),
        };
        self.out.push_str(&group);
    }

    /// What begins with flags and holds nothing. What else could stand there, no expression of Go has.
    fn flags(&mut self) {
        let is_flag = |c: char| matches!(c, 'i' | 'm' | 's' | 'U' | '-');
        let rest = self.rest.as_str().get(1..).unwrap_or_default();
        let length = rest.find(|c| !is_flag(c)).unwrap_or(rest.len());
        let flags = rest.get(..length).unwrap_or_default().to_owned();
        self.skip(1 + length);
        self.out.extend(["(?", &flags]);
        if self.follows(":") {
            self.skip(1);
            self.out.push(':');
        }
    }

    /// A brace: the beginning of a repetition, or itself.
    fn brace(&mut self) {
        let Some((counts, _)) = self.rest.as_str().split_once('}') else { return self.literal('{') };
        let (least, most) = counts.split_once(',').unwrap_or((counts, ""));
        let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        if least.is_empty() || !is_number(least) || !is_number(most) {
            return self.literal('{');
        }
        let counts = counts.to_owned();
        self.skip(counts.len() + 1);
        self.out.extend(["{", &counts, "}"]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_syntax_of_go_is_translated() {
        let check = |expression: &str, text: &str, expected: bool| {
            let ours = translated(expression, Groups::Ignored).unwrap_or_else(|error| panic!("{expression}: {error}"));
            let regex = crate::rules::compile(&ours).unwrap_or_else(|error| panic!("{expression}: {ours}: {error}"));
            assert_eq!(regex.is_match(text.as_bytes()), expected, "{expression} ({ours}) on {text}");
        };
        check(r"\Qa.b(\E+c", "a.b((c", true);
        check(r"\Qa.b", "axb", false);
        check(r"\<a\>", "<a>", true);
        check(r"\<a\>", "a", false);
        check(r#"\_\"\'\/\-\@\%\:\ "#, r#"_"'/-@%: "#, true);
        check(r"\060\x41\x{42}", "0AB", true);
        check(r"^${NAME}{{x}}a{,2}$", "", false);
        check(r"\${NAME} {{x}} a{,2}", "${NAME} {{x}} a{,2}", true);
        check(r"^a{2}b{1,}c{1,2}$", "aabbcc", true);
        check(r"^[[]$", "[", true);
        check(r"^[^[]$", "[", false);
        check(r"^[]a]+$", "]a", true);
        check(r"^[^]a]$", "]", false);
        check(r"^[a&&b]+$", "a&b", true);
        check(r"^[a~~b]+$", "a~b", true);
        check(r"^[+--]+$", "+,-", true);
        check(r"^[\w-.]+$", "a-._", true);
        check(r"^[\w.-]+$", "a-._", true);
        check(r"^[[:alpha:]_]+$", "ab_", true);
        check(r"^[\x60'\x22]$", "`", true);
        check(r"(?i)^(?P<name>KEY)(?<other>-1)$", "key-1", true);
        check(r"(?s:a.b)\z", "a\nb", true);
        check(r"(?i)a(?-i:B)(?i-s)c", "AbC", false);
        check(r"(?i)a(?-i:B)(?i-s)c", "ABC", true);
        check(r"(?U)^a+$", "aa", true);
        check("^[äö]$", "ö", true);
        check("^straße$", "straße", true);
        check(r"^\p{Greek}\pL\P{^Latin}$", "αβc", true);
        check(r"^[\p{L}\d]+$", "ä1", true);
    }

    #[test]
    fn what_no_expression_can_be_is_told() {
        for (expression, expected) in [
            (r"(a)\1", "backreferences"),
            (r"a\", "backslash"),
            (r"[a", "unclosed character class"),
            (r"\y", "`\\y` is no escape"),
            (r"\xZZ", "hexadecimal"),
            (r"\x{110000}", "no character"),
            (r"\p{L", "no end"),
        ] {
            let error = translated(expression, Groups::Ignored).expect_err(expression);
            assert!(error.contains(expected), "{expression}: {error}");
        }
        assert!(translated("(a)(b)", Groups::Numbered(3)).is_err());
        for expression in ["(?=a)", "(?P<n", "(?x)a", "("] {
            let ours = translated(expression, Groups::Ignored).unwrap();
            assert!(crate::rules::compile(&ours).is_err() || expression == "(?x)a", "{expression}");
        }
    }

    #[test]
    fn the_secret_is_named() {
        for (expression, groups, expected) in [
            ("ab", Groups::First, "(?P<secret>ab)"),
            ("a(b)", Groups::First, "a(?P<secret>b)"),
            ("(?i)a(?:x)(b)|(?P<token>c)", Groups::First, "(?i)a(?:x)(?P<secret>b)|(?P<secret_2>c)"),
            ("(a)(?P<other>b)", Groups::Numbered(2), "(?:a)(?P<secret>b)"),
            ("(a)(?<b>b)", Groups::Ignored, "(?:a)(?:b)"),
        ] {
            assert_eq!(translated(expression, groups).unwrap(), expected);
        }
    }
}
