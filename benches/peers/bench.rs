//! What the rows share: the machine, the folder on the tmpfs, repetitions, and the table.

use std::cell::Cell;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::peer::Peer;

/// Where all peers work: no disk disturbs them there.
const TMPFS: &str = "/dev/shm";

/// What the rows share.
pub(crate) struct Bench {
    pub(crate) svc: PathBuf,
    pub(crate) tiny: PathBuf,
    pub(crate) quick: bool,
    peers: Vec<Peer>,
    dir: TempDir,
    folders: Cell<u32>,
}

impl Bench {
    /// Compiles the service and finds out which peers there are.
    pub(crate) fn new(svc: PathBuf, quick: bool) -> io::Result<Self> {
        // A thousand pipes are held at once.
        let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
        setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
        let dir = tempfile::Builder::new().prefix("svc-peers-").tempdir_in(TMPFS)?;
        let tiny = dir.path().join("tiny");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/tiny.c");
        let compiled = Command::new("cc").args(["-O2", "-static", "-o"]).arg(&tiny).arg(source).status()?;
        if !compiled.success() {
            return Err(io::Error::other("cc cannot compile tiny.c"));
        }
        let mut peers = vec![Peer::Bare, Peer::Svc];
        match Command::new("supervisord").arg("--version").output() {
            Ok(_) => peers.push(Peer::Supervisord),
            Err(error) => {
                eprintln!("supervisord is left out: {error} (Debian's package `supervisor` has it)")
            }
        }
        Ok(Self { svc: svc.canonicalize()?, tiny, quick, peers, dir, folders: Cell::new(0) })
    }

    /// Says what this machine is.
    pub(crate) fn machine(&self) -> String {
        let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
        let cpu = read("/proc/cpuinfo");
        let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let cores = cpu.lines().filter(|line| line.starts_with("processor")).count();
        let kernel = read("/proc/sys/kernel/osrelease");
        let load = read("/proc/loadavg");
        format!(
            "{cores} cores of {}, Linux {}, load before {}; medians of {}.",
            model.map_or("an unknown processor", |(_, name)| name),
            kernel.trim(),
            load.split(' ').next().unwrap_or_default(),
            self.runs()
        )
    }

    /// Makes an empty folder for one run of one peer.
    pub(crate) fn folder(&self) -> PathBuf {
        self.folders.set(self.folders.get() + 1);
        let folder = self.dir.path().join(self.folders.get().to_string());
        std::fs::create_dir(&folder).expect("the tmpfs has room");
        folder
    }

    pub(crate) fn runs(&self) -> usize {
        if self.quick { 1 } else { 3 }
    }

    /// Returns the larger or, when it has to be quick, the smaller number.
    pub(crate) fn choose(&self, full: usize, quick: usize) -> usize {
        if self.quick { quick } else { full }
    }

    /// Takes the median of a figure for every peer in turn, so that what disturbs the machine disturbs all.
    pub(crate) fn row(&self, what: &str, unit: &str, mut figure: impl FnMut(Peer) -> Option<f64>) {
        self.rows(&[(what, unit)], |peer| figure(peer).map(|figure| vec![figure]));
    }

    /// The same with several figures a run.
    pub(crate) fn rows(&self, what: &[(&str, &str)], mut figures: impl FnMut(Peer) -> Option<Vec<f64>>) {
        let mut all: Vec<(Peer, Vec<Vec<f64>>)> = self.peers.iter().map(|&peer| (peer, Vec::new())).collect();
        for _ in 0..self.runs() {
            for (peer, runs) in &mut all {
                runs.extend(figures(*peer));
            }
        }
        for (column, (what, unit)) in what.iter().enumerate() {
            let of = |peer| {
                let (_, runs) = all.iter().find(|(known, _)| *known == peer)?;
                median(runs.iter().map(|run| run[column]).collect())
            };
            let (bare, supervisord, svc) = (of(Peer::Bare), of(Peer::Supervisord), of(Peer::Svc));
            println!(
                "| {what} | {} | {} | {} | {} | {} |",
                shown(bare, unit),
                shown(supervisord, unit),
                shown(svc, unit),
                ratio(svc, bare),
                ratio(supervisord, svc)
            );
        }
    }
}

/// Returns the middle figure.
pub(crate) fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied()
}

fn shown(figure: Option<f64>, unit: &str) -> String {
    match figure {
        None => "–".to_owned(),
        Some(figure) if figure.abs() >= 100.0 => format!("{figure:.0} {unit}"),
        Some(figure) if figure.abs() >= 10.0 => format!("{figure:.1} {unit}"),
        Some(figure) => format!("{figure:.2} {unit}"),
    }
}

fn ratio(of: Option<f64>, to: Option<f64>) -> String {
    match (of, to) {
        (Some(of), Some(to)) if to > 0.0 => format!("{:.2}", of / to),
        _ => "–".to_owned(),
    }
}

/// Returns the processor time all threads of these processes took, in seconds.
pub(crate) fn cpu(pids: &[u32]) -> f64 {
    let of = |pid: &u32| {
        let clock = clock_getcpuclockid(Pid::from_raw(pid.cast_signed())).ok()?;
        let time = clock_gettime(clock).ok()?;
        Some(time.tv_sec() as f64 + time.tv_nsec() as f64 / 1e9)
    };
    pids.iter().filter_map(of).sum()
}

/// Returns the proportional set size of these processes, in MB.
pub(crate) fn pss(pids: &[u32]) -> f64 {
    let of = |pid: &u32| number(Path::new(&format!("/proc/{pid}/smaps_rollup")), "Pss:");
    pids.iter().map(of).sum::<f64>() * 1024.0 / 1e6
}

/// Returns how often these processes have gone to sleep, and so how often they were woken.
pub(crate) fn wakes(pids: &[u32]) -> f64 {
    let of = |pid: &u32| number(Path::new(&format!("/proc/{pid}/status")), "voluntary_ctxt_switches:");
    pids.iter().map(of).sum()
}

fn number(file: &Path, key: &str) -> f64 {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.split_whitespace().next()?.parse().ok());
    value.unwrap_or_default()
}
