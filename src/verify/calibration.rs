//! What a run learns of how issuers answer.
//!
//! `active: false` also means "you may not know" (RFC 7662 §2.2): one common server says so of every live refresh token,
//! another of every token whose audience the caller is not in. It is believed only where that is ruled out. And `active: true`
//! is believed only of a server that does not say it of anything.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::verdict::{Caller, Inactive, TokenSort};
use crate::finding::Fingerprint;

/// A live token that an issuer told of.
#[derive(Clone, Copy)]
pub(super) struct SeenActive {
    pub(super) sort: TokenSort,
    pub(super) token: Fingerprint,
    /// Whether the answer names an audience.
    pub(super) names_audience: bool,
}

/// What has been seen so far.
#[derive(Default)]
pub(super) struct Calibration {
    seen_active: Mutex<HashSet<(String, String, TokenSort)>>,
    tokens_seen_active: Mutex<HashSet<(String, String, Fingerprint)>>,
    discriminates: Mutex<HashMap<(String, String), bool>>,
    refused: Mutex<HashSet<(String, String)>>,
}

impl Calibration {
    /// Remembers that an issuer told a caller of a live token.
    pub(super) fn saw_active(&self, issuer: &str, caller: &str, seen: &SeenActive) {
        let SeenActive { sort, token, names_audience } = *seen;
        if !names_audience {
            lock(&self.seen_active).insert((issuer.to_owned(), caller.to_owned(), sort));
        }
        lock(&self.tokens_seen_active).insert((issuer.to_owned(), caller.to_owned(), token));
    }

    /// Whether an issuer told a caller before that this very token is active.
    pub(super) fn has_seen_active(&self, issuer: &str, caller: &str, token: Fingerprint) -> bool {
        lock(&self.tokens_seen_active).contains(&(issuer.to_owned(), caller.to_owned(), token))
    }

    /// Why `active: false` means dead, if it does: because the operator says so, because the same caller was told before that
    /// this very token is active, or because it is told so of another token of the same sort, and this one is its own, too. The
    /// last is the weakest: it does not count where tokens have audiences, since this one may have another (Canaille tells only
    /// those of a token's audience), and the operator can rule it out.
    pub(super) fn proof(&self, inactive: &Inactive) -> Option<&'static str> {
        let saw_it = |caller: &Caller| self.has_seen_active(&inactive.issuer, &caller.client_id, inactive.token);
        let sorts = lock(&self.seen_active);
        let saw_another = |caller: &Caller| {
            caller.is_owner && sorts.contains(&(inactive.issuer.clone(), caller.client_id.clone(), inactive.sort))
        };
        if inactive.callers.iter().any(saw_it) {
            Some("and has called it active before")
        } else if inactive.configured == Some(true) {
            Some("and is configured as one that tells")
        } else if inactive.configured.is_none() && inactive.callers.iter().any(saw_another) {
            Some("and calls another token of the same client active")
        } else {
            None
        }
    }

    /// Whether an issuer does not let a client without a secret introspect: each time more would be one more failed login.
    pub(super) fn has_refused(&self, issuer: &str, client: &str) -> bool {
        lock(&self.refused).contains(&(issuer.to_owned(), client.to_owned()))
    }

    /// Remembers that.
    pub(super) fn saw_refusal(&self, issuer: &str, client: &str) {
        lock(&self.refused).insert((issuer.to_owned(), client.to_owned()));
    }

    /// Whether the issuer is known to call a random token inactive, for that caller.
    pub(super) fn discriminates(&self, issuer: &str, caller: &str) -> Option<bool> {
        lock(&self.discriminates).get(&(issuer.to_owned(), caller.to_owned())).copied()
    }

    /// Remembers the answer to that.
    pub(super) fn saw_control(&self, issuer: &str, caller: &str, discriminates: bool) {
        lock(&self.discriminates).insert((issuer.to_owned(), caller.to_owned()), discriminates);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{FingerprintKey, Kind, Liveness};

    fn token(value: &str) -> Fingerprint {
        Fingerprint::of(&FingerprintKey::default(), Kind::RefreshToken, value.as_bytes())
    }

    #[test]
    fn inactive_means_dead_only_where_that_is_proven() {
        let calibration = Calibration::default();
        let inactive = |value, sort, caller: &str, is_owner, configured| Inactive {
            token: token(value),
            sort,
            issuer: "https://a.example".to_owned(),
            callers: vec![Caller { client_id: caller.to_owned(), is_owner }],
            configured,
            dead: Liveness::not_checked(),
            otherwise: Liveness::not_checked(),
        };
        assert!(
            calibration.proof(&inactive("first", TokenSort::Refresh, "app", true, None)).is_none(),
            "nothing was seen"
        );
        assert!(
            calibration.proof(&inactive("first", TokenSort::Refresh, "app", false, Some(true))).is_some(),
            "the operator knows"
        );
        let seen = |value, names_audience| SeenActive { sort: TokenSort::Refresh, token: token(value), names_audience };
        calibration.saw_active("https://a.example", "app", &seen("zeroth", true));
        let of_another = calibration.proof(&inactive("first", TokenSort::Refresh, "app", true, None));
        assert_eq!(of_another, None, "where tokens have audiences, this one may have another");
        calibration.saw_active("https://a.example", "app", &seen("first", false));
        for (value, sort, caller, is_owner, tells) in [
            ("first", TokenSort::Refresh, "app", false, true),
            ("second", TokenSort::Refresh, "app", true, true),
            ("second", TokenSort::Refresh, "app", false, false),
            ("second", TokenSort::Access, "app", true, false),
            ("second", TokenSort::Refresh, "other", true, false),
            ("first", TokenSort::Refresh, "other", true, false),
        ] {
            let proof = calibration.proof(&inactive(value, sort, caller, is_owner, None));
            assert_eq!(proof.is_some(), tells, "{value} {sort:?} {caller} {is_owner}");
        }
        let ruled_out = calibration.proof(&inactive("second", TokenSort::Refresh, "app", true, Some(false)));
        assert_eq!(ruled_out, None, "the operator knows better");
    }
}
