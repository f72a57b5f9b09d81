//! The record of what a plan was made from.
//!
//! An engine that takes over has to supervise what its predecessor did, not what the files say by
//! then. So everything the compilation asked of the machine is written down once, by `svc up`, and
//! every engine of this supervision compiles that.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::base::Name;
use crate::compile::{ChosenPorts, Compiled, Memory, Options, compile};
use crate::graph::{Account, Plan, Scale};
use crate::runtime::project::fingerprint;

/// What a compilation asked and was answered.
#[derive(Clone, Debug)]
pub struct Record {
    paths: Vec<PathBuf>,
    heard: Memory,
}

/// The record as it is written. It holds the environment, so its file is its owner's alone.
#[derive(Serialize, Deserialize)]
struct Written {
    paths: Vec<PathBuf>,
    files: BTreeMap<PathBuf, Arc<str>>,
    env: BTreeMap<String, String>,
    users: BTreeMap<String, WrittenAccount>,
    groups: BTreeMap<String, u32>,
    #[serde(default)]
    profiles: Vec<String>,
    /// How many instances of a service were asked for, and how many the service file said then.
    #[serde(default)]
    scales: BTreeMap<String, (u32, Option<u32>)>,
    /// The ports that were chosen: instance, name, number.
    #[serde(default)]
    ports: Vec<(String, String, u16)>,
}

/// An account as it is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Account")]
struct AccountForm {
    uid: u32,
    gid: u32,
    groups: Vec<u32>,
    name: String,
    home: String,
    shell: String,
}

/// An account in a map, which serde's `remote` does not reach.
#[derive(Serialize, Deserialize)]
struct WrittenAccount(#[serde(with = "AccountForm")] Account);

impl Record {
    /// Makes the record of a compilation of these files by a machine that answered as `heard` says.
    pub fn new(paths: &[PathBuf], heard: Memory) -> Self {
        Self { paths: paths.to_owned(), heard }
    }

    /// Returns the record as bytes to be written.
    ///
    /// # Errors
    ///
    /// When a path is not UTF-8.
    pub fn to_bytes(&self) -> io::Result<Vec<u8>> {
        let Memory { files, env, users, groups, profiles, scales, ports, programs: _, folders: _ } =
            &self.heard;
        let written = Written {
            paths: self.paths.clone(),
            files: files.clone(),
            env: env.clone(),
            users: users.iter().map(|(name, a)| (name.clone(), WrittenAccount(a.clone()))).collect(),
            groups: groups.clone(),
            profiles: profiles.iter().map(ToString::to_string).collect(),
            scales: scales.iter().map(|(name, s)| (name.to_string(), (s.count, s.file))).collect(),
            ports: ports.iter().map(|((of, name), number)| (of.clone(), name.clone(), *number)).collect(),
        };
        Ok(serde_json::to_vec(&written)?)
    }

    /// Reads a record back.
    ///
    /// # Errors
    ///
    /// When the bytes are no record.
    pub fn from_bytes(bytes: &[u8]) -> io::Result<Self> {
        let Written { paths, files, env, users, groups, profiles, scales, ports } =
            serde_json::from_slice(bytes)?;
        let profiles = profiles.iter().filter_map(|profile| Name::new(profile).ok()).collect();
        let users = users.into_iter().map(|(name, WrittenAccount(user))| (name, user)).collect();
        let scale =
            |(name, (count, file)): (String, _)| Some((Name::new(&name).ok()?, Scale { count, file }));
        let scales = scales.into_iter().filter_map(scale).collect();
        let ports = ports.into_iter().map(|(of, name, number)| ((of, name), number)).collect();
        let heard = Memory { files, env, users, groups, profiles, scales, ports, ..Memory::default() };
        Ok(Self { paths, heard })
    }

    /// Compiles again what was recorded. Programs and folders are not looked at: what is missing is
    /// found when it is needed.
    pub fn compile(&self) -> Compiled {
        compile(&self.paths, &self.heard, Options::default())
    }

    /// Returns the service files, the root first.
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// Returns the profiles that were active.
    pub fn profiles(&self) -> &BTreeSet<Name> {
        &self.heard.profiles
    }

    /// Keeps the numbers of instances that hold under the plan, each with what the service file says now: they end
    /// when it says something else.
    pub fn settle_scales(&mut self, plan: &Plan) {
        let scale = |count, file| Scale { count, file };
        let held = plan.services.iter().filter_map(|service| {
            let file = service.scaled_from?;
            Some((service.name.clone(), scale(service.instances.len() as u32, Some(file))))
        });
        self.heard.scales = held.collect();
    }

    /// Returns how many instances operators asked for.
    pub fn scales(&self) -> &BTreeMap<Name, Scale> {
        &self.heard.scales
    }

    /// Returns the ports that were chosen.
    pub fn ports(&self) -> &ChosenPorts {
        &self.heard.ports
    }

    /// Returns everything that was asked and answered.
    pub fn heard(&self) -> &Memory {
        &self.heard
    }

    /// Returns the environment svc was called in.
    pub fn env(&self) -> &BTreeMap<String, String> {
        &self.heard.env
    }

    /// Returns a number that is the same as long as the files say the same, whatever the environment and the active
    /// profiles.
    pub fn fingerprint(&self) -> u64 {
        let mut text = Vec::new();
        for (path, content) in &self.heard.files {
            text.extend_from_slice(path.as_os_str().as_encoded_bytes());
            text.push(0);
            text.extend_from_slice(content.as_bytes());
            text.push(0);
        }
        fingerprint(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::Recorder;

    #[test]
    fn a_record_compiles_to_the_same_plan_after_the_files_are_gone() {
        let root = PathBuf::from("/shop/services.kdl");
        let mut machine = Memory::default();
        machine.files.insert(
            root.clone(),
            "include \"more/*.kdl\"\nservice \"a\" { command \"x\" \"${GREETING}\"; user \"app\" }\n".into(),
        );
        machine
            .files
            .insert("/shop/more/b.kdl".into(), "task \"b\" { shell \"true\"; env-file \"b.env\" }\n".into());
        machine.files.insert("/shop/more/b.env".into(), "A=1\n".into());
        machine.env.insert("GREETING".into(), "hello".into());
        machine.users.insert("app".into(), Account { gid: 8, groups: vec![8], ..Account::numbered(7) });
        let recorder = Recorder::new(&machine);
        let compiled = compile(std::slice::from_ref(&root), &recorder, Options::default());
        let plan = compiled.plan.unwrap_or_else(|| panic!("{:#?}", compiled.diagnostics));
        let record = Record::new(&[root], recorder.finish());
        let read = Record::from_bytes(&record.to_bytes().expect("UTF-8")).expect("reads back");
        let again = read.compile().plan.expect("compiles again");
        assert_eq!(format!("{plan:?}"), format!("{again:?}"));
        assert_eq!(read.fingerprint(), record.fingerprint());
    }
}
