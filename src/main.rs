//! The `rescind` program: parse, run, exit code. Everything else is the library's.

use std::process::ExitCode;

/// Detection makes many small lists on all threads, and drops them again. The allocators of some C libraries, musl's above all,
/// take turns at that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    rescind::cli::main()
}
