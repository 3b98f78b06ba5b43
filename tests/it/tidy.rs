//! The house is kept tidy: a test that reads the source, so that its rules need no memory.
//!
//! Clippy watches what a line may do (`Cargo.toml`, `.clippy.toml`); this watches what a compiler
//! does not see: who may know whom, what a file says of itself, how long it is, what it is called.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Who may use whom. A room that is not named in a line is closed to it. The pure rooms come first:
/// `hall` and `show` know nothing of the rest of the house.
const MAY_USE: [(&str, &[&str]); 17] = [
    ("config", &[]),
    ("hall", &[]),
    ("show", &["hall"]),
    ("log", &["config", "show"]),
    ("tokens", &["show"]),
    ("protocol", &["show", "hall"]),
    ("hub", &["protocol", "show", "hall"]),
    ("checkout", &["protocol", "show"]),
    ("box_office", &["show", "hall", "log", "tokens", "hub", "protocol"]),
    ("connection", &["config", "show", "tokens", "protocol", "checkout", "box_office", "hub"]),
    ("catalogue", &["hall", "show", "log"]),
    // Whoever audits reads the log alone: the tasks that wrote it are not asked.
    ("audit", &["hall", "show", "log", "catalogue"]),
    (
        "web",
        &[
            "config",
            "hall",
            "show",
            "log",
            "protocol",
            "hub",
            "box_office",
            "connection",
            "catalogue",
        ],
    ),
    ("client", &["protocol", "show", "hall"]),
    (
        "server",
        &[
            "config",
            "hall",
            "show",
            "log",
            "tokens",
            "protocol",
            "hub",
            "checkout",
            "box_office",
            "connection",
            "catalogue",
            "web",
        ],
    ),
    // The terminal sees the house from outside: through the server, a client, or the log's file.
    (
        "cli",
        &[
            "config",
            "hall",
            "show",
            "log",
            "protocol",
            "box_office",
            "catalogue",
            "audit",
            "client",
            "server",
        ],
    ),
    ("main", &["cli"]),
];

/// A file is one idea; more lines than this are two.
const LINES_MAX: usize = 400;

/// Names that say nothing of what is in the room.
const EMPTY_NAMES: [&str; 10] =
    ["util", "utils", "helper", "helpers", "common", "misc", "manager", "inner", "data", "process"];

#[test]
fn every_room_uses_only_the_rooms_it_may() {
    let mut wrong = Vec::new();
    for file in sources() {
        let room = room_of(&file);
        if room == "lib" {
            continue;
        }
        let may = MAY_USE.iter().find(|(name, _)| *name == room);
        let Some((_, may)) = may else { panic!("{room:?} is not in the table of rooms") };
        for used in rooms_used(&text_without_tests(&file)) {
            if used != room && !may.contains(&used.as_str()) {
                wrong.push(format!("{}: {room} may not use {used}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_room_is_used_by_one_that_it_uses() {
    // The table itself is a ladder: each room uses only rooms above it, so there is no circle.
    let order = ["config", "hall", "show", "log", "tokens", "protocol", "hub", "checkout"];
    let rest = [
        "box_office",
        "connection",
        "catalogue",
        "audit",
        "web",
        "client",
        "server",
        "cli",
        "main",
    ];
    let order: Vec<&str> = order.into_iter().chain(rest).collect();
    let place = |room: &str| order.iter().position(|other| *other == room);
    for (room, may) in MAY_USE {
        for used in may {
            assert!(place(used) < place(room), "{room} uses {used}, which is below it");
        }
    }
}

#[test]
fn every_file_says_what_it_is() {
    let silent: Vec<String> = sources()
        .iter()
        .filter(|file| !text(file).starts_with("//! "))
        .map(|file| file.display().to_string())
        .collect();
    assert!(silent.is_empty(), "without a header:\n{}", silent.join("\n"));
}

#[test]
fn no_file_is_longer_than_one_idea() {
    let long: Vec<String> = sources()
        .iter()
        .map(|file| (file, text_without_tests(file).lines().count()))
        .filter(|(_, lines)| *lines > LINES_MAX)
        .map(|(file, lines)| format!("{}: {lines} lines", file.display()))
        .collect();
    assert!(long.is_empty(), "more than {LINES_MAX} lines:\n{}", long.join("\n"));
}

#[test]
fn every_file_has_a_name_that_says_something() {
    for file in sources() {
        let parts = file.iter().filter_map(|part| part.to_str());
        for part in parts.map(|part| part.trim_end_matches(".rs")) {
            assert!(!EMPTY_NAMES.contains(&part), "{}: {part:?} says nothing", file.display());
        }
    }
}

#[test]
fn nothing_is_left_for_later() {
    let unfinished = ["todo!(", "unimplemented!(", "dbg!(", "FIXME", "XXX"];
    for file in sources() {
        let text = text_without_tests(&file);
        for (number, line) in text.lines().enumerate() {
            let found = unfinished.iter().find(|mark| line.contains(*mark));
            assert!(found.is_none(), "{}:{}: {line}", file.display(), number + 1);
        }
    }
}

#[test]
fn every_link_between_the_pages_of_the_documentation_leads_somewhere() {
    let mut pages = vec![root().join("README.md")];
    pages.extend(files_under(&root().join("docs"), "md"));
    for page in pages.iter().filter(|page| page.exists()) {
        let folder = page.parent().expect("a page is in a folder");
        for link in links(&text(page)) {
            let target = link.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            assert!(folder.join(target).exists(), "{}: {link} is not there", page.display());
        }
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every source file of the program, by its path from the root.
fn sources() -> Vec<PathBuf> {
    let files = files_under(&root().join("src"), "rs");
    assert!(files.len() > 50, "only {} files: is this the right folder?", files.len());
    files.iter().map(|file| file.strip_prefix(root()).expect("below").to_owned()).collect()
}

fn files_under(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            files.extend(files_under(&path, ending));
        } else if path.extension().is_some_and(|has| has == ending) {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn text(file: &Path) -> String {
    fs::read_to_string(root().join(file)).expect("a source file is text")
}

/// The program's part of a file. Tests may look into any room.
fn text_without_tests(file: &Path) -> String {
    let is_test = |part: &std::ffi::OsStr| part == "tests" || part == "tests.rs";
    if file.iter().any(is_test) {
        return String::new();
    }
    let text = text(file);
    let end = text.find("\n#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    text[..end].to_owned()
}

/// `src/web/live.rs` is in `web`, `src/config.rs` is `config`.
fn room_of(file: &Path) -> String {
    let name = file.iter().nth(1).and_then(|part| part.to_str()).expect("below src");
    name.trim_end_matches(".rs").to_owned()
}

/// The rooms named after `crate::`, in code: what comments speak of is not used.
fn rooms_used(text: &str) -> BTreeSet<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code: String = code.flat_map(|line| [line, "\n"]).collect();
    let mut rooms = BTreeSet::new();
    for (at, marker) in code.match_indices("crate::") {
        let rest = &code[at + marker.len()..];
        if let Some(group) = rest.strip_prefix('{') {
            // `use crate::{a::B, c}`: the first word of each part outside deeper braces.
            let mut depth = 0;
            let mut word = String::new();
            for letter in group.chars() {
                match letter {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => drop(rooms.insert(first_word(&word))),
                    _ => {}
                }
                if letter == ',' && depth == 0 { word.clear() } else { word.push(letter) }
            }
            rooms.insert(first_word(&word));
        } else {
            rooms.insert(first_word(rest));
        }
    }
    rooms.remove("");
    rooms
}

fn first_word(text: &str) -> String {
    let text = text.trim_start();
    text.chars().take_while(|letter| letter.is_ascii_lowercase() || *letter == '_').collect()
}

/// What stands in `](…)`.
fn links(text: &str) -> Vec<String> {
    let parts = text.split("](").skip(1);
    parts.filter_map(|part| part.split_once(')')).map(|(link, _)| link.to_owned()).collect()
}

#[test]
fn the_reader_of_imports_sees_what_a_compiler_sees() {
    let found = |text: &str| rooms_used(text).into_iter().collect::<Vec<_>>();
    assert_eq!(found("use crate::hall::Seat;"), ["hall"]);
    assert_eq!(found("use crate::{hall::{Hall, Seat}, show};"), ["hall", "show"]);
    assert_eq!(found("fn f(x: crate::log::Chain) -> crate::hub::Hub {}"), ["hub", "log"]);
    assert!(found("// crate::web is elsewhere\n/// see crate::web").is_empty());
}
