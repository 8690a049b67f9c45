//! Which coordinates of the schema each vendor file covers, and which nobody covers.

use serde_json::{Value, json};

/// Which coordinates of the schema each vendor file covers, and which nobody covers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Every vendor file of the folder, in the order of the roles.
    pub vendors: Vec<VendorCoverage>,
    /// Coordinates that this deployment leaves null, in schema order.
    pub uncovered: Vec<Uncovered>,
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
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uncovered {
    pub coordinate: String,
    /// The role that it belongs to, if one claims it.
    pub role: Option<String>,
}

impl Coverage {
    /// A table for people.
    pub fn render_text(&self) -> String {
        let mut text = String::from("coverage\n");
        let name = |vendor: &VendorCoverage| format!("{}/{}", vendor.role, vendor.vendor);
        let width =
            self.vendors.iter().map(|vendor| name(vendor).chars().count()).max().unwrap_or(0);
        for vendor in &self.vendors {
            let total = vendor.covered.len() + vendor.missing.len();
            let unused = if vendor.is_used { "" } else { "  (not used by this deployment)" };
            text.extend([format!(
                "  {:width$}  {:>3} of {total:>3} coordinates{unused}\n",
                name(vendor),
                vendor.covered.len()
            )]);
            if !vendor.missing.is_empty() {
                text.extend([format!("  {:width$}  missing: {}\n", "", vendor.missing.join(", "))]);
            }
        }
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

    pub fn to_json(&self) -> Value {
        json!({
            "vendors": self.vendors.iter().map(|vendor| json!({
                "role": vendor.role,
                "vendor": vendor.vendor,
                "used": vendor.is_used,
                "covered": vendor.covered,
                "missing": vendor.missing,
            })).collect::<Vec<_>>(),
            "uncovered": self.uncovered.iter().map(|uncovered| json!({
                "coordinate": uncovered.coordinate,
                "role": uncovered.role,
            })).collect::<Vec<_>>(),
        })
    }
}
