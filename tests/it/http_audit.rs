//! The published audits of GraphQL over HTTP.

use tokio::process::Command;

use crate::needs;
use crate::site::Site;

#[tokio::test]
async fn every_published_audit_passes() {
    if !needs::outside("every_published_audit_passes") {
        return;
    }
    let site = Site::start().await;
    let output = Command::new("node")
        .args(["tests/browser/audit.mjs", &site.url("/graphql")])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .await
        .unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{report}{}", String::from_utf8_lossy(&output.stderr));
    assert!(report.contains(" of "), "{report}");
}
