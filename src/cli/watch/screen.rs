//! The terminal, borrowed: given back as it was found, however this program ends.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use crossterm::style::{Print, SetBackgroundColor, SetForegroundColor};
use crossterm::{cursor, queue, terminal};
use tokio::sync::mpsc;

use super::map::Page;

/// How often the thread that waits for keys looks whether it is still needed.
const LOOK_UP_EVERY: Duration = Duration::from_millis(200);

/// What somebody at the terminal did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// q, Escape or Ctrl-C.
    Quit,
    /// The window has another size.
    Resized,
}

/// The whole screen. Dropping it gives the terminal back.
pub(super) struct Screen {
    keys: mpsc::Receiver<Key>,
    done: Arc<AtomicBool>,
    /// What is on the screen; none where that is not known.
    shown: Option<Page>,
}

impl Screen {
    /// Borrows the terminal.
    pub(super) fn open() -> io::Result<Self> {
        terminal::enable_raw_mode()?;
        let (tell, keys) = mpsc::channel(16);
        let done = Arc::new(AtomicBool::new(false));
        // From here on, every way out gives the terminal back.
        let screen = Self { keys, done: Arc::clone(&done), shown: None };
        let mut out = io::stdout();
        queue!(out, terminal::EnterAlternateScreen, cursor::Hide)?;
        out.flush()?;
        // Reading a terminal blocks, so it has a thread of its own.
        std::thread::spawn(move || read_keys(&tell, &done));
        Ok(screen)
    }

    /// Columns and lines.
    pub(super) fn size(&self) -> (u16, u16) {
        terminal::size().unwrap_or((80, 24))
    }

    /// What somebody did next.
    pub(super) async fn key(&mut self) -> Key {
        // Without the reading thread there is no terminal any more.
        self.keys.recv().await.unwrap_or(Key::Quit)
    }

    /// Draws everything the next time.
    pub(super) fn forget(&mut self) {
        self.shown = None;
    }

    /// Draws what is different from what is shown, in one write.
    pub(super) fn show(&mut self, page: &Page) -> io::Result<()> {
        let mut out = Vec::new();
        let shown = self
            .shown
            .take()
            .filter(|shown| shown.columns == page.columns && shown.cells.len() == page.cells.len());
        if shown.is_none() {
            queue!(out, terminal::Clear(terminal::ClearType::All))?;
        }
        let columns = usize::from(page.columns).max(1);
        let (mut pen, mut colours) = (None, None);
        for (i, cell) in page.cells.iter().enumerate() {
            if shown.as_ref().is_some_and(|shown| shown.cells[i] == *cell) {
                continue;
            }
            let at = ((i % columns) as u16, (i / columns) as u16);
            if pen != Some(at) {
                queue!(out, cursor::MoveTo(at.0, at.1))?;
            }
            if colours != Some((cell.ink, cell.paper)) {
                queue!(out, SetForegroundColor(cell.ink), SetBackgroundColor(cell.paper))?;
                colours = Some((cell.ink, cell.paper));
            }
            queue!(out, Print(cell.letter))?;
            pen = Some((at.0 + 1, at.1));
        }
        self.shown = Some(page.clone());
        let mut terminal = io::stdout();
        terminal.write_all(&out)?;
        terminal.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        // Each is tried whatever became of the others: nobody is left to tell of a failure.
        let mut out = io::stdout();
        crossterm::execute!(out, crossterm::style::ResetColor, cursor::Show).ok();
        crossterm::execute!(out, terminal::LeaveAlternateScreen).ok();
        terminal::disable_raw_mode().ok();
    }
}

fn read_keys(tell: &mpsc::Sender<Key>, done: &AtomicBool) {
    while !done.load(Ordering::Relaxed) {
        let key = match event::poll(LOOK_UP_EVERY) {
            Ok(true) => event::read().map(meaning),
            Ok(false) => continue,
            Err(error) => Err(error),
        };
        let told = match key {
            Ok(Some(key)) => tell.blocking_send(key).is_ok(),
            Ok(None) => true,
            Err(_) => false,
        };
        if !told {
            return;
        }
    }
}

fn meaning(event: Event) -> Option<Key> {
    match event {
        Event::Resize(..) => Some(Key::Resized),
        Event::Key(key) if key.kind == KeyEventKind::Press => match key.code {
            KeyCode::Char('q' | 'Q') | KeyCode::Esc => Some(Key::Quit),
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Some(Key::Quit),
            _ => None,
        },
        _ => None,
    }
}
