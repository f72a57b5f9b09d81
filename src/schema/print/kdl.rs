//! A schema for editors, in the KDL schema language.
//!
//! A node that stands in several places is described once and referred to.

use crate::schema::print::Top;
use crate::schema::{Form, Row, RowKind, Spec};
use crate::syntax::write::quoted;

/// Prints the schema.
pub fn kdl(top: Top<'_>) -> String {
    let mut out = Writer::default();
    out.open("document");
    out.open("info");
    out.line(&format!("title {} lang=\"en\"", string("The service file of svc")));
    out.line(&format!("version {}", string(env!("CARGO_PKG_VERSION"))));
    out.close();
    for (name, spec) in top {
        out.node(name, name, spec.doc, spec, Repeat::Any);
    }
    out.close();
    out.text
}

/// How often a node may stand there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Repeat {
    Once,
    Any,
}

#[derive(Default)]
struct Writer {
    text: String,
    depth: usize,
    /// What was described before, with its id.
    known: Vec<(&'static Spec, String)>,
}

impl Writer {
    fn line(&mut self, line: &str) {
        self.text.extend(std::iter::repeat_n("    ", self.depth));
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn open(&mut self, line: &str) {
        self.line(&format!("{line} {{"));
        self.depth += 1;
    }

    fn close(&mut self) {
        self.depth -= 1;
        self.line("}");
    }

    fn node(&mut self, name: &str, id: &str, doc: &str, spec: &'static Spec, repeat: Repeat) {
        let known = self.known.iter().find(|(known, _)| std::ptr::eq(*known, spec)).map(|(_, id)| id.clone());
        let described = format!("description={}", string(doc.trim()));
        if let Some(id) = known {
            let query = string(&format!("[id=\"{id}\"]"));
            return self.line(&format!("node {} ref={query} {described}", string(name)));
        }
        self.known.push((spec, id.to_owned()));
        let name = if name.is_empty() { String::new() } else { string(name) + " " };
        self.open(&format!("node {name}id={} {described}", string(id)));
        if repeat == Repeat::Once {
            self.line("max 1");
        }
        for row in spec.rows {
            match row.kind {
                RowKind::Argument => self.values(row, "max 1"),
                RowKind::Arguments => self.values(row, "min 1"),
                RowKind::Property => {
                    self.open(&format!("prop {} description={}", string(row.name), string(row.doc.trim())));
                    self.form(row);
                    self.close();
                }
                RowKind::AnyProperty => self.line("other-props-allowed #true"),
                RowKind::Child | RowKind::Children | RowKind::AnyChild => {}
            }
        }
        let children = || {
            spec.rows
                .iter()
                .filter(|row| matches!(row.kind, RowKind::Child | RowKind::Children | RowKind::AnyChild))
        };
        if children().next().is_some() {
            self.open("children");
            for row in children() {
                match (row.kind, row.node) {
                    (RowKind::AnyChild, None) => self.line("other-nodes-allowed #true"),
                    // A node without a name stands for those of any name.
                    (RowKind::AnyChild, Some(spec)) => {
                        self.node("", &format!("{id}-any"), row.doc, spec, Repeat::Any)
                    }
                    (kind, Some(spec)) => {
                        let repeat = if kind == RowKind::Child { Repeat::Once } else { Repeat::Any };
                        self.node(row.name, &format!("{id}-{}", row.name), row.doc, spec, repeat);
                    }
                    (_, None) => {}
                }
            }
            self.close();
        }
        self.close();
    }

    fn values(&mut self, row: &Row, count: &str) {
        self.open("value");
        self.line(count);
        self.form(row);
        self.close();
    }

    fn form(&mut self, row: &Row) {
        match row.form {
            Form::Text => self.line("type \"string\""),
            Form::Number => self.line("type \"number\""),
            Form::Flag => self.line("type \"boolean\""),
            Form::Any => {}
        }
        if !row.words.is_empty() {
            let words: Vec<String> = row.words.iter().map(|word| string(word)).collect();
            self.line(&format!("enum {}", words.join(" ")));
        }
    }
}

fn string(text: &str) -> String {
    let mut out = String::new();
    quoted(&mut out, text);
    out
}
