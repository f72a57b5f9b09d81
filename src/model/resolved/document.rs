//! What holds as one JSON document, and its JSON schema: `svc config -o json`.

use serde_json::{Map, Value, json};

use crate::diagnostic::Span;
use crate::model::node::control::ControlNode;
use crate::model::node::settings::Settings;
use crate::model::node::top::{GroupNode, ProjectNode};
use crate::schema::print::{data, json_schema};
use crate::schema::{FromNode, Spec, WrittenNode};

/// What the document calls itself.
pub const SCHEMA: &str = "svc.config/1";

/// What is worked into the others, so that nothing of it is left.
const WORKED_IN: &[&str] = &["extends", "env-file"];

/// Makes the document of nodes. `seen` is told where each value is written: its JSON pointer (RFC 6901) and its place.
pub fn document(nodes: &[WrittenNode], seen: &mut dyn FnMut(&str, Span)) -> Value {
    let mut document = Map::new();
    document.insert("schema".to_owned(), SCHEMA.into());
    for node in nodes {
        match node.name.as_str() {
            name @ ("project" | "control") => {
                let spec = if name == "project" { ProjectNode::SPEC } else { ControlNode::SPEC };
                document.insert(name.to_owned(), data(node, spec, &format!("/{name}"), seen));
            }
            "group" => push(&mut document, "groups", node, GroupNode::SPEC, None, seen),
            kind => push(&mut document, "services", node, Settings::SPEC, Some(kind), seen),
        }
    }
    document.into()
}

/// Adds a node to a list of the document.
fn push(
    document: &mut Map<String, Value>,
    name: &str,
    node: &WrittenNode,
    spec: &Spec,
    kind: Option<&str>,
    seen: &mut dyn FnMut(&str, Span),
) {
    let Value::Array(list) = document.entry(name).or_insert_with(|| Value::Array(Vec::new())) else { return };
    let mut value = data(node, spec, &format!("/{name}/{}", list.len()), seen);
    if let Some(kind) = kind {
        value["kind"] = kind.into();
    }
    list.push(value);
}

/// Returns the JSON schema of the document.
pub fn schema() -> Value {
    let mut service = json_schema(Settings::SPEC);
    let rows = service["properties"].as_object_mut();
    if let Some(rows) = rows {
        rows.retain(|name, _| !WORKED_IN.contains(&name.as_str()));
        let kind = "Whether it should keep running or end.";
        rows.insert("kind".to_owned(), json!({ "enum": ["service", "task"], "description": kind }));
    }
    service["required"] = json!(["kind", "name"]);
    let place = json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["file", "line", "column"],
        "properties": {
            "file": { "type": "string", "description": "The file." },
            "line": { "type": "integer", "description": "The line, from 1." },
            "column": { "type": "integer", "description": "The character in the line, from 1." },
            "from": { "type": "string", "description": "What else than the service says it: `defaults`, `template NAME`, `overlay`." },
        },
    });
    let origins = "Where each value is written, by its JSON pointer (RFC 6901); with `--explain`.";
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": SCHEMA,
        "description": "What holds once every layer of the service files is merged: what `svc config -o json` prints. Durations and sizes are texts as in the service file; variables are not replaced.",
        "type": "object",
        "additionalProperties": false,
        "required": ["schema"],
        "properties": {
            "schema": { "const": SCHEMA },
            "project": json_schema(ProjectNode::SPEC),
            "control": json_schema(ControlNode::SPEC),
            "services": { "type": "array", "items": service },
            "groups": { "type": "array", "items": json_schema(GroupNode::SPEC) },
            "origins": { "type": "object", "additionalProperties": place, "description": origins },
        },
    })
}
