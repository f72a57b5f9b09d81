//! Models made by hand, and the plans they become.

use std::path::Path;
use std::time::Duration;

use super::*;
use crate::base::{Name, Signal, Size};
use crate::graph::plan::Readiness;
use crate::model::Text;
use crate::model::logs::Logs;
use crate::model::policy::{
    Backoff, Condition, Consequence, Kind, LivenessFailure, OnExit, Restart, RestartWhen, Stop,
};
use crate::model::replica::Replicas;
use crate::model::service::{
    Command, Dependency, FilePath, Port, PortNumber, Probing, Target, User, Variable,
};
use crate::probe::{Probe, Schedule};

/// Users of a machine that has one.
struct Machine;

impl Accounts for Machine {
    fn user(&self, name: &str) -> Option<Account> {
        (name == "app").then(|| Account {
            groups: vec![1000, 27],
            name: name.to_owned(),
            home: "/home/app".to_owned(),
            ..Account::numbered(1000)
        })
    }

    fn group(&self, name: &str) -> Option<u32> {
        (name == "adm").then_some(4)
    }
}

impl Ports for Machine {
    fn choose(&self, port: AutoPort<'_>) -> Option<u16> {
        port.numbers().next()
    }
}

/// A place that is told from others by a number.
fn at(place: u32) -> Span {
    Span::new(place, place + 1)
}

fn text(text: &str) -> Text {
    Text::new(text, Span::new(500, 600), Some(500))
}

fn path(text: Text) -> FilePath {
    FilePath { text, folder: Path::new("/files").into() }
}

fn name(name: &str, place: u32) -> Spanned<Name> {
    Spanned::new(Name::new(name).expect("a name"), at(place))
}

fn needs(target: &str, place: u32) -> Dependency {
    let condition = (Condition::Ready, None);
    Dependency { name: name(target, place), condition, required: true, restart: false, timeout: None }
}

fn command(place: u32, words: &[&str]) -> Command {
    Command {
        argv: words.iter().map(|word| text(word)).collect(),
        span: at(place),
        display: words.join(" ").into(),
    }
}

fn service(called: &str, place: u32) -> Declared {
    Declared {
        damaged: false,
        name: name(called, place),
        kind: Kind::Service,
        description: None,
        disabled: false,
        profiles: Vec::new(),
        replicas: None,
        command: command(place, &["run"]),
        working_dir: None,
        folder: Path::new("/shop").into(),
        depends_on: Vec::new(),
        after: Vec::new(),
        before: Vec::new(),
        env: Vec::new(),
        ports: Vec::new(),
        readiness: None,
        startup: None,
        liveness: None,
        on_liveness_failure: LivenessFailure::Restart,
        restart: Restart { when: RestartWhen::OnFailure, max: None, window: Duration::ZERO },
        backoff: Backoff {
            first: Duration::ZERO,
            factor: 2.0,
            limit: Duration::ZERO,
            reset: Duration::ZERO,
            jitter: 0.0,
        },
        stop: Stop { signal: Signal::TERM, grace: Duration::ZERO, group: true, command: false },
        stop_command: None,
        on_exit: OnExit { success: Consequence::Ignore, failure: Consequence::Ignore },
        success_codes: vec![0],
        start_timeout: Duration::ZERO,
        timeout: None,
        user: None,
        umask: None,
        logs: Logs::None,
        sockets: Box::default(),
        limits: None,
        nice: None,
        tty: None,
        forks: None,
        watchdog: None,
        reload: None,
        watch: None,
        schedule: None,
        event_listener: None,
        labels: Box::default(),
    }
}

fn replicas(count: u32, place: u32) -> Option<Replicas> {
    Some(Replicas { count: Spanned::new(count, at(place)), name: None })
}

fn made(services: Vec<Declared>) -> (Option<Plan>, Vec<String>) {
    made_of(Model {
        project: "shop".to_owned(),
        services: services.into_iter().map(Box::new).collect(),
        ..Model::default()
    })
}

fn made_of(model: Model) -> (Option<Plan>, Vec<String>) {
    let mut out = Diagnostics::default();
    let env = BTreeMap::from([("HOME".to_owned(), "/root".to_owned())]);
    let world = World {
        env: &env,
        accounts: &Machine,
        profiles: &BTreeSet::new(),
        scales: &BTreeMap::new(),
        ports: &Machine,
    };
    let plan = build(model, &world, &mut out);
    out.sort();
    let said = |d: &Diagnostic| {
        let places: Vec<String> = d.labels.iter().map(|label| label.span.lo.to_string()).collect();
        format!("{} {}: {} | {}", places.join(" "), d.code, d.message, d.help.as_deref().unwrap_or_default())
    };
    (plan, out.iter().map(said).collect())
}

fn plan(services: Vec<Declared>) -> Plan {
    let (plan, said) = made(services);
    assert_eq!(said, [] as [&str; 0]);
    plan.expect("nothing is wrong")
}

fn said(services: Vec<Declared>) -> Vec<String> {
    let (plan, said) = made(services);
    assert!(plan.is_none(), "a plan in spite of {said:?}");
    said
}

#[test]
fn replicas_become_instances_with_ports_that_count_up() {
    let mut api = service("api", 1);
    api.replicas = replicas(2, 2);
    api.ports = vec![
        Port { name: None, number: Spanned::new(PortNumber::From(8080), at(3)) },
        Port {
            name: Some(Name::new("web-ui").expect("a name")),
            number: Spanned::new(PortNumber::From(9090), at(5)),
        },
    ];
    api.command = command(6, &["run", "--port=${PORT}"]);
    let plan = plan(vec![service("db", 0), api]);
    let names: Vec<&str> = plan.instances.iter().map(|instance| &*instance.name).collect();
    assert_eq!(names, ["db", "api.0", "api.1"]);
    let last = &plan.instances[2];
    assert_eq!(last.ports, [(String::new(), 8081), ("web-ui".to_owned(), 9091)]);
    assert_eq!(last.launch.argv, ["run", "--port=8081"]);
    let env: Vec<String> = last
        .launch
        .env
        .iter()
        .map(|(name, value)| format!("{name}={}", value.as_deref().unwrap_or("-")))
        .collect();
    assert_eq!(
        env,
        [
            "PORT=8081",
            "PORT_WEB_UI=9091",
            "SVC_INSTANCE=api.1",
            "SVC_NAME=api",
            "SVC_PROJECT=shop",
            "SVC_REPLICA=1"
        ]
    );
}

#[test]
fn an_edge_holds_between_all_instances_of_both() {
    let (mut db, mut api) = (service("db", 0), service("api", 1));
    db.replicas = replicas(2, 2);
    api.replicas = replicas(2, 3);
    db.before = vec![name("log", 4)];
    api.depends_on = vec![needs("db", 5)];
    api.after = vec![name("log", 6)];
    let plan = plan(vec![api, service("log", 7), db]);
    let edges: Vec<String> = plan
        .edges
        .iter()
        .map(|edge| {
            let order = matches!(edge.relation, Relation::Order);
            format!("{}{}{}", edge.dependent.0, if order { ">" } else { ">>" }, edge.dependency.0)
        })
        .collect();
    assert_eq!(edges, ["0>2", "0>>3", "0>>4", "1>2", "1>>3", "1>>4", "2>3", "2>4"]);
}

#[test]
fn every_text_is_filled_and_every_path_is_absolute() {
    let mut api = service("api", 1);
    api.working_dir = Some(path(text("./in/${SVC_NAME}")));
    api.logs = Logs::File {
        path: Some(path(text("log/${SVC_INSTANCE}.log"))),
        max_size: Size(1),
        keep: 2,
        extras: None,
    };
    let schedule =
        Schedule { delay: Duration::ZERO, period: None, timeout: Duration::ZERO, failures: 1, successes: 1 };
    api.readiness = Some(Probing { target: Target::Tcp(text("localhost:${PORT}")), schedule });
    api.liveness = Some(Box::new(Probing { target: Target::Log(text("up ${SVC_NAME}")), schedule }));
    api.on_liveness_failure = LivenessFailure::Stop;
    api.ports = vec![Port { name: None, number: Spanned::new(PortNumber::From(80), at(2)) }];
    api.user = Some(Box::new(User {
        name: Spanned::new("app".to_owned(), at(7)),
        group: Some(Spanned::new("adm".to_owned(), at(8))),
        groups: None,
    }));
    let plan = plan(vec![api]);
    let launch = &plan.instances[0].launch;
    assert_eq!(&*launch.working_dir, Path::new("/files/in/api"));
    assert!(
        matches!(&launch.logs, crate::graph::plan::Logs::File { path: Some(path), .. } if path == Path::new("/files/log/api.log"))
    );
    assert_eq!(launch.readiness, Some(Probe::Tcp("localhost:80".into())));
    assert_eq!(launch.liveness, Some(Probe::Log("up api".into())));
    assert_eq!(plan.services[0].rules.readiness, Readiness::Probed(schedule));
    assert_eq!(plan.services[0].rules.on_liveness_failure, LivenessFailure::Stop);
    let user = launch.user.as_ref().expect("a user");
    assert_eq!((user.uid, user.gid, &user.groups), (1000, 4, &vec![1000, 27]));
}

#[test]
fn an_unknown_name_is_reported_with_the_nearest_one() {
    let mut api = service("api", 1);
    api.depends_on = vec![needs("databse", 3), needs("cache", 4), needs("xyzzy", 5)];
    api.after = vec![name("cahce", 6)];
    let cache = Declared { damaged: true, ..service("cache", 2) };
    let services = vec![service("database", 0), api, cache];
    let (plan, said) =
        made_of(Model { services: services.into_iter().map(Box::new).collect(), ..Model::default() });
    assert!(plan.is_none());
    assert_eq!(
        said,
        [
            "3 svc::unknown-dependency: there is no service or task `databse` | did you mean `database`?",
            "5 svc::unknown-dependency: there is no service or task `xyzzy` | declare it: `service \"xyzzy\" { command \"…\" }`",
            "6 svc::unknown-dependency: there is no service or task `cahce` | did you mean `cache`?",
        ]
    );
}

#[test]
fn a_name_is_declared_once_and_means_no_command() {
    assert_eq!(
        said(vec![service("db", 0), service("all", 1), service("db", 2), service("db", 3)]),
        [
            "1 svc::reserved-name: `all` cannot be the name of a service | give it another name",
            "2 0 svc::duplicate-name: `db` is declared twice | services and tasks share their names; call one of them something else",
            "3 0 svc::duplicate-name: `db` is declared twice | services and tasks share their names; call one of them something else",
        ]
    );
}

#[test]
fn a_service_that_waits_for_itself_is_no_cycle() {
    let mut db = service("db", 0);
    db.depends_on = vec![needs("db", 1)];
    assert_eq!(
        said(vec![db]),
        ["1 svc::self-dependency: `db` waits for itself | remove it from `depends-on`"]
    );
}

#[test]
fn replicas_past_the_last_port_are_reported() {
    let mut api = service("api", 0);
    api.replicas = replicas(3, 1);
    api.ports = vec![Port { name: None, number: Spanned::new(PortNumber::From(65_534), at(2)) }];
    assert_eq!(
        said(vec![api]),
        [
            "2 svc::port-range: there are not 3 ports from 65534 on | the highest port is 65535; each replica counts up by one"
        ]
    );
}

#[test]
fn a_mistake_in_a_text_is_said_once_however_many_replicas_there_are() {
    let mut api = service("api", 0);
    api.replicas = replicas(50, 1);
    api.command = command(2, &["${NOWHERE}/run"]);
    let said = said(vec![api]);
    assert_eq!(said.iter().filter(|said| said.contains("NOWHERE")).count(), 1, "{said:?}");
    assert!(said[0].starts_with("500 svc::"), "{said:?}");
}

#[test]
fn a_log_file_that_several_processes_would_write_is_reported() {
    let log = |file: &str| Logs::File {
        path: Some(path(Text::new(file, at(file.len() as u32), None))),
        max_size: Size(1),
        keep: 1,
        extras: None,
    };
    let (mut a, mut b, mut c) = (service("a", 0), service("b", 1), service("c", 2));
    a.logs = log("x.log");
    b.logs = log("./x.log");
    c.logs = log("${SVC_NAME}.log");
    c.replicas = replicas(3, 3);
    assert_eq!(
        said(vec![a, b, c]),
        [
            "7 5 svc::log-clash: `a` and `b` would write the same log `/files/x.log` | give each a file of its own; `${SVC_NAME}` in the path does so",
            "15 svc::log-clash: all replicas of `c` would write `/files/c.log` | put `${SVC_INSTANCE}` or `${SVC_REPLICA}` into the path",
        ]
    );
}

#[test]
fn a_variable_that_svc_sets_itself_is_warned_about_where_a_file_sets_it() {
    let mut api = service("api", 0);
    let variable =
        |name: &str, place| Variable { name: Spanned::new(name.into(), at(place)), value: Some(text("1")) };
    api.env = vec![variable("PORT", 3), variable("SVC_NAME", 4), variable("HOME", 5)];
    api.ports = vec![Port { name: None, number: Spanned::new(PortNumber::From(80), at(2)) }];
    let (plan, said) = made(vec![api]);
    assert_eq!(
        said,
        [
            "3 svc::reserved-variable: `PORT` follows from `port`; what is written here has no effect | change `port`, or give the variable another name",
            "4 svc::reserved-variable: `SVC_NAME` is set by svc; what is written here has no effect | give the variable another name",
        ]
    );
    let plan = plan.expect("a warning is no error");
    let value = |name: &str| {
        plan.instances[0].launch.env.iter().find(|(known, _)| **known == *name).and_then(|(_, v)| v.clone())
    };
    assert_eq!((value("PORT").as_deref(), value("HOME").as_deref()), (Some("80"), Some("1")));
}

#[test]
fn more_instances_or_edges_than_a_machine_can_hold_are_refused_before_they_are_made() {
    let (mut a, mut b) = (service("a", 0), service("b", 1));
    a.replicas = replicas(u32::MAX, 2);
    assert_eq!(said(vec![a]), ["2 svc::too-many-instances: more than 1000000 instances | fewer `replicas`"]);
    let mut a = service("a", 0);
    a.replicas = replicas(5000, 2);
    b.replicas = replicas(5000, 3);
    b.depends_on = vec![needs("a", 4)];
    assert_eq!(said(vec![a, b]), ["4 svc::too-many-edges: more than 16000000 edges between instances | "]);
}

#[test]
fn the_same_model_makes_the_same_plan() {
    let services = || {
        let names = ["d", "b", "a", "c"];
        let mut all: Vec<_> = names.iter().map(|name| service(name, 0)).collect();
        all[0].depends_on = vec![needs("c", 1), needs("b", 2), needs("a", 3)];
        all[1].after = vec![name("c", 4), name("a", 5)];
        all
    };
    let shown = |plan: Plan| format!("{plan:?}");
    assert_eq!(shown(plan(services())), shown(plan(services())));
    let plan = plan(services());
    assert!(plan.edges.is_sorted_by_key(|edge| (edge.dependent, edge.dependency)));
}

#[test]
fn the_account_of_the_user_says_where_home_is_and_what_the_service_says_wins() {
    let mut api = service("api", 0);
    let user = Spanned::new("app".to_owned(), at(9));
    api.user = Some(Box::new(User { name: user, group: None, groups: None }));
    api.command.argv.push(text("${HOME}/bin"));
    let variable = |name: &str, value| Variable {
        name: Spanned::new(name.into(), at(3)),
        value: Option::map(value, text),
    };
    api.env = vec![
        variable("SHELL", Some("/bin/own")),
        variable("LOGNAME", None),
        variable("USER", Some("the ${USER}")),
    ];
    let (plan, said) = made(vec![api]);
    assert_eq!(said, [""; 0]);
    let plan = plan.expect("nothing is wrong");
    let launch = &plan.instances[0].launch;
    assert_eq!(launch.argv.last().map(|word| &**word), Some("/home/app/bin"), "and not svc's own");
    let has = |name: &str, value: Option<&str>| {
        launch.env.iter().any(|(known, set)| **known == *name && set.as_deref() == value)
    };
    assert!(has("HOME", Some("/home/app")) && has("SHELL", Some("/bin/own")), "{:?}", launch.env);
    assert!(has("USER", Some("the app")), "{:?}", launch.env);
    assert!(launch.env.iter().all(|(name, value)| **name != *"LOGNAME" || value.is_none()));
}
