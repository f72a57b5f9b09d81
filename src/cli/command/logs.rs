//! `svc logs`.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::PathBuf;

use jiff::Timestamp;
use regex::bytes::Regex;

use crate::cli::context::Context;
use crate::cli::exit::{Exit, Trouble};
use crate::cli::runs;
use crate::cli::session::{self, Watch};
use crate::cli::signals::Signals;
use crate::cli::source;
use crate::cli::stream::{self, Stream};
use crate::cli::time;
use crate::graph::InstanceId;
use crate::logs::Channel;
use crate::logs::format::{self, Formatter};
use crate::logs::read::{Query, Reader};
use crate::runtime::Project;
use crate::runtime::log_settings;

/// Show what services have written, merged by time
///
/// Reads the log files across rotations, also after everything has stopped. With -f it goes on with what is written, until Ctrl-C.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Services, instances, groups or patterns (`api`, `api.0`, `front`, `api-*`); all of them when none is named
    #[arg(value_name = "SVC")]
    names: Vec<String>,

    /// Go on with what is written from now on
    #[arg(short, long)]
    follow: bool,

    /// Only this many of the last lines of each [default: all; with -f, 10]
    #[arg(short = 'n', long, value_name = "LINES")]
    lines: Option<usize>,

    /// Only lines from this time on: `10m` ago, or a time as in RFC 3339
    #[arg(long, value_name = "TIME")]
    since: Option<String>,

    /// Only lines up to this time: `10m` ago, or a time as in RFC 3339
    #[arg(long, value_name = "TIME", conflicts_with = "follow")]
    until: Option<String>,

    /// Show when each line was written
    #[arg(short, long)]
    timestamps: bool,

    /// Only lines in which this regular expression matches
    #[arg(long, value_name = "REGEX")]
    grep: Option<String>,

    /// Only what was written to stdout or to stderr; a stderr without a log of its own (`logs stderr=`) counts as stdout
    #[arg(long, value_name = "STREAM")]
    stream: Option<Stdio>,

    /// Do not show whose line it is
    #[arg(long)]
    no_prefix: bool,

    /// Show the bytes as they are, control characters included
    #[arg(long)]
    raw: bool,
}

/// An output of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Stdio {
    /// What the process wrote to stdout.
    Stdout,
    /// What it wrote to stderr.
    Stderr,
}

impl Stdio {
    fn channel(self) -> Channel {
        match self {
            Self::Stdout => Channel::Out,
            Self::Stderr => Channel::Err,
        }
    }
}

/// Shows logs.
///
/// # Errors
///
/// A name is not known, a log cannot be read, or logs are to be followed and no supervisor runs.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Trouble> {
    let query = query(args, Timestamp::now())?;
    runs::each(context, &args.names, |context, names| show(context, args, names, &query))
}

fn show(context: &Context, args: &Args, names: &[String], query: &Query) -> Result<Exit, Trouble> {
    let project = session::project(context)?;
    session::block_on(async {
        let door = match session::connect(context, &project).await {
            Ok(door) => door,
            // What was written stays readable after the supervisor's end.
            Err(trouble) if trouble.exit == Exit::Absent && !args.follow => {
                let (names, logs) = offline(context, &project, args, names)?;
                let style = style(context, args, &names);
                print(&logs, query, Formatter::new(style, names))?;
                return Ok(Exit::Done);
            }
            Err(trouble) => return Err(trouble),
        };
        let mut named = Vec::new();
        if names.is_empty() {
            named = door.services().await?.instances;
        }
        for name in names {
            named.extend(door.service(name).await?.instances.into_iter().map(|detail| detail.instance));
        }
        let kept = named.into_iter().flat_map(|instance| {
            let kept = [(Channel::Out, instance.log), (Channel::Err, instance.stderr_log)];
            let kept = kept.into_iter().filter(|(channel, _)| args.wants(*channel));
            kept.filter_map(move |(_, path)| Some((instance.name.clone(), PathBuf::from(path?))))
        });
        let (names, logs): (Vec<String>, Vec<PathBuf>) = kept.unzip();
        let style = style(context, args, &names);
        if args.follow {
            let mut watch = Watch::open(door).await?;
            let mut stream = Stream::open(&logs, query, Formatter::new(style, names))?;
            return stream::until_end(&mut stream, &mut watch, &mut Signals::take()?).await;
        }
        print(&logs, query, Formatter::new(style, names))?;
        Ok(Exit::Done)
    })
}

impl Args {
    fn wants(&self, channel: Channel) -> bool {
        self.stream.is_none_or(|stream| stream.channel() == channel)
    }
}

fn style(context: &Context, args: &Args, names: &[String]) -> format::Style {
    format::Style {
        color: context.out.colour,
        // One service needs no name before each line.
        prefix: !args.no_prefix && names.iter().any(|name| *name != names[0]),
        time: args.timestamps,
        raw: args.raw,
    }
}

/// Finds the logs by the service file alone.
fn offline(
    context: &Context,
    project: &Project,
    args: &Args,
    names: &[String],
) -> Result<(Vec<String>, Vec<PathBuf>), Trouble> {
    let source = source::plan(context, &project.file)?;
    source::known(&source.plan, names)?;
    let asked: BTreeSet<InstanceId> = match names {
        [] => source.plan.instances().map(|(id, _)| id).collect(),
        names => names.iter().flat_map(|name| source.plan.find(name)).collect(),
    };
    let found = asked.into_iter().flat_map(|id| {
        let instance = source.plan.instance(id);
        let wanted = Channel::BOTH.into_iter().filter(|channel| args.wants(*channel));
        wanted.filter_map(move |channel| {
            let kept = log_settings(&instance.launch, &instance.name, &project.state_dir, channel)?;
            Some((instance.name.to_string(), kept.path))
        })
    });
    Ok(found.unzip())
}

fn print(logs: &[PathBuf], query: &Query, mut formatter: Formatter) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in Reader::open(logs, query)? {
        formatter.write(&line, &mut out)?;
    }
    formatter.end(&mut out)?;
    out.flush()
}

fn query(args: &Args, now: Timestamp) -> Result<Query, Trouble> {
    let grep = args.grep.as_deref().map(Regex::new).transpose().map_err(|error| {
        let what = error.to_string();
        let what = what.lines().last().unwrap_or_default().trim_start_matches("error: ");
        Trouble::new(Exit::Usage, format!("cannot use the regular expression of `--grep`: {what}"))
    })?;
    let since = args.since.as_deref().map(|text| time::past(text, now)).transpose()?;
    let limited = args.follow && since.is_none();
    Ok(Query {
        last: args.lines.or(limited.then_some(10)),
        since,
        until: args.until.as_deref().map(|text| time::past(text, now)).transpose()?,
        grep,
        follow: args.follow,
    })
}
