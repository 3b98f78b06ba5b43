//! Any history at all, against a model too simple to be wrong.

use bytes::Bytes;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use usher::log::{Known, Mark, Position};

use super::{EPOCH, Fixture, places, told};

/// One step of a random history.
#[derive(Clone, Debug)]
enum Step {
    /// So many entries of this size, by one who is `behind` entries behind.
    Append { count: usize, size: usize, behind: usize },
    /// A read from this share of what there is.
    Read { after_percent: usize, most: usize },
}

fn any_step() -> impl Strategy<Value = Step> {
    let append = (1..20_usize, 1..300_usize, 0..60_usize);
    let read = (0..=100_usize, 1..50_usize);
    prop_oneof![
        append.prop_map(|(count, size, behind)| Step::Append { count, size, behind }),
        read.prop_map(|(after_percent, most)| Step::Read { after_percent, most }),
    ]
}

/// The naive model is a list: appending extends it, reading is a slice of it.
pub(super) async fn any_is_the_list_of_what_was_appended<F>(new: fn() -> F)
where
    F: Future<Output = Fixture> + 'static,
{
    // What the logs share is not to end and begin again with each.
    let _shared = new().await.shared.clone();
    let histories = prop::collection::vec((any::<bool>(), any_step()), 1..40);
    let runtime = tokio::runtime::Handle::current();
    let judged = tokio::task::spawn_blocking(move || {
        let config = ProptestConfig { cases: 48, failure_persistence: None, ..Default::default() };
        TestRunner::new(config)
            .run(&histories, |steps| runtime.block_on(async { follow(new().await, steps).await }))
    });
    judged.await.expect("a judgement").unwrap_or_else(|found| panic!("{found}"));
}

async fn follow(log: Fixture, steps: Vec<(bool, Step)>) -> Result<(), TestCaseError> {
    let hamlet = log.begun().await;
    let mut model: Vec<Bytes> = Vec::new();
    // The mark after so many entries, as it was told.
    let mut marks = vec![Mark::NONE];
    for (nth, (here, step)) in steps.into_iter().enumerate() {
        let log = if here { &log.here } else { &log.there };
        match step {
            Step::Append { count, size, behind } => {
                let seq = model.len().saturating_sub(behind);
                let known = Known {
                    position: Position { epoch: EPOCH, seq: seq as u64 },
                    mark: marks[seq],
                };
                let own_first = model.len() as u64 + 1;
                let own = vec![Bytes::from(vec![nth as u8; size]); count];
                let appended = log.append(&hamlet, known, own.clone()).await;
                let appended = appended.map_err(|error| TestCaseError::fail(error.to_string()))?;
                model.extend(own);
                marks.truncate(seq + 1);
                marks.extend(appended.since_known.iter().map(|entry| entry.mark));
                prop_assert_eq!(appended.own_first, own_first);
                prop_assert_eq!(places(&appended.since_known), told(seq as u64 + 1, &model[seq..]));
            }
            Step::Read { after_percent, most } => {
                let after = model.len() * after_percent / 100;
                let read = log.read(&hamlet, after as u64, most).await;
                let read = read.map_err(|error| TestCaseError::fail(error.to_string()))?;
                prop_assert!(read.len() >= most.min(model.len() - after));
                let end = after + read.len();
                prop_assert_eq!(places(&read), told(after as u64 + 1, &model[after..end]));
                let marked = read.iter().map(|entry| entry.mark);
                prop_assert!(marked.eq(marks[after + 1..=end].iter().copied()));
            }
        }
    }
    Ok(())
}
