//! `svc signal`.

use crate::base::Signal;
use crate::cli::context::Context;
use crate::cli::exit::{Exit, Trouble};
use crate::cli::runs;
use crate::cli::session;
use crate::control::wire::{SignalOrder, Whom};

/// Send a signal to services
///
/// It goes to the main process, as kill(1) sends it; `--to` sends it to more. svc draws no conclusion from it:
/// a service that ends of it ended by itself, and its restart policy decides (`svc stop` stops for good).
/// Exits with 3 when one of them does not run.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The signal: a name (`HUP`, `SIGUSR1`, `SIGRTMIN+3`) or a number
    #[arg(value_name = "SIG", value_parser = signal)]
    signal: Signal,

    /// Services or instances (`api`, `api.0`), or `all`
    #[arg(value_name = "SVC", required = true)]
    names: Vec<String>,

    /// To which of its processes
    #[arg(long, value_name = "WHOM", default_value = "main")]
    to: To,
}

/// Which processes of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum To {
    /// The main process
    Main,
    /// Its process group
    Group,
    /// Every process of the service
    All,
}

fn signal(text: &str) -> Result<Signal, String> {
    Signal::parse(text).ok_or_else(|| "there is no such signal; `kill -l` lists them".to_owned())
}

/// Sends a signal.
///
/// # Errors
///
/// No supervisor runs, a name is not known, or one of them does not run.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Trouble> {
    runs::each(context, &args.names, |context, names| {
        let order = SignalOrder {
            names: names.to_owned(),
            signal: args.signal.number().to_string(),
            to: match args.to {
                To::Main => Whom::Main,
                To::Group => Whom::Group,
                To::All => Whom::Everything,
            },
        };
        let project = session::project(context)?;
        let sent = session::block_on(async {
            let door = session::connect(context, &project).await?;
            Ok(door.signal(&order).await?)
        })?;
        match sent.not_running.as_slice() {
            [] => Ok(Exit::Done),
            // Of `all`, those that do not run are not meant.
            _ if names == ["all"] && !sent.instances.is_empty() => Ok(Exit::Done),
            missed => Err(Trouble::new(Exit::NotReady, format!("not running: {}", missed.join(", ")))),
        }
    })
}
