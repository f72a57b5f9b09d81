//! Service files made out of bytes, from the tables: every row of every node can come up, with values of
//! its type, in every spelling KDL has for them. Most of them compile; all of them are KDL.
//!
//! Bytes are choices: fewer bytes make a smaller file, and the same bytes make the same file, so that a
//! fuzzer and proptest can both search here and make what they find small.

use svc::model::decode::TOP;
use svc::schema::{Row, RowKind, Spec};

/// Makes a service file.
pub(crate) fn document(bytes: &[u8]) -> String {
    let mut maker = Maker { bytes, at: 0, out: String::new(), named: 0 };
    for (name, spec) in TOP.iter().filter(|(name, _)| *name != "service" && *name != "task") {
        if maker.once_in(6) {
            maker.node(name, spec);
        }
    }
    loop {
        let name = if maker.pick(4) == 1 { "task" } else { "service" };
        if let Some((_, spec)) = TOP.iter().find(|(known, _)| *known == name) {
            maker.node(name, spec);
        }
        if maker.named >= NAMES.len() || !maker.once_in(2) {
            return maker.out;
        }
    }
}

/// What services are called, in the order of the file.
const NAMES: &[&str] = &["a", "b", "c-d", "e", "f", "g", "h", "i"];

/// Names of variables, ports and headers.
const KEYS: &[&str] = &["http", "A", "PATH", "é", "with blank"];

/// Texts, most of them with something that somebody has to look at.
const TEXTS: &[&str] = &[
    "x",
    "./web",
    "/bin/sh",
    "/bin/sh -c 'exit 0'",
    "127.0.0.1:80",
    "http://127.0.0.1:${PORT}/x",
    "${A:-b}",
    "${A}",
    "$$1",
    "",
    "a \"quoted\" \\ word",
    "two\nlines\n\n  indented",
    "é\u{3000}\t",
    "/* no comment */ // either",
    "3.10",
    "#true",
    "*/5 * * * *",
];

struct Maker<'b> {
    bytes: &'b [u8],
    at: usize,
    out: String,
    /// How many services were named.
    named: usize,
}

impl Maker<'_> {
    /// Chooses one of `count`; the first once the bytes have run out.
    fn pick(&mut self, count: usize) -> usize {
        let byte = self.bytes.get(self.at).copied().unwrap_or_default();
        self.at += 1;
        usize::from(byte) % count.max(1)
    }

    fn once_in(&mut self, count: usize) -> bool {
        self.pick(count) == 1
    }

    fn of<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.pick(from.len())]
    }

    fn node(&mut self, name: &str, spec: &'static Spec) {
        if self.once_in(24) {
            self.out.push_str("/-");
            self.gap_or_nothing();
        }
        if self.once_in(48) {
            self.out.push_str("(reset)");
        }
        self.word(name);
        for row in spec.rows {
            self.entries(row, name);
        }
        let rows = || spec.rows.iter().filter(|row| row.node.is_some());
        if rows().next().is_some() {
            self.block(name, rows());
        }
        self.end();
    }

    fn block(&mut self, owner: &str, rows: impl Iterator<Item = &'static Row> + Clone) {
        let runs = matches!(owner, "service" | "task");
        if !runs && !self.once_in(2) {
            return;
        }
        self.gap();
        if self.once_in(32) {
            self.out.push_str("/-");
        }
        self.out.push('{');
        self.end();
        // What has something to run must say what; the rest comes up now and then.
        let programs = rows.clone().filter(|row| matches!(row.name, "command" | "shell")).count();
        let program = if runs { self.pick(programs) } else { usize::MAX };
        let mut seen = 0;
        for row in rows {
            let Some(node) = row.node else { continue };
            let wanted = if runs && matches!(row.name, "command" | "shell") {
                seen += 1;
                seen - 1 == program
            } else {
                self.once_in(if runs { 12 } else { 4 })
            };
            let mut again = wanted;
            while again {
                let name = if row.kind == RowKind::AnyChild { self.key() } else { row.name };
                self.node(name, node);
                again = row.kind != RowKind::Child && self.once_in(3);
            }
        }
        self.out.push('}');
    }

    fn entries(&mut self, row: &Row, owner: &str) {
        match row.kind {
            RowKind::Argument if self.pick(16) != 15 => {
                self.gap();
                if matches!(owner, "service" | "task" | "template") && row.name == "name" {
                    let name = NAMES[self.named.min(NAMES.len() - 1)];
                    self.named += 1;
                    self.text(name);
                } else {
                    self.value(row.ty);
                }
            }
            RowKind::Arguments => {
                for _ in 0..=self.pick(3) {
                    self.gap();
                    self.value(row.ty);
                }
            }
            RowKind::Property if self.once_in(5) => self.property(row.name, row.ty),
            RowKind::AnyProperty => {
                while self.once_in(4) {
                    let key = self.key();
                    self.property(key, row.ty);
                }
            }
            RowKind::Argument
            | RowKind::Property
            | RowKind::Child
            | RowKind::Children
            | RowKind::AnyChild => {}
        }
    }

    fn property(&mut self, name: &str, ty: &str) {
        self.gap();
        if self.once_in(32) {
            self.out.push_str("/-");
        }
        self.word(name);
        let equals = self.of(&["=", "=", "=", " = ", " /* is */ =", "= \\\n "]);
        self.out.push_str(equals);
        self.value(ty);
    }

    fn key(&mut self) -> &'static str {
        if self.once_in(2) { self.of(KEYS) } else { NAMES[self.pick(self.named.clamp(1, NAMES.len()))] }
    }

    /// Writes a value of a type, as the tables call it.
    fn value(&mut self, ty: &str) {
        if self.once_in(32) {
            let odd =
                self.of(&["#null", "#true", "-1", "1e400", "0xf", "\"\"", "#nan", "(u8)7", "99999999999"]);
            self.out.push_str(odd);
            return;
        }
        let words: Vec<&str> = ty.split('`').skip(1).step_by(2).collect();
        if ty.contains("#true") {
            let flag = self.of(&["#true", "#false"]);
            self.out.push_str(flag);
        } else if !words.is_empty() && self.pick(4) != 3 {
            let word = self.of(&words);
            self.word(word);
        } else if ty.contains("duration") {
            let text = self.of(&["1s", "500ms", "10m", "1h30m", "0s", "60s", "2s"]);
            self.text(text);
        } else if ty.contains("size") {
            let text = self.of(&["10M", "64KiB", "0B", "1.5G"]);
            self.text(text);
        } else if ty.contains("mode") {
            let text = self.of(&["0600", "022", "755"]);
            self.text(text);
        } else if ty.contains("signal") {
            let text = self.of(&["SIGTERM", "HUP", "15", "SIGUSR1"]);
            self.text(text);
        } else if ty.contains("name") {
            let name = NAMES[self.pick(self.named.saturating_sub(1).clamp(1, NAMES.len()))];
            self.text(name);
        } else if ty.contains("condition") {
            let text = self.of(&["started", "ready", "healthy", "completed", "log-ready"]);
            self.text(text);
        } else if ["number", "port", "code", "descriptor", "status"].iter().any(|word| ty.contains(word)) {
            let number = self.of(&["1", "3", "8080", "2.5", "0x10", "1_0", "0", "200", "70000"]);
            self.out.push_str(number);
        } else {
            let text = self.of(TEXTS);
            self.text(text);
        }
    }

    /// Writes a name, bare where it can be.
    fn word(&mut self, text: &str) {
        if text.contains(' ') || self.once_in(24) { self.text(text) } else { self.out.push_str(text) }
    }

    /// Writes a string in one of its forms.
    fn text(&mut self, text: &str) {
        let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphabetic() || c == '-');
        match self.pick(12) {
            8 if plain => self.out.push_str(text),
            9 if !text.contains('\n') => self.out.push_str(&format!("##\"{text}\"##")),
            10 if !text.contains(['"', '\\', '\t']) => {
                let indent = self.of(&["", "  ", "\t", "        "]);
                self.out.push_str("\"\"\"\n");
                for line in text.split('\n') {
                    self.out.push_str(&format!("{indent}{line}\n"));
                }
                self.out.push_str(&format!("{indent}\"\"\""));
            }
            11 => {
                let escaped: String = text.chars().map(|c| format!("\\u{{{:x}}}", u32::from(c))).collect();
                self.out.push_str(&format!("\"{escaped}\""));
            }
            _ => {
                let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
                self.out.push_str(&format!("\"{escaped}\""));
            }
        }
    }

    /// Writes what stands between the parts of a node.
    fn gap(&mut self) {
        let gap = self.of(&[
            " ",
            " ",
            " ",
            " ",
            " ",
            " ",
            "  ",
            "\t",
            "\u{a0}",
            " /* why */ ",
            " \\\n    ",
            " \\ // why\n",
        ]);
        self.out.push_str(gap);
    }

    fn gap_or_nothing(&mut self) {
        let gap = self.of(&["", "", " ", "\n", " // why\n  "]);
        self.out.push_str(gap);
    }

    /// Writes what ends a node or begins a block.
    fn end(&mut self) {
        if self.out.ends_with('{') {
            let begin = self.of(&["\n", "\n", " ", "", "\n\n\n", " // why\n", "/* why */"]);
            self.out.push_str(begin);
            return;
        }
        let end = self.of(&[
            "\n",
            "\n",
            "\n",
            ";",
            "; ",
            "\r\n",
            "\n\n",
            "\n\n\n\n",
            " // why\n",
            "; // why\n",
            " /* why\n not */\n",
            "\n  /*\n   * why\n   */\n",
            "\u{85}",
            "; /* why */ ",
        ]);
        self.out.push_str(end);
    }
}
