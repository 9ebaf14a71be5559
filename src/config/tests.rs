//! The configuration as a table: text in, error or settings out.

use super::*;

fn parse(text: &str) -> Result<Config, ConfigError> {
    let file = ConfigFile { path: PathBuf::from("/etc/rescind/config.toml"), named: true };
    Config::parse(text.to_owned(), file, &Environment::fixed([("OUR_SECRET", "value-from-environment")]))
}

fn error_of(text: &str) -> String {
    parse(text).err().map_or_else(|| "accepted".to_owned(), |error| error.to_string())
}

#[test]
fn errors_name_line_and_nearest_spelling() {
    let at = "`/etc/rescind/config.toml` line";
    for (text, expected) in [
        ("[egres]\n", format!("{at} 1: unknown key `egres`; did you mean `egress`?")),
        ("[egress]\nallow_host = []\n", format!("{at} 2: unknown key `allow_host`; did you mean `allow_hosts`?")),
        (
            "\n[[issuer]]\nissuer = 'https://a.example'\nendpoint_host = []\n",
            format!("{at} 4: unknown key `endpoint_host`; did you mean `endpoint_hosts`?"),
        ),
        ("[egress]\ncolour = 1\n", format!("{at} 2: unknown key `colour`")),
        ("[egress]\n\ntimeout_seconds = 0\n", format!("{at} 3: `timeout_seconds` must be between 1 and 120")),
        (
            "[egress]\nallow_hosts = ['a', 'http://b']\n",
            format!("{at} 2: `http://b` is not a host, or a host and a port"),
        ),
        (
            "[[issuer]]\nissuer = 'https://a.example'\n[[issuer]]\nissuer = 'https://a.example'\n",
            format!("{at} 3: issuer `https://a.example` stands here a second time"),
        ),
        (
            "[[issuer]]\nissuer = 'https://a.example?x'\n",
            format!("{at} 1: issuer `https://a.example?x` has a query (RFC 8414 §2)"),
        ),
        (
            "[[issuer]]\nissuer = 'https://a.example'\nclient_id = 'a'\nclient_secret_env = 'UNSET'\n",
            format!("{at} 4: the environment variable `UNSET` is not set"),
        ),
        (
            "[[issuer]]\nissuer = 'https://a.example'\nclient_secret_env = 'OUR_SECRET'\n",
            format!("{at} 1: `client_secret_env` is given without a `client_id`"),
        ),
    ] {
        assert_eq!(error_of(text), expected, "{text}");
    }
}

#[test]
fn administrators_are_read_when_they_are_needed() {
    let text = "[[administrator]]\nprovider = 'aws'\naccount = 'arn:aws:iam::123456789012:*'\nid = 'AKIA'\n";
    for (more, expected) in [
        ("", "line 1: an administrator needs a `secret_env` or `secret_file`"),
        ("secret = 'hunter2'\n", "line 5: a secret may not stand in the configuration"),
        ("secret_env = 'A'\nsecret_file = 'b'\n", "line 1: an administrator has more than one `secret`"),
        ("secret_env = 'A'\nid_env = 'B'\n", "line 1: an administrator has more than one `id`"),
        ("secret_evn = 'A'\n", "line 5: unknown key `secret_evn`; did you mean `secret_env`?"),
    ] {
        let error = error_of(&format!("{text}{more}"));
        assert!(error.contains(expected) && !error.contains("hunter2"), "{more}: {error}");
    }
    let error = error_of("[[administrator]]\nprovider = 'aws'\naccount = 'a['\nid = 'b'\nsecret_env = 'C'\n");
    assert!(error.contains("line 3: bad glob"), "{error}");
    let config = parse(&format!("{text}secret_env = 'OUR_SECRET'\nsession_token_env = 'UNSET'\n")).unwrap_or_default();
    let [administrator] = &config.administrators[..] else { panic!("one administrator") };
    for (provider, account, expected) in [
        ("aws", "arn:aws:iam::123456789012:user/a/b", true),
        ("aws", "arn:aws:iam::999999999999:user/a", false),
        ("aws", "", false),
        ("gitlab", "arn:aws:iam::123456789012:user/a", false),
    ] {
        assert_eq!(administrator.administers(provider, account), expected, "{provider} {account}");
    }
    let error = administrator.read(&Environment::fixed([("OUR_SECRET", "value")])).err().map(|error| error.to_string());
    assert_eq!(error.as_deref(), Some("the environment variable `UNSET` is not set"));
    let key = administrator.read(&Environment::fixed([("OUR_SECRET", "value"), ("UNSET", "session")])).expect("a key");
    assert_eq!((key.id.as_ref().map(Secret::expose), key.secret.expose()), (Some(&b"AKIA"[..]), &b"value"[..]));
    let text = "[[administrator]]\nprovider = 'google'\naccount = '*'\nsecret_env = 'TOKEN'\n";
    let config = parse(text).unwrap_or_default();
    let key = config.administrators[0].read(&Environment::fixed([("TOKEN", "value")])).expect("a key");
    assert!(key.id.is_none());
}

#[test]
fn secrets_are_neither_accepted_nor_quoted() {
    let inline = error_of("[[issuer]]\nissuer = 'https://a.example'\nclient_secret = 'hunter2'\n");
    assert!(inline.contains("line 3") && inline.contains("client_secret_env"), "{inline}");
    let misplaced = error_of("[egress]\ntimeout_seconds = 'hunter2'\n");
    assert!(misplaced.contains("line 2") && !misplaced.contains("hunter2"), "{misplaced}");
    let broken = error_of("[egress]\ntimeout_seconds = hunter2\n");
    assert!(!broken.contains("hunter2"), "{broken}");
}

#[test]
fn issuers_are_exact() {
    let config = parse(
        "[[issuer]]\nissuer = 'https://a.example/'\nclient_id = 'ours'\nclient_secret_env = 'OUR_SECRET'\n\
         zone = 'internal'\nca_bundle = 'ca.pem'\nintrospects_refresh_tokens = true\nrevoke = false\n\
         [[issuer]]\nissuer = 'kubernetes/serviceaccount'\njwks_uri = 'https://cluster.example/keys'\n",
    )
    .unwrap_or_default();
    assert!(config.issuer("https://a.example").is_none(), "the slash counts");
    let issuer = config.issuer("https://a.example/").expect("the first issuer");
    let credentials = issuer.credentials.as_ref().expect("credentials");
    let OperatorProof::Secret(secret) = &credentials.proof else { panic!("a secret") };
    assert_eq!(secret.expose(), b"value-from-environment");
    assert_eq!((issuer.zone, issuer.verify, issuer.revoke), (Zone::Internal, true, false));
    assert_eq!(issuer.ca_bundle.as_deref(), Some(Path::new("/etc/rescind/ca.pem")));
    assert!(config.issuer("kubernetes/serviceaccount").is_some_and(|issuer| issuer.url.is_none()));
}

/// A trusted issuer with a section that says how its clients are administered.
fn administered(issuer: &str, section: &str) -> Result<Config, ConfigError> {
    parse(&format!("[[issuer]]\nissuer = '{issuer}'\n[issuer.administration]\n{section}\n"))
}

#[test]
fn administration_is_where_the_issuer_is_or_where_the_operator_says() {
    let token = "token_env = 'OUR_SECRET'";
    for (issuer, section, expected) in [
        ("https://a.example/realms/acme", "kind = 'keycloak'", Some("https://a.example/admin/realms/acme")),
        ("https://a.example/auth/realms/acme", "kind = 'keycloak'", Some("https://a.example/auth/admin/realms/acme")),
        ("https://a.example/acme", "kind = 'keycloak'", None),
        ("https://acme.eu.auth0.com/", "kind = 'auth0'", Some("https://acme.eu.auth0.com/api/v2")),
        ("https://acme.okta.com/oauth2/default", "kind = 'okta'", Some("https://acme.okta.com/api/v1")),
        ("https://login.example/tenant/v2.0", "kind = 'entra'", None),
        (
            "https://login.example/tenant/v2.0",
            "kind = 'entra'\nurl = 'https://graph.example/v1.0'",
            Some("https://graph.example/v1.0"),
        ),
    ] {
        let config = administered(issuer, &format!("{section}\n{token}"));
        let place = config.ok().and_then(|config| config.issuer(issuer)?.administration.as_ref()?.url.clone());
        assert_eq!(place.as_ref().map(::url::Url::as_str), expected, "{issuer} {section}");
    }
}

#[test]
fn what_is_wrong_with_an_administration_is_told() {
    let unset = administered("https://a.example/realms/acme", "kind = 'keycloak'\ntoken_env = 'UNSET'");
    assert!(unset.is_ok(), "a run that only looks does not need it");
    for (section, words) in [
        ("kind = 'keycloack'", "unknown variant"),
        ("kind = 'keycloak'\ntoken = 'hunter2'", "a secret may not stand in the configuration"),
        ("kind = 'keycloak'\nclient_secret = 'hunter2'", "a secret may not stand in the configuration"),
        ("kind = 'keycloak'", "a credential is needed"),
        ("kind = 'keycloak'\nclient_id = 'a'", "give either a token, or a `client_id` with its secret"),
        ("kind = 'keycloak'\ntoken_env = 'OUR_SECRET'\ntoken_file = 'x'", "exclude each other"),
        ("kind = 'keycloak'\ntoken_env = 'OUR_SECRET'\nend = 'delete'", "`end` is `rotate` for `keycloak`"),
        ("kind = 'okta'\ntoken_env = 'OUR_SECRET'\nend = 'rotate'", "`deactivate` or `delete` for `okta`"),
        ("kind = 'keycloak'\nurl = 'https://a@b.example'\ntoken_env = 'OUR_SECRET'", "not a usable URL"),
        ("kind = 'registration'\ntoken_env = 'OUR_SECRET'", "one `[[issuer.administration.client]]` for each client"),
        (
            "kind = 'registration'\n[[issuer.administration.client]]\nclient_id = 'a'\nurl = 'https://a.example/reg/a'",
            "needs its registration access token",
        ),
    ] {
        let error = administered("https://a.example/realms/acme", section).err().map(|error| error.to_string());
        let error = error.unwrap_or_else(|| "accepted".to_owned());
        assert!(error.contains(words) && !error.contains("hunter2"), "{section}: {error}");
    }
}

#[test]
fn what_is_wrong_with_a_receiver_is_told() {
    for (section, words) in [
        ("", "accepted"),
        ("key_env = 'OUR_SECRET'", "accepted"),
        ("format = 'caep'\nissuer = 'https://a.example'\nkey_file = 'key.pem'\nalgorithm = 'ES256'", "accepted"),
        ("token = 'hunter2'", "a secret may not stand in the configuration"),
        ("key = 'hunter2'", "a secret may not stand in the configuration"),
        ("key_env = 'A'\nkey_file = 'B'", "`key_env` and `key_file` exclude each other"),
        ("format = 'caep'\nkey_file = 'key.pem'", "needs an `issuer`, and the key"),
        ("format = 'caep'\nissuer = 'https://a.example'", "needs an `issuer`, and the key"),
        ("algorithm = 'ES256'", "are for `format = \"caep\"`"),
        ("algorithm = 'HS256'", "unknown variant"),
        ("colour = 1", "unknown key `colour`"),
    ] {
        let error = error_of(&format!("[notify]\nurl = 'https://siem.example/hook'\n{section}\n"));
        assert!(error.contains(words) && !error.contains("hunter2"), "{section}: {error}");
    }
    assert!(error_of("[notify]\nurl = 'siem'\n").contains("line 2: `url` of `notify`"));
}

#[test]
fn the_policy_section_has_its_own_shape() {
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Policy {
        #[expect(dead_code, reason = "only its spelling matters here")]
        default: Option<String>,
    }
    let config = parse("[egress]\n\n[policy]\ndefalt = 'plan'\n").unwrap_or_default();
    assert!(config.policy.contains_key("defalt"));
    let error = config.policy_section::<Policy>().err().map(|error| error.to_string());
    let expected = "`/etc/rescind/config.toml` line 4: unknown key `defalt`; did you mean `default`?";
    assert_eq!(error.as_deref(), Some(expected));
}

proptest::proptest! {
    #[test]
    fn any_text_is_survived(text in "\\PC{0,60}", name in "[a-z_]{0,20}", value in "(1|-1|''|\\[\\]|'\\PC{0,10}')") {
        let _ = parse(&text);
        for table in ["", "[egress]", "[[issuer]]\nissuer = 'https://a.example'"] {
            let _ = parse(&format!("{table}\n{name} = {value}\n{text}"));
        }
        let _ = HostPattern::parse(&text);
    }
}

#[test]
fn discovery_order_and_the_scanned_tree() {
    let directory = tempfile::tempdir().expect("a directory");
    let home = directory.path().join("home");
    let usual = home.join("rescind").join("config.toml");
    fs_err::create_dir_all(usual.parent().expect("a parent")).expect("created");
    fs_err::write(&usual, "[egress]\nconcurrency = 3\n").expect("written");
    let named = directory.path().join("named.toml");
    fs_err::write(&named, "[egress]\nconcurrency = 4\n").expect("written");

    let environment = Environment::fixed([("XDG_CONFIG_HOME", home.as_os_str().to_owned())]);
    let found = Config::load(None, &environment).unwrap_or_default();
    assert_eq!(found.egress.concurrency, 3);
    assert!(found.refuse_inside([directory.path()]).is_err_and(|e| matches!(e, ConfigError::InsideTarget { .. })));
    assert!(found.refuse_inside([directory.path().join("elsewhere")]).is_ok());
    // The path of standard input is empty, and no scan of it ever came about with a configuration at the usual place.
    assert!(found.refuse_inside([""]).is_ok());

    let explicit = Config::load(Some(&named), &environment).unwrap_or_default();
    assert_eq!(explicit.egress.concurrency, 4);
    assert!(explicit.refuse_inside([directory.path()]).is_ok(), "the user named it");

    let environment = Environment::fixed([("RESCIND_CONFIG", named.as_os_str().to_owned())]);
    assert_eq!(Config::load(None, &environment).unwrap_or_default().egress.concurrency, 4);
    assert!(Config::load(Some(&directory.path().join("absent.toml")), &environment).is_err());
    assert!(Config::load(None, &Environment::fixed([("HOME", "/nonexistent")])).is_ok());
}

#[test]
fn files_that_are_no_configuration() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("config.toml");
    let error = |content: &[u8]| {
        fs_err::write(&file, content).expect("written");
        Config::load(Some(&file), &Environment::fixed([("", "")])).err().map(|error| error.to_string())
    };
    let shown = file.display();
    assert_eq!(error(b"a = 1\n\xff"), Some(format!("`{shown}` is not UTF-8 at byte 6")));
    assert_eq!(error(&vec![b' '; 2 << 20]), Some(format!("`{shown}` is larger than 1 MiB")));
    assert_eq!(error(b""), None);
    let a_directory = Config::load(Some(directory.path()), &Environment::fixed([("", "")]));
    assert!(a_directory.is_err_and(|error| matches!(error, ConfigError::Read(_))));
}

#[test]
fn the_fingerprint_key_comes_from_a_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let key = directory.path().join("key");
    let config = Config { fingerprint_key_file: Some(key.clone()), ..Config::default() };
    assert!(config.fingerprint_key().is_err_and(|e| matches!(e, ConfigError::Read(_))));
    fs_err::write(&key, "\n").expect("written");
    assert!(config.fingerprint_key().is_err_and(|e| matches!(e, ConfigError::Empty { .. })));
    fs_err::write(&key, "ours\n").expect("written");
    assert!(config.fingerprint_key().is_ok());
}

#[test]
fn an_instance_is_of_a_provider_that_could_be_asked_there() {
    let rules = RuleSet::load(&[]).expect("the rules of the program");
    let check = |providers: &[&str]| {
        let instance = |(number, provider): (usize, &&str)| {
            format!("[[instance]]\nprovider = '{provider}'\nurl = 'https://host-{number}.example'\n")
        };
        let text: String = providers.iter().enumerate().map(instance).collect();
        let file = ConfigFile { path: "rescind.toml".into(), named: true };
        let config = Config::parse(text, file, &Environment::fixed([("", "")])).expect("a configuration");
        config.check_instances(&rules).map_err(|error| error.to_string())
    };
    assert_eq!(check(&[]), Ok(()));
    assert_eq!(check(&["gitlab", "okta"]), Ok(()));
    for (providers, expected) in [
        (
            &["gitlab", "gitlb"][..],
            "`rescind.toml` line 5: no rule is of the provider `gitlb` that an instance is for; did you mean `gitlab`?",
        ),
        (
            &["GitLab"],
            "`rescind.toml` line 2: no rule is of the provider `GitLab` that an instance is for; did you mean `gitlab`?",
        ),
        (
            &["nobody-knows-it"],
            "`rescind.toml` line 2: no rule is of the provider `nobody-knows-it` that an instance is for: \
             `rescind rules list` shows the providers, and `--rules` loads rules of others",
        ),
        (
            &["generic"],
            "`rescind.toml` line 2: none of the rules of `generic` have a request that could go there: \
             they are asked about elsewhere, or by hand",
        ),
    ] {
        assert_eq!(check(providers), Err(expected.to_owned()));
    }
}

#[test]
fn what_a_client_proves_itself_by_must_be_what_it_should_be() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs_err::write(&path, text).expect("written");
        path.display().to_string()
    };
    let rubbish = file("rubbish.pem", "hello\n");
    let dashes = "-----";
    let block = |tag: &str| format!("{dashes}BEGIN {tag}{dashes}\naGVsbG8=\n{dashes}END {tag}{dashes}\n");
    let alone = file("alone.pem", &block("CERTIFICATE"));
    let both = file("both.pem", &(block("CERTIFICATE") + &block("PRIVATE KEY")));
    for (line, expected) in [
        (format!("client_key_file = '{rubbish}'"), "a key of an unknown form, which cannot sign"),
        (format!("client_certificate_file = '{rubbish}'"), "does not hold a certificate and its private key"),
        (format!("client_certificate_file = '{alone}'"), "does not hold a certificate and its private key"),
        (format!("client_certificate_file = '{both}'"), "accepted"),
        (format!("client_certificate_file = '{both}'\nclient_secret_env = 'OUR_SECRET'"), "exclude each other"),
    ] {
        let error = error_of(&format!("[[issuer]]\nissuer = 'https://a.example'\nclient_id = 'ours'\n{line}\n"));
        assert!(error.contains(expected), "{line}: {error}");
    }
}
