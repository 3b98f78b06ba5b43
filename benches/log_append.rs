//! What a durable append costs: batches of 64 entries of 48 bytes (what 64 buyers waiting at one
//! show come to) through the SQLite log, against the bare `pwrite` and `fdatasync` of the same
//! bytes. Run it on the disk that matters: `TMPDIR=… cargo bench --bench log_append`.

use std::fs::OpenOptions;
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hdrhistogram::Histogram;
use usher::log::sqlite::SqliteLog;
use usher::log::{Genesis, Known, Log, StreamId};
use usher::show::ShowId;

const ENTRIES: usize = 64;
const ENTRY_BYTES: usize = 48;
const SECONDS: u64 = 5;

fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    bare(folder.path(), "bare, file growing", false)?;
    bare(folder.path(), "bare, file overwritten", true)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    for shows in [1, 2, 8] {
        let log = Arc::new(SqliteLog::open(folder.path().join(format!("{shows}.sqlite")))?);
        runtime.block_on(shows_at_once(log, shows))?;
    }
    Ok(())
}

/// The yardstick: as many bytes, one write and one sync for each batch.
fn bare(folder: &std::path::Path, name: &str, overwrite: bool) -> anyhow::Result<()> {
    let path = folder.join("bare");
    let file = OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
    let batch = vec![7; ENTRIES * ENTRY_BYTES];
    // As many places as the write-ahead log has before it starts afresh.
    let places = if overwrite { 2_000 } else { u64::MAX };
    if overwrite {
        file.write_all_at(&vec![0; batch.len() * 2_000], 0)?;
        file.sync_all()?;
    }
    let mut times = Histogram::<u64>::new(3)?;
    let started = Instant::now();
    for turn in 0.. {
        let begun = Instant::now();
        file.write_all_at(&batch, (turn % places) * batch.len() as u64)?;
        file.sync_data()?;
        times.record(begun.elapsed().as_nanos() as u64)?;
        if started.elapsed() > Duration::from_secs(SECONDS) {
            break;
        }
    }
    report(name, &times, started.elapsed());
    Ok(())
}

/// Each show has one append under way at a time, as a box office does.
async fn shows_at_once(log: Arc<SqliteLog>, shows: usize) -> anyhow::Result<()> {
    let started = Instant::now();
    let mut tasks = Vec::new();
    for show in 0..shows {
        let log = log.clone();
        let show = ShowId::parse(&format!("show-{show}")).expect("a show's name");
        tasks.push(tokio::spawn(one_show(log, StreamId::show(&show), started)));
    }
    let mut times = Histogram::<u64>::new(3)?;
    for task in tasks {
        times.add(task.await??)?;
    }
    report(&format!("sqlite, {shows} shows"), &times, started.elapsed());
    Ok(())
}

async fn one_show(
    log: Arc<SqliteLog>,
    show: StreamId,
    started: Instant,
) -> anyhow::Result<Histogram<u64>> {
    let mut known = Known::nothing(1);
    log.create(&show, Genesis::new(1, Bytes::from_static(b"{}"))).await?;
    let batch = vec![Bytes::from(vec![7; ENTRY_BYTES]); ENTRIES];
    let mut times = Histogram::new(3)?;
    while started.elapsed() < Duration::from_secs(SECONDS) {
        let begun = Instant::now();
        let appended = black_box(log.append(&show, known, batch.clone()).await?);
        times.record(begun.elapsed().as_nanos() as u64)?;
        known.position.seq += appended.since_known.len() as u64;
    }
    Ok(times)
}

fn report(name: &str, times: &Histogram<u64>, took: Duration) {
    let us = |percentile| times.value_at_quantile(percentile) as f64 / 1e3;
    println!(
        "{name:24} {:9.0} entries/s   batch p50 {:6.0} us   p99 {:6.0} us   p99.9 {:6.0} us   \
         max {:6.0} us",
        times.len() as f64 * ENTRIES as f64 / took.as_secs_f64(),
        us(0.5),
        us(0.99),
        us(0.999),
        us(1.0),
    );
}
