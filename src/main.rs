//! The `cyclorama` program; see `cyclorama --help`.

/// Decision 0022.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    cyclorama::cli::run(std::env::args_os())
}
