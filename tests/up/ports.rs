//! Ports that the service file leaves open.

use std::collections::BTreeSet;
use std::net::TcpListener;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::project::TempProject;

const SHOP: &str = r#"
service "api" {
    shell "echo $PORT > $SVC_INSTANCE.port; exec sleep 1000"
    port auto metrics=auto
    replicas 2
    readiness file="${SVC_INSTANCE}.port"
}
service "front" {
    shell "echo $PORT > front.port; exec sleep 1000"
    port auto
    readiness file="front.port"
}
"#;

/// The ports of all instances, in order.
fn ports(project: &TempProject) -> Vec<u64> {
    let ps = project.ps();
    let instances = ps["instances"].as_array().expect("a list").iter();
    let ports = instances.flat_map(|instance| instance["ports"].as_array().expect("a list").clone());
    ports.map(|port| port["number"].as_u64().expect("a number")).collect()
}

#[test]
fn every_instance_gets_a_free_port_that_no_other_project_has() {
    let (project, other) = (TempProject::new(SHOP), TempProject::new(SHOP));
    project.ok(&["up", "-d"]);
    let chosen = ports(&project);
    let listen = |&port: &u64| TcpListener::bind(("127.0.0.1", port as u16)).expect("nobody listens on it");
    let _listeners: Vec<TcpListener> = chosen.iter().map(listen).collect();
    other.ok(&["up", "-d"]);
    let different: BTreeSet<u64> = chosen.iter().copied().chain(ports(&other)).collect();
    assert_eq!(different.len(), 10, "{different:?}");
    assert!(different.iter().all(|port| (20_000..30_000).contains(port)), "{different:?}");
    assert_eq!(project.read("api.1.port"), format!("{}\n", chosen[2]), "{chosen:?}");
    assert_eq!(project.read("front.port"), format!("{}\n", chosen[4]), "{chosen:?}");
    other.ok(&["down"]);
    project.ok(&["down"]);
}

#[test]
fn a_chosen_port_stays_while_the_project_is_up() {
    let project = TempProject::new(SHOP);
    project.ok(&["up", "-d"]);
    let chosen = ports(&project);
    // What listens on it is not looked at again.
    let _listener = TcpListener::bind(("127.0.0.1", chosen[0] as u16)).expect("nobody listens on it");
    kill(Pid::from_raw(project.engine().expect("it runs")), Signal::SIGKILL).expect("killed");
    assert_eq!(ports(&project), chosen, "another engine knows of it");
    project.ok(&["restart", "front"]);
    let (api, front) = (project.pid("api.0"), project.pid("front"));
    project.write(
        "services.kdl",
        &format!("{SHOP}service \"more\" {{ command \"sleep\" \"1000\"; port auto }}"),
    );
    project.ok(&["apply"]);
    assert_eq!(ports(&project)[..5], chosen);
    assert_eq!((project.pid("api.0"), project.pid("front")), (api, front), "nothing of it changed");
    project.ok(&["scale", "api=3"]);
    assert_eq!(ports(&project)[..4], chosen[..4]);
    // A number that the file gives to somebody is nobody else's.
    let taken = format!("service \"fixed\" {{ command \"sleep\" \"1000\"; port {} }}", chosen[0]);
    project.write("services.kdl", &format!("{taken}{SHOP}"));
    project.ok(&["apply"]);
    let now = ports(&project);
    assert_eq!(now[0], chosen[0], "{now:?}");
    assert_eq!(now.iter().collect::<BTreeSet<_>>().len(), now.len(), "{now:?}");
    project.ok(&["down"]);
    project.assert_nothing_is_left();
}

#[test]
fn a_port_that_somebody_listens_on_is_not_chosen() {
    let project = TempProject::new(SHOP);
    project.ok(&["up", "-d"]);
    let chosen = ports(&project);
    project.ok(&["down"]);
    let _listener = TcpListener::bind(("127.0.0.1", chosen[0] as u16)).expect("nobody listens on it");
    project.ok(&["up", "-d"]);
    assert_ne!(ports(&project)[0], chosen[0]);
    project.ok(&["down"]);
}
