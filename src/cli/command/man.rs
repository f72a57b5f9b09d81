//! `svc man`.

use std::fs;
use std::io;
use std::path::PathBuf;

use clap::CommandFactory;
use clap_mangen::Man;

use crate::cli::args::Cli;
use crate::cli::context::Context;
use crate::cli::exit::{Exit, Trouble};

/// Print a manual page, or write all of them into a folder
///
/// `svc man up | man -l -` shows one. Packagers write them with `svc man --folder DIR`: svc.1, svc-up.1 and so on.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The verb; svc itself when none is named
    #[arg(value_name = "VERB")]
    verb: Option<String>,

    /// Write the pages of svc and of every verb into this folder
    #[arg(long, value_name = "DIR", conflicts_with = "verb")]
    folder: Option<PathBuf>,
}

/// Prints or writes manual pages.
///
/// # Errors
///
/// There is no such verb, or the folder cannot be written into.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Trouble> {
    let mut pages = pages()?;
    if let Some(folder) = &args.folder {
        let folder = context.directory.join(folder);
        fs::create_dir_all(&folder)?;
        for (name, page) in pages {
            fs::write(folder.join(format!("{name}.1")), page)?;
        }
        return Ok(Exit::Done);
    }
    let wanted = args.verb.as_ref().map_or_else(|| "svc".to_owned(), |verb| format!("svc-{verb}"));
    let Some(at) = pages.iter().position(|(name, _)| *name == wanted) else {
        let verb = args.verb.as_deref().unwrap_or_default();
        return Err(
            Trouble::new(Exit::Usage, format!("there is no verb `{verb}`")).help("`svc --help` lists them")
        );
    };
    context.print(&pages.swap_remove(at).1)?;
    Ok(Exit::Done)
}

/// Makes every page: its name and its text.
fn pages() -> io::Result<Vec<(String, String)>> {
    let mut command = Cli::command();
    command.build();
    let verbs: Vec<clap::Command> =
        command.get_subcommands().filter(|verb| !verb.is_hide_set()).cloned().collect();
    let mut pages = vec![("svc".to_owned(), page(command)?)];
    for verb in verbs {
        let name = format!("svc-{}", verb.get_name());
        let usage = format!("svc {}", verb.get_name());
        pages.push((name.clone(), page(verb.name(name.clone()).display_name(name).bin_name(usage))?));
    }
    Ok(pages)
}

fn page(command: clap::Command) -> io::Result<String> {
    let mut text = Vec::new();
    Man::new(command).manual("svc").render(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page without the escapes of roff(7).
    fn plain(page: &str) -> String {
        page.replace("\\-", "-")
            .replace("\\fB", "")
            .replace("\\fI", "")
            .replace("\\fR", "")
            .replace("\\&", "")
    }

    #[test]
    fn every_verb_and_every_flag_has_its_place_in_the_manual() {
        let pages = pages().expect("memory takes them");
        let page = |name: &str| plain(&pages.iter().find(|(known, _)| known == name).expect("a page").1);
        let mut command = Cli::command();
        command.build();
        for verb in command.get_subcommands() {
            assert!(page("svc").contains(&format!("svc-{}(1)", verb.get_name())), "{}", verb.get_name());
            let text = page(&format!("svc-{}", verb.get_name()));
            for argument in verb.get_arguments().filter(|argument| !argument.is_hide_set()) {
                if let Some(long) = argument.get_long() {
                    assert!(text.contains(&format!("--{long}")), "{}: {long}\n{text}", verb.get_name());
                }
                if let Some(short) = argument.get_short() {
                    assert!(text.contains(&format!("-{short}")), "{}: {short}", verb.get_name());
                }
            }
            let about = verb.get_about().expect("tested elsewhere").to_string();
            assert!(text.contains(&about), "{}: {about}\n{text}", verb.get_name());
        }
    }
}
