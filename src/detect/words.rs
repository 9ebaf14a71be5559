//! The word lists of the filters, in lower case, and how they are looked for. A flat catalogue: nothing here decides.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use foldhash::HashSet;

/// A search for all the words at once, in any case.
pub(super) fn any_of(words: impl IntoIterator<Item = impl AsRef<[u8]>>) -> AhoCorasick {
    // The kind that is ready soonest of those that are fast on short values.
    let kind = Some(AhoCorasickKind::ContiguousNFA);
    AhoCorasick::builder().kind(kind).ascii_case_insensitive(true).build(words).expect("short words of our own")
}

/// The words of a list that are asked for one by one.
fn set_of(words: &'static str) -> HashSet<&'static str> {
    words.split_ascii_whitespace().collect()
}

/// Words that somebody is meant to replace.
pub(super) const PLACEHOLDERS: &[&str] = &[
    "example",
    "password",
    "passw0rd",
    "p@ssw",
    "letmein",
    "test123",
    "admin123",
    "changeme",
    "change-me",
    "change_me",
    "change this",
    "change_this",
    "changethis",
    "change-this",
    "placeholder",
    "your-",
    "your_",
    "yoursecret",
    "yourclient",
    "yourpassword",
    "yourtoken",
    "yourkey",
    "your own",
    "your secret",
    "dummy",
    "redacted",
    "replaceme",
    "replace-me",
    "replace_me",
    "replace-with",
    "replace_with",
    "insert-",
    "insert_",
    "inserthere",
    "fillme",
    "fill-me",
    "fill_me",
    "notreal",
    "not-real",
    "not_real",
    "notasecret",
    "not-a-secret",
    "xxxx",
    "****",
    "....",
    "____",
    "----",
    "fakesecret",
    "faketoken",
    "fake-",
    "fake_",
    "-fake",
    "_fake",
    "sample-",
    "sample_",
    "todo",
    "foobar",
    "lorem",
    "goes-here",
    "goes_here",
    "goeshere",
    "put-your",
    "enter-your",
    "some-secret",
    "some_secret",
    "somesecret",
    "my-secret",
    "mysecret",
    "my_secret",
    "super-secret",
    "supersecret",
    "super_secret",
    "topsecret",
    "top-secret",
    "top_secret",
    "removed",
    "hidden",
    "masked",
    "sanitized",
];

/// Values that are words of a language or configuration and nothing else.
pub(super) const WORDS: &[&str] = &[
    "none",
    "null",
    "nil",
    "undefined",
    "true",
    "false",
    "yes",
    "no",
    "string",
    "str",
    "text",
    "bytes",
    "object",
    "optional",
    "required",
    "empty",
    "unset",
    "default",
    "value",
    "secret",
    "password",
    "passwd",
    "token",
    "key",
    "client_secret",
    "client-secret",
    "clientsecret",
    "client_secret_basic",
    "client_secret_post",
    "client_secret_jwt",
    "private_key_jwt",
    "authorization_code",
    "client_credentials",
    "refresh_token",
    "access_token",
    "id_token",
    "bearer",
    "basic",
    "authorization",
    "secretref",
    "unknown",
    "disabled",
    "enabled",
    "hash",
    "test",
    "testing",
    "username",
    "anonymous",
    "guest",
    "localhost",
    "opaque",
    "generated",
];

/// Beginnings of values that are public by their nature: keys of SSH (RFC 4253), age and X.509, publishable keys, digests.
pub(super) const PUBLIC: &[&str] = &[
    "ssh-rsa ",
    "ssh-dss ",
    "ssh-ed25519 ",
    "ecdsa-sha2-",
    "sk-ssh-",
    "sk-ecdsa-",
    "age1",
    "-----begin public",
    "-----begin rsa public",
    "-----begin certificate",
    "-----begin pgp public",
    "miibijanbgkqhki",
    "migfma0gcsqgsib3dqebaquaa4gnadc",
    "mfkwewyhkozizj0caqyi",
    "mcowbqydk2vwayea",
    "pk_live_",
    "pk_test_",
    "pk.eyj",
    "sha1-",
    "sha256-",
    "sha384-",
    "sha512-",
    "sha1:",
    "sha256:",
    "sha384:",
    "sha512:",
    "md5:",
];

/// Beginnings of values that name the place of a secret.
pub(super) const REFERENCES: &[&str] = &[
    "vault:",
    "op://",
    "ref+",
    "arn:aws",
    "ssm:",
    "secret://",
    "keyring:",
    "env:",
    "file:",
    "process.env",
    "os.environ",
    "os.getenv",
    "env.",
    "env[",
    "import.meta",
    "@microsoft.keyvault",
    "projects/",
    "!vault",
    "!ref",
    "!sub",
    "!secret",
    "!env",
    "!getatt",
    "/run/secrets",
    "/var/run/",
    "/etc/",
    "/vault/",
    "./",
    "../",
    "~/",
    "aws-sm:",
    "gcp-sm:",
    "akv:",
    "bws:",
    "doppler:",
    "infisical:",
    "keyvault:",
    "secretsmanager:",
    "secretkeyref",
    "valuefrom",
    "azurekeyvault",
    "http://",
    "https://",
    "awssm://",
    "sm://",
    "k8s:",
    "pass:",
    "lastpass:",
    "keychain:",
    "cmd:",
    "exec:",
    "{{resolve:",
    "resolve:",
    "urn:",
    "var.",
    "local.",
    "data.",
    "module.",
    "secrets.",
    "vars.",
    "config.",
    "settings.",
    "self.",
    "this.",
    "args.",
    "options.",
    "opts.",
    "props.",
    "params.",
    "req.",
    "request.",
    "response.",
];

/// Beginnings of encrypted values.
pub(super) const ENCRYPTED: &[&str] = &[
    "enc[",
    "enc(",
    "$ansible_vault",
    "{cipher}",
    "vault:v",
    "aqicah",
    "secure:",
    "{aes}",
    "{xor}",
    "encrypted:",
    "{encrypted}",
    "jasypt",
    "-----begin pgp message",
    "-----begin age encrypted",
    "!encrypted",
    "ejson:",
    "ej[1:",
    "agent:enc",
    "enc:",
    "kms:",
];

/// Beginnings of password hashes and of checksums.
pub(super) const PASSWORD_HASHES: &[&str] = &[
    "$2a$",
    "$2b$",
    "$2y$",
    "$1$",
    "$5$",
    "$6$",
    "$y$",
    "$argon2",
    "$pbkdf2",
    "pbkdf2_",
    "pbkdf2:",
    "scrypt:",
    "$scrypt",
    "{ssha",
    "{sha",
    "{bcrypt}",
    "{pbkdf2}",
    "sha256$",
    "sha1$",
    "md5$",
    "bcrypt$",
    "argon2$",
    "sha256:",
    "sha256-",
    "sha512-",
    "sha384-",
    "sha1-",
    "scram-sha",
];

/// Runs that people type when they need something.
pub(super) const SEQUENCES: &[&str] = &[
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
    "zyxwvutsrqponmlkjihgfedcba",
    "01234567890123456789",
    "98765432109876543210",
    "qwertyuiopasdfghjklzxcvbnm",
    "0123456789abcdef0123456789abcdef",
    "a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6",
    "1a2b3c4d5e6f7g8h9i0j",
    "0a1b2c3d4e5f",
    "deadbeefdeadbeef",
    "deadbeefcafebabe",
    "1q2w3e4r5t6y7u8i9o0p",
    "123qweasdzxc",
];

/// SHA-256 of credentials that issuers and specifications print in their documentation. Hashes, so that this file holds no
/// credential itself: jwt.io, RFC 6749, 7009, 7515 and 7662, the emulators of Azure Storage and Cosmos DB, Supabase's local
/// set-up, MinIO's playground, and the documentation of AWS, Azure, GitHub, Dynatrace and Stripe.
pub(super) const PUBLISHED: &[&str] = &[
    "3c14aab79351be94e9c4202d8f6d28c4a5d73cfb2e6e302d2d2478159ef57f9f",
    "0011cc25eb4320717494d2703e8cba85743e71b500283c21c8b88147992f9059",
    "aa6547439583c3a275d4542a0df6c1ad6a863971be9f2a2220f027cc02aef615",
    "9154e2e6fbfb1e50a3f18fe4deb606917d1438eec3788a5dbc2af765e83f29ac",
    "7f75367e7881255134e1375e723d1dea8ad5f6a4fdb79d938df1f1754a830606",
    "da816f9f2c16e6c5390e7636cadc40c43551bf0bbcf8f36c65539e6633a9c5e8",
    "c794fa6d20c64efb9adf980ae93af472a1679775862d421ffe55d4a57fad5b3e",
    "8d4ef6536dc8895f256c1e0d95dcd19763036732d64a095e44a90ed444267ad3",
    "bf1725a8f98bea37e88618702e725ba84bd8acdb2647c5e0ed638bfd685791cf",
    "70541e07fd4f900b66e289f5be55c85f9bef1def4924a5b0c518c45ea1688c12",
    "1a5d44a2dca19669d72edf4c4f1c27c4c1ca4b4408fbb17f6ce4ad452d78ddb3",
    "78314b11be2e581549ac1c4f616563fad3fdf0c3b71678f6e2299182080e0598",
    "c6ea27c534f993d31f0aef882e3d200e7b87470c379ae79c8f9b19d3bd363dc9",
    "e21b597ba6b9cafa59d9ebc4d65c0385f5eb3fa56abab2607fa76589ad849a33",
    "2cafc0970149a84f3b9e62eaf169f36f59907a3b3e31f7b82e68c69cd27f7326",
    "f2d6ca16515033e5dce14eba840b979d27b5cbae24bb3e5bf484339667f86397",
    "44f05a069ba895c401634036b0a72b9487cb457e45b687b89a2e23942291ce38",
    "bc3ae723f57c6b9e3fd80b699fcc420f6074b0b1718039669d22631d508ac0a7",
    "82e74299544e00738f9c0acb69b1eb348b3e20ffcfabcb34779bd37590fead6c",
    "6d7fa4e64d4b1f3ea31962e258b684de1f244434ebb11089b9d9817e44c43303",
    "6c96130f130ab0d6d158397e24d2bcc1c9a5e73ae081f6e983f1c7b545d24a4c",
    "00cf4c781dc37003f7c7dd7d4c9a6ef1e0f4c62d9a291aa8bc398774e3fefd32",
    "ea9bdfd02c0c412c8cc36ba67f6c17f9b314b2c518e63ff3776077d68245736d",
    "e9974c507d2a802143f614c878fcbb622a3800e05e6e0d329fee2c5b6b243329",
    "53f5da0aaa93d64cd5772c554cbf940f0539e689dddbeb8f923eec3f72c02ea9",
    "df452eef23e8cf2c74af54c0c7419c05a5ec70ef4d5c2eb04082b02af8c55598",
    "1bbb9293c38acc5e510d904495845d532df64a9e5996b2ec7c86cc2e2ac33b5a",
    "7a13fc6aa6a3f9430224af843781ee6ee9bd7a5bccd39aa8f1a0c2b9a5f01cd6",
];

/// Words of names that say nothing about what a setting belongs to.
pub(super) static GENERIC: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    set_of(
        "access api app auth client config connect credential credentials default env id idp key my next \
    oauth oauth2 oidc openid password provider public quarkus react refresh registration secret security server spring sso the token \
    value vite web",
    )
});

/// Names of providers that are words as well, and tell nothing of a key that is called so: `stream key`.
pub(super) static PROVIDERS_LIKE_WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    set_of(
        "alpaca ansible apiary apple aspnet backlog boundary box branch bridge bunny circle clearout clerk \
    close clover coda coder comet consul copper courier covalent crisp cursor daily depot discourse docker drip drone duffel dune elastic \
    expo fixer flurry fred generic genius ghost grist harness harvest here hunter keen knack kubernetes laravel line linear looker loops \
    magento magic make mastodon matrix medium mend mercury metabase modal mode neon neptune nomad notion outline paddle particle percy \
    permit phrase plane plunk podio polar postal postman radar rails railway ramp rancher readme render replicate retool roam root runway \
    sanity scale segment shortcut sift square stability statuspage steam stitch stream table terraform tink together tree unity vault \
    wave wise",
    )
});

/// Words in the names of objects and sections that tell what is in them, but not whose it is.
pub(super) static CONTAINERS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    set_of(
        "apps application apps args authentication authorization clients common configmap configuration \
    container containers data else endpoint endpoints env environment environments envs finally general global globals identity \
    info inputs issuer issuers jwt keys local locals main metadata options opts params parameters payload props properties providers \
    request resource resources response root run secrets section service services settings setup spec stringdata system template \
    tokens try url urls values variable variables vars",
    )
});
