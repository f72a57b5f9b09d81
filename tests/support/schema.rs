//! Checks JSON against a JSON schema of draft 7, as far as the schemas beside the tests use it.
//!
//! A keyword that is not known here is a panic: nothing a schema demands is passed over.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Returns what is wrong with `value`: a path and a reason a line; empty when nothing is.
pub(crate) fn violations(schema: &Value, value: &Value) -> Vec<String> {
    let mut checker = Checker { root: schema, found: Vec::new() };
    checker.check(schema, value, "");
    checker.found
}

struct Checker<'s> {
    root: &'s Value,
    found: Vec<String>,
}

impl Checker<'_> {
    fn check(&mut self, schema: &Value, value: &Value, path: &str) {
        let Some(schema) = schema.as_object() else {
            assert!(schema.as_bool().is_some(), "a schema is an object or a boolean: {schema}");
            return self.must(schema == true, path, "nothing may stand here");
        };
        for (keyword, demand) in schema {
            match keyword.as_str() {
                "$schema" | "$id" | "title" | "description" | "default" | "definitions" => {}
                "$ref" => {
                    let pointer = demand.as_str().and_then(|text| text.strip_prefix('#')).expect("local");
                    let target = self.root.pointer(pointer).expect("a reference leads somewhere").clone();
                    self.check(&target, value, path);
                }
                "anyOf" | "oneOf" => {
                    let branches = demand.as_array().expect("a list");
                    let fitting = branches.iter().filter(|branch| self.fits(branch, value)).count();
                    let good = fitting == 1 || fitting > 1 && keyword == "anyOf";
                    self.must(good, path, &format!("{fitting} branches of {keyword} fit"));
                }
                "type" => self.must(is(demand, value), path, &format!("is no {demand}")),
                "const" => self.must(demand == value, path, &format!("{value} is not {demand}")),
                "enum" => {
                    let known = demand.as_array().expect("a list").contains(value);
                    self.must(known, path, &format!("{value} is none of {demand}"));
                }
                "minimum" | "maximum" => self.bound(keyword == "minimum", demand, value, path),
                "pattern" => {
                    let pattern = regex::Regex::new(demand.as_str().expect("a text")).expect("a pattern");
                    let fits = value.as_str().is_none_or(|text| pattern.is_match(text));
                    self.must(fits, path, &format!("does not match {demand}"));
                }
                "format" => {
                    let uri = |text: &str| !text.contains([' ', '<', '>', '"', '{', '}', '\\']);
                    let fits = value.as_str().is_none_or(uri);
                    self.must(fits, path, &format!("is no {demand}"));
                }
                "properties" | "required" | "additionalProperties" => {
                    if let Some(object) = value.as_object() {
                        self.object(keyword, demand, schema, object, path);
                    }
                }
                "items" | "minItems" | "uniqueItems" => {
                    if let Some(list) = value.as_array() {
                        self.list(keyword, demand, list, path);
                    }
                }
                other => panic!("this checker does not know `{other}`"),
            }
        }
    }

    fn fits(&self, schema: &Value, value: &Value) -> bool {
        let mut inner = Checker { root: self.root, found: Vec::new() };
        inner.check(schema, value, "");
        inner.found.is_empty()
    }

    fn must(&mut self, holds: bool, path: &str, why: &str) {
        if !holds {
            self.found.push(format!("{path}: {why}"));
        }
    }

    fn bound(&mut self, lowest: bool, demand: &Value, value: &Value, path: &str) {
        if let (Some(limit), Some(number)) = (demand.as_f64(), value.as_f64()) {
            let good = if lowest { number >= limit } else { number <= limit };
            self.must(good, path, &format!("{number} is beyond {limit}"));
        }
    }

    fn object(
        &mut self,
        keyword: &str,
        demand: &Value,
        schema: &Map<String, Value>,
        object: &Map<String, Value>,
        path: &str,
    ) {
        let properties = schema.get("properties").and_then(Value::as_object);
        match keyword {
            "properties" => {
                for (name, schema) in properties.expect("they are an object") {
                    if let Some(value) = object.get(name) {
                        self.check(schema, value, &format!("{path}/{name}"));
                    }
                }
            }
            "required" => {
                for name in demand.as_array().expect("a list") {
                    let there = object.contains_key(name.as_str().expect("a name"));
                    self.must(there, path, &format!("lacks {name}"));
                }
            }
            _ => {
                let more = object
                    .iter()
                    .filter(|(name, _)| properties.is_none_or(|properties| !properties.contains_key(*name)));
                for (name, value) in more {
                    self.check(demand, value, &format!("{path}/{name}"));
                }
            }
        }
    }

    fn list(&mut self, keyword: &str, demand: &Value, list: &[Value], path: &str) {
        match keyword {
            "items" => {
                for (at, value) in list.iter().enumerate() {
                    self.check(demand, value, &format!("{path}/{at}"));
                }
            }
            "minItems" => self.must(list.len() as u64 >= demand.as_u64().unwrap_or(0), path, "has too few"),
            _ => {
                let different: BTreeSet<String> = list.iter().map(Value::to_string).collect();
                self.must(demand != true || different.len() == list.len(), path, "has one twice");
            }
        }
    }
}

fn is(demand: &Value, value: &Value) -> bool {
    match demand {
        Value::Array(types) => types.iter().any(|one| is(one, value)),
        _ => match demand.as_str().expect("the name of a type") {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "boolean" => value.is_boolean(),
            "null" => value.is_null(),
            other => panic!("there is no type `{other}`"),
        },
    }
}
