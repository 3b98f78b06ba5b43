//! Follows a show for as long as it is asked to: comes back with backoff, resumes from the picture
//! it has, and starts afresh where that cannot be trusted any more.

use std::fmt;
use std::time::Duration;

use rand::RngExt as _;
use tokio::time::{sleep, timeout};

use crate::client::{
    Applied, ClientError, Format, FromServer, Heard, House, Layout, Notice, Picture, ShowId, Viewer,
};

/// The first wait before coming back, at most; it doubles each time, up to [`WAIT_MAX`].
const WAIT_FIRST: Duration = Duration::from_millis(500);
/// The longest wait: a server that is back is found within it.
const WAIT_MAX: Duration = Duration::from_secs(15);
/// The server pings every 25 seconds: a socket that is silent for longer than two of them is dead.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// How the connection is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Light {
    /// Not yet, or not again.
    Connecting,
    /// The picture is live.
    Live,
    /// It is not, and why.
    Away(String),
}

impl fmt::Display for Light {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connecting => f.write_str("connecting"),
            Self::Live => f.write_str("live"),
            Self::Away(why) => write!(f, "away, coming back: {why}"),
        }
    }
}

/// What there is to show.
pub(super) enum News {
    /// The picture is a new one.
    Seats,
    /// The layout is a new one: the log began a new life.
    Layout(Box<Layout>),
    /// The connection changed.
    Light(Light),
}

/// Follows one show.
pub(super) struct Follower {
    house: House,
    show: ShowId,
    socket: Option<Viewer>,
    /// The picture while there is no socket.
    known: Option<Picture>,
    /// The epoch the layout is of.
    epoch: Option<u64>,
    /// The epoch has changed since.
    layout_is_old: bool,
    tries: u32,
    wait: Option<Duration>,
}

impl Follower {
    pub(super) fn new(house: House, show: ShowId) -> Self {
        Self {
            house,
            show,
            socket: None,
            known: None,
            epoch: None,
            layout_is_old: false,
            tries: 0,
            wait: None,
        }
    }

    /// The seats as they are known.
    pub(super) fn picture(&self) -> Option<&Picture> {
        self.socket.as_ref().and_then(Viewer::picture).or(self.known.as_ref())
    }

    /// What happens next. An error is one that coming back does not mend: there is no such show.
    /// Cancelling is safe: an attempt to connect is begun again.
    pub(super) async fn next(&mut self) -> Result<News, ClientError> {
        loop {
            if self.layout_is_old {
                return Ok(match self.house.layout(&self.show).await {
                    Ok(layout) => {
                        self.layout_is_old = false;
                        News::Layout(Box::new(layout))
                    }
                    Err(error) => News::Light(self.lose(&error)),
                });
            }
            let Some(socket) = &mut self.socket else {
                return Ok(News::Light(self.come_back().await?));
            };
            match timeout(SILENCE_MAX, socket.next()).await {
                Ok(Ok(Heard::Seats(Applied::Known) | Heard::Ping)) => {}
                Ok(Ok(Heard::Seats(_))) => {
                    let epoch = socket.picture().map(Picture::epoch);
                    self.layout_is_old = self.epoch.is_some() && epoch != self.epoch;
                    self.epoch = epoch;
                    return Ok(News::Seats);
                }
                Ok(Ok(Heard::Said(FromServer::Notice(notice)))) => self.note(&notice),
                Ok(Ok(Heard::Said(_))) => {}
                Ok(Err(error)) => return Ok(News::Light(self.lose(&error))),
                Err(_) => {
                    let silent = ClientError::Message("the server fell silent".to_owned());
                    return Ok(News::Light(self.lose(&silent)));
                }
            }
        }
    }

    fn note(&mut self, notice: &Notice) {
        if let Notice::ServerDraining { reconnect_after_ms } = notice {
            self.wait = Some(Duration::from_millis(*reconnect_after_ms));
        }
    }

    /// Lets go of the socket, and says why.
    fn lose(&mut self, error: &ClientError) -> Light {
        self.known = self.socket.take().and_then(Viewer::into_picture);
        if error.is_breach() {
            // What is known may be wrong: open again without it.
            self.known = None;
        }
        Light::Away(error.to_string())
    }

    /// One attempt to connect, after the wait that is due. Gives the light.
    async fn come_back(&mut self) -> Result<Light, ClientError> {
        if let Some(wait) = self.wait {
            sleep(wait).await;
        }
        // The picture is lent, not given: were this cancelled, it would be lost.
        let opened = Viewer::connect(&self.house, &self.show, Format::Binary, self.known.clone());
        match opened.await {
            Ok(socket) => {
                self.socket = Some(socket);
                self.known = None;
                self.tries = 0;
                // Should it end at once, do not hammer.
                self.wait = Some(jittered(0));
                Ok(Light::Live)
            }
            Err(error @ (ClientError::Refused { status: 404, .. } | ClientError::Address(_))) => {
                Err(error)
            }
            Err(error) => {
                self.wait = Some(jittered(self.tries));
                self.tries += 1;
                Ok(Light::Away(error.to_string()))
            }
        }
    }
}

/// Full jitter: everybody who lost the server at one moment comes back at another.
fn jittered(tries: u32) -> Duration {
    let most = WAIT_FIRST.saturating_mul(1 << tries.min(8)).min(WAIT_MAX);
    most.mul_f64(rand::rng().random())
}
