//! Nodes as JSON, and the JSON schema of that: two readings of one rule.
//!
//! A node is an object with a member for each row. One that has nothing but an argument is that value, one that has
//! nothing but arguments is a list; one whose names the user chooses is an object with those names, and the value
//! that has no name has the empty one. A node that may stand several times is a list, and merges into one when it is a list or
//! has the user's names itself.

use serde_json::{Map, Value, json};

use crate::diagnostic::Span;
use crate::schema::{Form, Row, RowKind, Spec, WrittenEntry, WrittenNode, WrittenValue};

/// What a node is in JSON.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Value,
    List,
    /// With the names of the user.
    Map,
    Object,
}

fn shape(spec: &Spec) -> Shape {
    let any = |row: &Row| matches!(row.kind, RowKind::AnyProperty | RowKind::AnyChild);
    match spec.rows {
        [Row { kind: RowKind::Argument, .. }] => Shape::Value,
        [Row { kind: RowKind::Arguments, .. }] => Shape::List,
        rows if rows.iter().any(any) => Shape::Map,
        _ => Shape::Object,
    }
}

/// Turns a node into JSON. `seen` is told where each value is written: its JSON pointer (RFC 6901) below
/// `pointer`, and its place.
pub fn data(node: &WrittenNode, spec: &Spec, pointer: &str, seen: &mut dyn FnMut(&str, Span)) -> Value {
    match shape(spec) {
        Shape::Value => {
            seen(pointer, node.entries.first().map_or(node.span, |entry| entry.span));
            node.entries.first().map_or(Value::Bool(true), |entry| plain(&entry.value))
        }
        Shape::List => {
            let mut list = Vec::new();
            add(&mut list, node, pointer, seen);
            list.into()
        }
        Shape::Map => {
            let mut map = Map::new();
            merge(&mut map, node, spec, pointer, seen);
            map.into()
        }
        Shape::Object => object(node, spec, pointer, seen).into(),
    }
}

/// Adds the arguments of a node to a list.
fn add(list: &mut Vec<Value>, node: &WrittenNode, pointer: &str, seen: &mut dyn FnMut(&str, Span)) {
    for WrittenEntry { value, span, .. } in &node.entries {
        seen(&format!("{pointer}/{}", list.len()), *span);
        list.push(plain(value));
    }
}

/// Adds what a node has under the user's names.
fn merge(
    map: &mut Map<String, Value>,
    node: &WrittenNode,
    spec: &Spec,
    pointer: &str,
    seen: &mut dyn FnMut(&str, Span),
) {
    let named = spec.rows.iter().find(|row| row.kind == RowKind::AnyChild).and_then(|row| row.node);
    let first = named.and_then(|spec| spec.rows.iter().find(|row| row.kind == RowKind::Argument));
    let lists = spec.rows.iter().any(|row| row.kind == RowKind::Arguments);
    for WrittenEntry { key, value, span, .. } in &node.entries {
        let (key, value) = match (key, value) {
            (Some(key), value) => (key.clone(), Some(plain(value))),
            (None, WrittenValue::Text(name)) if lists => (name.clone(), None),
            (None, value) => (String::new(), Some(plain(value))),
        };
        seen(&below(pointer, &key), *span);
        let value = match first {
            Some(row) => json!({ row.name: value.unwrap_or_else(|| row.default.into()) }),
            None => value.unwrap_or_default(),
        };
        map.insert(key, value);
    }
    for child in &node.children {
        let at = below(pointer, &child.name);
        let value = match named {
            Some(spec) => data(child, spec, &at, seen),
            None => {
                seen(&at, child.entries.first().map_or(child.span, |entry| entry.span));
                child.entries.first().map_or(Value::Null, |entry| plain(&entry.value))
            }
        };
        map.insert(child.name.clone(), value);
    }
}

fn object(
    node: &WrittenNode,
    spec: &Spec,
    pointer: &str,
    seen: &mut dyn FnMut(&str, Span),
) -> Map<String, Value> {
    let mut object = Map::new();
    let mut arguments = node.entries.iter().filter(|entry| entry.key.is_none());
    for row in spec.rows {
        let at = below(pointer, row.name);
        let entry = match row.kind {
            RowKind::Argument => arguments.next(),
            RowKind::Property => node.entries.iter().find(|entry| entry.key.as_deref() == Some(row.name)),
            RowKind::Arguments => {
                let rest = arguments.by_ref().cloned().collect();
                let rest = WrittenNode { entries: rest, ..WrittenNode::new("", node.span) };
                let mut list = Vec::new();
                add(&mut list, &rest, &at, seen);
                object.insert(row.name.to_owned(), list.into());
                None
            }
            RowKind::Child | RowKind::Children => {
                object.extend(children(node, row, &at, seen).map(|value| (row.name.to_owned(), value)));
                None
            }
            RowKind::AnyProperty | RowKind::AnyChild => None,
        };
        if let Some(entry) = entry {
            seen(&at, entry.span);
            object.insert(row.name.to_owned(), plain(&entry.value));
        }
    }
    object
}

/// Turns the children of a row into one value; `None` without any.
fn children(node: &WrittenNode, row: &Row, at: &str, seen: &mut dyn FnMut(&str, Span)) -> Option<Value> {
    let spec = row.node?;
    let mut children = node.children.iter().filter(|child| child.name == row.name).peekable();
    children.peek()?;
    if row.kind == RowKind::Child {
        return children.next().map(|child| data(child, spec, at, seen));
    }
    Some(match shape(spec) {
        Shape::Map => {
            let mut map = Map::new();
            children.for_each(|child| merge(&mut map, child, spec, at, seen));
            map.into()
        }
        Shape::List => {
            let mut list = Vec::new();
            children.for_each(|child| add(&mut list, child, at, seen));
            list.into()
        }
        Shape::Value | Shape::Object => {
            let each = children.enumerate();
            each.map(|(index, child)| data(child, spec, &format!("{at}/{index}"), seen)).collect()
        }
    })
}

/// Returns the pointer to a member.
fn below(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn plain(value: &WrittenValue) -> Value {
    match value {
        WrittenValue::Text(text) | WrittenValue::Path(text, _) => text.as_str().into(),
        // What is no number of JSON, like infinity, is its word.
        WrittenValue::Number(digits) => {
            serde_json::from_str(digits).unwrap_or_else(|_| digits.as_str().into())
        }
        WrittenValue::Bool(flag) => (*flag).into(),
        WrittenValue::Null => Value::Null,
    }
}

/// Returns the JSON schema of what [`data`] makes of a node.
pub fn json_schema(spec: &Spec) -> Value {
    schema(spec, spec.doc)
}

fn schema(spec: &Spec, doc: &str) -> Value {
    let mut made = match (shape(spec), spec.rows) {
        (Shape::Value, [row]) => scalar(row),
        (Shape::List, [row]) => json!({ "type": "array", "items": scalar(row) }),
        (Shape::Map, rows) => {
            let child = rows.iter().find(|row| row.kind == RowKind::AnyChild);
            let value = match child.and_then(|row| row.node) {
                Some(spec) => schema(spec, spec.doc),
                None => scalar(child.unwrap_or(&rows[rows.len() - 1])),
            };
            json!({ "type": "object", "additionalProperties": value })
        }
        (_, rows) => {
            let mut members = Map::new();
            for row in rows {
                members.insert(row.name.to_owned(), member(row));
            }
            json!({ "type": "object", "additionalProperties": false, "properties": members })
        }
    };
    describe(&mut made, doc, "");
    made
}

fn member(row: &Row) -> Value {
    let mut made = match (row.kind, row.node) {
        (RowKind::Arguments, _) => json!({ "type": "array", "items": scalar(row) }),
        (RowKind::Children, Some(spec)) if matches!(shape(spec), Shape::Value | Shape::Object) => {
            json!({ "type": "array", "items": schema(spec, spec.doc) })
        }
        (_, Some(spec)) => schema(spec, ""),
        (_, None) => scalar(row),
    };
    describe(&mut made, row.doc, row.default);
    made
}

fn scalar(row: &Row) -> Value {
    match row.form {
        _ if !row.words.is_empty() => json!({ "enum": row.words }),
        Form::Text => json!({ "type": "string" }),
        Form::Number => json!({ "type": "number" }),
        Form::Flag => json!({ "type": "boolean" }),
        Form::Any => json!({ "type": ["string", "number", "boolean", "null"] }),
    }
}

/// Says what something is for, and what holds without it.
fn describe(schema: &mut Value, doc: &str, default: &str) {
    let doc = doc.trim();
    let text = match (doc, default) {
        ("", _) => return,
        (doc, "") => doc.to_owned(),
        (doc, default) => format!("{doc} Without it: {default}."),
    };
    schema["description"] = text.into();
}
