//! How svc can be reached.

use std::fmt;

use crate::base::Name;
use crate::diagnostic::{Span, Spanned};
use crate::model::service::FilePath;

/// How svc can be reached, besides by the socket that every project has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Control {
    /// Sockets, at most one of them without a path.
    pub sockets: Vec<Socket>,
    /// Addresses for HTTP.
    pub http: Vec<Http>,
}

/// A socket that svc is asked on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// Where; `None` for the one that every project has.
    pub path: Option<FilePath>,
    /// Its file mode; `None` for 0600.
    pub mode: Option<Spanned<u32>>,
    /// Whose it is, `USER` or `USER:GROUP`; `None` for svc's own user.
    pub owner: Option<Spanned<String>>,
    /// Where it is written.
    pub span: Span,
}

/// An address that svc is asked on over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    /// A name or an address, an IPv6 one in brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Who may ask; everybody when there is nobody here.
    pub users: Vec<Account>,
    /// Where it is written.
    pub span: Span,
}

/// Who may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The name, once an address.
    pub name: Spanned<Name>,
    /// The password's hash.
    pub hash: PasswordHash,
}

/// The hash of a password; it is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Reads `$argon2id$v=…$…$SALT$HASH`, or `{SHA}` with 40 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let argon2 = text.strip_prefix("$argon2id$").is_some_and(|rest| {
            let parts: Vec<&str> = rest.split('$').collect();
            parts.len() == 4 && parts[0].starts_with("v=") && parts.iter().all(|part| !part.is_empty())
        });
        let sha = text
            .strip_prefix("{SHA}")
            .is_some_and(|hex| hex.len() == 40 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
        (argon2 || sha).then(|| Self(text.to_owned()))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_told_from_a_password() {
        let argon2 = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$hash";
        for good in [argon2, "{SHA}82ab876d1387bfafe46cc1c8a2ef074eae50cb1d"] {
            assert!(PasswordHash::parse(good).is_some(), "{good}");
        }
        for bad in ["", "secret", "$argon2id$", "$argon2id$v=19$m=1$$x", "{SHA}xyz", "$2y$10$abc"] {
            assert_eq!(PasswordHash::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_hash_is_not_shown() {
        let hash = PasswordHash::parse("{SHA}82ab876d1387bfafe46cc1c8a2ef074eae50cb1d").expect("a hash");
        assert_eq!(format!("{hash:?}"), "PasswordHash(***)");
    }
}
