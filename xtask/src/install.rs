//! What the tests need from outside, and how it comes onto the machine.
//!
//! Takes: the lists below.
//! Gives: whatever is missing, named first, then installed.
//! Never: installs what is there already, or anything outside of apt-get's own places and `target/`.

use std::path::{Path, PathBuf};

use crate::Options;
use crate::report::Report;
use crate::run;

/// Request Tracker 5 as a real support system, PHP for a SOAP server, a validator of XML schemas, Chromium for `GraphiQL`,
/// Prometheus' own tool for rules and metrics, a clock that can be set, valgrind to count instructions.
const DEBIAN: &[&str] = &[
    "request-tracker5",
    "rt5-db-sqlite",
    "rt5-standalone",
    "php-cli",
    "php-soap",
    "libxml2-utils",
    "chromium",
    "python3-venv",
    "prometheus",
    "valgrind",
    "faketime",
];
/// A Stripe double that keeps state; OpenTelemetry's own reader of what is exported.
const PYTHON: &[(&str, &str)] = &[("localstripe", "1.15.10"), ("opentelemetry-proto", "1.45.2")];
/// A browser driver; the reference implementation of GraphQL, and its next edition for incremental delivery; the audits and
/// the reference clients of GraphQL over HTTP, WebSocket and SSE; Apollo's clients; composers and routers of federation; a mock
/// that holds requests against an `OpenAPI` document.
const NODE: &[(&str, &str)] = &[
    ("playwright-core", "1.65.1"),
    ("graphql", "16.15.0"),
    ("graphql17", "npm:graphql@17.1.0"),
    ("graphql-http", "1.23.1"),
    ("graphql-ws", "6.4.2"),
    ("graphql-sse", "2.6.1"),
    ("ws", "8.23.0"),
    ("@apollo/client", "4.3.8"),
    ("apollo-client-3", "npm:@apollo/client@3.14.1"),
    ("rxjs", "7.8.2"),
    ("@apollo/composition", "2.14.4"),
    ("@apollo/gateway", "2.14.4"),
    ("@theguild/federation-composition", "0.27.0"),
    ("@graphql-hive/gateway", "2.15.1"),
    ("@stoplight/prism-cli", "5.14.2"),
];
/// What packages of either list ask for in editions that were never published.
const NODE_OVERRIDES: &[(&str, &str)] = &[("@graphql-tools/batch-execute", "10.2.0")];

/// What Cyclorama is measured against: a server by hand with Apollo's; Hive Gateway over what `GraphQL` Mesh composes.
const PEERS: &[(&str, &str)] = &[
    ("@apollo/server", "5.5.1"),
    ("dataloader", "2.2.3"),
    ("graphql", "16.15.0"),
    ("@graphql-hive/gateway", "2.15.1"),
    ("@graphql-mesh/cache-inmemory-lru", "0.11.1"),
    ("@graphql-mesh/compose-cli", "1.8.2"),
    ("@graphql-mesh/plugin-jit", "0.5.1"),
    ("@graphql-mesh/transport-rest", "0.12.2"),
    ("@graphql-tools/utils", "12.1.0"),
    ("@omnigraph/json-schema", "0.112.4"),
];

/// What is not on this machine yet.
#[derive(Debug, Default, PartialEq, Eq)]
struct Missing {
    debian: Vec<String>,
    python: Vec<String>,
    node: Vec<String>,
}

impl Missing {
    fn is_empty(&self) -> bool {
        self.debian.is_empty() && self.python.is_empty() && self.node.is_empty()
    }

    fn described(&self) -> String {
        let mut lines = Vec::new();
        for (kind, packages) in
            [("Debian", &self.debian), ("Python", &self.python), ("Node", &self.node)]
        {
            if !packages.is_empty() {
                lines.push(format!("  {kind} packages: {}", packages.join(" ")));
            }
        }
        lines.join("\n")
    }
}

/// Installs all that is missing.
pub(crate) fn everything(options: &Options, report: &mut Report) -> Result<(), String> {
    if options.hermetic {
        return Ok(());
    }
    report.step("look for what the tests need", |report| {
        let missing = missing();
        if missing.is_empty() {
            report.say("nothing is missing");
            return Ok(());
        }
        if options.no_install {
            return Err(format!("missing, and --no-install was given:\n{}", missing.described()));
        }
        report.say(&format!("will be installed:\n{}", missing.described()));
        debian(&missing.debian, report)?;
        python(&missing.python, report)?;
        node(&missing.node, report)?;
        for what in missing.debian.into_iter().chain(missing.python).chain(missing.node) {
            report.installed(what);
        }
        Ok(())
    })
}

/// The folder of the Python environment.
pub(crate) fn venv() -> PathBuf {
    run::target("venv")
}

/// The folder whose `node_modules` the browser test reads.
pub(crate) fn npm() -> PathBuf {
    run::target("npm")
}

fn missing() -> Missing {
    let mut debian: Vec<String> =
        DEBIAN.iter().filter(|package| !has_debian(package)).map(|&p| p.to_owned()).collect();
    let programs = [("node", "nodejs"), ("npm", "npm"), ("python3", "python3"), ("c++", "g++")];
    for (program, package) in programs {
        if run::asked(run::version_of(program)).is_none() {
            debian.push(package.to_owned());
        }
    }
    Missing {
        debian,
        python: PYTHON
            .iter()
            .filter(|p| !has_python(p))
            .map(|(name, version)| format!("{name}=={version}"))
            .collect(),
        node: NODE
            .iter()
            .filter(|p| !has_node(p))
            .map(|(name, version)| format!("{name}@{version}"))
            .collect(),
    }
}

fn has_debian(package: &str) -> bool {
    run::asked(with("dpkg-query", &["-W", "-f=${Status}", package]))
        .is_some_and(|status| status == "install ok installed")
}

fn has_python((name, version): &(&str, &str)) -> bool {
    let ask = format!("import importlib.metadata as m; print(m.version('{name}'))");
    let mut python = run::program(venv().join("bin/python"));
    python.args(["-c", &ask]);
    run::asked(python).is_some_and(|found| found.trim() == *version)
}

fn has_node(package: &(&str, &str)) -> bool {
    has_node_in(&npm(), package)
}

fn has_node_in(folder: &Path, (name, version): &(&str, &str)) -> bool {
    let manifest = folder.join("node_modules").join(name).join("package.json");
    let version = version.rsplit_once('@').map_or(*version, |(_, version)| version);
    std::fs::read_to_string(manifest)
        .is_ok_and(|text| text.contains(&format!("\"version\": \"{version}\"")))
}

fn debian(packages: &[String], report: &Report) -> Result<(), String> {
    if packages.is_empty() {
        return Ok(());
    }
    let install = format!(
        "apt-get update && apt-get install -y --no-install-recommends {}",
        packages.join(" ")
    );
    if run::asked(with("id", &["-u"])).is_none_or(|id| id.trim() != "0") {
        return Err(format!(
            "Debian packages need root. Run this, then start again (or leave those tests out with --hermetic):\n  \
             sudo sh -c '{install}'"
        ));
    }
    run::shown(apt(&["update"]), report)?;
    let mut words = vec!["install", "-y", "--no-install-recommends"];
    words.extend(packages.iter().map(String::as_str));
    run::shown(apt(&words), report)
}

fn apt(words: &[&str]) -> std::process::Command {
    let mut command = with("apt-get", words);
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn python(packages: &[String], report: &Report) -> Result<(), String> {
    if packages.is_empty() {
        return Ok(());
    }
    let folder = venv();
    if !folder.join("bin/pip").exists() {
        let mut create = with("python3", &["-m", "venv"]);
        create.arg(&folder);
        run::shown(create, report)?;
    }
    let mut install = run::program(folder.join("bin/pip"));
    install.args(["install", "--disable-pip-version-check", "--quiet"]).args(packages);
    run::shown(install, report)
}

fn node(packages: &[String], report: &Report) -> Result<(), String> {
    if packages.is_empty() {
        return Ok(());
    }
    node_folder(&npm(), &node_manifest(NODE, NODE_OVERRIDES), report)
}

/// Installs what a manifest names into a folder.
fn node_folder(folder: &Path, manifest: &str, report: &Report) -> Result<(), String> {
    std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let file = folder.join("package.json");
    std::fs::write(&file, manifest).map_err(|e| format!("{}: {e}", file.display()))?;
    let mut install = with(
        "npm",
        &["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", "--prefix"],
    );
    install.arg(folder);
    run::shown(install, report)
}

/// What the comparison of `cargo xtask bench` is made with, named first.
pub(crate) fn peers(options: &Options, report: &mut Report) -> Result<(), String> {
    report.step("look for what the comparison needs", |report| {
        let missing: Vec<String> = PEERS
            .iter()
            .filter(|package| !has_node_in(&peers_folder(), package))
            .map(|(name, version)| format!("{name}@{version}"))
            .collect();
        if missing.is_empty() {
            report.say("nothing is missing");
            return Ok(());
        }
        let described = format!("  Node packages: {}", missing.join(" "));
        if options.no_install {
            return Err(format!("missing, and --no-install was given:\n{described}"));
        }
        report.say(&format!("will be installed:\n{described}"));
        node_folder(&peers_folder(), &node_manifest(PEERS, NODE_OVERRIDES), report)?;
        for what in missing {
            report.installed(what);
        }
        Ok(())
    })
}

/// The folder of the Node packages that are compared with.
pub(crate) fn peers_folder() -> PathBuf {
    run::target("peers-npm")
}

/// All packages, not only the missing: npm prunes what its manifest does not name.
fn node_manifest(packages: &[(&str, &str)], overrides: &[(&str, &str)]) -> String {
    let members = |list: &[(&str, &str)]| {
        let lines: Vec<String> =
            list.iter().map(|(name, version)| format!("    \"{name}\": \"{version}\"")).collect();
        lines.join(",\n")
    };
    format!(
        "{{\n  \"private\": true,\n  \"dependencies\": {{\n{}\n  }},\n  \"overrides\": {{\n{}\n  }}\n}}\n",
        members(packages),
        members(overrides)
    )
}

fn with(program: &str, words: &[&str]) -> std::process::Command {
    let mut command = run::program(program);
    command.args(words);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_will_be_installed_is_named_by_kind() {
        let missing = Missing {
            debian: vec!["php-cli".into(), "php-soap".into()],
            node: vec!["graphql@16".into()],
            ..Missing::default()
        };
        assert_eq!(
            missing.described(),
            "  Debian packages: php-cli php-soap\n  Node packages: graphql@16"
        );
        assert!(!missing.is_empty());
        assert!(Missing::default().is_empty());
    }
}
