//! How the shipped vendor files say what they map.

use std::fs;
use std::path::Path;

#[test]
fn shipped_vendor_files_map_every_value_by_a_form_of_their_own_and_none_by_jq() {
    let mut files = 0;
    for role in fs::read_dir(Path::new("resolvers")).unwrap() {
        let Ok(entries) = fs::read_dir(role.unwrap().path()) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            assert!(!text.contains("jq:"), "{}", path.display());
            files += 1;
        }
    }
    assert!(files >= 9, "{files} files");
}
