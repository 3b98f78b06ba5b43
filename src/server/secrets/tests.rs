//! What becomes of secrets, in a folder.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;

use super::*;
use crate::tokens::Disbelief;

const NOW: Time = Time(1_800_000_000_000);

fn folder() -> (TempDir, Folder) {
    let folder = tempfile::tempdir().expect("a folder");
    let safe = Folder(folder.path().to_owned());
    (folder, safe)
}

/// What a node has that just started.
async fn node(safe: &dyn Safe) -> (Kept, Tokens) {
    let keys = signing_keys(safe).await.expect("kept");
    let tokens = Tokens::of(&keys);
    (Kept { signing: Some(keys), box_office: None }, tokens)
}

#[tokio::test]
async fn a_secret_is_made_once_and_then_kept() {
    let (_folder, safe) = folder();
    let keys = signing_keys(&safe).await.expect("made");
    assert_eq!(signing_keys(&safe).await.expect("kept"), keys);
    let (key, made) = box_office_key(&safe).await.expect("made");
    assert!(made && key.len() >= crate::config::KEY_LENGTH_SAFE);
    assert_eq!(box_office_key(&safe).await.expect("kept"), (key, false));
}

#[tokio::test]
async fn nobody_but_the_owner_can_read_it() {
    let (folder, safe) = folder();
    signing_keys(&safe).await.expect("made");
    rotate(&safe, NOW).await.expect("rotated");
    let mode = fs::metadata(folder.path().join(SIGNING)).expect("there").permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
}

#[tokio::test]
async fn a_damaged_secret_stops_the_start_instead_of_letting_everybody_in() {
    let (folder, safe) = folder();
    fs::write(folder.path().join(BOX_OFFICE), "\n").expect("written");
    assert!(box_office_key(&safe).await.is_err());
    fs::write(folder.path().join(SIGNING), "short").expect("written");
    assert!(signing_keys(&safe).await.is_err());
    assert!(rotate(&safe, NOW).await.is_err());
}

#[tokio::test]
async fn a_rotation_is_taken_up_by_nodes_that_run_and_no_token_is_refused_meanwhile() {
    let (_folder, safe) = folder();
    let (mut early, early_tokens) = node(&safe).await;
    let (mut late, late_tokens) = node(&safe).await;
    rotate(&safe, NOW).await.expect("rotated");
    // One node reads of it at once, the other only as late as it may.
    early.compare(&safe, &early_tokens, NOW).await.expect("read again");
    let mut issued = Vec::new();
    for ms in [0, 1_000, 59_000] {
        let at = NOW.plus_ms(ms);
        issued.push(early_tokens.issue(at).1);
        assert!(issued.iter().all(|token| late_tokens.verify(token, at).is_some()), "{ms}");
    }
    late.compare(&safe, &late_tokens, NOW.plus_ms(59_999)).await.expect("read again");
    let at = NOW.plus_ms(SIGNS_AFTER_MS);
    issued.push(early_tokens.issue(at).1);
    assert!(issued.iter().all(|token| late_tokens.verify(token, at).is_some()));
    assert_eq!(late.signing, early.signing);
    assert_eq!(late.signing.map(|keys| keys.len()), Some(2));
}

#[tokio::test]
async fn a_node_that_cannot_read_the_keys_says_that_it_does_not_know_until_it_can() {
    let (folder, safe) = folder();
    let (mut kept, tokens) = node(&safe).await;
    kept.compare(&safe, &tokens, NOW).await.expect("read again");
    let later = NOW.plus_ms(SIGNS_AFTER_MS);
    let (_, token) = Tokens::of(&rotate(&safe, NOW).await.expect("rotated")).issue(later);
    let away = folder.path().with_extension("away");
    fs::rename(folder.path(), &away).expect("cut off");
    assert!(kept.compare(&safe, &tokens, later).await.is_err());
    assert_eq!(tokens.judge(&token, later), Err(Disbelief::NotKnown));
    fs::rename(&away, folder.path()).expect("back");
    kept.compare(&safe, &tokens, later).await.expect("read again");
    assert!(tokens.judge(&token, later).is_ok());
}

#[tokio::test]
async fn keys_whose_tokens_have_ended_are_dropped_by_the_next_rotation() {
    let (_folder, safe) = folder();
    let first = signing_keys(&safe).await.expect("made");
    let second = rotate(&safe, NOW).await.expect("rotated");
    assert_eq!(second.len(), 2);
    let much_later = NOW.plus_ms(40 * 24 * 3_600_000);
    let third = rotate(&safe, much_later).await.expect("rotated");
    assert_eq!(third.len(), 2);
    assert!(!third.contains(&first[0]) && third.contains(&second[1]));
}

#[tokio::test]
async fn what_was_lost_is_put_back_by_a_node_that_knows_it() {
    let (folder, safe) = folder();
    let (key, _) = box_office_key(&safe).await.expect("made");
    let (mut kept, tokens) = node(&safe).await;
    kept.box_office = Some(key.clone());
    let before_rotation = fs::read_to_string(folder.path().join(SIGNING)).expect("there");
    rotate(&safe, NOW).await.expect("rotated");
    kept.compare(&safe, &tokens, NOW).await.expect("read again");
    let known = kept.signing.clone().expect("kept keys");
    // (what is left of the signing keys)
    for left in [None, Some(before_rotation)] {
        fs::remove_file(folder.path().join(SIGNING)).expect("gone");
        fs::remove_file(folder.path().join(BOX_OFFICE)).expect("gone");
        if let Some(left) = left {
            fs::write(folder.path().join(SIGNING), left).expect("older");
        }
        kept.compare(&safe, &tokens, NOW).await.expect("put back");
        assert_eq!(signing_keys(&safe).await.expect("kept"), known);
        assert_eq!(box_office_key(&safe).await.expect("kept"), (key.clone(), false));
    }
}

#[tokio::test]
async fn secrets_are_copied_where_there_are_none_and_never_over_others() {
    let ((_one, from), (_two, to), (_three, other)) = (folder(), folder(), folder());
    let keys = signing_keys(&from).await.expect("made");
    box_office_key(&from).await.expect("made");
    let others = signing_keys(&other).await.expect("made");
    assert!(copy(&from, &to).await.expect("copied"));
    assert_eq!(signing_keys(&to).await.expect("kept"), keys);
    assert_eq!(
        box_office_key(&to).await.expect("kept"),
        box_office_key(&from).await.expect("kept")
    );
    assert!(!copy(&from, &other).await.expect("left"));
    assert_eq!(signing_keys(&other).await.expect("kept"), others);
}
