//! The `rescind` program: parse, run, exit code. Everything else is the library's.

use std::process::ExitCode;

/// Detection makes many small lists on all threads, and drops them again. The allocators of some C libraries, musl's above all,
/// take turns at that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` of mimalloc.h.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

fn main() -> ExitCode {
    keep_memory();
    ask_for_small_pages();
    leave_no_core();
    rescind::cli::main()
}

/// Has memory that was given back kept for whoever asks next: a scan soon wants it again, and the system would have to clear it anew.
#[expect(unsafe_code, reason = "the allocator has no other way to be told")]
fn keep_memory() {
    // SAFETY: it stores a number, and no other thread runs yet.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, -1) };
}

/// Has memory come in small pages. The allocator asks for huge ones, each of which the system clears as a whole when a byte of it is
/// first touched: half a second for a history of 100 MB where the host has to find that memory first, as virtual machines find it.
/// Where it is at hand already, both are equally fast.
fn ask_for_small_pages() {
    #[cfg(target_os = "linux")]
    {
        // A system that does not know how goes on as it would.
        let _ = rustix::thread::disable_transparent_huge_pages(true);
    }
}

/// Keeps what is in memory, where secrets are, out of the file that a crash would leave.
fn leave_no_core() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

        let none = Rlimit { current: Some(0), maximum: getrlimit(Resource::Core).maximum };
        // Where the system does not let it be lowered, it is as high as whoever started the program wants it.
        let _ = setrlimit(Resource::Core, none);
    }
}
