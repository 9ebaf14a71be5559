//! Images that are cut, wrong, or mean harm.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::detect::Detector;
use crate::finding::FingerprintKey;
use crate::rules::RuleSet;
use crate::source::image::{ImageError, sniff};
use crate::source::{Collector, ScanContext, Source as _};

#[test]
fn missing_and_wrong_blobs_are_told() {
    let mut layout = Layout::new();
    let (manifest, layers) = layout.image(&[tar_of(&[("a", b"x")]), tar_of(&[("b", b"LEAK-b")])], json!({}));
    layout.refer(&manifest, "latest");
    layout.manifests.push(json!({"digest": digest(b"another platform")}));
    let mut files = layout.finish();
    files.retain(|(name, _)| !name.ends_with(&layers[0][7..]));
    let changed = files.iter_mut().find(|(name, _)| name.ends_with(&layers[1][7..])).unwrap();
    changed.1 = tar_of(&[("b", b"LEAK-changed")]);
    let disk = Disk::new();
    let answer = scan(&disk.directory(&files));
    assert_eq!(answer.lines, [format!("LEAK-changed img {} b [step 1]", short(&layers[1]))]);
    assert_eq!(answer.diagnostics.len(), 3, "{:?}", answer.diagnostics);
    assert!(answer.told("absent-platform note img: sha256:"));
    assert!(answer.told("digest-mismatch gap img: layer sha256:"));
    assert!(answer.told(&format!("missing-blob gap img: {}", layers[0])));
}

#[test]
fn what_is_left_of_an_earlier_build_is_not_missed() {
    let mut layout = Layout::new();
    let (manifest, _) = layout.image(&[tar_of(&[("a", b"LEAK-a")])], json!({}));
    layout.refer(&manifest, "latest");
    layout.json(&json!({"layers": [descriptor(&digest(b"long gone"))]}));
    let disk = Disk::new();
    let answer = scan(&disk.directory(&layout.finish()));
    assert_eq!(answer.lines.len(), 1);
    assert_eq!(answer.diagnostics.len(), 1, "{:?}", answer.diagnostics);
    assert!(answer.told("missing-blob note img#sha256:"), "{:?}", answer.diagnostics);
}

#[test]
fn truncation_is_told_and_what_was_read_is_scanned() {
    let noise: Vec<u8> = (0..200_000_u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let layer = tar_of(&[("first", b"LEAK-first"), ("noise", &noise), ("last", b"LEAK-last")]);
    for bytes in [layer.clone(), gzip(&layer), zstd(&layer)] {
        let mut layout = Layout::new();
        let (manifest, layers) = layout.image(std::slice::from_ref(&bytes), json!({}));
        layout.refer(&manifest, "latest");
        let mut files = layout.finish();
        let cut = files.iter_mut().find(|(name, _)| name.ends_with(&layers[0][7..])).unwrap();
        cut.1.truncate(bytes.len() / 2);
        let disk = Disk::new();
        let answer = scan(&disk.directory(&files));
        assert!(answer.has(&format!("LEAK-first img {} first [step 0]", short(&layers[0]))), "{:?}", answer.lines);
        assert!(answer.told(&format!("truncated-layer gap img: layer {}", layers[0])), "{:?}", answer.diagnostics);
        assert!(answer.told("digest-mismatch gap"), "{:?}", answer.diagnostics);
    }
}

#[test]
fn a_cut_archive_is_told() {
    let mut layout = Layout::new();
    let noise: Vec<u8> = (0..50_000_u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let (manifest, _) = layout.image(&[tar_of(&[("a", b"LEAK-a"), ("noise", &noise)])], json!({"Env": ["A=LEAK-env"]}));
    layout.refer(&manifest, "latest");
    let tar = archive(&layout.finish());
    let disk = Disk::new();
    for bytes in [tar.clone(), gzip(&tar), zstd(&tar)] {
        for keep in [bytes.len() / 4, bytes.len() / 2, bytes.len() * 9 / 10, bytes.len() - 1024] {
            let answer = scan(&disk.file(&bytes[..keep]));
            assert!(
                answer.told("truncated-archive gap") || answer.told("truncated-layer gap"),
                "{keep}: {:?}",
                answer.diagnostics
            );
        }
    }
}

#[test]
fn other_inputs_are_refused() {
    let disk = Disk::new();
    for bytes in [
        &b""[..],
        b"text",
        &[0; 2048],
        &gzip(b"a log"),
        b"\x1f\x8b, which a text may begin with",
        b"\x28\xb5\x2f\xfd\xff and so on and so on",
    ] {
        assert_eq!(sniff(&disk.file(bytes)).unwrap(), None);
    }
    assert_eq!(sniff(disk.0.path()).unwrap(), None);
    let path = disk.file(b"text");
    assert!(matches!(ImageSource::open(&path, "img"), Err(ImageError::NotAnImage { .. })));
    assert!(matches!(sniff(&path.join("absent")), Err(ImageError::Unreadable { .. })));
}

/// What it is, a tar without its end, what has to be found, and the diagnostic.
type Case = (&'static str, Vec<u8>, &'static [&'static str], Option<&'static str>);

#[test]
fn hostile_entries_hide_nothing() {
    let end = [0; 1024];
    let huge_record = raw_entry("x", b'x', &vec![b'a'; 2 << 20]);
    let huge_name = raw_entry("x", b'L', &vec![b'a'; 2 << 20]);
    let plain = raw_entry("plain", b'0', b"LEAK-plain");
    let mut lying = raw_entry("lying", b'0', b"LEAK-lying");
    lying[124..136].copy_from_slice(&[0x80, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0]);
    let sum: u32 =
        lying[..512].iter().enumerate().map(|(i, b)| if (148..156).contains(&i) { 32 } else { u32::from(*b) }).sum();
    lying[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let cases: [Case; 10] = [
        ("a hard link with content", raw_entry("link", b'1', b"LEAK-link"), &["LEAK-link img link"], None),
        ("a directory with content", raw_entry("dir", b'5', b"LEAK-dir"), &["LEAK-dir img dir"], None),
        ("an unknown type", raw_entry("odd", b'Z', b"LEAK-odd"), &["LEAK-odd img odd"], None),
        ("a global header", raw_entry("pax", b'g', b"20 comment=LEAK-pax\n"), &["LEAK-pax img pax"], None),
        ("a path that climbs", raw_entry("../../etc/x", b'0', b"LEAK-climb"), &["LEAK-climb img ../../etc/x"], None),
        (
            "bytes behind the end",
            [&plain[..], &end, b"LEAK-trailing"].concat(),
            &["LEAK-plain img plain", "LEAK-trailing img trailing:"],
            None,
        ),
        (
            "a huge record",
            [&plain[..], &huge_record, &plain].concat(),
            &["LEAK-plain img plain"],
            Some("corrupt-layer gap"),
        ),
        (
            "a huge name",
            [&plain[..], &huge_name, &plain].concat(),
            &["LEAK-plain img plain"],
            Some("corrupt-layer gap"),
        ),
        ("an absurd size", [&plain[..], &lying].concat(), &["LEAK-plain img plain"], Some("oversize-file gap")),
        ("a bad checksum", [&plain[..], &[1; 512]].concat(), &["LEAK-plain img plain"], Some("corrupt-layer gap")),
    ];
    let disk = Disk::new();
    for (what, mut tar, lines, code) in cases {
        tar.extend(end);
        let answer = scan(&disk.file(&gzip(&tar)));
        assert_eq!(answer.lines, lines, "{what}");
        match code {
            Some(code) => assert!(answer.told(code), "{what}: {:?}", answer.diagnostics),
            None => assert_eq!(answer.diagnostics, Vec::<String>::new(), "{what}"),
        }
    }
}

#[test]
fn a_legacy_layer_that_is_not_the_configured_one_is_told() {
    let layer = tar_of(&[("a", b"LEAK-a")]);
    for (diff_id, is_told) in [(digest(&layer), false), (digest(b"other"), true)] {
        let config = serde_json::to_vec(&json!({"rootfs": {"diff_ids": [diff_id]}})).unwrap();
        let manifest = serde_json::to_vec(&json!([{"Config": "c.json", "Layers": ["aa/layer.tar"]}])).unwrap();
        let tar = tar_of(&[("aa/layer.tar", &layer), ("c.json", &config), ("manifest.json", &manifest)]);
        let disk = Disk::new();
        let answer = scan(&disk.file(&tar));
        assert_eq!(answer.lines, [format!("LEAK-a img {} a", short(&diff_id))]);
        assert_eq!(answer.told("digest-mismatch gap img: layer"), is_told);
    }
}

#[test]
fn a_tar_without_end_is_whole_if_its_digest_says_so() {
    let whole = tar_of(&[("a", b"LEAK-a")]);
    for length in [1024, 512 + 6] {
        let disk = Disk::new();
        let layer = gzip(&whole[..length]);
        let mut layout = Layout::new();
        let (manifest, layers) = layout.image(std::slice::from_ref(&layer), json!({}));
        layout.refer(&manifest, "latest");
        let answer = scan(&disk.directory(&layout.finish()));
        assert_eq!(answer.lines, [format!("LEAK-a img {} a [step 0]", short(&layers[0]))]);
        assert_eq!(answer.diagnostics, Vec::<String>::new());
        let answer = scan(&disk.file(&layer));
        assert_eq!(answer.lines, ["LEAK-a img a"]);
        assert!(answer.told("truncated-layer gap img: it ends without the mark"), "{:?}", answer.diagnostics);
    }
}

#[test]
fn limits_are_told() {
    let tar = tar_of(&[("big", &[b'x'; 5000]), ("small", b"LEAK-small"), ("third", b"LEAK-third")]);
    let disk = Disk::new();
    let path = disk.file(&tar);
    let answer = scan_with(&path, Limits::new(4999), Probe::default());
    assert_eq!(answer.lines.len(), 2);
    assert!(answer.told("oversize-file gap img: big: 5000 bytes"), "{:?}", answer.diagnostics);
    let answer = scan_with(&disk.file(&gzip(&tar[..4000])), Limits::new(4999), Probe::default());
    assert!(answer.told("truncated-layer gap img: big: it ends too early"), "{:?}", answer.diagnostics);
    let path = disk.file(&tar);
    let answer = scan_with(&path, Limits { entries: 2, ..Limits::new(5000) }, Probe::default());
    assert_eq!(answer.lines.len(), 1);
    assert!(answer.told("oversize-layer gap img: more than 2 entries"), "{:?}", answer.diagnostics);
    let answer = scan_with(&path, Limits { layer_bytes: 6000, ..Limits::new(5000) }, Probe::default());
    assert!(answer.told("corrupt-layer gap img: it expands beyond every limit"), "{:?}", answer.diagnostics);
}

#[test]
fn large_files_are_searched_as_they_are_read() {
    let rules = RuleSet::load(&[]).unwrap();
    let detector = Detector::new(Arc::new(rules), FingerprintKey::default());
    let secret = |name: &str| format!("CLIENT_ID=shop\nCLIENT_SECRET={}\n", BASE64.encode(Sha256::digest(name)));
    let mut large = vec![b'\n'; 33 << 20];
    large.extend(secret("large").into_bytes());
    let tar = tar_of(&[("large", &large), ("small", secret("small").as_bytes())]);
    let disk = Disk::new();
    let check = |layer: &[u8], max_stream_size: u64, expected: &[(&str, u32)], told: &[&str]| {
        let collector = Collector::default();
        let context =
            ScanContext { max_file_size: 1 << 20, max_stream_size, ..ScanContext::new(&detector, &collector) };
        ImageSource::open(&disk.file(layer), "img").unwrap().scan(&context);
        let (findings, diagnostics) = collector.finish();
        let mut places: Vec<(String, u32)> = findings
            .iter()
            .flat_map(|finding| &finding.locations)
            .map(|location| (location.path.display().into_owned(), location.span.line))
            .collect();
        places.sort();
        let expected: Vec<(String, u32)> = expected.iter().map(|(path, line)| ((*path).to_owned(), *line)).collect();
        assert_eq!(places, expected);
        assert_eq!(diagnostics.iter().map(|diagnostic| diagnostic.code).collect::<Vec<_>>(), told);
    };
    let line = (33 << 20) + 2;
    check(&gzip(&tar), u64::MAX, &[("large", line), ("small", 2)], &[]);
    check(&gzip(&tar), 1 << 20, &[("small", 2)], &["oversize-file"]);
    check(&gzip(&tar[..512 + large.len() - 2]), u64::MAX, &[("large", line)], &["truncated-layer"]);
}

#[test]
fn a_cancelled_scan_stops() {
    let disk = Disk::new();
    let path = disk.file(&tar_of(&[("a", b"LEAK-a")]));
    let probe = Probe { cancelled: AtomicBool::new(true), ..Probe::default() };
    assert_eq!(scan_with(&path, Limits::new(5000), probe).lines, Vec::<String>::new());
}

#[test]
fn bytes_behind_the_end_of_an_archive_are_told() {
    let mut layout = Layout::new();
    let (manifest, _) = layout.image(&[tar_of(&[("a", b"LEAK-a")])], json!({}));
    layout.refer(&manifest, "latest");
    let tar = [archive(&layout.finish()), b"LEAK-behind".to_vec()].concat();
    let disk = Disk::new();
    let answer = scan(&disk.file(&tar));
    assert!(answer.has("LEAK-behind img trailing:"), "{:?}", answer.lines);
    assert!(answer.told("trailing-data note img"), "{:?}", answer.diagnostics);
    let answer = scan(&disk.file(&gzip(&tar)));
    assert!(answer.told("trailing-data gap img"), "{:?}", answer.diagnostics);
}

/// An image with one marker, as an archive, plain or compressed as a whole.
fn small_archives() -> [Vec<u8>; 3] {
    let mut layout = Layout::new();
    let layers = [gzip(&tar_of(&[("a", b"LEAK-a")])), tar_of(&[(".wh.a", b"")])];
    let (manifest, _) = layout.image(&layers, json!({"Env": ["A=b"]}));
    layout.refer(&manifest, "latest");
    let tar = archive(&layout.finish());
    [gzip(&tar), zstd(&tar), tar]
}

proptest! {
    #[test]
    fn one_changed_byte_hides_nothing_in_silence(form in 0..3_usize, place: prop::sample::Index, change in 1..=255_u8) {
        let mut bytes = small_archives()[form].clone();
        let place = place.index(bytes.len());
        bytes[place] ^= change;
        let disk = Disk::new();
        let path = disk.file(&bytes);
        // What is no archive any more is scanned as a file.
        if sniff(&path).unwrap().is_some() {
            let answer = scan(&path);
            let is_found = answer.lines.iter().any(|line| line.starts_with("LEAK-a "));
            let is_told = answer.diagnostics.iter().any(|diagnostic| diagnostic.contains(" gap "));
            prop_assert!(is_found || is_told, "byte {place} of form {form}: {:?}", answer.diagnostics);
        }
    }

    #[test]
    fn a_cut_archive_never_looks_whole(form in 0..3_usize, place: prop::sample::Index) {
        let mut bytes = small_archives()[form].clone();
        // The padding of the archive is no loss.
        let end = bytes.len() - if form == 2 { 512 } else { 1 };
        bytes.truncate(place.index(end));
        let disk = Disk::new();
        let path = disk.file(&bytes);
        if sniff(&path).unwrap().is_some() {
            let answer = scan(&path);
            prop_assert!(answer.diagnostics.iter().any(|diagnostic| diagnostic.contains(" gap ")), "{}", bytes.len());
        }
    }
}
