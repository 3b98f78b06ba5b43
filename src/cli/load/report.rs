//! The report: for people, or as JSON.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::client::ShowId;

use super::LoadArgs;
use super::tally::{BuyersTally, ViewersTally, histogram};

/// What a load showed.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    show: String,
    /// From when everybody was connected to when the last buyer had finished.
    seconds: f64,
    viewers: Viewers,
    buyers: Buyers,
    /// From a request's sending to its answer, whatever the answer.
    ack_ms: Times,
    /// The same of what was granted, and therefore waited for the log.
    granted_ack_ms: Times,
    /// From a request's sending to a viewer having applied the frame with its change; over all
    /// changes and all viewers.
    change_to_viewer_ms: Times,
    /// What the server must never do: where there is any, the exit code is 1.
    pub(super) inconsistencies: BTreeMap<String, u64>,
    /// Sockets that ended or never began, and faults.
    failures: BTreeMap<String, u64>,
    /// What to change to see more.
    hints: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Viewers {
    asked: u64,
    connected: u64,
    /// Ended with a picture equal to the final snapshot.
    compared: u64,
    /// Were past it already: somebody else is changing the show.
    moved_on: u64,
    frames: u64,
    snapshots: u64,
    bytes: u64,
    frames_per_second: f64,
}

#[derive(Debug, Serialize)]
struct Buyers {
    asked: u64,
    connected: u64,
    commands: u64,
    commands_per_second: f64,
    granted: BTreeMap<&'static str, u64>,
    refusals: BTreeMap<String, u64>,
}

/// Percentiles, in milliseconds.
#[derive(Debug, Serialize)]
struct Times {
    count: u64,
    p50: f64,
    p90: f64,
    p99: f64,
    p999: f64,
    max: f64,
}

impl Times {
    fn of(us: &Histogram<u64>) -> Self {
        let at = |quantile: f64| us.value_at_quantile(quantile) as f64 / 1000.0;
        Self {
            count: us.len(),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: us.max() as f64 / 1000.0,
        }
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.count == 0 {
            return f.write_str("nothing to measure");
        }
        let Self { p50, p90, p99, p999, max, .. } = self;
        let [p50, p90, p99, p999, max] = [p50, p90, p99, p999, max].map(|&ms| milliseconds(ms));
        write!(f, "p50 {p50} · p90 {p90} · p99 {p99} · p99.9 {p999} · max {max}")
    }
}

impl Report {
    pub(super) fn new(
        args: &LoadArgs,
        show: &ShowId,
        played: Duration,
        viewers: ViewersTally,
        buyers: BuyersTally,
    ) -> Self {
        let seconds = played.as_secs_f64().max(0.001);
        let mut change_us = histogram();
        for &(us, times) in &viewers.change_us {
            change_us.saturating_record_n(us, times);
        }
        let together = |mut ours: BTreeMap<String, u64>, theirs: BTreeMap<String, u64>| {
            for (what, times) in theirs {
                *ours.entry(what).or_default() += times;
            }
            ours
        };
        let commands = buyers.ack_us.len();
        let mut report = Self {
            show: show.to_string(),
            seconds,
            viewers: Viewers {
                asked: viewers.asked,
                connected: viewers.connected,
                compared: viewers.compared,
                moved_on: viewers.moved_on,
                frames: viewers.frames,
                snapshots: viewers.snapshots,
                bytes: viewers.bytes,
                frames_per_second: viewers.frames as f64 / seconds,
            },
            buyers: Buyers {
                asked: args.buyers.into(),
                connected: buyers.connected,
                commands,
                commands_per_second: commands as f64 / seconds,
                granted: buyers.granted,
                refusals: buyers.refusals,
            },
            ack_ms: Times::of(&buyers.ack_us),
            granted_ack_ms: Times::of(&buyers.granted_us),
            change_to_viewer_ms: Times::of(&change_us),
            inconsistencies: together(viewers.inconsistencies, buyers.inconsistencies),
            failures: together(viewers.failures, buyers.failures),
            hints: Vec::new(),
        };
        report.hints = report.find_hints();
        report
    }

    /// Which of the server's limits were in the way, by the names of their settings.
    fn find_hints(&self) -> Vec<String> {
        let mut hints = Vec::new();
        let failed = |sign: &str| self.failures.keys().any(|what| what.contains(sign));
        if self.viewers.connected < self.viewers.asked && (failed("503") || failed("4009")) {
            hints.push(
                "The server turned sockets away. One address may have 200 open, and 1,000 may be \
                 opened a second: start it with a higher --sockets-per-address and \
                 --upgrades-per-second (USHER_SOCKETS_PER_ADDRESS, USHER_UPGRADES_PER_SECOND)."
                    .to_owned(),
            );
        }
        if self.buyers.refusals.contains_key("too_fast") || failed("(1008") {
            hints.push(
                "The server found buyers too fast. A session may make 2 attempts a second and a \
                 socket may send 10 messages: start it with a higher --attempts-per-second, \
                 --attempts-burst, --messages-per-second and --messages-burst \
                 (USHER_ATTEMPTS_PER_SECOND and so on), where the show has a waiting room also a \
                 higher --numbers-per-second and --numbers-burst, or take more --buyers or a lower \
                 --rate."
                    .to_owned(),
            );
        }
        if self.buyers.refusals.contains_key("not_admitted") {
            hints.push(
                "The show has a waiting room, and buyers here do not wait: take a show without one."
                    .to_owned(),
            );
        }
        if self.viewers.moved_on > 0 {
            hints.push(
                "Somebody else is changing this show, so not every picture could be compared. \
                 Start the server without --demo-crowd to compare them all."
                    .to_owned(),
            );
        }
        hints
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { viewers, buyers, .. } = self;
        writeln!(f, "Show {}, {:.1} s", self.show, self.seconds)?;
        writeln!(
            f,
            "  viewers            {} of {} connected; {} frames ({}/s), {} snapshots, {}",
            thousands(viewers.connected),
            thousands(viewers.asked),
            thousands(viewers.frames),
            thousands(viewers.frames_per_second as u64),
            thousands(viewers.snapshots),
            bytes(viewers.bytes),
        )?;
        writeln!(
            f,
            "  buyers             {} of {} connected; {} commands ({}/s)",
            thousands(buyers.connected),
            thousands(buyers.asked),
            thousands(buyers.commands),
            thousands(buyers.commands_per_second as u64),
        )?;
        write_counts(f, "granted", &buyers.granted)?;
        write_counts(f, "refused", &buyers.refusals)?;
        writeln!(f, "  ack                {}", self.ack_ms)?;
        writeln!(f, "  ack of the granted {}", self.granted_ack_ms)?;
        writeln!(f, "  change to viewer   {}", self.change_to_viewer_ms)?;
        write_counts(f, "failures", &self.failures)?;
        if self.inconsistencies.is_empty() && viewers.compared > 0 {
            let compared = thousands(viewers.compared);
            writeln!(f, "  consistent         {compared} pictures equal the final snapshot")?;
        }
        write_counts(f, "INCONSISTENT", &self.inconsistencies)?;
        self.hints.iter().try_for_each(|hint| writeln!(f, "\nHint: {hint}"))
    }
}

fn write_counts<K: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    counts: &BTreeMap<K, u64>,
) -> fmt::Result {
    for (i, (what, &times)) in counts.iter().enumerate() {
        let title = if i == 0 { title } else { "" };
        writeln!(f, "  {title:<18} {what}: {}", thousands(times))?;
    }
    Ok(())
}

/// 1234567 as "1,234,567".
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes in the unit that suits them.
pub(super) fn bytes(number: u64) -> String {
    const UNITS: [&str; 4] = ["B", "KB", "MB", "GB"];
    let mut size = number as f64;
    let mut unit = 0;
    while size >= 1000.0 && unit + 1 < UNITS.len() {
        size /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{number} B") } else { format!("{size:.1} {}", UNITS[unit]) }
}

/// Milliseconds in the unit that suits them.
fn milliseconds(ms: f64) -> String {
    match ms {
        _ if ms < 1.0 => format!("{:.0} µs", ms * 1000.0),
        _ if ms < 100.0 => format!("{ms:.1} ms"),
        _ if ms < 10_000.0 => format!("{ms:.0} ms"),
        _ => format!("{:.1} s", ms / 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1_250_000), "1.2 MB");
        assert_eq!(milliseconds(0.25), "250 µs");
        assert_eq!(milliseconds(12.34), "12.3 ms");
        assert_eq!(milliseconds(31_000.0), "31.0 s");
    }
}
