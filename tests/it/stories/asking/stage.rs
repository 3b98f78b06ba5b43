//! The stage: a script of requests, acted on two shows at once, over sockets and over HTTP.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::Line;
use crate::open_house::{OpenHouse, small_plan};

/// What a line of the script is answered with.
pub(super) enum Answer {
    /// A result with at least these members.
    Granted(Value),
    /// A refusal with exactly this data, `now` and `hold` aside.
    Refused(Value),
    /// One of JSON-RPC's own errors.
    Fault(i64),
}

/// Who asks, for what, and the answer. `$hold` in the params is the hold that this buyer was last
/// told of; `$a` is that of the buyer of this name.
pub(super) type Asked = (char, &'static str, Value, Answer);

/// One performance of a script.
struct Stage {
    show: String,
    holds: BTreeMap<char, Value>,
    tokens: BTreeMap<char, String>,
    /// Empty on the stage that is asked over HTTP.
    lines: BTreeMap<char, Line>,
    names: Names,
}

/// Ids as they are told: the first one, the second one.
#[derive(Default)]
struct Names(BTreeMap<String, String>);

impl Names {
    /// The same, with whatever differs between two shows by its nature named after its order.
    fn without_ids(&mut self, value: &Value) -> Value {
        match value {
            Value::Object(members) => {
                let member = |(key, value): (&String, &Value)| {
                    let told = match key.as_str() {
                        "session" | "show" | "epoch" | "chain" => {
                            assert!(value.is_string(), "{key}: {value}");
                            json!(format!("the {key}"))
                        }
                        "id" | "ticket" if value.is_string() => self.name(value),
                        _ => self.without_ids(value),
                    };
                    (key.clone(), told)
                };
                Value::Object(members.iter().map(member).collect())
            }
            Value::Array(list) => list.iter().map(|value| self.without_ids(value)).collect(),
            other => other.clone(),
        }
    }

    fn name(&mut self, id: &Value) -> Value {
        let next = format!("id {}", self.0.len());
        let id = id.as_str().expect("text").to_owned();
        json!(self.0.entry(id).or_insert(next).clone())
    }
}

impl Stage {
    fn of(show: String) -> Self {
        Self {
            show,
            holds: BTreeMap::new(),
            tokens: BTreeMap::new(),
            lines: BTreeMap::new(),
            names: Names::default(),
        }
    }

    /// The params with the ids that this stage has in the places that are kept for them.
    fn fill(&self, who: char, params: &Value) -> Value {
        let mut filled = params.clone();
        for member in ["hold", "session"] {
            let Some(place) = filled[member].as_str().and_then(|text| text.strip_prefix('$'))
            else {
                continue;
            };
            let whose = if place == "hold" { who } else { place.chars().next().expect("a name") };
            filled[member] = match member {
                "hold" => self.holds[&whose].clone(),
                _ => json!(self.tokens[&whose]),
            };
        }
        filled
    }

    async fn by_socket(&mut self, house: &OpenHouse, asked: &Asked) -> Value {
        let (who, method, params, _) = asked;
        let params = self.fill(*who, params);
        if !self.lines.contains_key(who) {
            let line = Line::open(house, &self.show, None).await;
            self.lines.insert(*who, line);
        }
        let line = self.lines.get_mut(who).expect("a line");
        let answer = line.ask(method, params).await;
        self.learn(*who, answer)
    }

    async fn by_http(&mut self, house: &OpenHouse, asked: &Asked, id: u64) -> Value {
        let (who, method, params, _) = asked;
        let params = self.fill(*who, params);
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        let token = self.tokens.get(who).map(String::as_str);
        let answer = house.rpc(&self.show, token, &request).await;
        assert_eq!(answer["id"], id);
        self.learn(*who, answer)
    }

    fn learn(&mut self, who: char, mut answer: Value) -> Value {
        if let Some(token) = answer["result"]["session"].as_str() {
            self.tokens.insert(who, token.to_owned());
        }
        if answer["result"]["hold"].is_object() {
            self.holds.insert(who, answer["result"]["hold"]["id"].clone());
        }
        // Counted by each line for itself: the echo was looked at already.
        answer.as_object_mut().expect("an object").remove("id");
        self.names.without_ids(&answer)
    }
}

fn check(answer: &Value, expected: &Answer, line: &str) {
    match expected {
        Answer::Granted(members) => {
            for (key, value) in members.as_object().expect("members") {
                let given = answer["result"].pointer(&format!("/{}", key.replace('.', "/")));
                assert_eq!(given, Some(value), "{line}: {key} of {answer}");
            }
            assert!(answer["result"].is_object(), "{line}: {answer}");
        }
        Answer::Refused(data) => {
            assert_eq!(answer["error"]["code"], -32000, "{line}: {answer}");
            let said = answer["error"]["message"].as_str().expect("a sentence");
            assert!(said.ends_with('.') || said.ends_with('!') || said.ends_with('?'), "{said}");
            let mut given = answer["error"]["data"].clone();
            let members = given.as_object_mut().expect("data");
            let times = members.keys().any(|key| key == "on_sale_at" || key == "hold");
            assert_eq!(members.remove("now").is_some(), times, "{line}: {answer}");
            if data["reason"] == "already_holding" {
                let hold = members.remove("hold").expect("the hold that stands in the way");
                assert!(hold["seats"].is_array() && hold["expires_at"].is_u64(), "{hold}");
            }
            assert_eq!(given, *data, "{line}");
        }
        Answer::Fault(code) => {
            assert_eq!(answer["error"]["code"], *code, "{line}: {answer}");
            assert!(answer["error"]["message"].is_string(), "{line}: {answer}");
        }
    }
}

/// Acts a script on two shows, each made as `change` says, with seat 9 blocked.
pub(super) async fn act(house: &OpenHouse, policy: Value, script: Vec<Asked>) {
    let mut stages = Vec::new();
    for _ in 0..2 {
        let show = house.a_show_in(&small_plan(), |show| show["policy"] = policy.clone()).await;
        let path = format!("/v1/shows/{show}/block");
        assert_eq!(house.post(&path, &json!({"seats": [9]})).await.status(), 200);
        stages.push(Stage::of(show));
    }
    let [by_socket, by_http] = &mut stages[..] else { unreachable!("two stages") };
    for (nth, asked) in script.into_iter().enumerate() {
        let line = format!("line {nth}: {} {} {}", asked.0, asked.1, asked.2);
        let over_socket = by_socket.by_socket(house, &asked).await;
        check(&over_socket, &asked.3, &line);
        let over_http = by_http.by_http(house, &asked, nth as u64).await;
        assert_eq!(over_http, over_socket, "{line}");
    }
}
