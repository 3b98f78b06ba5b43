//! `usher watch SHOW`: a live map of a show in the terminal; into a pipe, one line for each change.
//!
//! The socket is followed by [`Follower`], which comes back by itself; what it reports is drawn by
//! [`map`] on a [`screen`], or printed by [`lines`].

mod follower;
mod lines;
mod map;
mod screen;

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep_until};

use crate::client::{House, Layout, Picture, ShowId};

use follower::{Follower, Light, News};
use screen::{Key, Screen};

use super::load::{chosen_show, show_id};

/// The shortest time between two drawings: what an eye follows, and little work for a terminal.
const DRAW_EVERY: Duration = Duration::from_millis(40);

/// Follow a show in the terminal
#[derive(Args, Clone, Debug)]
#[command(after_help = "q quits. Into a pipe, every change is a line.")]
pub struct WatchArgs {
    /// The show. Without it, the first one the server lists
    #[arg(value_name = "SHOW", env = "USHER_WATCH_SHOW", value_parser = show_id)]
    show: Option<ShowId>,

    /// The server's address. Only http and ws: TLS belongs to the proxy in front
    #[arg(
        long,
        visible_alias = "server",
        env = "USHER_WATCH_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:8080"
    )]
    url: String,

    /// Lines, also on a terminal
    #[arg(long, env = "USHER_WATCH_LINES")]
    lines: bool,
}

/// Follows the show until it is told to stop.
pub async fn run(args: WatchArgs) -> anyhow::Result<ExitCode> {
    let house = House::at(&args.url)?;
    let show = chosen_show(&house, args.show).await?;
    let title = house.show(&show).await?.title;
    let layout = house.layout(&show).await?;
    let follower = Follower::new(house, show);
    if args.lines || !std::io::stdout().is_terminal() {
        print_lines(follower, layout).await
    } else {
        draw_map(follower, layout, &title).await
    }
}

async fn print_lines(mut follower: Follower, mut layout: Layout) -> anyhow::Result<ExitCode> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut names = lines::Names::of(&layout);
    let mut before: Option<Picture> = None;
    loop {
        let news = tokio::select! {
            news = follower.next() => news?,
            _ = terminate.recv() => return Ok(ExitCode::SUCCESS),
        };
        let text = match news {
            News::Layout(new) => {
                layout = *new;
                names = lines::Names::of(&layout);
                continue;
            }
            News::Light(light) => format!("{light}\n"),
            News::Seats => {
                let Some(picture) = follower.picture() else { continue };
                let text = lines::of_change(before.as_ref(), picture, &names);
                before = Some(picture.clone());
                text
            }
        };
        let mut out = std::io::stdout().lock();
        if out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() {
            // The reader at the pipe's other end has seen enough.
            return Ok(ExitCode::SUCCESS);
        }
    }
}

async fn draw_map(mut follower: Follower, layout: Layout, title: &str) -> anyhow::Result<ExitCode> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut screen = Screen::open()?;
    let mut map = map::Map::of(&layout);
    let mut light = Light::Connecting;
    let mut next_draw = Instant::now();
    let mut stale = true;
    loop {
        tokio::select! {
            news = follower.next() => {
                match news? {
                    News::Layout(layout) => map = map::Map::of(&layout),
                    News::Light(now) => light = now,
                    News::Seats => {}
                }
                stale = true;
            }
            key = screen.key() => match key {
                Key::Quit => return Ok(ExitCode::SUCCESS),
                Key::Resized => {
                    screen.forget();
                    stale = true;
                }
            },
            () = sleep_until(next_draw), if stale => {
                let (columns, lines) = screen.size();
                let page = map.draw(columns, lines, follower.picture(), title, &light);
                screen.show(&page)?;
                next_draw = Instant::now() + DRAW_EVERY;
                stale = false;
            }
            _ = terminate.recv() => return Ok(ExitCode::SUCCESS),
        }
    }
}
