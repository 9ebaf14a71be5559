//! What assigns and what does not, in the languages and formats people keep secrets in.

use super::*;

/// Each assigns the same.
const FORMS: &[&str] = &[
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
];

fn check(text: &str, expected: Option<(&str, &str)>) {
    let start = text.to_ascii_lowercase().find("secret").unwrap();
    let found = at(text.as_bytes(), start..start + 6);
    let found = found.map(|found| (found.key(text.as_bytes()).words().join(" "), text[found.span].to_owned()));
    let found = found.as_ref().map(|(key, value)| (key.as_str(), value.as_str()));
    assert_eq!(found, expected, "{text}");
}

#[test]
fn forms_of_assignment() {
    for text in FORMS {
        check(text, Some(("client secret", "v4l-ue")));
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
fn the_first_text_counts() {
    for text in ["client_secret = \"v4l-ue\" or \"other\"", "clientSecret: 'v4l-ue' || 'other'"] {
        check(text, Some(("client secret", "v4l-ue")));
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
        "the client secret sha256=4711471147114711 of",
        "<string name=\"client_secret\"/>",
    ] {
        check(text, None);
    }
}
