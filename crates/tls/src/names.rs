//! Which certificate a client gets: by the name that it asks for.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use tokio_rustls::rustls::sign::CertifiedKey;

use crate::error::Error;
use crate::identity::Identity;

/// The certificates of a listener, by the names in them.
#[derive(Debug)]
pub(crate) struct Names {
    exact: HashMap<Box<str>, Arc<CertifiedKey>>,
    /// By what is behind `*.`.
    wildcard: HashMap<Box<str>, Arc<CertifiedKey>>,
    /// For clients that name nothing, or nothing that is here.
    first: Arc<CertifiedKey>,
}

impl Names {
    /// Where two certificates have a name in common, the one before has it.
    pub(crate) fn new(identities: &[Identity]) -> Result<Self, Error> {
        let first = identities.first().ok_or(Error::NoIdentity)?;
        let mut names = Self {
            exact: HashMap::new(),
            wildcard: HashMap::new(),
            first: Arc::clone(&first.key),
        };
        for (index, identity) in identities.iter().enumerate() {
            let taken = names.add(identity);
            if index > 0 && taken == 0 {
                let file = identity.file.to_path_buf();
                return Err(Error::Unreachable { file });
            }
        }
        Ok(names)
    }

    /// How many names it is the first to have.
    fn add(&mut self, identity: &Identity) -> usize {
        let mut taken = 0;
        for name in &identity.names {
            let slot = match name.strip_prefix("*.") {
                Some(parent) => self.wildcard.entry(parent.into()),
                None => self.exact.entry(name.clone()),
            };
            if let Entry::Vacant(slot) = slot {
                slot.insert(Arc::clone(&identity.key));
                taken += 1;
            }
        }
        taken
    }

    /// The certificate for `name`, which is in lower case. A wildcard stands for exactly one label
    /// (RFC 9525 section 6.3).
    pub(crate) fn find(&self, name: Option<&str>) -> &Arc<CertifiedKey> {
        let found = name.and_then(|name| self.find_named(name));
        found.unwrap_or(&self.first)
    }

    fn find_named(&self, name: &str) -> Option<&Arc<CertifiedKey>> {
        let exact = self.exact.get(name);
        let wildcard = || {
            let (_, parent) = name.split_once('.')?;
            self.wildcard.get(parent)
        };
        exact.or_else(wildcard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::identity;

    #[test]
    fn a_wildcard_stands_for_one_label() {
        let identities = [identity(&["first.test"]), identity(&["*.Chat.test"])];
        let names = Names::new(&identities).unwrap();
        let found = |name: &str| {
            let key = names.find(Some(name));
            identities.iter().position(|it| Arc::ptr_eq(&it.key, key))
        };
        assert_eq!(found("a.chat.test"), Some(1));
        for name in ["a.b.chat.test", "chat.test", "achat.test", "test", ""] {
            assert_eq!(found(name), Some(0), "{name}");
        }
    }
}
