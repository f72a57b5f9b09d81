//! How many instances an operator asked for, where the service file says another number.

use std::collections::BTreeMap;

use crate::base::Name;
use crate::diagnostic::{Diagnostic, Diagnostics, Spanned};
use crate::graph::build::instances_of;
use crate::model::Service as Declared;
use crate::model::replica::Replicas;

/// How many instances of a service an operator asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// How many, at least one.
    pub count: u32,
    /// How many the service file said then. When it says another number by now, that holds; `None` for whatever it
    /// says.
    pub file: Option<u32>,
}

/// Gives services the number of instances that was asked for; returns what the file says of each of these.
pub(super) fn apply(
    services: &mut [Box<Declared>],
    scales: &BTreeMap<Name, Scale>,
    out: &mut Diagnostics,
) -> BTreeMap<Name, u32> {
    let mut scaled = BTreeMap::new();
    for declared in services {
        let Some(scale) = scales.get(&declared.name.value) else { continue };
        let file = instances_of(declared);
        if declared.damaged || scale.count == file || scale.file.is_some_and(|then| then != file) {
            continue;
        }
        if let Some(schedule) = &declared.schedule {
            let message = format!("`{}` runs by itself, one at a time", declared.name.value);
            let diagnostic = Diagnostic::error("svc::scheduled-replicas", schedule.span, message);
            out.push(diagnostic.help("a task with a schedule cannot be scaled"));
            continue;
        }
        let span = declared.replicas.as_ref().map_or(declared.name.span, |replicas| replicas.count.span);
        let name = declared.replicas.take().and_then(|replicas| replicas.name);
        declared.replicas = Some(Replicas { count: Spanned::new(scale.count, span), name });
        scaled.insert(declared.name.value.clone(), file);
    }
    scaled
}
