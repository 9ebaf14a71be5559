//! Names are resolved here, once per run, and connections are made to exactly what was found and checked.
//!
//! Looking a name up, checking the address, and then connecting to the *name* would let a second answer of the resolver lead
//! elsewhere (DNS rebinding). The HTTP client is therefore given a resolver that only repeats what was approved.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::OnceCell;

/// How a name is looked up; tests give their own.
pub(super) type Lookup =
    Arc<dyn Fn(String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> + Send + Sync>;

/// The addresses of every name asked for so far.
pub(super) struct Names {
    lookup: Lookup,
    known: Mutex<HashMap<String, Arc<OnceCell<Vec<IpAddr>>>>>,
    approved: Arc<Approved>,
}

/// The names that have been checked, as the HTTP client sees them.
#[derive(Default)]
pub(super) struct Approved(Mutex<HashMap<String, Vec<IpAddr>>>);

impl Names {
    /// Names looked up as the system does.
    pub(super) fn of_system() -> Self {
        Self::with_lookup(Arc::new(|name| {
            Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect()) })
        }))
    }

    pub(super) fn with_lookup(lookup: Lookup) -> Self {
        Self { lookup, known: Mutex::default(), approved: Arc::default() }
    }

    /// Every address of a name; the same for the whole run once there is an answer. `None` when there is none.
    pub(super) async fn addresses(&self, name: &str) -> Option<Vec<IpAddr>> {
        let cell = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.entry(name.to_owned()).or_default().clone()
        };
        let addresses = cell.get_or_try_init(|| (self.lookup)(name.to_owned())).await.ok()?;
        (!addresses.is_empty()).then(|| addresses.clone())
    }

    /// Lets the HTTP client connect to these addresses of the name, which have been checked.
    pub(super) fn approve(&self, name: &str, addresses: Vec<IpAddr>) {
        let mut approved = self.approved.0.lock().unwrap_or_else(PoisonError::into_inner);
        approved.insert(name.to_owned(), addresses);
    }

    /// The resolver for the HTTP client.
    pub(super) fn approved(&self) -> Arc<Approved> {
        Arc::clone(&self.approved)
    }
}

impl Resolve for Approved {
    fn resolve(&self, name: Name) -> Resolving {
        let approved = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let addresses = approved.get(name.as_str()).cloned();
        Box::pin(async move {
            let addresses = addresses.ok_or_else(|| io::Error::from(io::ErrorKind::PermissionDenied))?;
            // Port 0 stands for the URL's own.
            Ok(Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}
