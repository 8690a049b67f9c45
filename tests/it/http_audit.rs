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
    // kept for whoever asks what was audited
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("artifacts");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("http-audit.txt"), report.as_bytes()).unwrap();
    assert!(output.status.success(), "{report}{}", String::from_utf8_lossy(&output.stderr));
    assert!(report.contains("\n61 of 61 audits passed"), "{report}");
}
