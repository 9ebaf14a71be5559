//! Compiles `rules/*.toml` into the binary: writes a table of their names, their contents, and what of it a scan needs as JSON,
//! which is read many times faster.

#![expect(
    clippy::disallowed_methods,
    reason = "a build script has no `config` to read the environment and no `fs_err`"
)]

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, error, fs};

fn main() -> Result<(), Box<dyn error::Error>> {
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
    for path in files {
        let name = path.file_name().and_then(|name| name.to_str()).ok_or("rule files have plain names")?;
        let content = path.to_str().ok_or("the package lies in a directory with a plain name")?;
        let text = fs::read_to_string(&path)?;
        let (compiled, handling) = compile(&text).map_err(|error| format!("rules/{name}: {error}"))?;
        writeln!(table, "    BuiltIn {{ file: \"rules/{name}\", text: include_str!({content:?}),")?;
        writeln!(table, "        compiled: {compiled:?}, handling: &{handling:?} }},")?;
    }
    table.push_str("]\n");
    fs::write(out.join("rules.rs"), table)?;
    Ok(())
}

/// How a credential is asked about and ended, as two objects of JSON.
type Handling = (String, String);

/// A rule file without the examples, and apart from it the handling of each rule.
fn compile(text: &str) -> Result<(String, Vec<Handling>), Box<dyn error::Error>> {
    let mut file: toml::Table = toml::from_str(text)?;
    let mut handling = Vec::new();
    let calls = Calls { checks: calls(&mut file, "check")?, revocations: calls(&mut file, "revocation")? };
    for rule in file.get_mut("rule").and_then(toml::Value::as_array_mut).into_iter().flatten() {
        let rule = rule.as_table_mut().ok_or("a rule is a table")?;
        rule.remove("examples");
        let mut part = |name: &str| rule.remove(name).ok_or(format!("a rule has no `{name}`"));
        let (mut verify, mut revoke) = (part("verify")?, part("revoke")?);
        calls.fill_in(&mut verify, "check", &calls.checks)?;
        calls.fill_in(&mut revoke, "call", &calls.revocations)?;
        handling.push((serde_json::to_string(&verify)?, serde_json::to_string(&revoke)?));
    }
    Ok((serde_json::to_string(&file)?, handling))
}

/// The requests of a file by their names.
struct Calls {
    checks: toml::Table,
    revocations: toml::Table,
}

impl Calls {
    /// Puts the request itself in the place of its name, and so on within it.
    fn fill_in(&self, value: &mut toml::Value, key: &str, calls: &toml::Table) -> Result<(), Box<dyn error::Error>> {
        let Some(slot) = value.get_mut(key) else { return Ok(()) };
        let name = slot.as_str().ok_or_else(|| format!("`{key}` is a name"))?;
        let call = calls.get(name).ok_or_else(|| format!("there is no request named `{name}`"))?;
        *slot = call.clone();
        self.fill_in(slot, "after", &self.checks)
    }
}

/// Takes the tables of that name out of a file, without their examples.
fn calls(file: &mut toml::Table, table: &str) -> Result<toml::Table, Box<dyn error::Error>> {
    let Some(toml::Value::Array(calls)) = file.remove(table) else { return Ok(toml::Table::new()) };
    let named = calls.into_iter().map(|mut call| {
        let entry = call.as_table_mut().ok_or("a request is a table")?;
        entry.remove("examples");
        if let Some(undo) = entry.get_mut("undo").and_then(toml::Value::as_table_mut) {
            undo.remove("examples");
        }
        let name = entry.get("name").and_then(toml::Value::as_str).ok_or("a request has a `name`")?.to_owned();
        Ok((name, call))
    });
    named.collect()
}
