//! A show's log for everybody: what it tells, what it does not, and that whoever kept a head or a
//! ticket can hold it against the house, with nothing but the file.

use std::path::Path;

use serde_json::{Value, json};
use usher::show::{Head, SessionId, ShowId, Time};
use usher::tokens::{Standing, Ticket, Tokens};
use uuid::Uuid;

use crate::open_house::{OpenHouse, small_plan};
use crate::program;

const NOW: Time = Time(1_900_000_000_000);
const MINUTE: u64 = 60_000;
const NAME: &str = "Wilhelmina Shakeshaft";
const EMAIL: &str = "wilhelmina@example.org";
const KEY: &str = "my-own-purchase";

/// Somebody at the door, over HTTP.
struct Person {
    token: Option<String>,
    ticket: Option<String>,
}

impl Person {
    fn new() -> Self {
        Self { token: None, ticket: None }
    }

    async fn ask(&self, house: &OpenHouse, show: &str, method: &str, mut params: Value) -> Value {
        if let Some(ticket) = &self.ticket {
            params["ticket"] = json!(ticket);
        }
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let mut answer = house.rpc(show, self.token.as_deref(), &request).await;
        assert!(answer["error"].is_null(), "{method}: {answer}");
        answer["result"].take()
    }

    /// Comes, or comes again, and says how it stands with them.
    async fn comes(&mut self, house: &OpenHouse, show: &str) -> String {
        let params = self.token.as_ref().map_or(json!({}), |token| json!({"session": token}));
        let told = self.ask(house, show, "identify", params).await;
        self.token = told["session"].as_str().map(ToOwned::to_owned);
        self.ticket = told["admission"]["ticket"].as_str().map(ToOwned::to_owned);
        told["admission"]["state"].as_str().expect("a state").to_owned()
    }

    /// Buys a seat, and keeps the head that comes with the order.
    async fn buys(&self, house: &OpenHouse, show: &str, seat: usize) -> String {
        let held = self.ask(house, show, "hold", json!({"seats": [seat]})).await;
        let params = json!({
            "hold": held["hold"]["id"], "payment": {"method": "test"}, "key": KEY,
            "customer": {"name": NAME, "email": EMAIL},
        });
        let bought = self.ask(house, show, "buy", params).await;
        let head = &bought["order"]["head"];
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        format!("{}.{}.{}", text(&head["epoch"]), head["seq"], text(&head["chain"]))
    }
}

fn usher(words: &[&str]) -> (Option<i32>, String) {
    let words: Vec<String> = words.iter().map(ToString::to_string).collect();
    let (code, said, errors) = program::run(&words);
    (code, said + &errors)
}

/// The published log, as lines.
fn exported(house: &OpenHouse, show: &str, to: &Path) -> Vec<String> {
    let (folder, file) = (house.folder().to_str().expect("text"), to.to_str().expect("text"));
    let words = ["log", "export", show, "--public", "--data", folder, "--out", file];
    let (code, said) = usher(&words);
    assert_eq!(code, Some(0), "{said}");
    let text = std::fs::read_to_string(to).expect("the file");
    let (code, printed) = usher(&words[..6]);
    assert_eq!((code, &printed), (Some(0), &text), "the same, printed");
    text.lines().map(ToOwned::to_owned).collect()
}

fn checked(file: &Path, more: &[&str]) -> (Option<i32>, String) {
    let file = file.to_str().expect("text");
    usher(&[&["log", "check", file], more].concat())
}

/// An evening: five come before the doors open, one later; two may pick at once; all buy. What they
/// kept, at the doors and in the end.
struct Evening {
    show: String,
    early: Vec<String>,
    late: String,
    heads: Vec<String>,
    before: Vec<String>,
}

async fn an_evening(house: &OpenHouse, file: &Path) -> Evening {
    let admission = json!({"picking_max": 2, "pass_ms": MINUTE, "doors_at": NOW.0 + MINUTE});
    let policy = json!({ "admission": admission });
    let show = house.a_show_in(&small_plan(), |show| show["policy"] = policy).await;
    let mut people: Vec<Person> = (0..5).map(|_| Person::new()).collect();
    for person in &mut people {
        assert_eq!(person.comes(house, &show).await, "early");
    }
    let early: Vec<String> = people.iter().filter_map(|person| person.ticket.clone()).collect();
    let before = exported(house, &show, file);
    let (code, said) = checked(file, &["--ticket", &early[2]]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("arrival 3 of") && said.contains("still waiting"), "{said}");
    house.clock().pass(MINUTE);
    let mut last = Person::new();
    // Who asks makes the house look at its clock.
    while last.comes(house, &show).await == "early" {}
    let late = last.ticket.clone().expect("a ticket");
    people.push(last);
    let mut heads = Vec::new();
    while !people.is_empty() {
        let mut waiting = Vec::new();
        for mut person in people {
            if person.comes(house, &show).await == "admitted" {
                heads.push(person.buys(house, &show, heads.len()).await);
            } else {
                waiting.push(person);
            }
        }
        people = waiting;
    }
    Evening { show, early, late, heads, before }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_log_bears_out_every_head_and_ticket_and_names_nobody() {
    let files = tempfile::tempdir().expect("a folder");
    let file = files.path().join("rush.jsonl");
    let house = OpenHouse::start_at(NOW).await;
    let evening = an_evening(&house, &file).await;
    let before = evening.before.join("\n");
    assert!(before.contains("\"commitment\"") && !before.contains("secret"), "{before}");

    let lines = exported(&house, &evening.show, &file);
    let text = lines.join("\n");
    let folder = house.folder().to_str().expect("text");
    let (code, all) = usher(&["log", "show", &evening.show, "--json", "--data", folder]);
    assert_eq!(code, Some(0), "{all}");
    let entries: Vec<Value> =
        all.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(entries.len() + 1, lines.len(), "each entry has its line");
    let private = entries.iter().flat_map(|entry| [&entry["session"], &entry["payment"]]);
    let private: Vec<&str> = private.filter_map(Value::as_str).chain([NAME, EMAIL, KEY]).collect();
    assert!(private.len() > 12, "{private:?}");
    for name in private {
        assert!(!text.contains(name), "{name} is told to everybody");
    }

    let heads = evening.heads.join(",");
    let (code, said) = checked(&file, &["--head", &heads]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("Heads that were kept and are in it: 6."), "{said}");
    assert!(said.contains("worked out again: its beginning, "), "{said}");
    for (arrival, ticket) in evening.early.iter().enumerate() {
        let (code, said) = checked(&file, &["--ticket", ticket]);
        let arrival = arrival + 1;
        assert_eq!(code, Some(0), "{said}");
        let story = said.lines().last().expect("a line");
        assert!(story.contains(&format!("arrival {arrival} of")), "{story}");
        assert!(story.contains("drawn as number") && story.contains("admitted by"), "{story}");
    }
    let (code, said) = checked(&file, &["--ticket", &evening.late]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("number 6 of"), "{said}");
    assert_eq!(program::verify(house.folder()).0, Some(0));
}

/// A published log, and where in it the first entry of each kind is.
struct Published {
    lines: Vec<Value>,
}

impl Published {
    fn first(&self, kind: &str) -> usize {
        let found = self.lines.iter().position(|line| line["entry"] == kind);
        found.unwrap_or_else(|| panic!("no {kind}"))
    }

    /// A line's field becomes something else.
    fn with(&self, line: usize, field: &str, value: Value) -> Vec<Value> {
        let mut lines = self.lines.clone();
        *lines[line].pointer_mut(field).expect("a field") = value;
        lines
    }

    fn without(&self, line: usize) -> Vec<Value> {
        let mut lines = self.lines.clone();
        lines.remove(line);
        lines
    }

    /// What somebody could make of it, and what is said of that.
    fn doctored(&self) -> Vec<(&'static str, Vec<Value>, &'static str)> {
        let (taken, called) = (self.first("numbers_taken"), self.first("numbers_called"));
        let (admitted, held) = (self.first("admitted"), self.first("seats_held"));
        let sold = self.first("seats_sold");
        assert!(self.lines[sold + 1]["bytes"].is_string(), "a place is free, the next are called");
        let (other, zeros) = (json!("0".repeat(32)), json!("0".repeat(64)));
        let longer = self.lines[called]["bytes"].as_str().expect("hex").to_owned() + "00";
        let mut silent = self.lines.clone();
        silent[called].as_object_mut().expect("an object").remove("bytes");
        let pass_ms = "/show/policy/admission/pass_ms";
        let unlike = "its bytes say something else";
        let unlinked = "the chain is not what its bytes make it";
        vec![
            ("a line left out", self.without(taken), "is missing"),
            ("another alias to read", self.with(taken, "/aliases/0", other.clone()), unlike),
            ("another time", self.with(called, "/time", json!(NOW.0)), unlike),
            ("other bytes", self.with(called, "/bytes", json!(longer)), unlinked),
            ("no bytes", silent, "its bytes are missing"),
            ("another chain before", self.with(sold, "/chain", zeros.clone()), unlinked),
            (
                "another commitment",
                self.with(0, "/commitment", zeros),
                "the show is not the one of the genesis",
            ),
            (
                "other rules",
                self.with(0, pass_ms, json!(1_000)),
                "the show is not the one of the genesis",
            ),
            ("seats for a stranger", self.with(held, "/by", other), "was never admitted"),
            ("seats for nobody", self.with(held, "/by", json!(null)), "it does not say who it was"),
            (
                "an entry said to be void",
                self.with(admitted, "/void", json!(true)),
                "it is void, but nothing stands against it",
            ),
            ("no first line", self.without(0), "it is no first line"),
        ]
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_log_that_was_changed_is_found_out() {
    let files = tempfile::tempdir().expect("a folder");
    let file = files.path().join("rush.jsonl");
    let house = OpenHouse::start_at(NOW).await;
    let evening = an_evening(&house, &file).await;
    let lines = exported(&house, &evening.show, &file);
    let lines = lines.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    for (what, lines, expected) in (Published { lines }).doctored() {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(&file, text).expect("written");
        let (code, said) = checked(&file, &[]);
        assert_eq!(code, Some(1), "{what}: {said}");
        assert!(said.starts_with("BROKEN") && said.contains(expected), "{what}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_or_a_ticket_that_is_not_of_a_published_log_is_not_borne_out() {
    let files = tempfile::tempdir().expect("a folder");
    let (file, another) = (files.path().join("rush.jsonl"), files.path().join("another.jsonl"));
    let house = OpenHouse::start_at(NOW).await;
    let evening = an_evening(&house, &file).await;
    exported(&house, &evening.show, &file);
    let mut head = evening.heads[0].clone();
    head.replace_range(head.len() - 1.., if head.ends_with('0') { "1" } else { "0" });
    let elsewhere = OpenHouse::start_at(NOW).await;
    let another = an_evening(&elsewhere, &another).await;
    // Tickets that the house never gave: nobody of this session took the number.
    let forged = [1, 700].map(|number| forged(&evening, number));
    let table = [
        ("--head", &head, "is not in it"),
        ("--ticket", &another.late, "the ticket is of"),
        ("--ticket", &forged[0], "number 1 is not of"),
        ("--ticket", &forged[1], "number 700 is not of"),
    ];
    for (flag, kept, expected) in table {
        let (code, said) = checked(&file, &[flag, kept]);
        assert_eq!(code, Some(1), "{kept}: {said}");
        assert!(said.starts_with("BROKEN") && said.contains(expected), "{kept}: {said}");
    }
    let (code, said) = checked(&file, &["--ticket", "nonsense"]);
    assert_eq!(code, Some(2), "{said}");
}

fn forged(evening: &Evening, number: u64) -> String {
    let (epoch, rest) = evening.heads[0].split_once('.').expect("a head");
    let (seq, chain) = rest.split_once('.').expect("a head");
    let chain = usher::audit::array_of_hex(chain).expect("a chain");
    let (epoch, seq) = (epoch.parse().expect("a number"), seq.parse().expect("a number"));
    let (session, standing) = (SessionId(Uuid::from_u128(77)), Standing::Waiting { number });
    let (until, head) = (Time(NOW.0 + 1), Head { epoch, seq, chain });
    let ticket = Ticket { session, standing, until, head };
    let show = ShowId::parse(&evening.show).expect("a name");
    Tokens::new([1; 32]).ticket(&show, &ticket, NOW)
}
