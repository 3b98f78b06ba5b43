//! What happens in a waiting room, as plain facts, to and from bytes: kinds 16 to 22 of the log.

use super::super::Time;
use super::super::codec::{CodecError, Reader, Writer};
use super::{Alias, DrawSecret};

/// What happened. No session is named: these entries may be published as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant's sentence says what its fields are")]
pub enum RoomFact {
    /// These took the next numbers, in this order; before the doors opened, the next
    /// arrivals.
    NumbersTaken { aliases: Box<[Alias]> },
    /// The doors opened, and the numbers of who had come were drawn with this secret.
    DoorsOpened { secret: DrawSecret },
    /// It is the turn of `next`, who came back, and of every number up to `upto`: each has until then
    /// to come.
    NumbersCalled { next: Box<[u64]>, upto: u64, until: Time },
    /// One who was passed over came back.
    NumberReturned { number: u64 },
    /// One who was called came, and may pick seats until then.
    Admitted { number: u64, alias: Alias, until: Time },
    /// Somebody left: their pass has ended, or their number is not to be called.
    PlaceGivenBack { number: u64 },
    /// Whatever in the waiting room was past its end has ended.
    PlacesLapsed,
}

impl RoomFact {
    /// The byte that names the kind.
    pub(in crate::show) fn kind(&self) -> u8 {
        match self {
            Self::NumbersTaken { .. } => 16,
            Self::DoorsOpened { .. } => 17,
            Self::NumbersCalled { .. } => 18,
            Self::NumberReturned { .. } => 19,
            Self::Admitted { .. } => 20,
            Self::PlaceGivenBack { .. } => 21,
            Self::PlacesLapsed => 22,
        }
    }

    pub(in crate::show) fn write(&self, to: &mut Writer) {
        match self {
            Self::NumbersTaken { aliases } => {
                to.number(aliases.len() as u64);
                aliases.iter().for_each(|alias| to.bytes(&alias.0));
            }
            Self::DoorsOpened { secret } => to.bytes(&secret.0),
            Self::NumbersCalled { next, upto, until } => {
                to.number(next.len() as u64);
                next.iter().for_each(|number| to.number(*number));
                to.number(*upto);
                to.time(*until);
            }
            Self::NumberReturned { number } | Self::PlaceGivenBack { number } => to.number(*number),
            Self::Admitted { number, alias, until } => {
                to.number(*number);
                to.bytes(&alias.0);
                to.time(*until);
            }
            Self::PlacesLapsed => {}
        }
    }

    pub(in crate::show) fn read(kind: u8, from: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(match kind {
            16 => {
                let mut aliases = Vec::new();
                for _ in 0..from.length()? {
                    aliases.push(Alias(from.array()?));
                }
                Self::NumbersTaken { aliases: aliases.into() }
            }
            17 => Self::DoorsOpened { secret: DrawSecret(from.array()?) },
            18 => {
                let mut next = Vec::new();
                for _ in 0..from.length()? {
                    next.push(from.number()?);
                }
                Self::NumbersCalled { next: next.into(), upto: from.number()?, until: from.time()? }
            }
            19 => Self::NumberReturned { number: from.number()? },
            20 => Self::Admitted {
                number: from.number()?,
                alias: Alias(from.array()?),
                until: from.time()?,
            },
            21 => Self::PlaceGivenBack { number: from.number()? },
            22 => Self::PlacesLapsed,
            unknown => return Err(CodecError::Kind(unknown)),
        })
    }
}
