//! The checks on small files, read by a few lines here: what is tested is what is said, and where.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::cycle::EDGES_SHOWN;
use super::*;
use crate::base::{Name, Signal};
use crate::diagnostic::SourceMap;
use crate::graph::plan::{InstanceId, Launch, LivenessFailure, Logs, Readiness, Rules};
use crate::model::policy::{Backoff, Condition, Consequence, Kind, OnExit, Restart, RestartWhen, Stop};
use crate::probe::Probe;

/// Services, instances and wires of some files, word by word: `service a`, `task a`, `depends-on b`,
/// `depends-on b=healthy`, `depends-on b?` (not required), `after b`, `before b`, `readiness`,
/// `readiness-log`, `disabled`, `replicas=3`, `port=80`.
#[derive(Default)]
struct Net {
    map: SourceMap,
    services: Vec<Service>,
    instances: Vec<Instance>,
    wires: Vec<Wire>,
    ports: Vec<PortUse>,
}

fn net(files: &[(&str, &str)]) -> Net {
    let mut net = Net::default();
    let mut named = Vec::new();
    let mut ports = Vec::new();
    for (file, text) in files {
        let base = net.map.add(*file, *text).expect("small");
        let mut node = "";
        for word in text.split_whitespace() {
            let lo = base + (word.as_ptr() as usize - text.as_ptr() as usize) as u32;
            let span = Span::new(lo, lo + word.len() as u32);
            let id = ServiceId(net.services.len().saturating_sub(1) as u32);
            match word {
                "{" | "}" => {}
                "service" | "task" | "depends-on" | "after" | "before" => node = word,
                "disabled" => net.services.last_mut().expect("in a service").disabled = true,
                "readiness" | "readiness-log" => {
                    let service = net.services.last_mut().expect("in a service");
                    Arc::make_mut(&mut service.rules).readiness = Readiness::Announced;
                }
                _ if word.starts_with("replicas=") => {
                    net.services.last_mut().expect("in a service").instances.end =
                        word[9..].parse().expect("a number");
                }
                _ if word.starts_with("port=") => {
                    ports.push((id, word[5..].parse::<u16>().expect("a number"), span))
                }
                _ if node == "service" || node == "task" => net.services.push(service(word, span, node)),
                _ => named.push((id, node, word, span)),
            }
            if word == "readiness-log" {
                net.services.last_mut().expect("in a service").description = Some("log".to_owned());
            }
        }
    }
    for (at, service) in net.services.iter_mut().enumerate() {
        let first = net.instances.len() as u32;
        let count = service.instances.end;
        service.instances = first..first + count;
        let log = service.description.take().is_some();
        for replica in 0..count {
            let name =
                if count == 1 { service.name.to_string() } else { format!("{}.{replica}", service.name) };
            let service = ServiceId(at as u32);
            net.instances.push(Instance {
                name: name.into(),
                service,
                replica,
                ports: Vec::new(),
                launch: launch(log),
            });
        }
        for &(_, number, span) in ports.iter().filter(|(id, _, _)| id.0 as usize == at) {
            net.ports.extend((0..count).map(|replica| PortUse {
                number: number + replica as u16,
                first: number,
                instance: InstanceId(first + replica),
                span,
            }));
        }
    }
    for (id, node, word, span) in named {
        let (name, condition) = word.split_once('=').unwrap_or((word, "ready"));
        let required = !name.ends_with('?');
        let name = name.trim_end_matches('?');
        let other =
            net.services.iter().position(|service| service.name.as_str() == name).expect("a known name");
        let other = ServiceId(other as u32);
        let condition = Condition::WORDS.iter().find(|(word, _)| *word == condition).expect("a condition").1;
        let depends = Relation::DependsOn { condition, required, restart: false, timeout: None };
        let (dependent, dependency, written, relation) = match node {
            "depends-on" => (id, other, Written::DependsOn, depends),
            "after" => (id, other, Written::After, Relation::Order),
            _ => (other, id, Written::Before, Relation::Order),
        };
        let condition_span = word.contains('=').then(|| Span::new(span.lo + name.len() as u32 + 1, span.hi));
        let span = Span::new(span.lo, span.lo + name.len() as u32);
        net.wires.push(Wire { dependent, dependency, written, relation, span, condition_span });
    }
    net
}

fn service(name: &str, span: Span, kind: &str) -> Service {
    let rules = Rules {
        restart: Restart { when: RestartWhen::Never, max: None, window: Duration::ZERO },
        backoff: Backoff {
            first: Duration::ZERO,
            factor: 1.0,
            limit: Duration::ZERO,
            reset: Duration::ZERO,
            jitter: 0.0,
        },
        stop: Stop { signal: Signal::TERM, grace: Duration::ZERO, group: true, command: false },
        on_exit: OnExit { success: Consequence::Ignore, failure: Consequence::Ignore },
        success_codes: vec![0],
        start_timeout: Duration::ZERO,
        timeout: None,
        readiness: Readiness::Started,
        startup: None,
        liveness: None,
        on_liveness_failure: LivenessFailure::Ignore,
        watchdog: None,
        schedule: None,
    };
    let kind = if kind == "task" { Kind::Task } else { Kind::Service };
    let name = Name::new(name).expect("a name");
    Service {
        name,
        span,
        kind,
        description: None,
        disabled: false,
        profiles: Vec::new(),
        inactive: false,
        scaled_from: None,
        instances: 0..1,
        rules: rules.into(),
        event_listener: None,
        labels: Box::default(),
    }
}

fn launch(log: bool) -> Arc<Launch> {
    Arc::new(Launch {
        argv: Vec::new(),
        command_span: Span::default(),
        display: "".into(),
        env: Vec::new(),
        working_dir: Path::new("/").into(),
        working_dir_span: None,
        user: None,
        umask: None,
        logs: Logs::None,
        readiness: Some(if log { Probe::Log("up".into()) } else { Probe::Notify }),
        startup: None,
        liveness: None,
        stop_command: None,
        extras: None,
    })
}

/// Everything that the checks say, a line a label, with the characters it stands under.
fn said(files: &[(&str, &str)]) -> String {
    let net = net(files);
    let mut found = Diagnostics::default();
    edges(&vec![false; net.services.len()], &net.services, &net.instances, &net.wires, &mut found);
    ports(&net.services, &net.instances, net.ports, &mut found);
    found.sort();
    let mut out = String::new();
    for diagnostic in found.iter() {
        writeln!(out, "{:?} {}: {}", diagnostic.severity, diagnostic.code, diagnostic.message)
            .expect("a string");
        for label in &diagnostic.labels {
            let at = net.map.location(label.span.lo).expect("in a file");
            let text = net.map.text(label.span);
            writeln!(out, "  {}:{}:{} {text}: {}", at.file, at.line, at.column, label.text)
                .expect("a string");
        }
        writeln!(out, "  help: {}", diagnostic.help.as_deref().unwrap_or_default()).expect("a string");
    }
    out
}

#[test]
fn a_cycle_over_two_files_is_one_diagnostic_with_a_label_an_edge() {
    let a = "service web {\n    depends-on api\n}\nservice api {\n    depends-on db auth\n}\nservice db";
    let b = "service auth {\n    depends-on db web\n}";
    insta::assert_snapshot!(said(&[("a.kdl", a), ("b.kdl", b)]), @"
    Error svc::dependency-cycle: services wait for each other: web → api → auth → web
      a.kdl:2:16 api: 1. `web` waits for `api`
      a.kdl:5:19 auth: 2. `api` waits for `auth`
      b.kdl:2:19 web: 3. `auth` waits for `web`, which closes the loop
      help: none of these can ever start; remove one of the 3 edges
    ");
}

#[test]
fn an_ordering_edge_is_the_first_to_go() {
    let text = "service a { depends-on b }\nservice b { depends-on c? }\nservice c { before d }\nservice d { before c }\n\
                service e { after a before a }";
    insta::assert_snapshot!(said(&[("a.kdl", text)]), @"
    Error svc::dependency-cycle: services wait for each other: c → d → c
      a.kdl:4:20 c: 1. `d` comes before `c`, so `c` waits for `d`
      a.kdl:3:20 d: 2. `c` comes before `d`, so `d` waits for `c`, which closes the loop
      help: neither can ever start; remove one of the two edges, first of all edge 1: `before c` in `d` only orders
    Error svc::dependency-cycle: services wait for each other: a → e → a
      a.kdl:5:28 a: 1. `e` comes before `a`, so `a` waits for `e`
      a.kdl:5:19 a: 2. `e` comes after `a`, which closes the loop
      help: neither can ever start; remove one of the two edges, first of all edge 1: `before a` in `e` only orders
    ");
}

#[test]
fn of_several_edges_the_one_that_costs_least_goes_first() {
    let text = "service a { depends-on b }\nservice b { depends-on c? }\nservice c { depends-on d }\n\
                service d { before c after a }";
    insta::assert_snapshot!(said(&[("a.kdl", text)]), @"
    Error svc::dependency-cycle: services wait for each other: a → b → c → d → a
      a.kdl:1:24 b: 1. `a` waits for `b`
      a.kdl:2:24 c: 2. `b` waits for `c`
      a.kdl:3:24 d: 3. `c` waits for `d`
      a.kdl:4:28 a: 4. `d` comes after `a`, which closes the loop
      help: none of these can ever start; remove one of the 4 edges, first of all edge 4: `after a` in `d` only orders
    ");
}

#[test]
fn the_edge_that_frees_the_whole_knot_is_named() {
    let text = "service a { depends-on b }\nservice b { depends-on c d }\nservice c { depends-on a }\n\
                service d { depends-on e }\nservice e { depends-on a }";
    insta::assert_snapshot!(said(&[("a.kdl", text)]), @"
    Error svc::dependency-cycle: services wait for each other: a → b → c → a
      a.kdl:1:24 b: 1. `a` waits for `b`
      a.kdl:2:24 c: 2. `b` waits for `c`
      a.kdl:3:24 a: 3. `c` waits for `a`, which closes the loop
      help: none of these can ever start; remove one of the 3 edges, best edge 1: `depends-on b` in `a` is part of every loop; 2 more services are tied to them, and that frees them too
    ");
}

#[test]
fn two_knots_are_two_diagnostics() {
    let text = "service a { depends-on b }\nservice b { depends-on a }\nservice c { depends-on d? a }\nservice d { depends-on c }";
    insta::assert_snapshot!(said(&[("a.kdl", text)]), @"
    Error svc::dependency-cycle: services wait for each other: a → b → a
      a.kdl:1:24 b: 1. `a` waits for `b`
      a.kdl:2:24 a: 2. `b` waits for `a`, which closes the loop
      help: neither can ever start; remove one of the two edges
    Error svc::dependency-cycle: services wait for each other: c → d → c
      a.kdl:3:24 d: 1. `c` waits for `d`
      a.kdl:4:24 c: 2. `d` waits for `c`, which closes the loop
      help: neither can ever start; remove one of the two edges, first of all edge 1: `depends-on d` in `c` is not required
    ");
}

#[test]
fn a_loop_too_long_to_read_is_shown_without_its_middle() {
    let text: String =
        (0..40).map(|at| format!("service s{at} {{ depends-on s{} }}\n", (at + 1) % 40)).collect();
    let said = said(&[("a.kdl", &text)]);
    assert!(said.contains("s11 → (16 more) → s28 →"), "{said}");
    assert_eq!(said.lines().count(), 1 + EDGES_SHOWN + 1);
    assert!(said.contains("40. `s39` waits for `s0`, which closes the loop"), "{said}");
}

#[test]
fn a_condition_that_can_never_be_met_says_why() {
    let text = "service db\ntask migrate { depends-on db=healthy }\nservice log { readiness }\n\
                service api { depends-on db=completed migrate=completed log=log-ready log=healthy migrate=started }\n\
                service lines { readiness-log }\nservice last { depends-on lines=log-ready db=started }";
    insta::assert_snapshot!(said(&[("a.kdl", text)]), @r#"
    Error svc::impossible-condition: `db` can never be `healthy`
      a.kdl:2:30 healthy: `migrate` would wait for ever
      a.kdl:1:9 db: `db` has no `readiness`
      help: add a `readiness` to `db`, or write `depends-on db=started`
    Error svc::impossible-condition: `db` can never be `completed`
      a.kdl:4:29 completed: `api` would wait for ever
      a.kdl:1:9 db: `db` is a service: it is meant to keep running
      help: wait with `depends-on db=ready`, or make `db` a `task`
    Error svc::impossible-condition: `log` can never be `log-ready`
      a.kdl:4:61 log-ready: `api` would wait for ever
      a.kdl:3:9 log: `log` has no `readiness log=`
      help: add `readiness log="…"` with the line that tells, or write `depends-on log=started`
    Error svc::duplicate-edge: `api` depends on `log` twice
      a.kdl:4:71 log: again here
      a.kdl:4:57 log: first here
      help: keep the one that is meant
    Error svc::duplicate-edge: `api` depends on `migrate` twice
      a.kdl:4:83 migrate: again here
      a.kdl:4:39 migrate: first here
      help: keep the one that is meant
    "#);
}

#[test]
fn a_dependency_on_what_is_disabled_is_a_warning() {
    let text = "service db { disabled }\nservice api { depends-on db }\nservice off { disabled depends-on db }\nservice later { after db }";
    insta::assert_snapshot!(said(&[("a.kdl", text)]), @"
    Warning svc::disabled-dependency: `api` depends on `db`, which is disabled
      a.kdl:2:26 db: starting `api` starts it all the same
      a.kdl:1:9 db: disabled
      help: remove `disabled` from `db`, or write `after db` to wait without starting it
    ");
}

#[test]
fn an_edge_written_twice_is_shown_at_both_places() {
    let text = "service db { before api }\nservice api { depends-on db\n depends-on db=started after db }";
    insta::assert_snapshot!(said(&[("a.kdl", text)]), @"
    Error svc::duplicate-edge: `api` depends on `db` twice
      a.kdl:3:13 db: again here
      a.kdl:2:26 db: first here
      help: keep the one that is meant
    Warning svc::duplicate-edge: that `api` comes after `db` is said twice
      a.kdl:3:30 db: again here
      a.kdl:1:21 api: first here
      help: one of them is enough
    ");
}

#[test]
fn ports_that_clash_are_shown_at_both_places_once() {
    let text = "service web { port=8080 }\nservice api { replicas=3 port=8079 }\nservice old { disabled port=8080 }\n\
                service two { replicas=2 port=9000 port=9001 }";
    insta::assert_snapshot!(said(&[("a.kdl", text)]), @"
    Error svc::port-clash: port 8080 is given to `web` and to `api.1`
      a.kdl:2:26 port=8079: counted up from 8079, `api.1` gets 8080
      a.kdl:1:15 port=8080: `web` gets 8080
      help: 8082 to 8084 are free
    Error svc::port-clash: port 9001 is given to `two.1` and to `two.0`
      a.kdl:4:36 port=9001: `two.0` gets 9001
      a.kdl:4:26 port=9000: counted up from 9000, `two.1` gets 9001
      help: 9003 to 9004 are free
    ");
}

#[test]
fn many_replicas_on_one_port_range_are_one_diagnostic() {
    let text = "service a { replicas=500 port=8000 }\nservice b { replicas=500 port=8000 }";
    assert_eq!(said(&[("a.kdl", text)]).matches("port-clash").count(), 1);
}
