//! PyPI `moto` on 127.0.0.1: AWS's IAM and STS, with signatures checked. Unlike AWS, it takes an inactive key as well as an active
//! one: what has become of a key is told by [`Moto::key_status`].

use std::sync::LazyLock;

use serde_json::json;

use crate::samples::random;
use crate::server::{Server, call, text};

/// All tests share it: each names its own users.
pub(crate) static AWS: LazyLock<Moto> = LazyLock::new(|| {
    let server = Server::python("aws.py");
    let url = text(&server.ready, "url");
    Moto { server, url }
});

/// A running server.
pub(crate) struct Moto {
    server: Server,
    /// Where every service answers, `http://127.0.0.1:PORT`, in any region.
    pub(crate) url: String,
}

/// An access key of a user.
pub(crate) struct AccessKey {
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl Moto {
    /// Makes a user who may do these actions, such as `iam:*`, and an access key of theirs. Asking who one is needs none.
    pub(crate) fn user(&self, name: &str, actions: &[&str]) -> AccessKey {
        let statement = json!({"Effect": "Allow", "Action": actions, "Resource": "*"});
        let policy = json!({"Version": "2012-10-17", "Statement": [statement]});
        let key = self.server.ask(&json!({"do": "user", "name": name, "policy": policy}));
        AccessKey { id: text(&key, "id"), secret: text(&key, "secret") }
    }

    /// `Active` or `Inactive`, as an administrator is told; `None` for a key that is gone.
    pub(crate) fn key_status(&self, user: &str, id: &str) -> Option<String> {
        let answer = self.server.ask(&json!({"do": "key_status", "user": user, "id": id}));
        answer["status"].as_str().map(str::to_owned)
    }

    /// What has been asked so far, by every test, as `METHOD PATH STATUS`.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.server.requests(false)
    }
}

#[test]
fn keys_are_made_and_signatures_checked() {
    let key = AWS.user("ursula", &["iam:*"]);
    assert!(key.id.starts_with("AKIA") && key.secret.len() == 40, "{}", key.id);
    assert_eq!(AWS.key_status("ursula", &key.id).as_deref(), Some("Active"));
    let nobodys = format!("AKIA{}", random("no key of anybody", 16).to_ascii_uppercase());
    assert_eq!(AWS.key_status("ursula", &nobodys), None);

    for (id, expected) in [(&key.id, "SignatureDoesNotMatch"), (&nobodys, "InvalidClientTokenId")] {
        let authorization = format!(
            "authorization: AWS4-HMAC-SHA256 Credential={id}/20260101/us-east-1/sts/aws4_request, \
             SignedHeaders=host;x-amz-date, Signature={}",
            "0".repeat(64)
        );
        let headers =
            [&*authorization, "x-amz-date: 20260101T000000Z", "content-type: application/x-www-form-urlencoded"];
        let reply = call(&format!("{}/", AWS.url), "POST", &headers, "Action=GetCallerIdentity&Version=2011-06-15");
        assert!(reply.status == 403 && reply.body.contains(expected), "{reply:?}");
    }
    assert!(AWS.requests().contains(&"POST / 403".to_owned()));
}
