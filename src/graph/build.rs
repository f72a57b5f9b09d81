//! A plan is made of a model: names become ids, replicas become instances, texts become values.
//!
//! Nothing stops at a mistake. A service with one is carried along as far as it goes, so that
//! everything that is wrong is said in one run; the plan itself exists only when nothing is.

#![expect(clippy::disallowed_types, reason = "names are looked up in a hash map that nobody iterates over")]

mod instance;
mod probe;
mod process;
mod rules;
mod scale;

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::mem;

use crate::base::Name;
use crate::diagnostic::{Diagnostic, Diagnostics, Span, Spanned, suggest};
use crate::graph::build::instance::Maker;
use crate::graph::check::{self, Wire, Written};
use crate::graph::plan::{Edge, Group, InstanceId, Plan, Relation, Service, ServiceId};
use crate::graph::ports::AutoPort;
use crate::model::{Model, Service as Declared};

pub use scale::Scale;

/// Names that mean something else on the command line.
const RESERVED: &[&str] = &["all"];

/// The most instances a plan may have.
const MAX_INSTANCES: u64 = 1_000_000;

/// The most edges between instances a plan may have: replicas multiply.
const MAX_EDGES: u64 = 16_000_000;

/// How many times a mistyped name may be compared with a known one in all; after that, unknown names
/// are reported without a suggestion.
const COMPARISONS: usize = 1_000_000;

/// What a plan needs to know of where it will run.
pub struct World<'a> {
    /// The environment of svc itself.
    pub env: &'a BTreeMap<String, String>,
    /// Its users and groups.
    pub accounts: &'a dyn Accounts,
    /// The profiles that are active.
    pub profiles: &'a BTreeSet<Name>,
    /// How many instances operators asked for.
    pub scales: &'a BTreeMap<Name, Scale>,
    /// Its ports.
    pub ports: &'a dyn Ports,
}

/// The ports of a machine.
pub trait Ports {
    /// Chooses a number; the same one for an instance that has one already. `None` when none is free.
    fn choose(&self, port: AutoPort<'_>) -> Option<u16>;
}

/// The users and groups of a machine.
pub trait Accounts {
    /// Looks up a user by name, or by number in digits. A number without an account is an account with
    /// that number as user and group.
    fn user(&self, name: &str) -> Option<Account>;

    /// Looks up the number of a group by name, or by number in digits.
    fn group(&self, name: &str) -> Option<u32>;
}

/// A user of a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The user's number.
    pub uid: u32,
    /// The number of the user's own group.
    pub gid: u32,
    /// All groups the user is in.
    pub groups: Vec<u32>,
    /// The user's name; the number in digits when it has no account.
    pub name: String,
    /// The user's home.
    pub home: String,
    /// The user's shell.
    pub shell: String,
}

impl Account {
    /// What a number is without an account: its own group and no other, at home in `/`.
    pub fn numbered(number: u32) -> Self {
        Self {
            uid: number,
            gid: number,
            groups: vec![number],
            name: number.to_string(),
            home: "/".to_owned(),
            shell: "/bin/sh".to_owned(),
        }
    }

    /// The variables that tell a process who it is, as login(1) sets them; sorted.
    pub(crate) fn variables(&self) -> [(&'static str, &str); 4] {
        [("HOME", &self.home), ("LOGNAME", &self.name), ("SHELL", &self.shell), ("USER", &self.name)]
    }
}

/// Makes a plan. `None` when anything is wrong, here or before; everything that is wrong here is
/// added to `out`.
///
/// The model is used up, one service after another: it and the plan are never in memory as a whole.
pub fn build(model: Model, world: &World<'_>, out: &mut Diagnostics) -> Option<Plan> {
    let Model { project, env, control, mut services, groups, lost } = model;
    let mut scaled = scale::apply(&mut services, world.scales, out);
    let names = Names::new(&services, out);
    if let Some(diagnostic) = too_many_instances(&names, &services) {
        out.push(diagnostic);
        return None;
    }
    let mut maker = Maker::new(&project, &env, world);
    maker.spare(services.iter().map(|service| &**service));
    let mut plan = Plan { project: project.clone(), control: process::control(control), ..Plan::default() };
    plan.services.reserve(services.len());
    plan.instances.reserve(services.len());
    let mut wires = Vec::with_capacity(services.len());
    let mut damaged = Vec::with_capacity(services.len());
    let mut search = Search { lost, ..Search::default() };
    search.groups.extend(groups.iter().map(|(name, _)| name.value.to_string()));
    for mut declared in names.kept(services) {
        let id = ServiceId(plan.services.len() as u32);
        names.wire(id, &declared, &mut wires, &mut search, out);
        let first = plan.instances.len() as u32;
        let count = instances_of(&declared);
        for replica in 0..count {
            plan.instances.push(maker.instance(id, &declared, replica, out));
        }
        plan.services.push(Service {
            rules: rules::rules(&mut declared, plan.services.last().map(|before| &before.rules)),
            name: declared.name.value.clone(),
            span: declared.name.span,
            kind: declared.kind,
            description: declared.description.take(),
            disabled: declared.disabled,
            inactive: !declared.profiles.is_empty()
                && !declared.profiles.iter().any(|profile| world.profiles.contains(&profile.value)),
            profiles: declared.profiles.iter().map(|profile| profile.value.clone()).collect(),
            instances: first..first + count,
            scaled_from: scaled.remove(&declared.name.value),
            event_listener: declared.event_listener.as_deref().map(process::listener).map(Box::new),
            labels: mem::take(&mut declared.labels),
        });
        damaged.push(declared.damaged);
    }
    plan.groups = groups.into_iter().filter_map(|group| names.group(group, &mut search, out)).collect();
    check::edges(&damaged, &plan.services, &plan.instances, &wires, out);
    check::sockets(&plan.services, &plan.instances, maker.sockets, &maker.ports, out);
    check::ports(&plan.services, &plan.instances, maker.ports, out);
    check::log_files(&plan.services, &plan.instances, maker.log_files, out);
    check::pid_files(&plan.services, &plan.instances, maker.pid_files, out);
    check::terminal(&plan.services, &plan.instances, &maker.terminals, out);
    check::names(&plan.services, &plan.instances, &maker.patterns, out);
    plan.edges = edges(&plan.services, wires, out)?;
    (!out.has_errors()).then_some(plan)
}

/// Returns how many instances a service has; of a damaged one nothing is known that one could be made of.
fn instances_of(declared: &Declared) -> u32 {
    if declared.damaged { 0 } else { declared.replicas.as_ref().map_or(1, |replicas| replicas.count.value) }
}

/// Counts before anything is made: what is refused should cost nothing.
fn too_many_instances(names: &Names, services: &[Box<Declared>]) -> Option<Diagnostic> {
    let mut total = 0;
    let declared = names.kept(services).find(|declared| {
        total += u64::from(instances_of(declared));
        total > MAX_INSTANCES
    })?;
    let span = declared.replicas.as_ref().map_or(declared.name.span, |replicas| replicas.count.span);
    let message = format!("more than {MAX_INSTANCES} instances");
    Some(
        Diagnostic::error("svc::too-many-instances", span, message)
            .here(format!("with those of `{}`", declared.name.value))
            .help("fewer `replicas`"),
    )
}

/// What looking up names has come to so far.
#[derive(Default)]
struct Search {
    /// How many names were compared.
    comparisons: usize,
    /// Where unknown names are written: one in a template is blamed once, not once a service.
    said: BTreeSet<Span>,
    /// Names that something was meant to declare which was not understood.
    lost: BTreeSet<String>,
    /// The names of groups.
    groups: BTreeSet<String>,
}

/// A group as it is written: its name, and the names of its members.
type Grouped = (Spanned<Name>, Vec<Spanned<Name>>);

/// Which service a name means.
struct Names {
    /// The id of each, and where it is declared.
    ids: HashMap<Name, (ServiceId, Span)>,
    /// For each service of the model whether it is in the plan.
    kept: Vec<bool>,
}

impl Names {
    /// Gives ids to all services; of two with one name to the first.
    fn new(services: &[Box<Declared>], out: &mut Diagnostics) -> Self {
        let mut ids = HashMap::with_capacity(services.len());
        let mut kept = Vec::with_capacity(services.len());
        for service in services {
            let Spanned { value: name, span } = &service.name;
            if RESERVED.contains(&name.as_str()) {
                let message = format!("`{name}` cannot be the name of a service");
                out.push(
                    Diagnostic::error("svc::reserved-name", *span, message)
                        .here(format!("`svc stop {name}` means every service"))
                        .help("give it another name"),
                );
            }
            let id = ServiceId(ids.len() as u32);
            match ids.entry(name.clone()) {
                Entry::Vacant(place) => {
                    place.insert((id, *span));
                    kept.push(true);
                }
                Entry::Occupied(first) => {
                    out.push(
                        Diagnostic::error(
                            "svc::duplicate-name",
                            *span,
                            format!("`{name}` is declared twice"),
                        )
                        .here("again here")
                        .label(first.get().1, "first here")
                        .help("services and tasks share their names; call one of them something else"),
                    );
                    kept.push(false);
                }
            }
        }
        Self { ids, kept }
    }

    /// Leaves those that are in the plan.
    fn kept<T>(&self, services: impl IntoIterator<Item = T>) -> impl Iterator<Item = T> {
        services.into_iter().zip(&self.kept).filter_map(|(service, kept)| kept.then_some(service))
    }

    /// Turns the edges of a service into wires. A name that leads nowhere is reported.
    fn wire(
        &self,
        id: ServiceId,
        declared: &Declared,
        wires: &mut Vec<Wire>,
        search: &mut Search,
        out: &mut Diagnostics,
    ) {
        for edge in &declared.depends_on {
            let Some(dependency) = self.find(id, &edge.name, "depends-on", search, out) else {
                continue;
            };
            let relation = Relation::DependsOn {
                condition: edge.condition.0,
                required: edge.required,
                restart: edge.restart,
                timeout: edge.timeout,
            };
            let (written, span) = (Written::DependsOn, edge.name.span);
            let condition_span = edge.condition.1;
            wires.push(Wire { dependent: id, dependency, written, relation, span, condition_span });
        }
        for name in &declared.after {
            let Some(dependency) = self.find(id, name, "after", search, out) else { continue };
            let (written, relation) = (Written::After, Relation::Order);
            wires.push(Wire {
                dependent: id,
                dependency,
                written,
                relation,
                span: name.span,
                condition_span: None,
            });
        }
        for name in &declared.before {
            let Some(dependent) = self.find(id, name, "before", search, out) else { continue };
            let (written, relation) = (Written::Before, Relation::Order);
            wires.push(Wire {
                dependent,
                dependency: id,
                written,
                relation,
                span: name.span,
                condition_span: None,
            });
        }
    }

    /// Looks up the other end of an edge of `id`.
    fn find(
        &self,
        id: ServiceId,
        name: &Spanned<Name>,
        node: &str,
        search: &mut Search,
        out: &mut Diagnostics,
    ) -> Option<ServiceId> {
        let Spanned { value: name, span } = name;
        match self.ids.get(name) {
            Some(&(found, _)) if found == id => {
                out.push(
                    Diagnostic::error("svc::self-dependency", *span, format!("`{name}` waits for itself"))
                        .here("this is the service it stands in")
                        .help(format!("remove it from `{node}`")),
                );
                None
            }
            Some(&(found, _)) => Some(found),
            None => {
                if search.said.insert(*span) && !search.lost.contains(name.as_str()) {
                    out.push(self.unknown("svc::unknown-dependency", name.as_str(), *span, search));
                }
                None
            }
        }
    }

    /// Looks up the members of a group; `None` when its name means something else.
    fn group(
        &self,
        (Spanned { value: name, span }, members): Grouped,
        search: &mut Search,
        out: &mut Diagnostics,
    ) -> Option<Group> {
        let before = out.len();
        if RESERVED.contains(&name.as_str()) {
            let message = format!("`{name}` cannot be the name of a group");
            let diagnostic = Diagnostic::error("svc::reserved-name", span, message);
            let diagnostic = diagnostic.here(format!("`svc stop {name}` means every service"));
            out.push(diagnostic.help("give it another name"));
        }
        if let Some(&(_, service)) = self.ids.get(&name) {
            let message = format!("`{name}` is the name of a group and of a service");
            let diagnostic = Diagnostic::error("svc::duplicate-name", span, message);
            let diagnostic = diagnostic.here("the group").label(service, "the service");
            out.push(
                diagnostic.help("groups, services and tasks share their names; call one something else"),
            );
        }
        let mut found = Vec::with_capacity(members.len());
        for Spanned { value: member, span } in members {
            match self.ids.get(&member) {
                Some(&(id, _)) => found.push(id),
                None if search.lost.contains(member.as_str()) => {}
                None => out.push(self.unknown("svc::unknown-member", member.as_str(), span, search)),
            }
        }
        (!out.has_errors_from(before)).then_some(Group { name, span, members: found })
    }

    fn unknown(&self, code: &'static str, name: &str, span: Span, search: &mut Search) -> Diagnostic {
        let message = format!("there is no service or task `{name}`");
        let diagnostic = Diagnostic::error(code, span, message);
        if search.groups.contains(name) {
            return diagnostic.help(format!("`{name}` is a group: name the services in it"));
        }
        search.comparisons += self.ids.len();
        let near = if search.comparisons <= COMPARISONS { self.nearest(name) } else { None };
        match near {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")).fix(span, near),
            None => diagnostic.help(format!("declare it: `service \"{name}\" {{ command \"…\" }}`")),
        }
    }

    /// Returns the known name nearest to `name`; of several the first by name.
    fn nearest(&self, name: &str) -> Option<&str> {
        let mut known: Vec<&str> = self.ids.keys().map(Name::as_str).collect();
        known.sort_unstable();
        suggest::nearest(name, known)
    }
}

/// Puts every wire between all instances of its two services.
fn edges(services: &[Service], mut wires: Vec<Wire>, out: &mut Diagnostics) -> Option<Vec<Edge>> {
    // The order of dependents, then dependencies; of one pair the order of the file.
    wires.sort_by_key(|wire| (wire.dependent, wire.dependency, wire.span));
    let instances = |id: ServiceId| services[id.0 as usize].instances.clone();
    let between =
        |wire: &Wire| instances(wire.dependent).len() as u64 * instances(wire.dependency).len() as u64;
    let total: u64 = wires.iter().map(between).sum();
    if total > MAX_EDGES {
        let widest = wires.iter().max_by_key(|wire| between(wire))?;
        let message = format!("more than {MAX_EDGES} edges between instances");
        let here = format!("{} of them", between(widest));
        out.push(Diagnostic::error("svc::too-many-edges", widest.span, message).here(here));
        return None;
    }
    let mut edges = Vec::with_capacity(total as usize);
    for wires in wires.chunk_by(|a, b| a.dependent == b.dependent) {
        for dependent in instances(wires[0].dependent).map(InstanceId) {
            for wire in wires {
                let dependencies = instances(wire.dependency).map(InstanceId);
                edges.extend(dependencies.map(|dependency| Edge {
                    dependent,
                    dependency,
                    relation: wire.relation,
                    span: wire.span,
                }));
            }
        }
    }
    Some(edges)
}

#[cfg(test)]
mod tests;
