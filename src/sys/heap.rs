//! The heap of a process that fills much of it and then ends.

/// Less than this is not worth the calls, in bytes.
const WORTH_IT: usize = 1 << 20;

/// The most that is asked for ahead, in bytes.
const MOST: usize = 1 << 30;

/// By how much the heap grows when what was asked for ahead does not suffice, in bytes.
const STEP: libc::c_int = 64 << 20;

/// Makes room for about `bytes`: in one piece, of huge pages where the kernel has them, and not given back
/// before the process ends. Otherwise a large part of the time goes into taking pages one by one. Memory that
/// is not used is not taken. An allocation that fails changes nothing.
pub fn expect(bytes: usize) {
    if bytes < WORTH_IT {
        return;
    }
    keep_in_one_piece();
    let mut room: Vec<u8> = Vec::new();
    if room.try_reserve_exact(bytes.min(MOST)).is_ok() {
        advise(&mut room);
    }
}

#[cfg(target_env = "gnu")]
fn keep_in_one_piece() {
    for (parameter, value) in [
        // Nothing is mapped by itself, and unmapped when it is freed.
        (libc::M_MMAP_MAX, 0),
        (libc::M_TRIM_THRESHOLD, libc::c_int::MAX),
        (libc::M_TOP_PAD, STEP),
    ] {
        // SAFETY: mallopt(3) may be called at any time and takes any value of these parameters; it takes the lock
        // of the heap, and what was allocated before stays valid.
        unsafe { libc::mallopt(parameter, value) };
    }
}

#[cfg(not(target_env = "gnu"))]
fn keep_in_one_piece() {}

/// Asks for huge pages.
fn advise(room: &mut Vec<u8>) {
    let spare = room.spare_capacity_mut();
    let page = rustix::param::page_size();
    let skipped = spare.as_ptr().align_offset(page);
    let Some(pages) = spare.len().checked_sub(skipped).map(|length| length - length % page) else { return };
    let start = spare[skipped..].as_mut_ptr().cast();
    // SAFETY: the range lies in an allocation that is borrowed mutably, begins at a page, and the advice changes
    // nothing that is in it.
    let advised = unsafe { rustix::mm::madvise(start, pages, rustix::mm::Advice::LinuxHugepage) };
    // A kernel without huge pages does it with small ones.
    let _ = advised;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_can_be_asked_for_again_and_again_and_is_free_to_be_used() {
        for bytes in [0, WORTH_IT, 4 * WORTH_IT, usize::MAX] {
            expect(bytes);
            assert!(vec![7_u8; 3 * WORTH_IT].iter().all(|&byte| byte == 7));
        }
    }
}
