//! The plan for programs: one object, `svc.graph/1`.

use serde::Serialize;

use crate::base::Name;
use crate::graph::order::Order;
use crate::graph::plan::{Plan, Relation, ServiceId};
use crate::model::policy::Kind;

#[derive(Serialize)]
struct Graph<'a> {
    schema: &'static str,
    project: &'a str,
    services: Vec<Node<'a>>,
    edges: Vec<Edge<'a>>,
    start_waves: Vec<Vec<&'a str>>,
    stop_waves: Vec<Vec<&'a str>>,
    longest_chain: Vec<&'a str>,
}

#[derive(Serialize)]
struct Node<'a> {
    name: &'a str,
    kind: &'static str,
    description: Option<&'a str>,
    disabled: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    profiles: Vec<&'a str>,
    instances: Vec<Instance<'a>>,
    start_wave: Option<u32>,
    stop_wave: Option<u32>,
}

#[derive(Serialize)]
struct Instance<'a> {
    name: &'a str,
    ports: Vec<Port<'a>>,
}

#[derive(Serialize)]
struct Port<'a> {
    name: Option<&'a str>,
    number: u16,
}

#[derive(Serialize)]
struct Edge<'a> {
    from: &'a str,
    to: &'a str,
    relation: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    required: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    restart: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_ms: Option<u128>,
}

/// Prints `plan` as one JSON object with `"schema":"svc.graph/1"`.
///
/// Waves are counted from 0 and hold the names of services; a service that is in none is not started
/// by `up`. An edge leads from what waits to what it waits for.
pub fn json(plan: &Plan) -> String {
    let order = Order::of(plan);
    let name = |id: ServiceId| plan.service(id).name.as_str();
    let names = |ids: Vec<ServiceId>| ids.into_iter().map(name).collect::<Vec<_>>();
    let graph = Graph {
        schema: "svc.graph/1",
        project: &plan.project,
        services: plan.services().map(|(id, _)| node(plan, &order, id)).collect(),
        edges: order
            .links()
            .iter()
            .map(|link| edge(name(link.dependent), name(link.dependency), link.relation))
            .collect(),
        start_waves: order.start_waves().into_iter().map(names).collect(),
        stop_waves: order.stop_waves().into_iter().map(names).collect(),
        longest_chain: names(order.longest_chain()),
    };
    let mut text = serde_json::to_string_pretty(&graph).expect("names and numbers can be written as JSON");
    text.push('\n');
    text
}

fn node<'a>(plan: &'a Plan, order: &Order, id: ServiceId) -> Node<'a> {
    let service = plan.service(id);
    let range = service.instances.start as usize..service.instances.end as usize;
    let instances = plan.instances[range].iter().map(|instance| Instance {
        name: &instance.name,
        ports: instance
            .ports
            .iter()
            .map(|(name, number)| Port { name: (!name.is_empty()).then_some(name), number: *number })
            .collect(),
    });
    Node {
        name: service.name.as_str(),
        kind: match service.kind {
            Kind::Service => "service",
            Kind::Task => "task",
        },
        description: service.description.as_deref(),
        disabled: service.is_off(),
        profiles: service.profiles.iter().map(Name::as_str).collect(),
        instances: instances.collect(),
        start_wave: order.start_wave(id),
        stop_wave: order.stop_wave(id),
    }
}

fn edge<'a>(from: &'a str, to: &'a str, relation: Relation) -> Edge<'a> {
    match relation {
        Relation::DependsOn { condition, required, restart, timeout } => Edge {
            from,
            to,
            relation: "depends-on",
            condition: Some(condition.word()),
            required: Some(required),
            restart: Some(restart),
            timeout_ms: timeout.map(|timeout| timeout.as_millis()),
        },
        Relation::Order => Edge {
            from,
            to,
            relation: "after",
            condition: None,
            required: None,
            restart: None,
            timeout_ms: None,
        },
    }
}
