//! Each method's params: from JSON to its own type, with what bounds them.
//!
//! Members that a method does not know are ignored, and an optional one may be null.

use serde::Deserialize;
use uuid::Uuid;

use crate::show::{Customer, HoldId, Wish};

use super::fault::Fault;
use super::request::{Buy, Method, PaymentMethod};

/// The longest `key` of a purchase, in bytes: room for anybody's order number, small in the log.
pub const KEY_BYTES_MAX: usize = 200;
/// The longest customer name, in bytes.
pub const NAME_BYTES_MAX: usize = 200;
/// The longest customer e-mail address, in bytes: what SMTP can carry (RFC 5321, 4.5.3.1.3).
pub const EMAIL_BYTES_MAX: usize = 254;

impl Method {
    /// The method of that name with its params, a JSON value, and the waiting room's ticket beside it.
    pub(super) fn parse(name: &str, params: &str) -> Result<(Self, Option<String>), Fault> {
        let without_ticket = match name {
            "hold" => {
                let HoldParams { seats, ticket } = read(params)?;
                return Ok((Self::Hold { seats }, ticket));
            }
            "hold_best" => {
                let mut wish: WishParams = read(params)?;
                let ticket = wish.ticket.take();
                return Ok((Self::HoldBest(wish.into()), ticket));
            }
            "buy" => {
                let mut buy: BuyParams = read(params)?;
                let ticket = buy.ticket.take();
                return Ok((Self::Buy(buy.check()?), ticket));
            }
            "waitlist.join" => {
                let mut wish: WishParams = read(params)?;
                let ticket = wish.ticket.take();
                return Ok((Self::WaitlistJoin(wish.into()), ticket));
            }
            "admission.leave" => {
                let TicketParams { ticket } = read(params)?;
                return Ok((Self::AdmissionLeave, ticket));
            }
            "identify" => {
                let IdentifyParams { session, ticket } = read(params)?;
                Self::Identify { session, ticket }
            }
            "change" => {
                let ChangeParams { hold, seats } = read(params)?;
                Self::Change { hold: hold_id(&hold), seats }
            }
            "release" => {
                let ReleaseParams { hold } = read(params)?;
                Self::Release { hold: hold_id(&hold) }
            }
            "waitlist.leave" => read::<NoParams>(params).map(|_| Self::WaitlistLeave)?,
            "waitlist.accept" => read::<NoParams>(params).map(|_| Self::WaitlistAccept)?,
            "waitlist.decline" => read::<NoParams>(params).map(|_| Self::WaitlistDecline)?,
            _ => return Err(Fault::NoSuchMethod),
        };
        Ok((without_ticket, None))
    }
}

fn read<'a, T: Deserialize<'a>>(params: &'a str) -> Result<T, Fault> {
    if !params.starts_with('{') {
        return Err(Fault::WrongParams("they are not an object".to_owned()));
    }
    serde_json::from_str(params).map_err(|fault| {
        // Without the place: it would count from the params' start, which the asker does not see.
        let fault = fault.to_string();
        let what = fault.split(" at line ").next().unwrap_or_default();
        Fault::WrongParams(what.to_owned())
    })
}

/// A hold's id as the server writes it. Any other string names no hold, which is for the show to
/// say, not for the parser: it becomes the nil id, which is never given to a hold.
fn hold_id(text: &str) -> HoldId {
    const HYPHENATED: usize = 36;
    let known = (text.len() == HYPHENATED).then(|| Uuid::try_parse(text).ok()).flatten();
    HoldId(known.unwrap_or(Uuid::nil()))
}

#[derive(Deserialize)]
struct IdentifyParams {
    session: Option<String>,
    ticket: Option<String>,
}

#[derive(Deserialize)]
struct NoParams {}

#[derive(Deserialize)]
struct TicketParams {
    ticket: Option<String>,
}

#[derive(Deserialize)]
struct HoldParams {
    seats: Vec<u64>,
    ticket: Option<String>,
}

#[derive(Deserialize)]
struct WishParams {
    quantity: u64,
    categories: Option<Vec<u16>>,
    sections: Option<Vec<u16>>,
    areas: Option<Vec<u16>>,
    together: Option<bool>,
    ticket: Option<String>,
}

impl From<WishParams> for Wish {
    fn from(wish: WishParams) -> Self {
        Self {
            // More than anybody may hold is too many, however much more.
            quantity: u32::try_from(wish.quantity).unwrap_or(u32::MAX),
            categories: wish.categories,
            sections: wish.sections,
            areas: wish.areas,
            together: wish.together.unwrap_or(true),
        }
    }
}

#[derive(Deserialize)]
struct ChangeParams {
    hold: String,
    seats: Vec<u64>,
}

#[derive(Deserialize)]
struct ReleaseParams {
    hold: String,
}

#[derive(Deserialize)]
struct BuyParams {
    hold: String,
    payment: PaymentMethod,
    customer: Option<CustomerParams>,
    key: Option<String>,
    ticket: Option<String>,
}

#[derive(Deserialize)]
struct CustomerParams {
    name: String,
    email: String,
}

impl BuyParams {
    fn check(self) -> Result<Buy, Fault> {
        let within = |what: &str, text: &str, most: usize| match text.len() <= most {
            true => Ok(()),
            false => Err(Fault::WrongParams(format!("{what} is longer than {most} bytes"))),
        };
        if let Some(key) = &self.key {
            within("key", key, KEY_BYTES_MAX)?;
            if key.is_empty() {
                return Err(Fault::WrongParams("key is empty".to_owned()));
            }
        }
        if let Some(customer) = &self.customer {
            within("customer.name", &customer.name, NAME_BYTES_MAX)?;
            within("customer.email", &customer.email, EMAIL_BYTES_MAX)?;
        }
        let Self { hold, payment, customer, key, ticket: _ } = self;
        let customer = customer.map(|CustomerParams { name, email }| Customer { name, email });
        Ok(Buy { hold: hold_id(&hold), payment, customer, key })
    }
}
