//! A machine that remembers its answers, so that the same compilation can be made again elsewhere.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::Name;
use crate::compile::{Machine, Memory};
use crate::graph::{Account, Accounts, AutoPort, Ports, Scale};
use crate::syntax::Loader;

/// Asks another machine and remembers what it answered.
///
/// What was not there is remembered by its absence: a [`Memory`] says the same of it.
pub struct Recorder<'m> {
    machine: &'m dyn Machine,
    memory: RefCell<Memory>,
}

impl<'m> Recorder<'m> {
    /// Starts recording.
    pub fn new(machine: &'m dyn Machine) -> Self {
        let memory = Memory {
            env: machine.environment().clone(),
            profiles: machine.profiles().clone(),
            scales: machine.scales().clone(),
            ..Memory::default()
        };
        Self { machine, memory: RefCell::new(memory) }
    }

    /// Returns everything that was answered.
    pub fn finish(self) -> Memory {
        self.memory.into_inner()
    }
}

impl Loader for Recorder<'_> {
    fn read(&self, path: &Path) -> io::Result<Arc<str>> {
        let text = self.machine.read(path)?;
        self.memory.borrow_mut().files.insert(path.to_owned(), text.clone());
        Ok(text)
    }

    fn glob(&self, pattern: &Path) -> io::Result<Vec<PathBuf>> {
        // The files it finds are read next, and are remembered then.
        self.machine.glob(pattern)
    }
}

impl Accounts for Recorder<'_> {
    fn user(&self, name: &str) -> Option<Account> {
        let account = self.machine.user(name)?;
        self.memory.borrow_mut().users.insert(name.to_owned(), account.clone());
        Some(account)
    }

    fn group(&self, name: &str) -> Option<u32> {
        let group = self.machine.group(name)?;
        self.memory.borrow_mut().groups.insert(name.to_owned(), group);
        Some(group)
    }
}

impl Machine for Recorder<'_> {
    fn environment(&self) -> &BTreeMap<String, String> {
        self.machine.environment()
    }

    fn is_executable(&self, path: &Path) -> bool {
        let found = self.machine.is_executable(path);
        if found {
            self.memory.borrow_mut().programs.insert(path.to_owned());
        }
        found
    }

    fn is_dir(&self, path: &Path) -> bool {
        let found = self.machine.is_dir(path);
        if found {
            self.memory.borrow_mut().folders.insert(path.to_owned());
        }
        found
    }

    fn profiles(&self) -> &BTreeSet<Name> {
        self.machine.profiles()
    }

    fn scales(&self) -> &BTreeMap<Name, Scale> {
        self.machine.scales()
    }

    fn accounts(&self) -> &dyn Accounts {
        self
    }

    fn ports(&self) -> &dyn Ports {
        self
    }
}

impl Ports for Recorder<'_> {
    fn choose(&self, port: AutoPort<'_>) -> Option<u16> {
        let number = self.machine.choose(port)?;
        self.memory.borrow_mut().ports.insert((port.instance.to_owned(), port.name.to_owned()), number);
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::{Options, compile};

    #[test]
    fn a_recording_compiles_to_the_same_plan() {
        let text = "project \"p\" { env-file \"p.env\" }\ninclude \"more/*.kdl\"\n\
                    service \"a\" { command \"a\" \"${X}\"; user \"app\" group=\"staff\"; profile dev; working-dir \"sub\"; port auto }\n";
        let more = "service \"b\" { command \"./b\" }\n";
        let file = |path: &str, text: &str| (PathBuf::from(path), Arc::from(text));
        let machine = Memory {
            files: [file("/p/services.kdl", text), file("/p/more/b.kdl", more), file("/p/p.env", "X=1\n")]
                .into(),
            env: [("PATH".to_owned(), "/bin".to_owned())].into(),
            programs: ["/bin/a", "/p/more/b", "/bin/unused"].map(PathBuf::from).into(),
            folders: ["/p/sub", "/p/more"].map(PathBuf::from).into(),
            users: [("app".to_owned(), Account { gid: 2, groups: vec![2], ..Account::numbered(1) })].into(),
            groups: [("staff".to_owned(), 50)].into(),
            profiles: [Name::new("dev").expect("a name")].into(),
            scales: [(Name::new("b").expect("a name"), Scale { count: 3, file: None })].into(),
            ports: [(("a".to_owned(), String::new()), 20_001)].into(),
        };
        let paths = [PathBuf::from("/p/services.kdl")];
        let recorder = Recorder::new(&machine);
        let first = compile(&paths, &recorder, Options { strict_paths: true, ..Options::default() });
        assert!(first.plan.is_some() && first.diagnostics.is_empty(), "{:?}", first.diagnostics);
        let recorded = recorder.finish();
        assert!(!recorded.programs.contains(Path::new("/bin/unused")), "only what was asked for is recorded");
        let second = compile(&paths, &recorded, Options { strict_paths: true, ..Options::default() });
        assert!(second.diagnostics.is_empty(), "{:?}", second.diagnostics);
        assert_eq!(format!("{:?}", first.plan), format!("{:?}", second.plan));
    }
}
