//! Which coordinates of the schema each vendor file covers, and which nobody covers.

use serde_json::{Value, json};

/// Which coordinates of the schema each vendor file covers, and which nobody covers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Every vendor file of the folder, in the order of the roles.
    pub vendors: Vec<VendorCoverage>,
    /// Coordinates that this deployment leaves null, in schema order.
    pub uncovered: Vec<Uncovered>,
    /// Coordinates that several roles may fill.
    pub shared: Vec<Shared>,
}

/// A coordinate with several sources, and what this deployment has of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shared {
    pub coordinate: String,
    /// The latest value is shown, not the first.
    pub is_newest: bool,
    /// In the order of preference.
    pub candidates: Vec<Candidate>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub role: String,
    /// `None`: nobody plays the role.
    pub vendor: Option<String>,
    pub is_covered: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VendorCoverage {
    pub role: String,
    pub vendor: String,
    /// Whether this deployment uses the file.
    pub is_used: bool,
    /// Coordinates of the role's contract.
    pub covered: Vec<String>,
    pub missing: Vec<String>,
    /// Of the covered: those that are filled only nearly, and why.
    pub approximated: Vec<(String, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uncovered {
    pub coordinate: String,
    /// The role that it belongs to, if one claims it.
    pub role: Option<String>,
}

impl Coverage {
    /// A table for people: each vendor file's coordinates, and below it what is missing and what is only near, of those that this
    /// deployment uses or `of_all`.
    pub fn render_text(&self, of_all: bool) -> String {
        let mut text = String::from("coverage\n");
        let head = ["role", "vendor", "covered", "not covered", "approximated"].map(str::to_owned);
        let rows: Vec<[String; 5]> =
            std::iter::once(head).chain(self.vendors.iter().map(VendorCoverage::row)).collect();
        let width = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let [roles, vendors, covered, missing, near] = [0, 1, 2, 3, 4].map(width);
        let unused = std::iter::once("").chain(self.vendors.iter().map(VendorCoverage::note));
        for ([role, vendor, covers, lacks, nearly], note) in rows.iter().zip(unused) {
            let line = format!(
                "  {role:roles$}  {vendor:vendors$}  {covers:>covered$}  {lacks:>missing$}  {nearly:>near$}{note}"
            );
            text.extend([line.trim_end(), "\n"]);
        }
        for vendor in self.vendors.iter().filter(|vendor| of_all || vendor.is_used) {
            vendor.details(&mut text);
        }
        if !of_all && self.vendors.iter().any(|vendor| !vendor.is_used) {
            text.push_str("what the others lack: `check --coverage`\n");
        }
        self.sources(&mut text);
        if self.uncovered.is_empty() {
            text.push_str("every coordinate of the schema is covered\n");
            return text;
        }
        text.push_str("covered by nobody in this deployment (always null)\n");
        for uncovered in &self.uncovered {
            let role =
                uncovered.role.as_deref().map_or_else(String::new, |role| format!("  ({role})"));
            text.extend([format!("  {}{role}\n", uncovered.coordinate)]);
        }
        text
    }

    /// Whose value is shown where several roles may have one.
    fn sources(&self, text: &mut String) {
        if !self.shared.is_empty() {
            text.push_str("fields with several sources\n");
        }
        for shared in &self.shared {
            let candidates: Vec<String> =
                shared.candidates.iter().map(Candidate::to_string).collect();
            let (before, between) =
                if shared.is_newest { ("the newest of ", ", ") } else { ("", ", else ") };
            let listed = candidates.join(between);
            text.extend([format!("  {}: {before}{listed}\n", shared.coordinate)]);
        }
    }

    /// Whether the vendors of this deployment fill all that their roles promise: a field with several sources is filled by one.
    pub fn is_complete(&self) -> bool {
        let is_shared = |coordinate: &String| {
            let mut shared = self.shared.iter().filter(|shared| shared.coordinate == *coordinate);
            shared.any(|shared| shared.candidates.iter().any(|one| one.is_covered))
        };
        let mut used = self.vendors.iter().filter(|vendor| vendor.is_used);
        used.all(|vendor| vendor.missing.iter().all(is_shared)) && self.uncovered.is_empty()
    }

    pub fn to_json(&self) -> Value {
        json!({
            "vendors": self.vendors.iter().map(|vendor| json!({
                "role": vendor.role,
                "vendor": vendor.vendor,
                "used": vendor.is_used,
                "covered": vendor.covered,
                "missing": vendor.missing,
                "approximated": vendor.approximated.iter().map(|(coordinate, reason)| json!({
                    "coordinate": coordinate,
                    "reason": reason,
                })).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
            "shared": self.shared.iter().map(|shared| json!({
                "coordinate": shared.coordinate,
                "newest": shared.is_newest,
                "candidates": shared.candidates.iter().map(|one| json!({
                    "role": one.role,
                    "vendor": one.vendor,
                    "covered": one.is_covered,
                })).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
            "uncovered": self.uncovered.iter().map(|uncovered| json!({
                "coordinate": uncovered.coordinate,
                "role": uncovered.role,
            })).collect::<Vec<_>>(),
        })
    }
}

impl std::fmt::Display for Candidate {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.vendor, self.is_covered) {
            (None, _) => write!(out, "{} (nobody)", self.role),
            (Some(vendor), true) => write!(out, "{} ({vendor})", self.role),
            (Some(vendor), false) => write!(out, "{} ({vendor} does not cover it)", self.role),
        }
    }
}

impl VendorCoverage {
    fn row(&self) -> [String; 5] {
        let total = self.covered.len() + self.missing.len();
        [
            self.role.clone(),
            self.vendor.clone(),
            format!("{} of {total}", self.covered.len()),
            self.missing.len().to_string(),
            self.approximated.len().to_string(),
        ]
    }

    fn note(&self) -> &'static str {
        if self.is_used { "" } else { "  (not used by this deployment)" }
    }

    fn details(&self, text: &mut String) {
        if self.missing.is_empty() && self.approximated.is_empty() {
            return;
        }
        text.extend([format!("{}/{}\n", self.role, self.vendor)]);
        if !self.missing.is_empty() {
            text.extend([format!("  missing: {}\n", self.missing.join(", "))]);
        }
        for (coordinate, reason) in &self.approximated {
            text.extend([format!("  approximated: {coordinate}: {reason}\n")]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vendor(name: &str, is_used: bool, missing: &[&str]) -> VendorCoverage {
        VendorCoverage {
            role: "crm".to_owned(),
            vendor: name.to_owned(),
            is_used,
            covered: vec!["Customer.id".to_owned(), "Customer.status".to_owned()],
            missing: missing.iter().map(|name| (*name).to_owned()).collect(),
            approximated: Vec::new(),
        }
    }

    #[test]
    fn the_table_tells_covered_missing_and_approximated_apart() {
        let mut near = vendor("hubspot", true, &["Customer.tags"]);
        near.approximated = vec![("Customer.status".to_owned(), "no word for churned".to_owned())];
        let coverage =
            Coverage { vendors: vec![vendor("demo", false, &[]), near], ..Coverage::default() };
        let expected = "coverage
  role  vendor   covered  not covered  approximated
  crm   demo      2 of 2            0             0  (not used by this deployment)
  crm   hubspot   2 of 3            1             1
crm/hubspot
  missing: Customer.tags
  approximated: Customer.status: no word for churned
what the others lack: `check --coverage`
every coordinate of the schema is covered
";
        assert_eq!(coverage.render_text(false), expected);
        let all = expected.replace("what the others lack: `check --coverage`\n", "");
        assert_eq!(coverage.render_text(true), all);
        let json = coverage.to_json();
        assert_eq!(json["vendors"][1]["missing"], json!(["Customer.tags"]));
        let near = json!([{ "coordinate": "Customer.status", "reason": "no word for churned" }]);
        assert_eq!(json["vendors"][1]["approximated"], near);
        assert!(!coverage.is_complete());
    }

    #[test]
    fn a_vendor_that_is_not_used_may_lack_what_it_will() {
        let vendors = vec![vendor("demo", true, &[]), vendor("other", false, &["Customer.tags"])];
        assert!(Coverage { vendors, ..Coverage::default() }.is_complete());
    }

    #[test]
    fn of_several_sources_one_that_covers_the_field_is_enough() {
        let candidate = |role: &str, vendor: Option<&str>, is_covered| Candidate {
            role: role.to_owned(),
            vendor: vendor.map(str::to_owned),
            is_covered,
        };
        let mut shared = Shared {
            coordinate: "Customer.tags".to_owned(),
            is_newest: false,
            candidates: vec![
                candidate("crm", Some("demo"), false),
                candidate("billing", None, false),
            ],
        };
        let coverage = |shared: &Shared| Coverage {
            vendors: vec![vendor("demo", true, &["Customer.tags"])],
            uncovered: Vec::new(),
            shared: vec![shared.clone()],
        };
        assert!(!coverage(&shared).is_complete());
        shared.candidates.push(candidate("support", Some("desk"), true));
        assert!(coverage(&shared).is_complete());
        let text = coverage(&shared).render_text(false);
        let line = "  Customer.tags: crm (demo does not cover it), else billing (nobody), else support (desk)\n";
        assert!(text.contains(line), "{text}");
        shared.is_newest = true;
        let text = coverage(&shared).render_text(false);
        assert!(text.contains("  Customer.tags: the newest of crm (demo does not"), "{text}");
        assert_eq!(
            coverage(&shared).to_json()["shared"][0]["candidates"][2]["covered"],
            json!(true)
        );
    }
}
