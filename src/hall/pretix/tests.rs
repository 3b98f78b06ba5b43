use super::*;

#[test]
fn real() {
    let path = "/work/shared/data/stadium-738.pretix.json";
    let imported = from_pretix(&std::fs::read(path).unwrap(), None, 200_000).unwrap();
    for w in &imported.warnings {
        println!("{:?} {} {}", w.kind, w.path, w.message);
    }
    println!("{} {}", imported.hall.seats(), imported.warnings.len());
}
