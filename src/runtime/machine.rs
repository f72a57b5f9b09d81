//! The machine svc runs on, as the front end asks for it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{CString, OsString};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::unistd::{AccessFlags, Gid, Group, Uid, User, access, getgrouplist};

use crate::base::Name;
use crate::compile::machine::kept;
use crate::compile::{ChosenPorts, Machine};
use crate::graph::{Account, Accounts, AutoPort, Ports, Scale};
use crate::runtime::read;
use crate::syntax::Loader;

/// The machine svc runs on.
#[derive(Clone, Debug)]
pub struct Host {
    env: BTreeMap<String, String>,
    profiles: BTreeSet<Name>,
    scales: BTreeMap<Name, Scale>,
    chosen: ChosenPorts,
}

impl Host {
    /// Makes the machine with this environment and these profiles active. A variable that is not UTF-8 is passed on to services and
    /// cannot be used in `${…}`.
    pub fn new(variables: &[(OsString, OsString)], profiles: &[Name]) -> Self {
        let text = |text: &OsString| text.to_str().map(str::to_owned);
        Self::with_env(
            variables.iter().filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect(),
            profiles.iter().cloned().collect(),
        )
    }

    /// Makes the machine with this environment and these profiles active.
    pub fn with_env(env: BTreeMap<String, String>, profiles: BTreeSet<Name>) -> Self {
        Self { env, profiles, scales: BTreeMap::new(), chosen: ChosenPorts::new() }
    }

    /// Returns the same machine, on which operators asked for these numbers of instances.
    pub fn scaled(self, scales: BTreeMap<Name, Scale>) -> Self {
        Self { scales, ..self }
    }

    /// Returns the same machine, on which these ports were chosen before.
    pub fn with_ports(self, chosen: ChosenPorts) -> Self {
        Self { chosen, ..self }
    }
}

impl Loader for Host {
    fn read(&self, path: &Path) -> io::Result<Arc<str>> {
        read::file(path)
    }

    fn glob(&self, pattern: &Path) -> io::Result<Vec<PathBuf>> {
        let text = pattern.to_str().ok_or(io::ErrorKind::InvalidData)?;
        let invalid = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
        let options = glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::default() };
        let found = glob::glob_with(text, options).map_err(invalid)?;
        found.map(|path| path.map_err(io::Error::from)).collect()
    }
}

impl Accounts for Host {
    fn user(&self, name: &str) -> Option<Account> {
        let number = name.parse().ok();
        let user = match number {
            Some(number) => User::from_uid(Uid::from_raw(number)),
            None => User::from_name(name),
        };
        match (user.ok().flatten(), number) {
            (Some(user), _) => {
                let name = CString::new(user.name.as_str()).ok()?;
                let groups = getgrouplist(&name, user.gid).unwrap_or_else(|_| vec![user.gid]);
                let groups = groups.into_iter().map(Gid::as_raw).collect();
                Some(Account {
                    uid: user.uid.as_raw(),
                    gid: user.gid.as_raw(),
                    groups,
                    name: user.name,
                    home: user.dir.to_string_lossy().into_owned(),
                    // passwd(5): an empty field is the Bourne shell.
                    shell: Some(user.shell.to_string_lossy().into_owned())
                        .filter(|shell| !shell.is_empty())
                        .unwrap_or_else(|| "/bin/sh".to_owned()),
                })
            }
            // The kernel needs no account for a number.
            (None, Some(number)) => Some(Account::numbered(number)),
            (None, None) => None,
        }
    }

    fn group(&self, name: &str) -> Option<u32> {
        if let Ok(number) = name.parse() {
            return Some(number);
        }
        Group::from_name(name).ok().flatten().map(|group| group.gid.as_raw())
    }
}

impl Machine for Host {
    fn environment(&self) -> &BTreeMap<String, String> {
        &self.env
    }

    fn is_executable(&self, path: &Path) -> bool {
        path.is_file() && access(path, AccessFlags::X_OK).is_ok()
    }

    fn is_dir(&self, path: &Path) -> bool {
        path.is_dir()
    }

    fn profiles(&self) -> &BTreeSet<Name> {
        &self.profiles
    }

    fn scales(&self) -> &BTreeMap<Name, Scale> {
        &self.scales
    }

    fn accounts(&self) -> &dyn Accounts {
        self
    }

    fn ports(&self) -> &dyn Ports {
        self
    }
}

impl Ports for Host {
    fn choose(&self, port: AutoPort<'_>) -> Option<u16> {
        kept(&self.chosen, port).or_else(|| port.numbers().find(|&number| is_free(number)))
    }
}

/// Returns whether nobody listens on a port, on any address.
fn is_free(number: u16) -> bool {
    let bound = TcpListener::bind((Ipv6Addr::UNSPECIFIED, number));
    // A machine without IPv6 has no such address.
    bound.is_ok()
        || TcpListener::bind((Ipv4Addr::UNSPECIFIED, number))
            .is_ok_and(|_| bound.is_err_and(|error| error.kind() != io::ErrorKind::AddrInUse))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_there_is_found_and_what_is_not_is_not() {
        let host = Host::new(&[("A".into(), "1".into())], &[]);
        assert_eq!(host.environment().get("A").map(String::as_str), Some("1"));
        assert_eq!(host.user("root").map(|account| (account.uid, account.gid)), Some((0, 0)));
        assert_eq!(host.user("4242").map(|account| account.uid), Some(4242));
        assert_eq!(host.user("nobody-has-this-name"), None);
        assert_eq!(host.group("root"), Some(0));
        assert_eq!(host.group("nobody-has-this-name"), None);
        assert!(host.is_executable(Path::new("/bin/sh")) && !host.is_executable(Path::new("/bin")));
        assert!(host.is_dir(Path::new("/bin")) && !host.is_dir(Path::new("/bin/sh")));
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("a.kdl"), "x").expect("writable");
        let found = host.glob(&folder.path().join("*.kdl")).expect("readable");
        assert_eq!(found, [folder.path().join("a.kdl")]);
    }
}
