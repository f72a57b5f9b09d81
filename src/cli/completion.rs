//! What a shell offers when Tab is pressed: verbs, flags, their values and the names of services.
//!
//! The shell asks svc itself each time, so that a service that was added a moment ago is offered. Names come
//! from the service file and the folder of the runs; no supervisor is asked, and a file with mistakes has no names.

use std::collections::BTreeSet;
use std::ffi::OsString;

use clap::{CommandFactory, Parser};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use clap_complete::env::CompleteEnv;

use crate::cli::args::Cli;
use crate::cli::context::{Context, Surroundings};
use crate::cli::exit::Exit;
use crate::cli::{runs, source};
use crate::compile::Options;

/// The variable by which the scripts of `svc completions` ask.
pub const ASKED: &str = "SVC_COMPLETE";

/// Answers when a shell asks; `None` when nobody does.
pub fn answer(arguments: &[OsString], surroundings: &Surroundings) -> Option<Exit> {
    surroundings.variable(ASKED)?;
    let typed = arguments.to_vec();
    let known = surroundings.clone();
    let answered = CompleteEnv::with_factory(move || command(&typed, &known))
        .var(ASKED)
        .try_complete(arguments.iter().cloned(), surroundings.directory.as_deref());
    Some(match answered {
        Ok(_) => Exit::Done,
        // A shell shows nothing then.
        Err(_) => Exit::Failed,
    })
}

/// The command line with the names of services where one may stand.
fn command(typed: &[OsString], surroundings: &Surroundings) -> clap::Command {
    let names = names(typed, surroundings);
    Cli::command().mut_subcommands(|verb| {
        verb.mut_args(|argument| {
            let is_service = argument.get_value_names().is_some_and(|names| names == ["SVC"]);
            if !is_service {
                return argument;
            }
            let names = names.clone();
            argument.add(ArgValueCandidates::new(move || {
                names.iter().map(CompletionCandidate::new).collect::<Vec<CompletionCandidate>>()
            }))
        })
    })
}

/// Finds the names of services and runs, for the file and the folder that were typed.
fn names(typed: &[OsString], surroundings: &Surroundings) -> BTreeSet<String> {
    let mut words = vec![OsString::from("svc")];
    let mut rest = typed.iter().skip_while(|word| *word != "--").skip(2).peekable();
    while let Some(word) = rest.next() {
        if ["-f", "--file", "-C", "--directory"].iter().any(|flag| word == flag)
            && let Some(value) = rest.next_if(|value| !value.is_empty())
        {
            words.extend([word.clone(), value.clone()]);
        }
    }
    words.push("version".into());
    let Ok(cli) = Cli::try_parse_from(words) else { return BTreeSet::new() };
    let Ok(context) = Context::new(&cli, surroundings) else { return BTreeSet::new() };
    let mut names: BTreeSet<String> = runs::running(&context).into_iter().map(|run| run.name).collect();
    if let Ok(file) = context.service_file()
        && let Ok((compiled, _)) = source::compiled(&context, &file, Options::default())
        && let Some(plan) = compiled.plan
    {
        names.extend(plan.services().map(|(_, service)| service.name.to_string()));
        names.extend(plan.instances().map(|(_, instance)| instance.name.to_string()));
    }
    names
}
