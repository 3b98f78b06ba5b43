//! A show as its house asks for it: read from JSON, judged against the hall, every fault told with
//! where it is.

use serde_json::{Map, Value};

use crate::hall::{Fault, Hall, HallId};
use crate::show::{Admission, CALL_MS, Currency, Orphans, Policy, Time};

/// The longest title, in letters.
pub const TITLE_LETTERS_MAX: usize = 200;

/// The dearest seat, in the minor unit: with [`SEATS_MAX`] of them a total stays an exact number
/// in JavaScript.
pub const PRICE_MAX: u64 = 10_000_000_000;

/// The most that a policy may let one buyer hold.
pub const SEATS_MAX: u64 = 100;

/// The last moment there is: the end of the year 9999.
pub const TIME_MAX: u64 = 253_402_300_799_999;

const _: () = assert!(PRICE_MAX * SEATS_MAX <= 1 << 53);

/// The most that a waiting room may let pick at once: more come through no door at a time.
pub const PICKING_MAX: u64 = 1_000_000;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

/// The policy's times: their name, the shortest that is a time at all (what is too short for buyers
/// the house finds out), the longest that does not lock seats away.
const TIMES: [(&str, u64, u64); 5] = [
    ("hold_ms", 1, 24 * HOUR),
    ("grace_ms", 0, MINUTE),
    ("pay_ms", 1, HOUR),
    ("offer_ms", 1, 24 * HOUR),
    ("wait_ms", 1, 24 * HOUR),
];

/// What a house asks for; the hall's part is judged when the hall is known.
#[derive(Clone, Debug)]
pub struct NewShow {
    /// Where it plays.
    pub hall: HallId,
    /// What the posters say.
    pub title: String,
    /// When it begins.
    pub starts_at: Time,
    /// When sales begin; none: at once.
    pub on_sale_at: Option<Time>,
    /// What prices are in.
    pub currency: Currency,
    /// A price for each category, by its name, in the minor unit.
    pub prices: Vec<(String, u64)>,
    /// Its rules.
    pub policy: Policy,
}

impl NewShow {
    /// Reads the body of `POST /v1/shows`; the faults name every field that is wrong. When it
    /// begins is the house's own affair: one that has begun is on the list, and over.
    pub fn from_json(body: &[u8]) -> Result<Self, Vec<Fault>> {
        let value: Value = serde_json::from_slice(body)
            .map_err(|error| vec![fault("", format!("This is not JSON: {error}."))])?;
        let Value::Object(object) = value else {
            return Err(vec![fault("", "A show is a JSON object.")]);
        };
        let mut reader = Reader { object: &object, at: "", faults: Vec::new() };
        reader.known(&["hall", "title", "starts_at", "on_sale_at", "currency", "prices", "policy"]);
        let hall = reader.text("hall").map(HallId);
        let title = reader.title();
        let starts_at = reader.moment("starts_at", true);
        let on_sale_at = reader.moment("on_sale_at", false);
        let currency = reader.currency();
        let prices = reader.prices();
        let policy = reader.policy();
        let doors_at = policy.admission.as_ref().and_then(|admission| admission.doors_at);
        if let Some((doors_at, starts_at)) = doors_at.zip(starts_at)
            && doors_at >= starts_at
        {
            // Nobody could pick seats, ever.
            let message = "The doors open before the show starts.";
            reader.faults.push(fault("/policy/admission/doors_at", message));
        }
        let faults = reader.faults;
        match (hall, title, starts_at, currency, prices) {
            (Some(hall), Some(title), Some(starts_at), Some(currency), Some(prices))
                if faults.is_empty() =>
            {
                Ok(Self { hall, title, starts_at, on_sale_at, currency, prices, policy })
            }
            _ => Err(faults),
        }
    }

    /// The prices in the order of the hall's categories; the faults name those that lack a price
    /// and the prices that lack a category.
    pub fn prices_for(&self, hall: &Hall) -> Result<Vec<u64>, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut prices = Vec::with_capacity(hall.categories.len());
        for category in &hall.categories {
            match self.prices.iter().find(|(name, _)| *name == category.name) {
                Some((_, price)) => prices.push(*price),
                None => faults.push(fault(
                    "/prices",
                    format!("The category {:?} has no price.", category.name),
                )),
            }
        }
        for (name, _) in &self.prices {
            if !hall.categories.iter().any(|category| category.name == *name) {
                faults.push(fault(
                    pointer("/prices", name),
                    format!("The hall has no category {name:?}."),
                ));
            }
        }
        if faults.is_empty() { Ok(prices) } else { Err(faults) }
    }
}

/// Reads the fields of one object and gathers what is wrong with them.
struct Reader<'a> {
    object: &'a Map<String, Value>,
    /// Where the object is: a JSON Pointer.
    at: &'static str,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    fn fault(&mut self, field: &str, message: impl Into<String>) {
        self.faults.push(fault(pointer(self.at, field), message));
    }

    /// A misspelt `on_sale_at` that was skipped in silence would open a sale months too early.
    fn known(&mut self, fields: &[&str]) {
        let unknown: Vec<String> =
            self.object.keys().filter(|key| !fields.contains(&key.as_str())).cloned().collect();
        for field in unknown {
            self.fault(&field, "There is no such setting.");
        }
    }

    fn text(&mut self, field: &str) -> Option<String> {
        match self.object.get(field) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(_) => {
                self.fault(field, "This must be text.");
                None
            }
            None => {
                self.fault(field, "This is missing.");
                None
            }
        }
    }

    fn title(&mut self) -> Option<String> {
        let title = self.text("title")?.trim().to_owned();
        let letters = title.chars().count();
        if !(1..=TITLE_LETTERS_MAX).contains(&letters) {
            self.fault("title", format!("A title has 1 to {TITLE_LETTERS_MAX} letters."));
            return None;
        }
        if title.chars().any(char::is_control) {
            self.fault("title", "A title is one line of plain text.");
            return None;
        }
        Some(title)
    }

    fn moment(&mut self, field: &str, required: bool) -> Option<Time> {
        match self.object.get(field) {
            None | Some(Value::Null) if !required => None,
            None => {
                self.fault(field, "This is missing.");
                None
            }
            Some(value) => match value.as_u64() {
                Some(moment) if moment <= TIME_MAX => Some(Time(moment)),
                _ => {
                    self.fault(field, "A time is milliseconds since 1970, up to the year 9999.");
                    None
                }
            },
        }
    }

    fn currency(&mut self) -> Option<Currency> {
        let currency = Currency::parse(&self.text("currency")?);
        if currency.is_none() {
            self.fault("currency", "A currency is three capital letters, like EUR.");
        }
        currency
    }

    fn prices(&mut self) -> Option<Vec<(String, u64)>> {
        let object = match self.object.get("prices") {
            Some(Value::Object(object)) => object,
            Some(_) => {
                self.fault("prices", "Prices are an object: an amount by category name.");
                return None;
            }
            None => {
                self.fault("prices", "This is missing.");
                return None;
            }
        };
        let mut prices = Vec::with_capacity(object.len());
        for (name, value) in object {
            match value.as_u64() {
                Some(price) if price <= PRICE_MAX => prices.push((name.clone(), price)),
                _ => self.faults.push(fault(
                    pointer("/prices", name),
                    format!("A price is an integer in the minor unit, 0 to {PRICE_MAX}."),
                )),
            }
        }
        Some(prices)
    }

    fn policy(&mut self) -> Policy {
        let object = match self.object.get("policy") {
            None | Some(Value::Null) => return Policy::default(),
            Some(Value::Object(object)) => object,
            Some(_) => {
                self.fault("policy", "A policy is an object.");
                return Policy::default();
            }
        };
        let mut reader = Reader { object, at: "/policy", faults: Vec::new() };
        let policy = reader.policy_fields();
        self.faults.append(&mut reader.faults);
        policy
    }

    fn policy_fields(&mut self) -> Policy {
        self.known(&[
            "hold_ms",
            "grace_ms",
            "seats_max",
            "pay_ms",
            "offer_ms",
            "wait_ms",
            "orphans",
            "admission",
        ]);
        let mut policy = Policy::default();
        let Policy { hold_ms, grace_ms, pay_ms, offer_ms, wait_ms, .. } = &mut policy;
        for (time, (field, least, most)) in
            [hold_ms, grace_ms, pay_ms, offer_ms, wait_ms].into_iter().zip(TIMES)
        {
            if let Some(given) = self.number(field, least, most) {
                *time = given;
            }
        }
        if let Some(seats) = self.number("seats_max", 1, SEATS_MAX) {
            policy.seats_max = seats as u32;
        }
        policy.orphans = match self.object.get("orphans") {
            None => policy.orphans,
            Some(Value::String(word)) if word == "allow" => Orphans::Allow,
            Some(Value::String(word)) if word == "forbid" => Orphans::Forbid,
            Some(_) => {
                self.fault("orphans", "This is \"allow\" or \"forbid\".");
                policy.orphans
            }
        };
        policy.admission = self.admission();
        policy
    }

    fn admission(&mut self) -> Option<Admission> {
        let object = match self.object.get("admission") {
            None | Some(Value::Null) => return None,
            Some(Value::Object(object)) => object,
            Some(_) => {
                self.fault("admission", "This is an object, or null: then nobody waits.");
                return None;
            }
        };
        let mut reader = Reader { object, at: "/policy/admission", faults: Vec::new() };
        reader.known(&["picking_max", "pass_ms", "call_ms", "doors_at"]);
        let picking_max = reader.needed_number("picking_max", 1, PICKING_MAX);
        let pass_ms = reader.needed_number("pass_ms", 1, 24 * HOUR);
        let call_ms = match object.get("call_ms") {
            None => CALL_MS,
            Some(_) => reader.number("call_ms", 1, HOUR).unwrap_or(CALL_MS),
        };
        let doors_at = reader.moment("doors_at", false);
        self.faults.append(&mut reader.faults);
        let (picking_max, pass_ms) = picking_max.zip(pass_ms)?;
        Some(Admission { picking_max: picking_max as u32, pass_ms, call_ms, doors_at })
    }

    fn needed_number(&mut self, field: &str, least: u64, most: u64) -> Option<u64> {
        if !self.object.contains_key(field) {
            self.fault(field, "This is missing.");
        }
        self.number(field, least, most)
    }

    fn number(&mut self, field: &str, least: u64, most: u64) -> Option<u64> {
        let value = self.object.get(field)?;
        let number = value.as_u64().filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.fault(field, format!("This is an integer from {least} to {most}."));
        }
        number
    }
}

fn fault(path: impl Into<String>, message: impl Into<String>) -> Fault {
    Fault { path: path.into(), message: message.into() }
}

/// A JSON Pointer one step further, with its two letters escaped.
fn pointer(at: &str, field: &str) -> String {
    format!("{at}/{}", field.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Time = Time(1_800_000_000_000);

    fn good() -> Value {
        json!({
            "hall": "opera", "title": " The Tempest ", "starts_at": NOW.0 + 1,
            "currency": "EUR", "prices": {"Stalls": 4500},
        })
    }

    fn faults(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut body = good();
        change(&mut body);
        let refused = NewShow::from_json(body.to_string().as_bytes());
        let faults = refused.expect_err("it has a fault");
        faults.into_iter().map(|fault| fault.path).collect()
    }

    #[test]
    fn a_plain_show_is_read_with_the_default_policy() {
        let show = NewShow::from_json(good().to_string().as_bytes()).expect("no faults");
        assert_eq!(show.title, "The Tempest");
        assert_eq!(show.policy, Policy::default());
        assert_eq!(show.prices, [("Stalls".to_owned(), 4500)]);
    }

    #[test]
    fn every_fault_is_told_where_it_is() {
        assert_eq!(faults(|b| b["titel"] = json!("x")), ["/titel"]);
        assert_eq!(faults(|b| b["title"] = json!("")), ["/title"]);
        assert_eq!(faults(|b| b["title"] = json!("a\nb")), ["/title"]);
        assert_eq!(faults(|b| b["starts_at"] = json!(1.5)), ["/starts_at"]);
        assert_eq!(faults(|b| b["on_sale_at"] = json!("soon")), ["/on_sale_at"]);
        assert_eq!(faults(|b| b["currency"] = json!("eur")), ["/currency"]);
        assert_eq!(faults(|b| b["prices"]["a/b~c"] = json!(-1)), ["/prices/a~1b~0c"]);
        assert_eq!(faults(|b| b["policy"] = json!({"hold": 1})), ["/policy/hold"]);
        assert_eq!(faults(|b| b["policy"] = json!({"hold_ms": 0})), ["/policy/hold_ms"]);
        assert_eq!(faults(|b| b["policy"] = json!({"seats_max": 101})), ["/policy/seats_max"]);
        assert_eq!(faults(|b| b["policy"] = json!({"orphans": "no"})), ["/policy/orphans"]);
        assert_eq!(
            faults(|b| *b = json!({})),
            ["/hall", "/title", "/starts_at", "/currency", "/prices"]
        );
    }

    #[test]
    fn a_waiting_room_is_read_with_the_usual_time_to_come_unless_said() {
        let read = |admission: Value| {
            let mut body = good();
            body["policy"] = json!({ "admission": admission });
            let show = NewShow::from_json(body.to_string().as_bytes()).expect("no faults");
            show.policy.admission.expect("a waiting room")
        };
        let plain = Admission { picking_max: 5, pass_ms: 1, call_ms: 60_000, doors_at: None };
        assert_eq!(read(json!({"picking_max": 5, "pass_ms": 1})), plain);
        assert_eq!(read(json!({"picking_max": 5, "pass_ms": 1, "doors_at": null})), plain);
        let whole = json!({
            "picking_max": PICKING_MAX, "pass_ms": 24 * HOUR, "call_ms": HOUR, "doors_at": NOW.0,
        });
        let doors_at = Some(NOW);
        let (picking_max, pass_ms, call_ms) = (1_000_000, 86_400_000, 3_600_000);
        assert_eq!(read(whole), Admission { picking_max, pass_ms, call_ms, doors_at });
    }

    #[test]
    fn every_fault_of_a_waiting_room_is_told_where_it_is() {
        let table = [
            (json!(5), vec![""]),
            (json!({}), vec!["/picking_max", "/pass_ms"]),
            (json!({"picking_max": 0, "pass_ms": 0}), vec!["/picking_max", "/pass_ms"]),
            (json!({"picking_max": PICKING_MAX + 1, "pass_ms": 1}), vec!["/picking_max"]),
            (json!({"picking_max": null, "pass_ms": 1.5}), vec!["/picking_max", "/pass_ms"]),
            (json!({"picking_max": 1, "pass_ms": 24 * HOUR + 1}), vec!["/pass_ms"]),
            (json!({"picking_max": 1, "pass_ms": 1, "call_ms": 0}), vec!["/call_ms"]),
            (json!({"picking_max": 1, "pass_ms": 1, "call_ms": HOUR + 1}), vec!["/call_ms"]),
            (json!({"picking_max": 1, "pass_ms": 1, "doors_at": "soon"}), vec!["/doors_at"]),
            (json!({"picking_max": 1, "pass_ms": 1, "doors_at": NOW.0 + 1}), vec!["/doors_at"]),
            (json!({"picking_max": 1, "pass_ms": 1, "doors": NOW.0}), vec!["/doors"]),
            (json!({"picking_max": 1, "pass_ms": 1, "commitment": "00"}), vec!["/commitment"]),
        ];
        for (admission, at) in table {
            let told = faults(|b| b["policy"] = json!({ "admission": admission }));
            let expected: Vec<_> = at.iter().map(|at| format!("/policy/admission{at}")).collect();
            assert_eq!(told, expected, "{admission}");
        }
    }

    #[test]
    fn what_is_not_json_is_one_fault_at_the_root() {
        let faults = NewShow::from_json(b"{\n nonsense").expect_err("not JSON");
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].path, "");
        assert!(faults[0].message.contains("line 2"), "{}", faults[0].message);
    }

    #[test]
    fn a_show_may_have_begun_and_its_times_may_be_as_short_as_can_be() {
        let mut body = good();
        body["starts_at"] = json!(1);
        body["on_sale_at"] = json!(2);
        body["policy"] =
            json!({"hold_ms": 1, "grace_ms": 0, "pay_ms": 1, "offer_ms": 1, "wait_ms": 1});
        let show = NewShow::from_json(body.to_string().as_bytes()).expect("no faults");
        assert_eq!((show.starts_at, show.on_sale_at), (Time(1), Some(Time(2))));
        let Policy { hold_ms, grace_ms, pay_ms, offer_ms, wait_ms, .. } = show.policy;
        assert_eq!([hold_ms, grace_ms, pay_ms, offer_ms, wait_ms], [1, 0, 1, 1, 1]);
    }

    #[test]
    fn a_policy_is_read_whole() {
        let mut body = good();
        body["policy"] = json!({
            "hold_ms": 60000, "grace_ms": 0, "seats_max": 4, "pay_ms": 30000,
            "offer_ms": 9000, "wait_ms": 1000, "orphans": "forbid", "admission": null,
        });
        let show = NewShow::from_json(body.to_string().as_bytes()).expect("no faults");
        let expected = Policy {
            hold_ms: 60_000,
            grace_ms: 0,
            seats_max: 4,
            pay_ms: 30_000,
            offer_ms: 9_000,
            wait_ms: 1_000,
            orphans: Orphans::Forbid,
            admission: None,
        };
        assert_eq!(show.policy, expected);
    }
}
