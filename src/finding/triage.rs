//! What a finding's places say about how much it matters.

use super::{Confidence, Finding};

/// Lowers severity and confidence by one step where every place of a finding lies among tests, fixtures or examples, the
/// commonest home of made-up credentials. Never below `medium` confidence: such findings are ranked lower, not hidden.
pub fn lower_findings_of_tests(findings: &mut [Finding]) {
    for finding in findings {
        if finding.locations.iter().all(|location| is_test_path(location.path.as_bytes())) {
            finding.confidence = finding.confidence.min(Confidence::Medium);
            finding.severity = finding.severity.lowered();
        }
    }
}

/// Whether a path lies in a folder of tests or examples, or has a test's name.
fn is_test_path(path: &[u8]) -> bool {
    const FOLDERS: [&str; 16] = [
        "test",
        "tests",
        "testdata",
        "test_data",
        "test-data",
        "testing",
        "__tests__",
        "__mocks__",
        "mocks",
        "spec",
        "specs",
        "fixture",
        "fixtures",
        "__fixtures__",
        "example",
        "examples",
    ];
    let path = String::from_utf8_lossy(path);
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", &path));
    let in_folder = folders.split('/').any(|folder| FOLDERS.iter().any(|known| folder.eq_ignore_ascii_case(known)));
    let stem = name.split('.').next().unwrap_or(name);
    let middle = name.rsplit_once('.').and_then(|(rest, _)| rest.rsplit_once('.')).map(|(_, middle)| middle);
    in_folder || stem.starts_with("test_") || stem.ends_with("_test") || matches!(middle, Some("test" | "spec"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_paths() {
        for (path, expected) in [
            ("src/main.rs", false),
            ("tests/it/main.rs", true),
            ("a/Fixtures/b.env", true),
            ("pkg/auth_test.go", true),
            ("src/auth.spec.ts", true),
            ("test_auth.py", true),
            ("contest/latest.py", false),
            ("testimony/a.txt", false),
            ("protest.env", false),
            ("tests", false),
            (".env.test", false),
            (".env", false),
        ] {
            assert_eq!(is_test_path(path.as_bytes()), expected, "{path}");
        }
    }
}
