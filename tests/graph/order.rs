//! Waves, chains and closures.

use proptest::prelude::*;
use svc::graph::{Order, Plan, ServiceId, Toward};
use svc::model::policy::Condition;

use crate::support::plan::{on, plan};

fn names(plan: &Plan, waves: Vec<Vec<ServiceId>>) -> Vec<String> {
    let name = |id: &ServiceId| plan.service(*id).name.to_string();
    waves.iter().map(|wave| wave.iter().map(name).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn a_service_starts_in_the_wave_after_the_last_it_waits_for() {
    let plan =
        plan("p").service("web").needs(&["api", "db"]).service("api").needs(&["db"]).service("db").build();
    let order = Order::of(&plan);
    assert_eq!(names(&plan, order.start_waves()), ["db", "api", "web"]);
    assert_eq!(names(&plan, order.stop_waves()), ["web", "api", "db"]);
}

#[test]
fn what_nothing_waits_for_stops_at_once_however_late_it_started() {
    let plan = plan("p").service("db").service("api").needs(&["db"]).service("lone").build();
    let order = Order::of(&plan);
    assert_eq!(names(&plan, order.start_waves()), ["db lone", "api"]);
    assert_eq!(names(&plan, order.stop_waves()), ["api lone", "db"]);
}

#[test]
fn ordering_edges_count_only_between_what_is_started() {
    let plan = plan("p").service("a").after(&["off", "b"]).service("b").service("off").disabled().build();
    let order = Order::of(&plan);
    assert_eq!(names(&plan, order.start_waves()), ["b", "a"]);
    assert_eq!(order.left_out(), [ServiceId(2)]);
    assert_eq!(order.start_wave(ServiceId(2)), None);
}

#[test]
fn the_longest_stop_is_the_chain_whose_grace_periods_add_up_to_most() {
    let plan = plan("p")
        .service("db")
        .service("api")
        .needs(&["db"])
        .service("web")
        .needs(&["api", "db"])
        .service("lone")
        .service("off")
        .disabled()
        .needs(&["web"])
        .build();
    let (longest, chain) = Order::of(&plan).longest_stop(&plan);
    assert_eq!((longest.as_secs(), names(&plan, vec![chain])), (30, vec!["web api db".to_owned()]));
    let empty = Plan::default();
    assert_eq!(Order::of(&empty).longest_stop(&empty), (std::time::Duration::ZERO, Vec::new()));
}

#[test]
fn a_disabled_service_is_started_when_something_depends_on_it() {
    let plan = plan("p").service("a").needs(&["off"]).service("off").disabled().build();
    assert_eq!(names(&plan, Order::of(&plan).start_waves()), ["off", "a"]);
}

#[test]
fn the_longest_chain_is_the_one_with_the_most_services() {
    let plan = plan("p")
        .service("db")
        .task("migrate")
        .needs(&["db"])
        .service("api")
        .needs(&["db", "migrate"])
        .service("cache")
        .service("web")
        .needs(&["cache", "api"])
        .build();
    assert_eq!(names(&plan, vec![Order::of(&plan).longest_chain()]), ["db migrate api web"]);
}

#[test]
fn a_closure_follows_dependencies_and_no_ordering() {
    let plan = plan("p")
        .service("db")
        .replicas(2)
        .service("api")
        .needs(&["db"])
        .after(&["log"])
        .service("web")
        .needs(&["api"])
        .service("log")
        .build();
    let names =
        |ids: Vec<_>| ids.into_iter().map(|id| plan.instance(id).name.to_string()).collect::<Vec<_>>();
    assert_eq!(names(plan.closure(&plan.find("api"), Toward::Dependencies)), ["db.0", "db.1", "api"]);
    assert_eq!(names(plan.closure(&plan.find("db.1"), Toward::Dependents)), ["db.1", "api", "web"]);
    assert_eq!(names(plan.closure(&[], Toward::Dependents)), [] as [&str; 0]);
}

#[test]
fn replicas_wait_for_replicas_but_are_one_link() {
    let plan = plan("p").service("db").replicas(3).service("api").replicas(4).needs(&["db"]).build();
    assert_eq!(plan.edges.len(), 12);
    assert_eq!(plan.links().count(), 1);
    assert_eq!(plan.waits_for(plan.find("api.2")[0]).len(), 3);
    assert_eq!(plan.waits_for(plan.find("db.0")[0]).len(), 0);
}

#[test]
fn a_chain_of_a_hundred_thousand_services_does_not_overflow_the_stack() {
    let mut draft = plan("p").service("s0");
    for at in 1..100_000 {
        draft = draft.service(&format!("s{at}")).link(&format!("s{}", at - 1), on(Condition::Ready));
    }
    let plan = draft.build();
    let order = Order::of(&plan);
    assert_eq!(order.start_waves().len(), 100_000);
    assert_eq!(order.longest_chain().len(), 100_000);
    assert_eq!(plan.closure(&plan.find("s99999"), Toward::Dependencies).len(), 100_000);
}

proptest! {
    #[test]
    fn waves_respect_every_edge_and_are_as_early_as_can_be(
        pairs in prop::collection::vec((0usize..12, 0usize..12, any::<bool>()), 0..30),
        disabled in prop::collection::vec(any::<bool>(), 12),
    ) {
        let mut draft = plan("p");
        for (at, &disabled) in disabled.iter().enumerate() {
            draft = draft.service(&format!("s{at}"));
            if disabled {
                draft = draft.disabled();
            }
            for &(from, to, order) in pairs.iter().filter(|&&(from, to, _)| from == at && to < at) {
                let _ = from;
                let name = format!("s{to}");
                draft = if order { draft.after(&[&name]) } else { draft.needs(&[&name]) };
            }
        }
        let plan = draft.build();
        let order = Order::of(&plan);
        for (id, service) in plan.services() {
            let Some(wave) = order.start_wave(id) else {
                prop_assert!(service.disabled && order.left_out().contains(&id));
                continue;
            };
            let before = order.waits_for(id).filter_map(|link| order.start_wave(link.dependency));
            prop_assert_eq!(wave, before.map(|wave| wave + 1).max().unwrap_or(0));
            let after = order.awaited_by(id).filter_map(|link| order.stop_wave(link.dependent));
            prop_assert_eq!(order.stop_wave(id), Some(after.map(|wave| wave + 1).max().unwrap_or(0)));
        }
        let in_waves: usize = order.start_waves().iter().map(Vec::len).sum();
        prop_assert_eq!(in_waves + order.left_out().len(), plan.services.len());
        let chain = order.longest_chain();
        prop_assert_eq!(chain.len(), order.start_waves().len());
        for pair in chain.windows(2) {
            prop_assert!(order.waits_for(pair[1]).any(|link| link.dependency == pair[0]));
        }
    }
}
