//! What the printers print, as people and programs read it.

use std::time::Duration;

use svc::graph::print::{Direction, Style, dot, json, mermaid, tree};
use svc::graph::{Plan, Relation};
use svc::model::policy::Condition;

use crate::support::plan::{on, plan};

/// Every kind of edge, replicas, a disabled service, one that nothing is connected with.
fn shop() -> Plan {
    let careful = |condition| Relation::DependsOn {
        condition,
        required: false,
        restart: true,
        timeout: Some(Duration::from_secs(60)),
    };
    plan("shop")
        .service("db")
        .probed()
        .service("redis")
        .task("migrate")
        .needs(&["db"])
        .service("search")
        .probed()
        .service("api")
        .replicas(3)
        .probed()
        .needs(&["migrate"])
        .link("redis", on(Condition::Started))
        .link("search", careful(Condition::Healthy))
        .service("worker")
        .replicas(2)
        .needs(&["migrate", "redis"])
        .service("web")
        .needs(&["api"])
        .after(&["worker"])
        .service("clock")
        .service("mailtrap")
        .disabled()
        .after(&["web"])
        .build()
}

/// Many services that each wait for many.
fn fleet() -> Plan {
    let mut draft = plan("fleet");
    for layer in 0..5 {
        for at in 0..12 {
            draft =
                draft.service(&format!("{}-{at}", ["store", "queue", "worker", "gateway", "edge"][layer]));
            for below in (0..12).filter(|below| layer > 0 && (at + below) % (layer + 1) == 0) {
                draft = draft
                    .needs(&[&format!("{}-{below}", ["", "store", "queue", "worker", "gateway"][layer])]);
            }
        }
    }
    draft.build()
}

fn start(plan: &Plan) -> String {
    tree(plan, Direction::Start, Style::default())
}

#[test]
fn the_tree_of_three_services_is_three_lines() {
    let plan = plan("hello")
        .service("db")
        .probed()
        .service("api")
        .needs(&["db"])
        .service("web")
        .needs(&["api"])
        .build();
    insta::assert_snapshot!(start(&plan), @"
    hello: 3 services, started in 3 waves

     1 ── db
     2 ── api  ← db ready
     3 ── web  ← api started

    longest chain (3): db → api → web
    ");
}

#[test]
fn the_tree_shows_what_each_service_waits_for() {
    insta::assert_snapshot!(start(&shop()), @"
    shop: 8 services and 1 task, started in 4 waves

     1 ┬─ db
       ├─ redis
       ├─ search
       └─ clock
     2 ── migrate    task  ← db ready
     3 ┬─ api ×3           ← redis started, migrate completed-successfully, search healthy (not required, restarts with it, for 1m at most)
       └─ worker ×2        ← redis started, migrate completed-successfully
     4 ── web              ← api ready, after worker

    not started, because disabled:
       ── mailtrap         ← after web

    longest chain (4): db → migrate → api → web
    ");
}

#[test]
fn the_stop_order_begins_with_what_nothing_waits_for() {
    insta::assert_snapshot!(tree(&shop(), Direction::Stop, Style::default()), @"
    shop: 8 services and 1 task, stopped in 4 waves

     1 ┬─ web
       └─ clock
     2 ┬─ api ×3           ← web
       └─ worker ×2        ← web
     3 ┬─ redis            ← api, worker
       ├─ migrate    task  ← api, worker
       └─ search           ← api
     4 ── db               ← migrate

    not started, because disabled:
       ── mailtrap
    ");
}

#[test]
fn a_narrow_terminal_breaks_conditions_between_names() {
    let style = Style { width: Some(80), ..Style::default() };
    insta::assert_snapshot!("fleet_in_80_columns", tree(&fleet(), Direction::Start, style));
}

#[test]
fn a_plain_terminal_gets_ascii_alone() {
    let text = tree(&shop(), Direction::Start, Style { ascii: true, width: Some(60), ..Style::default() });
    assert!(text.is_ascii(), "{text}");
    insta::assert_snapshot!(text, @"
    shop: 8 services and 1 task, started in 4 waves

     1 +- db
       |- redis
       |- search
       `- clock
     2 -- migrate    task  <- db ready
     3 +- api x3           <- redis started
       |                      migrate completed-successfully
       |                      search healthy (not required, restarts with it, for 1m at most)
       `- worker x2        <- redis started
                              migrate completed-successfully
     4 -- web              <- api ready, after worker

    not started, because disabled:
       -- mailtrap         <- after web

    longest chain (4): db -> migrate -> api -> web
    ");
}

#[test]
fn colours_change_nothing_but_colours() {
    let coloured = tree(&shop(), Direction::Start, Style { color: true, ..Style::default() });
    assert!(coloured.contains("\x1b[1mdb\x1b[0m"));
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once('\x1b') {
        plain.push_str(before);
        rest = after.split_once('m').expect("a sequence ends").1;
    }
    plain.push_str(rest);
    let trimmed: Vec<&str> = plain.lines().map(str::trim_end).collect();
    assert_eq!(trimmed, start(&shop()).lines().collect::<Vec<_>>());
}

#[test]
fn an_empty_project_is_said_to_be_empty() {
    insta::assert_snapshot!(start(&plan("nothing").build()), @"
    nothing: 0 services
    ");
}

#[test]
fn graphviz_gets_every_service_and_every_link_once() {
    insta::assert_snapshot!(dot(&shop()), @r#"
    digraph "shop" {
        node [shape=box];
        "db";
        "redis";
        "migrate" [style="rounded"];
        "search";
        "api" [label="api ×3"];
        "worker" [label="worker ×2"];
        "web";
        "clock";
        "mailtrap" [style="dashed"];
        "migrate" -> "db" [label="ready"];
        "api" -> "redis" [label="started"];
        "api" -> "migrate" [label="completed-successfully"];
        "api" -> "search" [label="healthy, not required, restarts with it, for 1m at most"];
        "worker" -> "redis" [label="started"];
        "worker" -> "migrate" [label="completed-successfully"];
        "web" -> "api" [label="ready"];
        "web" -> "worker" [label="after", style="dashed"];
        "mailtrap" -> "web" [label="after", style="dashed"];
    }
    "#);
}

#[test]
fn mermaid_gets_every_service_and_every_link_once() {
    insta::assert_snapshot!(mermaid(&shop()), @r#"
    ---
    title: "shop"
    ---
    flowchart TD
        s0["db"]
        s1["redis"]
        s2(["migrate"])
        s3["search"]
        s4["api ×3"]
        s5["worker ×2"]
        s6["web"]
        s7["clock"]
        s8["mailtrap"]:::disabled
        s2 -->|"ready"| s0
        s4 -->|"started"| s1
        s4 -->|"completed-successfully"| s2
        s4 -->|"healthy, not required, restarts with it, for 1m at most"| s3
        s5 -->|"started"| s1
        s5 -->|"completed-successfully"| s2
        s6 -->|"ready"| s4
        s6 -.->|"after"| s5
        s8 -.->|"after"| s6
        classDef disabled stroke-dasharray: 4 4
    "#);
}

#[test]
fn programs_get_one_object_with_a_schema() {
    insta::assert_snapshot!("shop_as_json", json(&shop()));
    let value: serde_json::Value = serde_json::from_str(&json(&shop())).expect("it is JSON");
    assert_eq!(value["schema"], "svc.graph/1");
}

#[test]
fn a_project_may_be_called_anything() {
    let plan = plan("a \"b\" \\ <c>\nd").service("end").build();
    insta::assert_snapshot!(format!("{}{}", dot(&plan), mermaid(&plan)), @r#"
    digraph "a \"b\" \\ <c> d" {
        node [shape=box];
        "end";
    }
    ---
    title: "a \"b\" \\ <c>\nd"
    ---
    flowchart TD
        s0["end"]
    "#);
}

#[test]
fn the_same_plan_prints_the_same() {
    for _ in 0..3 {
        assert_eq!(start(&fleet()), start(&fleet()));
        assert_eq!(dot(&fleet()), dot(&fleet()));
        assert_eq!(mermaid(&fleet()), mermaid(&fleet()));
        assert_eq!(json(&fleet()), json(&fleet()));
    }
}
