//! What the tests need from outside, and how it comes onto the machine.
//!
//! Takes: the lists below.
//! Gives: whatever is missing, named first, then installed.
//! Never: installs what is there already, or anything outside of apt-get's own places and `target/`.

use std::path::PathBuf;

use crate::Options;
use crate::report::Report;
use crate::run;

/// Request Tracker 5 as a real support system, PHP for a SOAP server, Chromium for `GraphiQL`.
const DEBIAN: &[&str] = &[
    "request-tracker5",
    "rt5-db-sqlite",
    "rt5-standalone",
    "php-cli",
    "php-soap",
    "chromium",
    "python3-venv",
];
/// A Stripe double that keeps state.
const PYTHON: &[(&str, &str)] = &[("localstripe", "1.15.10")];
/// A browser driver; the reference implementation of GraphQL; the audits of GraphQL over HTTP.
const NODE: &[(&str, &str)] =
    &[("playwright-core", "1.65.1"), ("graphql", "16.15.0"), ("graphql-http", "1.23.1")];

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
    for (program, package) in [("node", "nodejs"), ("npm", "npm"), ("python3", "python3")] {
        if run::asked(with(program, &["--version"])).is_none() {
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

fn has_node((name, version): &(&str, &str)) -> bool {
    let manifest = npm().join("node_modules").join(name).join("package.json");
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
    std::fs::create_dir_all(npm()).map_err(|e| format!("{}: {e}", npm().display()))?;
    let mut install = with(
        "npm",
        &["install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-save", "--prefix"],
    );
    // `--no-save` prunes what is not named, so all are named, not only the missing
    install.arg(npm()).args(NODE.iter().map(|(name, version)| format!("{name}@{version}")));
    run::shown(install, report)
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
