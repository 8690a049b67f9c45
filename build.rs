//! Fetches the query page's third-party parts for the binary to serve: pinned packages of the npm registry that npm is configured for, checked by
//! their hashes, into Cargo's output folder.
//!
//! Without npm, or without the registry, the build goes on and the binary serves its own small query page.
//! `CYCLORAMA_GRAPHIQL=own` chooses that page on purpose.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

struct Package {
    name: &'static str,
    version: &'static str,
    /// Subresource integrity of the tarball.
    integrity: &'static str,
    /// Files of the package, and what they are called in the output folder.
    files: &'static [(&'static str, &'static str)],
}

const PACKAGES: &[Package] = &[
    Package {
        name: "react",
        version: "18.3.1",
        integrity: "sha512-wS+hAgJShR0KhEvPJArfuPVN1+Hz1t0Y6n5jLrGQbkb4urgPE/0Rve+1kMB1v/oWgHgm4WIcV+i7F2pTVj+2iQ==",
        files: &[("umd/react.production.min.js", "react.js"), ("LICENSE", "react.license")],
    },
    Package {
        name: "react-dom",
        version: "18.3.1",
        integrity: "sha512-5m4nQKp+rZRb09LNH59GM4BxTh9251/ylbKIbpe7TpGxfJ+9kv6BLkLBXIjjspbgbnIBNqlI23tRnTWT0snUIw==",
        files: &[
            ("umd/react-dom.production.min.js", "react-dom.js"),
            ("LICENSE", "react-dom.license"),
        ],
    },
    Package {
        name: "graphiql",
        version: "3.9.0",
        integrity: "sha512-rJYFlHdBbug9+YbFSwRVvgfPjCayC7wHecZkx/qB4XLuQPFQZw/yB9pmHFtOJV6RiNBBHro3u1GdocKa3YcGRA==",
        files: &[
            ("graphiql.min.js", "graphiql.js"),
            ("graphiql.min.css", "graphiql.css"),
            ("LICENSE", "graphiql.license"),
        ],
    },
    Package {
        name: "@graphiql/plugin-explorer",
        version: "3.2.6",
        integrity: "sha512-MXzG/zVNzZfes4Em253bHyAbD/lwwAZkPKvxCAQkjz0i3dtcv4uF3D8iqJ7214iu3SCphbORYZZUC93fik1yew==",
        files: &[("dist/index.umd.js", "explorer.js"), ("dist/style.css", "explorer.css")],
    },
];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=CYCLORAMA_GRAPHIQL");
    println!("cargo:rustc-check-cfg=cfg(graphiql)");
    if env::var_os("CYCLORAMA_GRAPHIQL").is_some_and(|choice| choice == "own") {
        return;
    }
    match fetch() {
        Ok(()) => println!("cargo:rustc-cfg=graphiql"),
        Err(error) => println!(
            "cargo:warning=GraphiQL could not be fetched ({error}); the binary will serve its own query page instead"
        ),
    }
}

fn fetch() -> Result<(), Box<dyn Error>> {
    let folder =
        PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?).join("graphiql");
    for package in PACKAGES {
        if package.files.iter().any(|(_, file)| !folder.join(file).is_file()) {
            fetch_package(package, &folder)
                .map_err(|error| format!("{}@{}: {error}", package.name, package.version))?;
        }
    }
    Ok(())
}

fn fetch_package(package: &Package, folder: &Path) -> Result<(), Box<dyn Error>> {
    let work = folder.join("work");
    if work.exists() {
        fs::remove_dir_all(&work)?;
    }
    fs::create_dir_all(&work)?;
    let packed = run(Command::new("npm")
        .args(["pack", "--json", "--ignore-scripts", "--fetch-retries=1", "--fetch-timeout=30000"])
        .arg(format!("{}@{}", package.name, package.version))
        .current_dir(&work))?;
    if !packed.contains(&format!("\"{}\"", package.integrity)) {
        return Err("the package is not the one that was pinned".into());
    }
    let tarball = fs::read_dir(&work)?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "tgz"))
        .ok_or("npm pack wrote no tarball")?;
    run(Command::new("tar").arg("-xzf").arg(&tarball).current_dir(&work))?;
    for (from, to) in package.files {
        fs::copy(work.join("package").join(from), folder.join(to))?;
    }
    fs::remove_dir_all(&work)?;
    Ok(())
}

fn run(command: &mut Command) -> Result<String, Box<dyn Error>> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{program} does not start: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let reason = stderr
        .lines()
        .find(|line| line.contains("code") || line.contains("rror"))
        .unwrap_or("no reason given");
    Err(format!("{program} failed: {reason}").into())
}
