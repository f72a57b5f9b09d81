//! What is different between two plans: the basis of `svc plan` and `svc apply`.
//!
//! An instance is the same in both when it has the same name. What changed in it is said in the words
//! of the service file, each with what the change means for a process that runs. Spans are never
//! compared: moving a line changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::graph::plan::{
    Edge, Extras, Instance, InstanceId, Launch, Plan, Readiness, Relation, Rules, Service, User,
};
use crate::model::policy::Stop;

/// What a change of a field means for a process that runs. Sorted by how much it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// In force at once.
    Live,
    /// In force from its next start on.
    NextStart,
    /// The process has to be made anew.
    Restart,
}

/// A field that changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Field {
    /// What the change means.
    pub effect: Effect,
    /// The field, as it is called in the service file.
    pub name: &'static str,
}

/// What an instance of the new plan was in the old one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was not there.
    Added,
    /// It was there; these fields changed, none for what stays as it is.
    Kept {
        /// Its place in the old plan.
        was: InstanceId,
        /// What changed, what asks for least first.
        fields: Vec<Field>,
    },
}

/// The difference between two plans.
#[derive(Clone, Debug)]
pub struct Change {
    /// What becomes of each instance of the old plan; `None` for what is removed.
    pub after: Vec<Option<InstanceId>>,
    /// What each instance of the new plan was.
    pub fates: Vec<Fate>,
}

impl Change {
    /// Compares two plans.
    pub fn between(old: &Plan, new: &Plan) -> Self {
        let places: BTreeMap<&str, InstanceId> = old.instances().map(|(id, i)| (&*i.name, id)).collect();
        let mut after = vec![None; old.instances.len()];
        let mut fates = Vec::with_capacity(new.instances.len());
        for (id, instance) in new.instances() {
            fates.push(match places.get(&*instance.name) {
                None => Fate::Added,
                Some(&was) => {
                    after[was.0 as usize] = Some(id);
                    Fate::Kept { was, fields: fields((old, was), (new, id)) }
                }
            });
        }
        Self { after, fates }
    }

    /// Returns what is new and is started without being named.
    pub fn added(&self, new: &Plan) -> Vec<InstanceId> {
        let added = new.instances().zip(&self.fates).filter(|(_, fate)| **fate == Fate::Added);
        added.map(|((id, _), _)| id).filter(|&id| !new.service_of(id).disabled).collect()
    }

    /// Returns whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        let same = |fate: &Fate| matches!(fate, Fate::Kept { fields, .. } if fields.is_empty());
        self.after.iter().all(Option::is_some) && self.fates.iter().all(same)
    }

    /// Returns whether an edge of the old plan is still one that its dependent cannot be without.
    pub fn stands(&self, edge: &Edge, new: &Plan) -> bool {
        let place = |id: InstanceId| self.after[id.0 as usize];
        let (Some(dependent), Some(dependency)) = (place(edge.dependent), place(edge.dependency)) else {
            return false;
        };
        let required = |edge: &Edge| matches!(edge.relation, Relation::DependsOn { required: true, .. });
        required(edge) && new.waits_for(dependent).iter().any(|e| e.dependency == dependency && required(e))
    }

    /// Returns what stops and starts although nothing changed in it, and because of which: what cannot be
    /// without something that needs another process. By places of the new plan.
    pub fn carried(&self, old: &Plan, new: &Plan) -> BTreeMap<InstanceId, InstanceId> {
        let place = |id: InstanceId| self.after[id.0 as usize];
        let mut dependents: BTreeMap<InstanceId, Vec<&Edge>> = BTreeMap::new();
        for edge in &old.edges {
            if let Some(dependency) = place(edge.dependency) {
                dependents.entry(dependency).or_default().push(edge);
            }
        }
        let mut carried = BTreeMap::new();
        let mut todo: Vec<InstanceId> =
            new.instances().map(|(id, _)| id).filter(|&id| self.restarts(id)).collect();
        while let Some(id) = todo.pop() {
            for edge in dependents.get(&id).into_iter().flatten() {
                if let Some(dependent) = place(edge.dependent).filter(|_| self.stands(edge, new))
                    && !self.restarts(dependent)
                    && !carried.contains_key(&dependent)
                {
                    carried.insert(dependent, id);
                    todo.push(dependent);
                }
            }
        }
        carried
    }

    /// Returns whether an instance of the new plan needs another process than it had.
    pub fn restarts(&self, id: InstanceId) -> bool {
        match &self.fates[id.0 as usize] {
            Fate::Added => false,
            Fate::Kept { fields, .. } => fields.last().is_some_and(|f| f.effect == Effect::Restart),
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Live => "live",
            Self::NextStart => "next start",
            Self::Restart => "restart",
        })
    }
}

/// Returns what changed in an instance, each field once, what asks for least first.
fn fields(old: (&Plan, InstanceId), new: (&Plan, InstanceId)) -> Vec<Field> {
    let mut found = BTreeSet::new();
    let (was, is) = (old.0.instance(old.1), new.0.instance(new.1));
    let mut differs = |effect, name, differ: bool| {
        if differ {
            found.insert(Field { effect, name });
        }
    };
    let Instance { name: _, service: _, replica: _, ports: _, launch: _ } = was;
    differs(Effect::Restart, "port", was.ports != is.ports);
    if !Arc::ptr_eq(&was.launch, &is.launch) {
        launch(&was.launch, &is.launch, &mut differs);
    }
    service(old.0.service_of(old.1), new.0.service_of(new.1), &mut differs);
    differs(Effect::Live, "depends-on", edges(old.0, old.1) != edges(new.0, new.1));
    found.into_iter().collect()
}

type Differs<'d> = &'d mut dyn FnMut(Effect, &'static str, bool);

/// Compares how a process is made.
fn launch(was: &Launch, is: &Launch, differs: Differs<'_>) {
    // Every field, so that a new one needs a decision here.
    let Launch {
        argv,
        command_span: _,
        display: _,
        env,
        working_dir,
        working_dir_span: _,
        user,
        umask,
        logs,
        readiness,
        startup,
        liveness,
        stop_command,
        extras: _,
    } = was;
    differs(Effect::Restart, "command", *argv != is.argv);
    differs(Effect::Restart, "env", *env != is.env);
    differs(Effect::Restart, "working-dir", *working_dir != is.working_dir);
    differs(Effect::Restart, "user", !same_user(user.as_ref(), is.user.as_ref()));
    differs(Effect::Restart, "umask", *umask != is.umask);
    // A process keeps the pipes it was given.
    let same_pipes = logs.wiring().is_some() && logs.wiring() == is.logs.wiring();
    let effect = if same_pipes { Effect::Live } else { Effect::Restart };
    differs(effect, "logs", *logs != is.logs);
    differs(Effect::Live, "readiness", *readiness != is.readiness);
    differs(Effect::Live, "startup", *startup != is.startup);
    differs(Effect::Live, "liveness", *liveness != is.liveness);
    differs(Effect::Live, "stop", *stop_command != is.stop_command);
    extras(was.extras.as_deref(), is.extras.as_deref(), differs);
}

/// Compares what most launches do without.
fn extras(was: Option<&Extras>, is: Option<&Extras>, differs: Differs<'_>) {
    let none = Extras::default();
    let (was, is) = (was.unwrap_or(&none), is.unwrap_or(&none));
    let Extras { sockets, shares, limits, nice, tty, pid_file, reload, watch } = was;
    let same =
        sockets.len() == is.sockets.len() && sockets.iter().zip(&is.sockets).all(|(was, is)| was.is(is));
    differs(Effect::Restart, "listen", !same);
    differs(Effect::Live, "limits", *shares != is.shares);
    differs(Effect::Restart, "limits", *limits != is.limits);
    differs(Effect::Restart, "nice", *nice != is.nice);
    differs(Effect::Restart, "tty", *tty != is.tty);
    differs(Effect::Restart, "forks", *pid_file != is.pid_file);
    differs(Effect::Live, "reload", *reload != is.reload);
    differs(Effect::Live, "watch", *watch != is.watch);
}

/// Compares what the instances of a service share.
fn service(was: &Service, is: &Service, differs: Differs<'_>) {
    let Service {
        name: _,
        span: _,
        kind,
        description,
        disabled,
        profiles,
        inactive,
        instances: _,
        scaled_from: _,
        rules,
        event_listener,
        labels,
    } = was;
    differs(Effect::Restart, "task", *kind != is.kind);
    differs(Effect::Live, "description", *description != is.description);
    differs(Effect::Live, "disabled", *disabled != is.disabled);
    differs(Effect::Live, "profile", (profiles, inactive) != (&is.profiles, &is.inactive));
    differs(Effect::Restart, "event-listener", *event_listener != is.event_listener);
    differs(Effect::Live, "label", *labels != is.labels);
    let Rules {
        restart,
        backoff,
        stop,
        on_exit,
        success_codes,
        start_timeout,
        timeout,
        readiness,
        startup,
        liveness,
        on_liveness_failure,
        watchdog,
        schedule,
    } = &**rules;
    let is = &is.rules;
    differs(Effect::Live, "restart", *restart != is.restart);
    differs(Effect::Live, "backoff", *backoff != is.backoff);
    let Stop { signal, grace, group, command: _ } = *stop;
    let stop_differs = (signal, grace, group) != (is.stop.signal, is.stop.grace, is.stop.group);
    differs(Effect::Live, "stop", stop_differs);
    differs(Effect::Restart, "watchdog", *watchdog != is.watchdog);
    differs(Effect::Live, "schedule", *schedule != is.schedule);
    differs(Effect::Live, "on-exit", *on_exit != is.on_exit);
    differs(Effect::Live, "success-codes", *success_codes != is.success_codes);
    differs(Effect::NextStart, "start-timeout", *start_timeout != is.start_timeout);
    differs(Effect::NextStart, "timeout", *timeout != is.timeout);
    // A process learns when it is made how it can announce that it is ready.
    let announces = |readiness: Readiness| readiness == Readiness::Announced;
    let anew = announces(*readiness) != announces(is.readiness);
    let effect = if anew { Effect::Restart } else { Effect::Live };
    differs(effect, "readiness", *readiness != is.readiness);
    differs(Effect::Live, "startup", *startup != is.startup);
    let liveness_differs = *liveness != is.liveness || *on_liveness_failure != is.on_liveness_failure;
    differs(Effect::Live, "liveness", liveness_differs);
}

fn same_user(was: Option<&User>, is: Option<&User>) -> bool {
    let all = |user: Option<&User>| user.map(|u| (u.name.clone(), u.uid, u.gid, u.groups.clone()));
    all(was) == all(is)
}

/// Returns what an instance waits for, by name.
fn edges(plan: &Plan, id: InstanceId) -> Vec<(&str, Relation)> {
    let edges = plan.waits_for(id).iter();
    let mut all: Vec<(&str, Relation)> =
        edges.map(|edge| (&*plan.instance(edge.dependency).name, edge.relation)).collect();
    all.sort_by_key(|(name, _)| *name);
    all
}
