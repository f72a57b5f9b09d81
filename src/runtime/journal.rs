//! The journal: what an engine that takes over has to know.
//!
//! JSON, one line a change, appended before the change is acted on and read once, at the start; a
//! torn last line is what a kill left and is passed over. It is not synced to the disk: it has to
//! outlive the engine, not the machine, whose processes are gone with it. When it has grown well
//! past what it says, it is written anew.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::base::{ExitStatus, Invocation, Moment, Signal, Size};
use crate::engine::Engine;
use crate::engine::record::{Ending, Haste, Record, Stage};
use crate::engine::run::{Run, RunEnd};
use crate::engine::timetable::{Due, Timetable};
use crate::engine::watched::Watching;
use crate::graph::{InstanceId, Plan};
use crate::runtime::clock::Clock;

/// The journal is written anew when it has this many lines more than instances, twice over.
const SLACK: usize = 4096;

/// A journal that is being written.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    lines: usize,
    head: Head,
    ending: Option<EndingLine>,
}

/// What an earlier engine left; empty at a fresh start.
#[derive(Debug)]
pub(crate) struct Past {
    /// How many engines there were before this one.
    generation: u64,
    /// When supervision began.
    pub(crate) since: Timestamp,
    pub(crate) next_invocation: Invocation,
    pub(crate) ending: Option<Ending>,
    records: BTreeMap<String, Record>,
}

/// One line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Line {
    Head(Head),
    Instance(Box<InstanceLine>),
    Ending(EndingLine),
}

/// An engine began.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Head {
    generation: u64,
    since: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct EndingLine {
    haste: HasteWord,
    code: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum HasteWord {
    Orderly,
    Hurried,
    Killing,
}

/// A record, as it is written. Moments are nanoseconds of the monotonic clock.
#[derive(Debug, Serialize, Deserialize)]
struct InstanceLine {
    name: String,
    next: u64,
    explicit: bool,
    wanted: bool,
    stage: StageWord,
    invocation: Option<u64>,
    bounce: bool,
    attempt: u32,
    recent: Vec<u64>,
    restarts: u32,
    since: u64,
    last_exit: Option<ExitWord>,
    #[serde(default)]
    launched: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    watch: Option<WatchLine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    task: Option<TaskLine>,
}

/// What is kept of the changes of watched files.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct WatchLine {
    restarts: bool,
    answered: Option<u64>,
    in_a_row: u32,
}

/// What is kept of a task besides.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct TaskLine {
    next: Option<u64>,
    next_wall: Option<Timestamp>,
    last_wall: Option<Timestamp>,
    queued: bool,
    done: bool,
    runs: Vec<RunLine>,
}

/// One run of a task; `took` in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct RunLine {
    at: u64,
    took: u64,
    end: RunWord,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RunWord {
    Succeeded,
    Failed(ExitWord),
    TimedOut,
    NotStarted,
    Stopped,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum StageWord {
    Inactive,
    Waiting,
    Scheduled,
    Starting,
    Up { ready_since: Option<u64>, alive: bool },
    Stopping { fault: bool, exit: Option<ExitWord>, was_ready: bool },
    Backoff { until: u64 },
    Completed,
    Failed,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ExitWord {
    Code(i32),
    Signal(i32),
    OutOfMemory(Option<u64>),
    Unknown,
}

impl Journal {
    /// Reads what an earlier engine left and goes on writing.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or written.
    pub(crate) fn open(path: &Path, clock: Clock) -> io::Result<(Self, Past)> {
        let past = Past::read(path, clock)?;
        let head = Head { generation: past.generation + 1, since: past.since };
        let ending = past.ending.map(EndingLine::from);
        let file = create(&path.with_extension("new"))?;
        let mut journal = Self { path: path.to_owned(), file, lines: 0, head, ending };
        let lines = past.records.iter().map(|(name, record)| line(name, past.next_invocation, record));
        journal.write_anew(lines.collect())?;
        Ok((journal, past))
    }

    /// Appends what changed since the last time.
    ///
    /// # Errors
    ///
    /// When the file cannot be written: acting on what is not recorded would break the promise.
    pub(crate) fn write(&mut self, plan: &Plan, engine: &mut Engine) -> io::Result<()> {
        let changed = engine.take_changed();
        let ending = engine.ending().map(EndingLine::from);
        let ends = ending != self.ending;
        if changed.is_empty() && !ends {
            return Ok(());
        }
        self.ending = ending;
        if self.lines > 2 * plan.instances.len() + SLACK {
            let next = engine.next_invocation();
            let all = plan.instances().map(|(id, instance)| line(&instance.name, next, &engine.record(id)));
            return self.write_anew(all.collect());
        }
        let mut lines: Vec<Line> = changed
            .into_iter()
            .map(|id| line(&plan.instance(id).name, engine.next_invocation(), &engine.record(id)))
            .collect();
        lines.extend(self.ending.filter(|_| ends).map(Line::Ending));
        self.lines += lines.len();
        self.file.write_all(&text_of(&lines)?)
    }

    /// Writes the whole journal under another name and puts it in the old one's place.
    fn write_anew(&mut self, lines: Vec<Line>) -> io::Result<()> {
        let new = self.path.with_extension("new");
        let mut file = create(&new)?;
        let head = [Line::Head(self.head.clone())];
        let all: Vec<Line> = head.into_iter().chain(lines).chain(self.ending.map(Line::Ending)).collect();
        file.write_all(&text_of(&all)?)?;
        fs::rename(&new, &self.path)?;
        self.file = file;
        self.lines = all.len();
        Ok(())
    }
}

fn create(path: &Path) -> io::Result<File> {
    File::options().create(true).truncate(true).write(true).mode(0o600).open(path)
}

fn text_of(lines: &[Line]) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    for line in lines {
        serde_json::to_writer(&mut text, line)?;
        text.push(b'\n');
    }
    Ok(text)
}

fn line(name: &str, next: Invocation, record: &Record) -> Line {
    let Record {
        explicit,
        wanted,
        stage,
        invocation,
        bounce,
        attempt,
        recent,
        restarts,
        timetable,
        queued,
        done,
        runs,
        watching,
        launched,
        since,
        last_exit,
    } = record;
    let task = TaskLine {
        next: timetable.map(|timetable| nanoseconds(timetable.next.at)),
        next_wall: timetable.and_then(|timetable| timetable.next.wall),
        last_wall: timetable.and_then(|timetable| timetable.last),
        queued: *queued,
        done: *done,
        runs: runs.iter().copied().map(Into::into).collect(),
    };
    Line::Instance(Box::new(InstanceLine {
        name: name.to_owned(),
        next: next.0,
        explicit: *explicit,
        wanted: *wanted,
        stage: (*stage).into(),
        invocation: invocation.map(|life| life.0),
        bounce: *bounce,
        attempt: *attempt,
        recent: recent.iter().copied().map(nanoseconds).collect(),
        restarts: *restarts,
        launched: launched.map(nanoseconds),
        watch: (*watching != Watching::default()).then(|| (*watching).into()),
        task: (task != TaskLine::default()).then_some(task),
        since: nanoseconds(*since),
        last_exit: last_exit.map(Into::into),
    }))
}

impl Past {
    fn read(path: &Path, clock: Clock) -> io::Result<Self> {
        let mut past = Self {
            generation: 0,
            since: clock.wall(),
            next_invocation: Invocation(1),
            ending: None,
            records: BTreeMap::new(),
        };
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(past),
            Err(error) => return Err(error),
        };
        for text in BufReader::new(file).split(b'\n') {
            match serde_json::from_slice(&text?) {
                Ok(Line::Head(Head { generation, since })) => {
                    past.generation = generation;
                    past.since = since;
                }
                Ok(Line::Instance(line)) => {
                    past.next_invocation = past.next_invocation.max(Invocation(line.next));
                    past.records.insert(line.name.clone(), record(&line));
                }
                Ok(Line::Ending(ending)) => past.ending = Some(ending.into()),
                // Only the last line can be torn, by a kill; it was not acted on.
                Err(_) => {}
            }
        }
        Ok(past)
    }

    /// Returns the records of the instances that the plan still has.
    pub(crate) fn records(&self, by_name: &BTreeMap<&str, InstanceId>) -> Vec<(InstanceId, Record)> {
        let known = self.records.iter();
        known.filter_map(|(name, record)| Some((*by_name.get(name.as_str())?, record.clone()))).collect()
    }

    /// Returns where this engine's numbers of notices and requests start: far beyond those of the
    /// one before, so that none is given twice, and exact in a JSON reader's 53 bits.
    pub(crate) fn first_sequence(&self) -> u64 {
        self.generation << 36
    }

    /// Returns what the engine draws its jitter from.
    pub(crate) fn seed(&self) -> u64 {
        (self.since.as_nanosecond() as u64).wrapping_add(self.generation)
    }
}

fn record(line: &InstanceLine) -> Record {
    let task = line.task.clone().unwrap_or_default();
    let next = task.next.map(|at| Due { at: moment(at), wall: task.next_wall });
    Record {
        explicit: line.explicit,
        wanted: line.wanted,
        stage: (&line.stage).into(),
        invocation: line.invocation.map(Invocation),
        bounce: line.bounce,
        attempt: line.attempt,
        recent: line.recent.iter().copied().map(moment).collect(),
        restarts: line.restarts,
        timetable: next.map(|next| Timetable { next, last: task.last_wall }),
        queued: task.queued,
        done: task.done,
        runs: task.runs.into_iter().map(Into::into).collect(),
        watching: line.watch.map(Into::into).unwrap_or_default(),
        launched: line.launched.map(moment),
        since: moment(line.since),
        last_exit: line.last_exit.map(Into::into),
    }
}

fn nanoseconds(moment: Moment) -> u64 {
    u64::try_from(moment.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

fn moment(nanoseconds: u64) -> Moment {
    Moment::since_zero(Duration::from_nanos(nanoseconds))
}

impl From<Watching> for WatchLine {
    fn from(Watching { restarts, answered, in_a_row }: Watching) -> Self {
        Self { restarts, answered: answered.map(nanoseconds), in_a_row }
    }
}

impl From<WatchLine> for Watching {
    fn from(WatchLine { restarts, answered, in_a_row }: WatchLine) -> Self {
        Self { restarts, answered: answered.map(moment), in_a_row }
    }
}

impl From<Run> for RunLine {
    fn from(Run { at, took, end }: Run) -> Self {
        let end = match end {
            RunEnd::Succeeded => RunWord::Succeeded,
            RunEnd::Failed(exit) => RunWord::Failed(exit.into()),
            RunEnd::TimedOut => RunWord::TimedOut,
            RunEnd::NotStarted => RunWord::NotStarted,
            RunEnd::Stopped => RunWord::Stopped,
        };
        Self { at: nanoseconds(at), took: nanoseconds(Moment::since_zero(took)), end }
    }
}

impl From<RunLine> for Run {
    fn from(RunLine { at, took, end }: RunLine) -> Self {
        let end = match end {
            RunWord::Succeeded => RunEnd::Succeeded,
            RunWord::Failed(exit) => RunEnd::Failed(exit.into()),
            RunWord::TimedOut => RunEnd::TimedOut,
            RunWord::NotStarted => RunEnd::NotStarted,
            RunWord::Stopped => RunEnd::Stopped,
        };
        Self { at: moment(at), took: Duration::from_nanos(took), end }
    }
}

impl From<ExitStatus> for ExitWord {
    fn from(exit: ExitStatus) -> Self {
        match exit {
            ExitStatus::Code(code) => Self::Code(code),
            ExitStatus::Signal(signal) => Self::Signal(signal.number()),
            ExitStatus::OutOfMemory { limit } => Self::OutOfMemory(limit.map(|limit| limit.0)),
            ExitStatus::Unknown => Self::Unknown,
        }
    }
}

impl From<ExitWord> for ExitStatus {
    fn from(word: ExitWord) -> Self {
        match word {
            ExitWord::Code(code) => Self::Code(code),
            ExitWord::Signal(number) => Signal::from_number(number).map_or(Self::Unknown, Self::Signal),
            ExitWord::OutOfMemory(limit) => Self::OutOfMemory { limit: limit.map(Size) },
            ExitWord::Unknown => Self::Unknown,
        }
    }
}

impl From<Stage> for StageWord {
    fn from(stage: Stage) -> Self {
        match stage {
            Stage::Inactive => Self::Inactive,
            Stage::Waiting => Self::Waiting,
            Stage::Scheduled => Self::Scheduled,
            Stage::Starting => Self::Starting,
            Stage::Up { ready_since, alive } => Self::Up { ready_since: ready_since.map(nanoseconds), alive },
            Stage::Stopping { fault, exit, was_ready } => {
                Self::Stopping { fault, exit: exit.map(Into::into), was_ready }
            }
            Stage::Backoff { until } => Self::Backoff { until: nanoseconds(until) },
            Stage::Completed => Self::Completed,
            Stage::Failed => Self::Failed,
        }
    }
}

impl From<&StageWord> for Stage {
    fn from(word: &StageWord) -> Self {
        match *word {
            StageWord::Inactive => Self::Inactive,
            StageWord::Waiting => Self::Waiting,
            StageWord::Scheduled => Self::Scheduled,
            StageWord::Starting => Self::Starting,
            StageWord::Up { ready_since, alive } => Self::Up { ready_since: ready_since.map(moment), alive },
            StageWord::Stopping { fault, exit, was_ready } => {
                Self::Stopping { fault, exit: exit.map(Into::into), was_ready }
            }
            StageWord::Backoff { until } => Self::Backoff { until: moment(until) },
            StageWord::Completed => Self::Completed,
            StageWord::Failed => Self::Failed,
        }
    }
}

impl From<Ending> for EndingLine {
    fn from(Ending { haste, code }: Ending) -> Self {
        let haste = match haste {
            Haste::Orderly => HasteWord::Orderly,
            Haste::Hurried => HasteWord::Hurried,
            Haste::Killing => HasteWord::Killing,
        };
        Self { haste, code }
    }
}

impl From<EndingLine> for Ending {
    fn from(EndingLine { haste, code }: EndingLine) -> Self {
        let haste = match haste {
            HasteWord::Orderly => Haste::Orderly,
            HasteWord::Hurried => Haste::Hurried,
            HasteWord::Killing => Haste::Killing,
        };
        Self { haste, code }
    }
}
