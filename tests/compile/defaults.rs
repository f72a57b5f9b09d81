//! The defaults that the tables state are those that hold.

use super::samples::{compiled, said};

#[test]
fn writing_the_defaults_out_changes_nothing() {
    let bare = compiled("service \"web\" { command \"./web\"; readiness tcp=\"localhost:1\" }");
    let written = compiled(
        r##"
        service "web" {
            command "./web"
            disabled #false
            readiness tcp="localhost:1" delay="0s" timeout="1s" failures=3 successes=1
            restart on-failure window="10m"
            backoff "500ms" factor=2 limit="30s" reset="30s" jitter=0.1
            stop signal=SIGTERM grace="10s" group=#true
            on-exit success=ignore failure=ignore
            success-codes 0
            start-timeout "60s"
            logs max-size="10M" keep=5
        }"##,
    );
    let (Some(bare), Some(plan)) = (&bare.plan, &written.plan) else {
        panic!("{}{}", said(&bare), said(&written))
    };
    assert_eq!(bare.services[0].rules, plan.services[0].rules);
    assert_eq!(bare.instances[0].launch.logs, plan.instances[0].launch.logs);
    assert_eq!(bare.instances[0].launch.readiness, plan.instances[0].launch.readiness);
}

#[test]
fn an_edge_that_a_service_says_itself_replaces_the_inherited_one() {
    let compiled = compiled(
        r#"
        defaults { after x }
        service "x" { command "./web" }
        service "a" { command "./web"; after x }
        "#,
    );
    assert_eq!(said(&compiled), "");
    assert_eq!(compiled.plan.expect("sound").edges.len(), 1);
}
