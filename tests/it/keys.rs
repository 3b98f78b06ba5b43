//! `usher keys rotate`, beside a house that is open.

use serde_json::json;

use crate::open_house::OpenHouse;
use crate::program;
use crate::redis_server::RedisServer;

fn rotate(words: &[&str]) -> (Option<i32>, String, String) {
    let words: Vec<String> =
        ["keys", "rotate"].iter().chain(words).map(ToString::to_string).collect();
    program::run(&words)
}

#[tokio::test]
async fn a_rotation_beside_an_open_house_keeps_every_session() {
    let mut house = OpenHouse::start().await;
    let show = house.a_show().await;
    let token = house.identify(&show).await;
    let folder = house.folder().to_owned();
    let data = folder.to_str().expect("text");
    let (code, said, errors) = rotate(&["--data", data]);
    assert_eq!(code, Some(0), "{said}{errors}");
    let keys = std::fs::read_to_string(folder.join("sign.key")).expect("the keys");
    assert_eq!(keys.lines().count(), 2, "the old one is kept");
    assert!(!said.contains(keys.lines().last().expect("a key")), "and none is shown");
    let asks = json!({"jsonrpc": "2.0", "id": 1, "method": "hold", "params": {"seats": [1]}});
    let answer = house.rpc(&show, Some(&token), &asks).await;
    assert!(answer["result"]["hold"].is_object(), "{answer}");
    house.stop().await;
    let house = house.restart().await;
    let asks =
        json!({"jsonrpc": "2.0", "id": 1, "method": "identify", "params": {"session": token}});
    let answer = house.rpc(&show, None, &asks).await;
    assert_eq!(answer["result"]["holds"].as_array().map(Vec::len), Some(1), "{answer}");
}

#[test]
fn where_there_is_no_house_nothing_is_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let (code, _, errors) = rotate(&["--data", folder.path().to_str().expect("text")]);
    assert_eq!(code, Some(1));
    assert!(errors.contains("is not the data folder of a house"), "{errors}");
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 0);
}

#[test]
fn keys_in_redis_are_rotated_there() {
    let redis = RedisServer::start();
    for nth in 1..=2 {
        let (code, said, errors) = rotate(&["--redis", &redis.url()]);
        assert_eq!(code, Some(0), "{said}{errors}");
        let keys = redis.ask(&["GET", "usher:kept:sign.key"]).text();
        assert_eq!(keys.lines().count(), nth);
    }
}
