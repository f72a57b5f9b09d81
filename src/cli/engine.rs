//! The engine process: where the rooms are put together.
//!
//! Started by the guard, never by a person. It compiles the project's record, takes up what the guard
//! holds, opens the door and runs until everything is down.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use crate::control::{Server, bind};
use crate::graph::Plan;
use crate::guard::start::inherited;
use crate::runtime::boot::PASSED;
use crate::runtime::record::Record;
use crate::runtime::{Handle, Own, Project, Setup, resume};
use crate::sys::{process, signals};

/// Runs the engine when these are the arguments of one; returns the code to exit with, or `None`
/// when they are a person's.
pub fn main(arguments: &[OsString]) -> Option<u8> {
    let [_, entry, id, file, runtime_dir, state_dir] = arguments else { return None };
    if entry != crate::runtime::boot::ENGINE {
        return None;
    }
    let project = Project {
        id: id.to_string_lossy().into_owned(),
        file: PathBuf::from(file),
        runtime_dir: PathBuf::from(runtime_dir),
        state_dir: PathBuf::from(state_dir),
    };
    Some(match run(project) {
        Ok(()) => 0,
        Err(error) => {
            // Stderr is the supervisor's own log.
            let _ = writeln!(io::stderr(), "svc engine: cannot go on: {error}");
            1
        }
    })
}

fn run(project: Project) -> io::Result<()> {
    let (link, mut passed) = inherited(PASSED)?;
    let mut next = || passed.pop().ok_or(io::ErrorKind::InvalidInput);
    let (stderr, stdout, stdin, lock) = (next()?, next()?, next()?, next()?);
    // A log that reaches a size limit is an error to be told, not a reason to die.
    signals::ignore_file_size_limit()?;
    process::raise_nofile()?;
    let Origin { plan, fingerprint, env } = origin(&project)?;
    let (handle, questions, notices) = Handle::new();
    let server = Server::new(handle, project.clone());
    let own = Own { stdin, stdout, stderr };
    let setup = Setup { plan, fingerprint, project: project.clone(), env, own, questions, notices };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(async {
        let driver = resume(link, setup).await?;
        let listener = bind(&project.socket())?;
        let (closing, closed) = tokio::sync::oneshot::channel::<()>();
        let serving = tokio::spawn(server.serve(listener, async {
            // An error means that the driver has failed: that ends serving too.
            let _ = closed.await;
        }));
        let finished = driver.run().await?;
        drop(closing);
        let served = serving.await.map_err(io::Error::other)?;
        // Nothing is left to take over; the record holds the environment, which may hold secrets.
        let removed = project.leftovers().iter().try_for_each(|file| match fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        });
        let removed = removed.and_then(|()| match fs::remove_dir_all(project.notify_folder()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        });
        finished.goodbye().await?;
        served.and(removed)
    });
    // Held for life: the project is free once this process and the guard are gone.
    drop(lock);
    done
}

/// What is kept of a project's record; its texts are not, since an engine lives long.
struct Origin {
    plan: Plan,
    fingerprint: u64,
    env: BTreeMap<String, String>,
}

fn origin(project: &Project) -> io::Result<Origin> {
    let record = Record::from_bytes(&fs::read(project.record())?)?;
    let plan = record.compile().plan;
    let plan = plan.ok_or_else(|| io::Error::other("the record of the service file does not compile"))?;
    Ok(Origin { plan, fingerprint: record.fingerprint(), env: record.env().clone() })
}
