//! What a process is given at its start: limits, a priority, a mask, and the names of replicas.

use crate::support::project::TempProject;

#[test]
fn limits_priority_and_mask_hold_for_a_process_and_its_commands() {
    let project = TempProject::new(
        r##"service "web" {
            shell "(ulimit -n; ulimit -c; nice; umask) > web.txt; exec sleep 1000"
            limits nofile=123 core="0B"
            nice 3
            umask "027"
            label team=payments
            label { "example.com/tier" 1 }
            readiness shell="(ulimit -n; nice) > probe.new; mv probe.new probe.txt; test -s web.txt" period="50ms"
        }
        "##,
    );
    project.ok(&["up", "-d"]);
    assert_eq!(project.read("web.txt"), "123\n0\n3\n0027\n");
    assert_eq!(project.read("probe.txt"), "123\n3\n", "what runs for a service runs as it does");
    let labels = &project.instance("web")["labels"];
    assert_eq!(labels.to_string(), r#"{"example.com/tier":"1","team":"payments"}"#);
    project.ok(&["down"]);
    project.assert_nothing_is_left();
}

#[test]
fn replicas_with_names_of_their_own_are_reached_by_them_and_by_their_service() {
    let project = TempProject::new(
        "service \"web\" { replicas 2 name=\"web_%02d\"; shell \"echo $SVC_INSTANCE; exec sleep 1000\" }\n\
         service \"late\" { depends-on web; shell \"exec sleep 1000\" }\n",
    );
    project.ok(&["up", "-d"]);
    assert_eq!(project.instance("web_00")["state"], "ready");
    assert_eq!(project.instance("web_01")["service"], "web");
    let stopped = project.svc(&["stop", "web_01"]).code(0);
    assert!(stopped.err.contains("late"), "{}", stopped.err);
    assert_eq!(project.instance("web_00")["state"], "ready");
    assert_eq!(project.instance("web_01")["state"], "inactive");
    project.ok(&["start", "late"]);
    let both = project.svc(&["stop", "web"]).code(0);
    assert!(!both.err.contains("goes with"), "{}", both.err);
    assert_eq!(project.instance("web_00")["state"], "inactive");
    project.ok(&["down"]);
    project.assert_nothing_is_left();
}
