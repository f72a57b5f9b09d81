//! The service file of a run, as its author would have written it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::base::duration::Exact;

/// What a run is made of.
#[derive(Debug)]
pub struct RunFile<'a> {
    /// Its name.
    pub name: &'a str,
    /// The program and its arguments.
    pub argv: &'a [String],
    /// Where it runs; absolute.
    pub directory: &'a Path,
    /// When it is started again: the word of the service file.
    pub restart: &'a str,
    /// How long it has to stop.
    pub grace: Option<Duration>,
    /// Variables set for it, in order.
    pub env: &'a [(String, String)],
    /// Files with variables; absolute.
    pub env_files: &'a [String],
    /// Whether it has svc's own stdin, stdout and stderr, and its end is svc's.
    pub attached: bool,
}

impl RunFile<'_> {
    /// Writes it in KDL. Every text is taken as it is: svc replaces no variables in it.
    pub fn write(&self) -> String {
        let mut lines = vec![
            match self.argv {
                // One text would be split into words.
                [program] => format!("command {}", raw(&word(program))),
                words => format!("command {}", strings(words)),
            },
            format!("working-dir {}", string(&self.directory.to_string_lossy())),
            format!("restart {}", self.restart),
        ];
        if !self.env_files.is_empty() {
            lines.push(format!("env-file {}", strings(self.env_files)));
        }
        // What is set twice has the later value.
        let env: BTreeMap<&String, &String> = self.env.iter().map(|(name, value)| (name, value)).collect();
        if !env.is_empty() {
            let one = |(name, value): (&String, &String)| format!("{}={}", string(name), string(value));
            lines.push(format!("env {}", env.into_iter().map(one).collect::<Vec<_>>().join(" ")));
        }
        lines.extend(self.grace.map(|grace| format!("stop grace=\"{}\"", Exact(grace))));
        if self.attached {
            lines.push("logs inherit".to_owned());
            lines.push("on-exit success=shutdown failure=shutdown".to_owned());
        }
        format!(
            "// Written by `svc run`; the next run of this name writes it anew.\nservice {} {{\n    {}\n}}\n",
            string(self.name),
            lines.join("\n    ")
        )
    }
}

/// Writes texts as the arguments of a node.
fn strings(texts: &[String]) -> String {
    texts.iter().map(|text| string(text)).collect::<Vec<_>>().join(" ")
}

/// Writes a text in which svc replaces no variables.
fn string(text: &str) -> String {
    raw(&text.replace('$', "$$"))
}

/// Writes a text as a quoted string of KDL, which may hold anything.
fn raw(text: &str) -> String {
    let mut written = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => written.extend(['\\', c]),
            // Control characters and marks of direction may not stand in a document as they are.
            c if c.is_ascii_graphic() || c == ' ' || c.is_alphanumeric() => written.push(c),
            c => written.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
        }
    }
    written + "\""
}

/// Writes a word so that the quoting rules of POSIX give it back; in plain quotes no variables are replaced.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::{Memory, Options, compile};
    use crate::graph::Plan;

    fn run<'a>(argv: &'a [String], env: &'a [(String, String)]) -> RunFile<'a> {
        RunFile {
            name: "web",
            argv,
            directory: Path::new("/srv/$HOME"),
            restart: "on-failure",
            grace: Some(Duration::from_millis(1500)),
            env,
            env_files: &[],
            attached: false,
        }
    }

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    fn plan(text: &str) -> Plan {
        let mut machine = Memory::default();
        machine.files.insert("/r/web/services.kdl".into(), text.into());
        let compiled = compile(&["/r/web/services.kdl".into()], &machine, Options::default());
        compiled.plan.unwrap_or_else(|| panic!("{:?}\n{text}", compiled.diagnostics))
    }

    fn argv_of(plan: &Plan) -> Vec<String> {
        plan.instances[0].launch.argv.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn it_reads_as_if_a_person_had_written_it() {
        let env = [("A".to_owned(), "1".to_owned()), ("A".to_owned(), "2".to_owned())];
        let argv = words(&["python3", "-m", "http.server", "8000"]);
        let file = RunFile { attached: true, directory: Path::new("/srv"), ..run(&argv, &env) };
        insta::assert_snapshot!(file.write(), @r#"
        // Written by `svc run`; the next run of this name writes it anew.
        service "web" {
            command "python3" "-m" "http.server" "8000"
            working-dir "/srv"
            restart on-failure
            env "A"="2"
            stop grace="1s500ms"
            logs inherit
            on-exit success=shutdown failure=shutdown
        }
        "#);
    }

    proptest::proptest! {
        #[test]
        fn any_words_reach_the_program_as_they_were_typed(
            program in "[^\\x00]{1,12}",
            arguments in proptest::collection::vec("[^\\x00]{0,12}", 1..5),
        ) {
            let all = [vec![program.clone()], arguments].concat();
            for argv in [all, vec![program]] {
                let plan = plan(&run(&argv, &[]).write());
                proptest::prop_assert_eq!(argv_of(&plan), argv);
            }
        }
    }

    #[test]
    fn every_word_reaches_the_program_as_it_was_typed() {
        let odd =
            ["./it's a", "${HOME}", "$$", "a\"b\\c", "#true", "-1", "", "tab\tnew\nline", "é\u{7f}", "*|&;"];
        for argv in [words(&odd), words(&odd[..1]), words(&["/bin/true"]), words(&["a b | c"])] {
            let env = [("X".to_owned(), "a$b ${c}".to_owned())];
            let plan = plan(&run(&argv, &env).write());
            let launch = &plan.instances[0].launch;
            assert_eq!(argv_of(&plan), argv);
            assert_eq!(&*launch.working_dir, Path::new("/srv/$HOME"));
            let x = launch.env.iter().find(|(name, _)| &**name == "X").expect("set");
            assert_eq!(x.1.as_deref(), Some("a$b ${c}"));
        }
    }
}
