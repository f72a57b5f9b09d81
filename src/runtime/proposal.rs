//! What the service file says now, made into a plan that may take the place of the one in force.
//!
//! It is read in the environment that `svc up` began the supervision in, by whoever asks: an apply from
//! another terminal does not slip another environment under the services. Numbers of instances that an operator
//! asked for hold until the file says another number than it did then.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::Name;
use crate::compile::{Compiled, Machine, Memory, Options, Recorder, compile, override_of};
use crate::diagnostic::{Look, human};
use crate::graph::{Plan, Scale};
use crate::runtime::machine::Host;
use crate::runtime::project::Project;
use crate::runtime::record::Record;

/// A plan that may be put in force.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// The plan.
    pub plan: Arc<Plan>,
    /// The record it can be made from again.
    pub(crate) record: Vec<u8>,
    /// The fingerprint of its sources.
    pub(crate) fingerprint: u64,
}

/// What a proposal is made from.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// How many instances of services there are to be.
    pub scale: BTreeMap<Name, u32>,
    /// Leave the files as they were when they were last put in force.
    pub in_force: bool,
}

/// Why the service file makes no plan.
#[derive(Debug, thiserror::Error)]
pub enum ProposalError {
    /// What the plan in force was made from cannot be read.
    #[error("cannot read what the plan in force was made from")]
    Record(#[source] io::Error),
    /// The service file is invalid.
    #[error("the service file is invalid:\n{0}")]
    Invalid(String),
}

impl Proposal {
    /// Reads the service file of a project again.
    ///
    /// # Errors
    ///
    /// [`ProposalError`].
    pub fn read(project: &Project, wanted: &Wanted) -> Result<Self, ProposalError> {
        let before = fs::read(project.record()).and_then(|bytes| Record::from_bytes(&bytes));
        let before = before.map_err(ProposalError::Record)?;
        let mut scales = before.scales().clone();
        let asked = |(name, &count): (&Name, &u32)| (name.clone(), Scale { count, file: None });
        scales.extend(wanted.scale.iter().map(asked));
        let (host, memory);
        let (machine, paths): (&dyn Machine, _) = if wanted.in_force {
            memory = Memory { scales, ..before.heard().clone() };
            (&memory, before.paths().to_vec())
        } else {
            host = Host::with_env(before.env().clone(), before.profiles().clone())
                .scaled(scales)
                .with_ports(before.ports().clone());
            (&host, with_override(before.paths()))
        };
        let machine = Recorder::new(machine);
        let Compiled { plan, diagnostics, mut sources, .. } = compile(&paths, &machine, Options::default());
        let Some(plan) = plan else {
            if let Some(folder) = project.file.parent().and_then(Path::to_str) {
                sources.name_from(folder);
            }
            let mut text = String::new();
            human(&mut text, &diagnostics, &sources, &Look::default())
                .expect("writing into memory does not fail");
            return Err(ProposalError::Invalid(text));
        };
        let mut record = Record::new(&paths, machine.finish());
        record.settle_scales(&plan);
        let fingerprint = record.fingerprint();
        let record = record.to_bytes().map_err(ProposalError::Record)?;
        Ok(Self { plan: Arc::new(plan), record, fingerprint })
    }
}

/// Returns the files with the override that is beside the service file by now, unless somebody said what is laid
/// over it.
fn with_override(paths: &[PathBuf]) -> Vec<PathBuf> {
    let Some((root, others)) = paths.split_first() else { return Vec::new() };
    let over = override_of(root);
    if others.iter().any(|other| Some(other) != over.as_ref()) {
        return paths.to_vec();
    }
    std::iter::once(root.clone()).chain(over.filter(|over| over.is_file())).collect()
}
