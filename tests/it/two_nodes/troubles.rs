//! Something is wrong with the log of one show: the others play, and it plays again when it is mended.

use super::log::Trouble;
use super::*;

pub(super) async fn a_node_on(log: &Deaf, folder: &Path) -> Node {
    Node::start_on(Arc::new(log.clone()), Clock::of_the_wall(), folder).await
}

/// Asks until the answer has this status.
async fn until_answered(node: &Node, path: &str, status: u16) {
    let answered = async {
        while node.get(path).await.0 != status {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(30), answered).await;
    assert!(in_time.is_ok(), "{path} is not answered with {status}");
}

/// The token of who holds the seat now.
pub(super) async fn someone_holds(node: &Node, show: &str, seat: u32) -> String {
    let session = node.rpc(show, None, "identify", json!({})).await;
    let token = session["session"].as_str().expect("a token");
    node.hold_in_the_end(show, token, seat).await;
    token.to_owned()
}

#[tokio::test]
async fn a_node_is_ready_while_any_show_can_be_sold() {
    let (log, folder) = (Deaf::new(&MemoryLog::new()), tempfile::tempdir().expect("a folder"));
    let node = a_node_on(&log, folder.path()).await;
    let (first, second) = (node.a_show().await, node.a_show().await);
    log.trouble(&first, Some(Trouble::Away));
    while !node.house.offices.log_is_away() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(node.get("/readyz").await.0, 200);
    log.trouble(&second, Some(Trouble::Away));
    until_answered(&node, "/readyz", 503).await;
    log.trouble(&first, None);
    until_answered(&node, "/readyz", 200).await;
    assert!(node.house.offices.log_is_away(), "and the operator is told of the other");
}

#[tokio::test]
async fn a_show_that_stopped_plays_again_when_its_log_is_mended() {
    for trouble in [Trouble::Gone, Trouble::Holed] {
        let (log, folder) = (Deaf::new(&MemoryLog::new()), tempfile::tempdir().expect("a folder"));
        let node = a_node_on(&log, folder.path()).await;
        let show = node.a_show().await;
        someone_holds(&node, &show, 1).await;
        let token = someone_holds(&node, &show, 2).await;
        let head = format!("/v1/shows/{show}/head");
        let before = node.get(&head).await;
        log.trouble(&show, Some(trouble));
        until_answered(&node, &head, 503).await;
        log.trouble(&show, None);
        until_answered(&node, &head, 200).await;
        let session = node.rpc(&show, None, "identify", json!({"session": token})).await;
        assert_eq!(session["holds"].as_array().map(Vec::len), Some(1), "{trouble:?}");
        let after = node.get(&head).await;
        let is_another_life = trouble == Trouble::Holed;
        assert_eq!(after != before, is_another_life, "{trouble:?}");
        someone_holds(&node, &show, 3).await;
    }
}

#[tokio::test]
async fn a_show_that_could_not_be_opened_at_the_start_opens_when_its_log_is_mended() {
    let (log, folder) = (Deaf::new(&MemoryLog::new()), tempfile::tempdir().expect("a folder"));
    let show = {
        let node = a_node_on(&log, folder.path()).await;
        let show = node.a_show().await;
        someone_holds(&node, &show, 1).await;
        someone_holds(&node, &show, 2).await;
        show
    };
    log.trouble(&show, Some(Trouble::Holed));
    let late = a_node_on(&log, folder.path()).await;
    let head = format!("/v1/shows/{show}/head");
    assert_eq!(late.get(&head).await.0, 503);
    log.trouble(&show, None);
    until_answered(&late, &head, 200).await;
}
