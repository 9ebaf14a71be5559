//! Compiles `rules/*.toml` into the binary: writes a table of their names and contents; what every scan needs of each rule, in a form
//! that is read many times faster; and the rest of each as JSON, for when it is asked for.

#![expect(
    clippy::disallowed_methods,
    reason = "a build script has no `config` to read the environment and no `fs_err`"
)]

#[path = "src/rules/sought.rs"]
#[expect(dead_code, unreachable_pub, reason = "the program reads what is written here, and shows some of it")]
mod sought;
#[path = "src/rules/vocabulary.rs"]
#[expect(dead_code, reason = "what belongs to a credential is not looked for here")]
mod vocabulary;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, error, fs};

use sought::{By, Sought};
use toml::{Table, Value};

type Failure = Box<dyn error::Error>;

fn main() -> Result<(), Failure> {
    println!("cargo:rerun-if-changed=rules");
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or("cargo sets CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    let mut files = Vec::new();
    for entry in fs::read_dir(root.join("rules"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    let mut table = String::from("&[\n");
    let mut compiled = Compiled::default();
    for path in files {
        let name = path.file_name().and_then(|name| name.to_str()).ok_or("rule files have plain names")?;
        let content = path.to_str().ok_or("the package lies in a directory with a plain name")?;
        let text = fs::read_to_string(&path)?;
        let name = format!("rules/{name}");
        compiled.add(&name, &text).map_err(|error| format!("{name}: {error}"))?;
        writeln!(table, "    BuiltIn {{ file: \"{name}\", text: include_str!({content:?}) }},")?;
    }
    table.push_str("]\n");
    fs::write(out.join("rules.rs"), table)?;
    fs::write(out.join("rules.txt"), compiled.sought)?;
    fs::write(out.join("rules.json"), compiled.rest)?;
    Ok(())
}

/// The rules of all files.
#[derive(Default)]
struct Compiled {
    /// What each looks for.
    sought: String,
    /// Behind each other for each of them, as JSON: its entry without the examples, how a credential is asked about, and how it is
    /// ended.
    rest: String,
}

impl Compiled {
    fn add(&mut self, name: &str, text: &str) -> Result<(), Failure> {
        let mut file: Table = toml::from_str(text)?;
        let calls = Calls { checks: calls(&mut file, "check")?, revocations: calls(&mut file, "revocation")? };
        for rule in tables(&mut file, "rule")? {
            let mut rule = rule?;
            rule.remove("examples");
            let mut part = |name: &str| rule.remove(name).ok_or(format!("a rule has no `{name}`"));
            let (mut verify, mut revoke) = (part("verify")?, part("revoke")?);
            calls.fill_in(&mut verify, "check", &calls.checks)?;
            calls.fill_in(&mut revoke, "call", &calls.revocations)?;
            let rest =
                [serde_json::to_string(&rule)?, serde_json::to_string(&verify)?, serde_json::to_string(&revoke)?];
            let provider = text_of(&file, "provider").ok_or("the file names no `provider`")?;
            self.write_rule(name, provider, &rule, rest)?;
        }
        for vendor in tables(&mut file, "vendors")? {
            self.write_vendor(name, &vendor?)?;
        }
        Ok(())
    }

    fn write_rule(&mut self, file: &str, provider: &str, rule: &Table, rest: [String; 3]) -> Result<(), Failure> {
        let keys: Option<Vec<String>> = read(rule, "keys")?;
        let keys = keys.map(|keys| vocabulary::key_words(&keys));
        let scanner: Option<sought::Scanner> = read(rule, "scanner")?;
        let anchors: Option<Vec<String>> = read(rule, "anchors")?;
        let anchors = match (anchors, &keys, scanner) {
            (Some(anchors), ..) => anchors,
            (None, Some(keys), _) => vocabulary::anchors(keys),
            (None, None, Some(scanner)) => scanner.anchors().iter().map(|&anchor| anchor.to_owned()).collect(),
            (None, None, None) => return Err("a rule has no `anchors`".into()),
        };
        let keys: Option<Vec<String>> = keys.map(|keys| keys.iter().map(|words| words.join(" ")).collect());
        let number = |table: Option<&Value>, key: &str| -> Result<Option<usize>, Failure> {
            Ok(table.and_then(|table| table.get(key)).map(|number| number.clone().try_into()).transpose()?)
        };
        let window = (number(rule.get("window"), "before")?, number(rule.get("window"), "after")?);
        let shape = rule.get("shape");
        let sought = Sought {
            id: text_of(rule, "id").ok_or("a rule has no `id`")?,
            provider,
            file,
            anchors: anchors.iter().map(String::as_str).collect(),
            is_case_sensitive: read(rule, "case_sensitive")?.unwrap_or(true) && keys.is_none(),
            window: window.0.zip(window.1).unwrap_or(sought::DEFAULT_WINDOW),
            by: match (&keys, scanner) {
                (Some(keys), _) => By::Keys(keys.iter().map(String::as_str).collect()),
                (None, Some(scanner)) => By::Scanner(scanner),
                (None, None) => By::Pattern(text_of(rule, "pattern").ok_or("a rule has no `pattern`")?),
            },
            lengths: (number(shape, "min_length")?.unwrap_or_default(), number(shape, "max_length")?),
            has_exceptions: read::<Vec<String>>(rule, "except")?.is_some_and(|except| !except.is_empty()),
            rest: self.put(&rest),
        };
        write(&sought, &mut self.sought);
        Ok(())
    }

    fn write_vendor(&mut self, file: &str, vendor: &Table) -> Result<(), Failure> {
        let name = text_of(vendor, "name").ok_or("a vendor has no `name`")?;
        let secret = text_of(vendor, "secret").unwrap_or(sought::DEFAULT_SECRET);
        let (provider, id) = sought::names_of_vendor(name, secret);
        let words: Vec<String> = read(vendor, "words")?.ok_or("a vendor has no `words`")?;
        let lengths: Vec<usize> = read(vendor, "lengths")?.unwrap_or_default();
        let sought = Sought {
            id: &id,
            provider: &provider,
            file,
            anchors: words.iter().map(String::as_str).collect(),
            is_case_sensitive: false,
            window: sought::window_of_vendor(&lengths),
            by: By::Vendor(read(vendor, "alphabet")?, lengths),
            lengths: (0, None),
            has_exceptions: false,
            rest: self.put(&[serde_json::to_string(vendor)?, String::new(), String::new()]),
        };
        write(&sought, &mut self.sought);
        Ok(())
    }

    /// Adds texts to those of the rules before, and tells how long each is.
    fn put(&mut self, rest: &[String; 3]) -> [usize; 3] {
        self.rest.extend(rest.iter().map(String::as_str));
        rest.each_ref().map(String::len)
    }
}

/// Writes what [`Sought::read`] reads.
fn write(sought: &Sought<'_>, text: &mut String) {
    let (before, after) = sought.window;
    let (shortest, longest) = sought.lengths;
    let mut put = |piece: &str| text.extend(piece.chars().chain([sought::END]));
    let (tag, by) = match &sought.by {
        By::Pattern(pattern) => ('p', (*pattern).to_owned()),
        By::Keys(keys) => ('k', list(keys)),
        By::Scanner(scanner) => ('s', number_among(&sought::Scanner::ALL, scanner)),
        By::Vendor(alphabet, lengths) => {
            let alphabet = alphabet.map(|alphabet| number_among(&sought::Alphabet::ALL, &alphabet));
            let lengths = lengths.iter().map(ToString::to_string);
            ('v', list(&alphabet.into_iter().chain(lengths).collect::<Vec<_>>()))
        }
    };
    let tags = [Some(tag), sought.is_case_sensitive.then_some('c'), sought.has_exceptions.then_some('x')];
    for piece in [
        sought.id,
        sought.provider,
        sought.file,
        &list(&sought.anchors),
        &tags.iter().flatten().collect::<String>(),
        &by,
    ] {
        put(piece);
    }
    for number in [before, after, shortest].into_iter().chain(sought.rest) {
        put(&number.to_string());
    }
    put(&longest.map(|longest| longest.to_string()).unwrap_or_default());
}

fn list(words: &[impl AsRef<str>]) -> String {
    words.iter().flat_map(|word| word.as_ref().chars().chain([sought::NEXT])).collect()
}

fn number_among<T: PartialEq>(all: &[T], one: &T) -> String {
    all.iter().take_while(|other| *other != one).count().to_string()
}

/// Takes the tables of that name out of a file.
fn tables(file: &mut Table, name: &str) -> Result<impl Iterator<Item = Result<Table, Failure>> + use<>, Failure> {
    let tables = match file.remove(name) {
        Some(Value::Array(tables)) => tables,
        None => Vec::new(),
        Some(_) => return Err(format!("`{name}` is no list of tables").into()),
    };
    Ok(tables.into_iter().map(|table| Ok(table.try_into()?)))
}

fn text_of<'a>(table: &'a Table, key: &str) -> Option<&'a str> {
    table.get(key).and_then(Value::as_str)
}

fn read<T: serde::de::DeserializeOwned>(table: &Table, key: &str) -> Result<Option<T>, Failure> {
    Ok(table.get(key).map(|value| value.clone().try_into()).transpose()?)
}

/// The requests of a file by their names.
struct Calls {
    checks: Table,
    revocations: Table,
}

impl Calls {
    /// Puts the request itself in the place of its name, and so on within it.
    fn fill_in(&self, value: &mut Value, key: &str, calls: &Table) -> Result<(), Failure> {
        let Some(slot) = value.get_mut(key) else { return Ok(()) };
        let name = slot.as_str().ok_or_else(|| format!("`{key}` is a name"))?;
        let call = calls.get(name).ok_or_else(|| format!("there is no request named `{name}`"))?;
        *slot = call.clone();
        self.fill_in(slot, "after", &self.checks)
    }
}

/// Takes the tables of that name out of a file, without their examples.
fn calls(file: &mut Table, table: &str) -> Result<Table, Failure> {
    let Some(Value::Array(calls)) = file.remove(table) else { return Ok(Table::new()) };
    let named = calls.into_iter().map(|mut call| {
        let entry = call.as_table_mut().ok_or("a request is a table")?;
        entry.remove("examples");
        if let Some(undo) = entry.get_mut("undo").and_then(Value::as_table_mut) {
            undo.remove("examples");
        }
        let name = entry.get("name").and_then(Value::as_str).ok_or("a request has a `name`")?.to_owned();
        Ok((name, call))
    });
    named.collect()
}
