//! `svc explain`.

mod node;

use serde::Serialize;

use crate::cli::context::{Context, columns};
use crate::cli::exit::{Exit, Trouble};
use crate::cli::output::{self, choose};
use crate::cli::style::{Paint, Style};
use crate::compile::catalogue;
use crate::diagnostic::rule::shown;
use crate::diagnostic::{Example, Rule, Severity};

/// Explain a code that `svc check` printed, or a node of the service file
///
/// Of a code: what it means, and how it looks wrong and right. Of a node or a property: what it is for and what may stand in
/// it. Without either, list all codes.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The code, with or without `svc::`, or the node
    #[arg(value_name = "CODE|NODE")]
    code: Option<String>,

    /// How to print it
    #[arg(short, long, value_name = "FORMAT")]
    output: Option<Format>,
}

/// The forms of an explanation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A page
    #[default]
    Human,
    /// One object a line
    Json,
}

/// Explains a code, or lists all.
///
/// # Errors
///
/// There is no such code.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Trouble> {
    let form = choose(context, args.output)?;
    let width = columns(std::io::stdout()).unwrap_or(100).min(100);
    let text = match (&args.code, form) {
        (Some(name), form) => match (find(name)?, form) {
            (Subject::Code(rule), Format::Human) => page(rule, context.out, width),
            (Subject::Code(rule), Format::Json) => output::json(&Line::of(rule)),
            (Subject::Node(found), Format::Human) => {
                node::page(&found, context.out, |text, indent| wrapped(text, width, indent))
            }
            (Subject::Node(found), Format::Json) => output::json(&node::Line::of(&found)),
        },
        (None, Format::Human) => list(context.out),
        (None, Format::Json) => catalogue::rules().map(|rule| output::json(&Line::of(rule))).collect(),
    };
    context.print(&text)?;
    Ok(Exit::Done)
}

/// What can be explained.
#[derive(Debug)]
enum Subject {
    /// A code of a finding.
    Code(&'static Rule),
    /// A node of the service file.
    Node(node::Found),
}

fn find(name: &str) -> Result<Subject, Trouble> {
    let code = || catalogue::find(name).map(Subject::Code);
    let node = || node::find(name).map(Subject::Node);
    code().or_else(node).ok_or_else(|| {
        let trouble = Trouble::new(Exit::Usage, format!("there is no code and no node `{name}`"));
        match catalogue::nearest(name).or_else(|| node::nearest(name)) {
            Some(near) => trouble.help(format!("did you mean `{near}`?")),
            None => {
                trouble.help("`svc explain` lists all codes, `svc explain service` what a service can say")
            }
        }
    })
}

/// A rule as JSON shows it.
#[derive(Serialize)]
struct Line {
    schema: &'static str,
    code: &'static str,
    severity: &'static str,
    title: &'static str,
    cause: &'static str,
    wrong: Option<String>,
    fixed: Option<String>,
    flags: Option<&'static str>,
}

impl Line {
    fn of(rule: &Rule) -> Self {
        let Rule { code, severity, title, cause, example } = *rule;
        let (wrong, fixed, flags) = match example {
            Example::Files { wrong, fixed, flags } => (Some(shown(wrong)), Some(shown(fixed)), Some(flags)),
            Example::None(_) => (None, None, None),
        };
        let flags = flags.filter(|flags| !flags.is_empty());
        Self { schema: "svc.explain/1", code, severity: word(severity), title, cause, wrong, fixed, flags }
    }
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn paint(severity: Severity) -> Paint {
    match severity {
        Severity::Error => Paint::Bad,
        Severity::Warning => Paint::Busy,
    }
}

fn page(rule: &Rule, style: Style, width: usize) -> String {
    let severity = style.paint(paint(rule.severity), word(rule.severity));
    let mut page = format!("{} ({severity}): {}\n\n", style.paint(Paint::Bold, rule.code), rule.title);
    page += &wrapped(rule.cause, width, 0);
    match rule.example {
        Example::Files { wrong, fixed, flags } => {
            let with = if flags.is_empty() { String::new() } else { format!(", with `svc check {flags}`") };
            page += &format!("\n{}{with}:\n\n{}", style.paint(Paint::Bad, "Wrong"), indented(wrong));
            page += &format!("\n{}:\n\n{}", style.paint(Paint::Good, "Right"), indented(fixed));
        }
        Example::None(why) => page += &format!("\nThere is no example: {why}.\n"),
    }
    page
}

fn indented(example: &str) -> String {
    shown(example).lines().map(|line| format!("    {line}\n")).collect()
}

fn list(style: Style) -> String {
    let longest = catalogue::rules().map(|rule| rule.code.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (section, rules) in catalogue::SECTIONS {
        let gap = if text.is_empty() { "" } else { "\n" };
        text += &format!("{gap}{}\n", style.paint(Paint::Bold, section));
        for rule in *rules {
            let blanks = " ".repeat(longest - rule.code.len());
            text += &format!("  {}{blanks}  {}\n", style.paint(paint(rule.severity), rule.code), rule.title);
        }
    }
    text
}

/// Breaks a text into lines of at most `width` characters, where words allow it; each is indented.
fn wrapped(text: &str, width: usize, indent: usize) -> String {
    let blanks = " ".repeat(indent);
    let options = textwrap::Options::new(width)
        .initial_indent(&blanks)
        .subsequent_indent(&blanks)
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    textwrap::fill(text, options) + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_what_is_wrong_why_and_how_it_is_right() {
        let rule = catalogue::find("unquoted-quantity").expect("it is known");
        insta::assert_snapshot!(page(rule, Style::PLAIN, 60), @r#"
        svc::unquoted-quantity (error): a duration or size without quotes

        A word that begins with a digit is a number to KDL, and a
        number has no unit. Durations, sizes and other quantities
        are texts: `"10s"`, `"512M"`.

        Wrong:

            service "web" {
                command "./web"
                start-timeout 10s
            }

        Right:

            service "web" {
                command "./web"
                start-timeout "10s"
            }
        "#);
    }

    #[test]
    fn an_unknown_code_gets_the_nearest_one() {
        let trouble = find("svc::unqoted-quantity").expect_err("it is mistyped");
        assert_eq!(trouble.help.as_deref(), Some("did you mean `svc::unquoted-quantity`?"));
        assert_eq!(trouble.exit, Exit::Usage);
    }

    #[test]
    fn a_node_is_explained_by_its_row() {
        let Ok(Subject::Node(found)) = find("backoff") else { panic!("it is a node") };
        insta::assert_snapshot!(node::page(&found, Style::PLAIN, |text, indent| wrapped(text, 70, indent)), @r"
        service › backoff

        The delay before an automatic restart; it grows with each one.
        A change of it on a running service: live.

          (first)  a duration (default: 500ms)
              The delay before the first.

          factor=  a number (default: 2)
              What each further delay is multiplied with.

          limit=  a duration (default: 30s)
              The longest delay.

          reset=  a duration (default: the limit)
              How long it has to be ready for the delays to start anew.

          jitter=  a number (default: 0.1)
              The share by which a delay varies at random.
        ");
    }

    #[test]
    fn without_a_code_every_one_is_listed_once() {
        let text = list(Style::PLAIN);
        for rule in catalogue::rules() {
            assert_eq!(text.matches(&format!("  {} ", rule.code)).count(), 1, "{}", rule.code);
        }
    }

    #[test]
    fn a_json_line_holds_everything_of_a_row() {
        let line = output::json(&Line::of(catalogue::find("svc::env-file").expect("it is known")));
        let value: serde_json::Value = serde_json::from_str(&line).expect("an object");
        assert_eq!(value["code"], "svc::env-file");
        assert!(value["wrong"].as_str().expect("a text").starts_with("service \"web\" {\n"), "{value}");
        assert!(value["flags"].is_null());
    }
}
