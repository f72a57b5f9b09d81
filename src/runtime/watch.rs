//! Watched files: inotify, and the wait until it is quiet.
//!
//! One inotify instance for the whole project, made when something watches the first file. Folders are watched with
//! everything in them, a file by the folder it is in, so that one that is replaced by a rename is still seen; of what
//! is not there yet, the nearest folder that is. Nothing here decides what a change leads to.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use tokio::io::Interest;

use crate::base::Moment;
use crate::graph::plan::Watch;
use crate::runtime::slot::SlotKey;
use crate::sys::watch::Watched;

mod tree;

use tree::Root;

/// A file counts as changed when it is closed after writing, not at each write: a half-written one is of no use.
const SEEN: WatchFlags = WatchFlags::CREATE
    .union(WatchFlags::CLOSE_WRITE)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::ONLYDIR);

/// All watched files of a project.
#[derive(Debug, Default)]
pub(crate) struct Watches {
    inotify: Option<Watched>,
    folders: BTreeMap<i32, BTreeSet<User>>,
    spots: BTreeMap<SlotKey, Spot>,
    /// Whose trouble is another than when this was last asked for.
    troubled: BTreeSet<SlotKey>,
}

/// Who watches a folder, and the path it knows it by: there may be several to one folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct User {
    key: SlotKey,
    path: PathBuf,
}

/// What one instance watches.
#[derive(Debug)]
struct Spot {
    watch: Watch,
    roots: Vec<Root>,
    /// What changed first, and until when it has to be quiet for that to be told.
    changed: Option<(PathBuf, Moment)>,
    /// Why not all of it is watched.
    trouble: Option<String>,
}

/// One thing that the kernel told.
struct Told {
    folder: i32,
    what: ReadFlags,
    name: Option<PathBuf>,
}

impl Watches {
    /// Watches what an instance is to watch, or nothing. Files that changed since `since` count as changed now.
    pub(crate) fn set(&mut self, key: SlotKey, watch: Option<&Watch>, since: Option<Timestamp>, now: Moment) {
        if self.spots.get(&key).map(|spot| &spot.watch) == watch {
            return;
        }
        self.spots.remove(&key);
        match watch {
            None => self.leave_unused(key, &BTreeSet::new()),
            Some(watch) => {
                let roots = watch.paths.iter().map(|path| Root::new(path)).collect();
                let spot = Spot { watch: watch.clone(), roots, changed: None, trouble: None };
                self.spots.insert(key, spot);
                if let Some(path) = self.look(key, since) {
                    self.note(key, path, now);
                }
            }
        }
    }

    /// Returns why not everything that an instance is to watch is watched.
    pub(crate) fn trouble(&self, key: SlotKey) -> Option<&str> {
        self.spots.get(&key)?.trouble.as_deref()
    }

    /// Takes out those of which something cannot be watched since this was last asked.
    pub(crate) fn take_troubled(&mut self) -> BTreeSet<SlotKey> {
        std::mem::take(&mut self.troubled)
    }

    /// Returns when the first change is to be told.
    pub(crate) fn due(&self) -> Option<Moment> {
        self.spots.values().filter_map(|spot| Some(spot.changed.as_ref()?.1)).min()
    }

    /// Takes the changes out after which it has been quiet for long enough.
    pub(crate) fn take_due(&mut self, now: Moment) -> Vec<(SlotKey, PathBuf)> {
        let over = |spot: &mut Spot| Some(spot.changed.take_if(|(_, due)| *due <= now)?.0);
        self.spots.iter_mut().filter_map(|(&key, spot)| Some((key, over(spot)?))).collect()
    }

    /// Waits until something happened in a folder that is watched.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        match &self.inotify {
            Some(inotify) => inotify.readable().await,
            None => std::future::pending().await,
        }
    }

    /// Hears all that the kernel has to tell.
    pub(crate) fn hear(&mut self, now: Moment) {
        loop {
            let told = self.read();
            if told.is_empty() {
                return;
            }
            for told in told {
                self.hear_one(&told, now);
            }
        }
    }

    fn read(&self) -> Vec<Told> {
        let Some(inotify) = &self.inotify else { return Vec::new() };
        let mut buffer = [MaybeUninit::uninit(); 16 << 10];
        let mut reader = Reader::new(inotify.fd(), &mut buffer);
        let mut all = Vec::new();
        // An error other than that there is nothing more would be a bug of ours; the next event tries again.
        while let Ok(event) = reader.next() {
            let name = event.file_name().map(|name| {
                use std::os::unix::ffi::OsStrExt;
                Path::new(std::ffi::OsStr::from_bytes(name.to_bytes())).to_owned()
            });
            all.push(Told { folder: event.wd(), what: event.events(), name });
            if reader.is_buffer_empty() {
                break;
            }
        }
        all
    }

    fn hear_one(&mut self, told: &Told, now: Moment) {
        if told.what.contains(ReadFlags::QUEUE_OVERFLOW) {
            let keys: Vec<SlotKey> = self.spots.keys().copied().collect();
            for key in keys {
                self.look(key, None);
                self.note(key, PathBuf::from("more files than can be told one by one"), now);
            }
            return;
        }
        let Some(users) = self.folders.get(&told.folder).cloned() else { return };
        if told.what.intersects(ReadFlags::IGNORED | ReadFlags::MOVE_SELF) {
            self.folders.remove(&told.folder);
            if told.what.contains(ReadFlags::MOVE_SELF) {
                self.unwatch(told.folder);
            }
            // The end of a folder inside of what is watched is seen in the one that it was in.
            let gone = told.what.contains(ReadFlags::IGNORED);
            let matters = |user: &&User| {
                let roots = self.spots.get(&user.key).map(|spot| &spot.roots[..]).unwrap_or_default();
                !gone || roots.iter().any(|root| root.is_below(&user.path))
            };
            let keys: BTreeSet<SlotKey> = users.iter().filter(matters).map(|user| user.key).collect();
            for key in keys {
                self.look(key, None);
            }
            return;
        }
        let Some(name) = &told.name else { return };
        for User { key, path } in users {
            if self.concerns(key, &path.join(name), told.what) {
                self.note(key, path.join(name), now);
            }
        }
    }

    /// Looks at something that happened to a path; returns whether it is a change.
    fn concerns(&mut self, key: SlotKey, path: &Path, what: ReadFlags) -> bool {
        let Some(spot) = self.spots.get(&key) else { return false };
        let folder = what.contains(ReadFlags::ISDIR);
        let came = what.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO);
        let counts = spot.roots.iter().any(|root| root.holds(path, folder, &spot.watch.ignore));
        let moved = spot.roots.iter().any(|root| root.leads_elsewhere());
        let on_the_way = spot.roots.iter().any(|root| root.is_below(path));
        if on_the_way || moved {
            // What is watched is there now, or something else, or gone.
            self.look(key, None);
            return counts
                || moved
                || self.spots[&key].roots.iter().any(|root| root.is_below(path) && root.exists());
        }
        match (counts, folder && came) {
            (false, _) => false,
            // Files may be in it already.
            (true, true) => self.enter(key, path),
            // It is written and closed, or it is there at once: a link.
            (true, false) if what.contains(ReadFlags::CREATE) => {
                fs::symlink_metadata(path).is_ok_and(|it| it.is_symlink() || it.nlink() > 1)
            }
            (true, false) => true,
        }
    }

    /// A change was seen: it is told when it has been quiet.
    fn note(&mut self, key: SlotKey, path: PathBuf, now: Moment) {
        let Some(spot) = self.spots.get_mut(&key) else { return };
        let due = now + spot.watch.debounce;
        match &mut spot.changed {
            Some((_, at)) => *at = due,
            None => spot.changed = Some((path, due)),
        }
    }

    /// Watches everything in a new folder; returns whether there is a file in it already.
    fn enter(&mut self, key: SlotKey, folder: &Path) -> bool {
        let spot = self.spots.get(&key).expect("it was just looked at");
        let walk = tree::walk(folder, &spot.roots, &spot.watch.ignore, None);
        for folder in walk.folders {
            if let Err(error) = self.add(key, &folder) {
                self.complain(key, &folder, &error);
                break;
            }
        }
        walk.files
    }

    /// Looks anew at what an instance watches; returns what changed since that time.
    fn look(&mut self, key: SlotKey, since: Option<Timestamp>) -> Option<PathBuf> {
        let spot = self.spots.get_mut(&key)?;
        let before = spot.trouble.take();
        spot.roots.iter_mut().for_each(Root::settle);
        let mut changed = None;
        let mut folders = Vec::new();
        for root in &spot.roots {
            folders.extend(root.above());
            let walk = tree::walk(&root.base, &spot.roots, &spot.watch.ignore, since);
            folders.extend(walk.folders);
            changed = changed.or(walk.newer);
        }
        let mut used = BTreeSet::new();
        for folder in folders {
            match self.add(key, &folder) {
                Ok(number) => drop(used.insert((number, folder))),
                Err(error) => self.complain(key, &folder, &error),
            }
        }
        if self.spots[&key].trouble == before {
            self.troubled.remove(&key);
        }
        self.leave_unused(key, &used);
        changed
    }

    /// A folder cannot be watched. The first one says enough: it is a limit that all further ones meet, or somebody
    /// else's folder.
    fn complain(&mut self, key: SlotKey, folder: &Path, error: &io::Error) {
        let Some(spot) = self.spots.get_mut(&key).filter(|spot| spot.trouble.is_none()) else { return };
        spot.trouble = trouble(folder, error);
        if spot.trouble.is_some() {
            self.troubled.insert(key);
        }
    }

    /// Watches one folder.
    fn add(&mut self, key: SlotKey, folder: &Path) -> io::Result<i32> {
        if self.inotify.is_none() {
            let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
            self.inotify = Some(Watched::new(inotify, Interest::READABLE)?);
        }
        let inotify = self.inotify.as_ref().expect("it was made above");
        let number = inotify::add_watch(inotify.fd(), folder, SEEN)?;
        self.folders.entry(number).or_default().insert(User { key, path: folder.to_owned() });
        Ok(number)
    }

    /// Lets go of the folders that an instance does not watch any more.
    fn leave_unused(&mut self, key: SlotKey, used: &BTreeSet<(i32, PathBuf)>) {
        let mut empty = Vec::new();
        for (&number, users) in &mut self.folders {
            users.retain(|user| user.key != key || used.contains(&(number, user.path.clone())));
            if users.is_empty() {
                empty.push(number);
            }
        }
        for number in empty {
            self.folders.remove(&number);
            self.unwatch(number);
        }
    }

    fn unwatch(&self, number: i32) {
        if let Some(inotify) = &self.inotify {
            // It is not there when its folder is gone.
            let _ = inotify::remove_watch(inotify.fd(), number);
        }
    }
}

/// Says why a folder is not watched; nothing of one that has gone meanwhile.
fn trouble(folder: &Path, error: &io::Error) -> Option<String> {
    let limit = match error.raw_os_error() {
        Some(libc::ENOENT | libc::ENOTDIR) => return None,
        Some(libc::ENOSPC) => "max_user_watches",
        Some(libc::EMFILE) => "max_user_instances",
        _ => return Some(format!("cannot watch `{}`: {error}", folder.display())),
    };
    let now = fs::read_to_string(format!("/proc/sys/fs/inotify/{limit}")).unwrap_or_default();
    let now = Some(now.trim()).filter(|now| !now.is_empty()).map(|now| format!(" (now {now})"));
    Some(format!(
        "cannot watch `{}`: no inotify watch is left to this user; raise fs.inotify.{limit}{}, or leave folders out \
         with `ignore`",
        folder.display(),
        now.unwrap_or_default(),
    ))
}

/// Returns when a file was last changed, moved or linked.
fn changed_at(it: &Metadata) -> Option<Timestamp> {
    Timestamp::new(it.ctime(), it.ctime_nsec() as i32).ok()
}
