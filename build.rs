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
    for rule in file.get_mut("rule").and_then(toml::Value::as_array_mut).into_iter().flatten() {
        let rule = rule.as_table_mut().ok_or("a rule is a table")?;
        rule.remove("examples");
        let mut part = |name: &str| {
            serde_json::to_string(&rule.remove(name).ok_or(format!("a rule has no `{name}`"))?)
                .map_err(|error| error.to_string())
        };
        handling.push((part("verify")?, part("revoke")?));
    }
    Ok((serde_json::to_string(&file)?, handling))
}
