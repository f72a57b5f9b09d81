//! What the first process of a machine may do and nobody else: end the machine.

use std::io;

use crate::sys::process;

/// Returns whether this is the first process of the machine, and not of a container; if so, Ctrl-Alt-Del is
/// from now on a `SIGINT` to it and no longer a reset.
///
/// reboot(2) answers by itself: in any pid namespace but the machine's own it refuses this of all commands.
pub fn is_first() -> bool {
    if process::own_pid() != 1 {
        return false;
    }
    // SAFETY: touches no memory; at most changes what a key combination does, as every init does.
    unsafe { libc::reboot(libc::RB_DISABLE_CAD) == 0 }
}

/// Kills every process but this one.
pub fn kill_all_others() {
    // SAFETY: touches no memory. To be called by the first process, whom the kernel leaves out.
    unsafe { libc::kill(-1, libc::SIGKILL) };
}

/// Writes everything to the disks and makes the root read-only, as far as it goes.
pub fn settle_disks() {
    let (root, nothing) = (c"/".as_ptr(), std::ptr::null());
    // SAFETY: touches no memory.
    unsafe { libc::sync() };
    // SAFETY: reads the path, a C string; a remount needs neither source nor type nor data.
    unsafe { libc::mount(nothing, root, nothing, libc::MS_REMOUNT | libc::MS_RDONLY, std::ptr::null()) };
}

/// Switches the machine off; returns only when that is refused.
pub fn power_off() -> io::Error {
    // SAFETY: touches no memory.
    unsafe { libc::reboot(libc::RB_POWER_OFF) };
    io::Error::last_os_error()
}

/// Starts the machine anew; returns only when that is refused.
pub fn restart() -> io::Error {
    // SAFETY: touches no memory.
    unsafe { libc::reboot(libc::RB_AUTOBOOT) };
    io::Error::last_os_error()
}
