//! Things that only one process can have: a port, a log file, a pid file.

use std::path::PathBuf;

use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::graph::plan::{Instance, InstanceId, Service};

/// A port of an instance and where it is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PortUse {
    pub(crate) number: u16,
    /// What is written, which replica 0 gets.
    pub(crate) first: u16,
    pub(crate) instance: InstanceId,
    pub(crate) span: Span,
}

/// A file of an instance and where it is written.
#[derive(Clone, Debug)]
pub(crate) struct FileUse {
    pub(crate) path: PathBuf,
    pub(crate) instance: InstanceId,
    pub(crate) span: Span,
}

/// Reports ports that two instances would get, once for each two places in the file.
///
/// Disabled services do not count: a file may hold two of which one is on.
pub(crate) fn ports(
    services: &[Service],
    instances: &[Instance],
    mut uses: Vec<PortUse>,
    out: &mut Diagnostics,
) {
    uses.retain(|used| !services[instances[used.instance.0 as usize].service.0 as usize].is_off());
    uses.sort_by_key(|used| (used.number, used.instance, used.span));
    let mut reported = Vec::new();
    for pair in uses.windows(2).filter(|pair| pair[0].number == pair[1].number) {
        let (mut first, mut second) = (pair[0], pair[1]);
        if second.span < first.span {
            std::mem::swap(&mut first, &mut second);
        }
        reported.push((first, second));
    }
    reported.sort_by_key(|(first, second)| (second.span, first.span, second.number));
    reported.dedup_by_key(|(first, second)| (first.span, second.span));
    for (first, second) in reported {
        let name = |used: PortUse| &*instances[used.instance.0 as usize].name;
        let says = |used: PortUse| {
            if used.first == used.number {
                format!("`{}` gets {}", name(used), used.number)
            } else {
                format!("counted up from {}, `{}` gets {}", used.first, name(used), used.number)
            }
        };
        let message = if name(first) == name(second) {
            format!("port {} is given to `{}` twice", second.number, name(second))
        } else {
            format!("port {} is given to `{}` and to `{}`", second.number, name(first), name(second))
        };
        let mut diagnostic = Diagnostic::error("svc::port-clash", second.span, message);
        diagnostic = if first.span == second.span {
            // One line of a template or of `defaults` gave it to both.
            let service = |used: PortUse| &services[instances[used.instance.0 as usize].service.0 as usize];
            diagnostic
                .here("both get it from here")
                .label(service(first).span, says(first))
                .label(service(second).span, says(second))
        } else {
            diagnostic.here(says(second)).label(first.span, says(first))
        };
        let replicas = services[instances[second.instance.0 as usize].service.0 as usize].instances.len();
        if let Some(free) = free_from(&uses, second.number, replicas) {
            diagnostic = diagnostic.help(match replicas {
                1 => format!("{free} is free"),
                count => format!("{free} to {} are free", usize::from(free) + count - 1),
            });
        }
        out.push(diagnostic);
    }
}

/// Returns the first number above `from` from which `count` numbers are in no use. `uses` is sorted.
fn free_from(uses: &[PortUse], from: u16, count: usize) -> Option<u16> {
    let mut candidate = usize::from(from) + 1;
    let start = uses.partition_point(|used| used.number <= from);
    for used in &uses[start..] {
        if usize::from(used.number) >= candidate + count {
            break;
        }
        candidate = usize::from(used.number) + 1;
    }
    (candidate + count - 1 <= usize::from(u16::MAX)).then_some(candidate as u16)
}

/// Returns what uses a path that another one uses, once for each two places in the file.
fn pairs(uses: &mut [FileUse]) -> Vec<(&FileUse, &FileUse)> {
    uses.sort_by(|a, b| (&a.path, a.span, a.instance).cmp(&(&b.path, b.span, b.instance)));
    let same = uses.windows(2).filter(|pair| pair[0].path == pair[1].path);
    let mut found: Vec<(&FileUse, &FileUse)> = same.map(|pair| (&pair[0], &pair[1])).collect();
    found.sort_by_key(|(first, second)| (second.span, first.span, second.instance));
    found.dedup_by_key(|(first, second)| (first.span, second.span));
    found
}

/// Reports log files that two instances would write, once for each two places in the file.
pub(crate) fn log_files(
    services: &[Service],
    instances: &[Instance],
    mut uses: Vec<FileUse>,
    out: &mut Diagnostics,
) {
    let instance = |used: &FileUse| &instances[used.instance.0 as usize];
    for (first, second) in pairs(&mut uses) {
        let path = second.path.display();
        let diagnostic = if first.instance == second.instance {
            let message = format!("`{path}` is the log and the file for stderr too");
            Diagnostic::error("svc::log-clash", second.span, message)
                .here("this")
                .label(first.span, "and this")
                .help("without `stderr=` both go to one file, in order")
        } else if instance(first).service == instance(second).service {
            let service = &services[instance(second).service.0 as usize];
            let message = format!("all replicas of `{}` would write `{path}`", service.name);
            Diagnostic::error("svc::log-clash", second.span, message)
                .here(format!("the same file for {} processes", service.instances.len()))
                .help("put `${SVC_INSTANCE}` or `${SVC_REPLICA}` into the path")
        } else {
            let (a, b) = (&instance(first).name, &instance(second).name);
            let message = format!("`{a}` and `{b}` would write the same log `{path}`");
            let diagnostic = Diagnostic::error("svc::log-clash", second.span, message);
            both(diagnostic, first.span, second.span, |who| format!("`{}` writes it", [a, b][who]))
                .help("give each a file of its own; `${SVC_NAME}` in the path does so")
        };
        out.push(diagnostic);
    }
}

/// Labels the two places of a clash, which may be one line of a template.
pub(super) fn both(
    diagnostic: Diagnostic,
    first: Span,
    second: Span,
    says: impl Fn(usize) -> String,
) -> Diagnostic {
    if first == second {
        return diagnostic.here("both get it from here");
    }
    diagnostic.here(says(1)).label(first, format!("{} too", says(0)))
}

/// Reports pid files that two instances would write.
pub(crate) fn pid_files(
    services: &[Service],
    instances: &[Instance],
    mut uses: Vec<FileUse>,
    out: &mut Diagnostics,
) {
    let instance = |used: &FileUse| &instances[used.instance.0 as usize];
    for (first, second) in pairs(&mut uses) {
        let path = second.path.display();
        out.push(if instance(first).service == instance(second).service {
            let service = &services[instance(second).service.0 as usize];
            let message = format!("all replicas of `{}` would leave their number in `{path}`", service.name);
            Diagnostic::error("svc::pid-file-clash", second.span, message)
                .here(format!("the same file for {} processes", service.instances.len()))
                .help(
                    "put `${SVC_INSTANCE}` into the path, and the same into the service's own configuration",
                )
        } else {
            let (a, b) = (&instance(first).name, &instance(second).name);
            let message = format!("`{a}` and `{b}` would leave their number in the same file `{path}`");
            let diagnostic = Diagnostic::error("svc::pid-file-clash", second.span, message);
            both(diagnostic, first.span, second.span, |who| format!("`{}` writes it", [a, b][who]))
                .help("each needs the file that it really writes")
        });
    }
}
