//! The `cyclorama` program; see `cyclorama --help`.

fn main() -> std::process::ExitCode {
    cyclorama::cli::run(std::env::args_os())
}
