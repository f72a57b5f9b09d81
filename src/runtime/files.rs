//! Watched files and the engine: what changed is told, in words for people.

use std::path::Path;
use std::sync::Arc;

use crate::engine::Event;
use crate::graph::InstanceId;
use crate::runtime::driver::Driver;
use crate::runtime::handle::Happening;

impl Driver {
    /// Watches what the plan in force says. What changed since a living process got its files, while no engine was
    /// there to see it, counts as changed now.
    pub(crate) fn watch_files(&mut self) {
        let plan = Arc::clone(&self.plan);
        for (id, instance) in plan.instances() {
            let slot = &self.slots[id.0 as usize];
            let (key, lives) = (slot.key, slot.life.is_some());
            let watch = instance.launch.extras.as_ref().and_then(|extras| extras.watch.as_ref());
            let as_of = watch.and_then(|_| self.engine.view(id).files_as_of).filter(|_| lives);
            let since = as_of.map(|at| self.clock.wall_of(at));
            self.watches.set(key, watch, since, self.clock.now());
        }
        self.tell_unwatched();
    }

    /// Something happened in a folder that is watched.
    pub(crate) fn hear_files(&mut self) {
        self.watches.hear(self.clock.now());
        self.tell_unwatched();
    }

    fn tell_unwatched(&mut self) {
        for key in self.watches.take_troubled() {
            if let (Some(instance), Some(reason)) = (self.place(key), self.watches.trouble(key)) {
                let reason = reason.to_owned();
                self.publish(Happening::Unwatched { instance, reason });
            }
        }
    }

    /// Time alone has passed: a deadline of the engine, or it has been quiet after a change for long enough.
    pub(crate) fn time_passed(&mut self) {
        for (key, path) in self.watches.take_due(self.clock.now()) {
            if let Some(instance) = self.place(key) {
                self.tell_changed(instance, &path);
            }
        }
        self.pending.push_back(Event::Tick);
    }

    fn tell_changed(&mut self, instance: InstanceId, path: &Path) {
        let folder = self.project.file.parent();
        let path = folder.and_then(|folder| path.strip_prefix(folder).ok()).unwrap_or(path);
        let path = path.display().to_string();
        self.publish(Happening::FilesChanged { instance, path: path.clone() });
        self.pending.push_back(Event::FilesChanged { instance, path: path.into() });
    }
}
