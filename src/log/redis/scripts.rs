//! The scripts: everything that changes a key of the log, each as one step that nothing comes between.
//!
//! They are called by their hash and sent in full only to a server that has forgotten them. Every one
//! of them may be sent twice: the second time it answers as the first time and changes nothing.

use std::sync::LazyLock;

use redis::{Cmd, Pipeline, Script};

/// Appends a page.
pub(super) static APPEND: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("scripts/append.lua")));
/// Begins a stream.
pub(super) static CREATE: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("scripts/create.lua")));
/// Makes the log of a stream.
pub(super) static MAKE_LOG: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("scripts/make_log.lua")));
/// Begins a life.
pub(super) static RENEW: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("scripts/renew.lua")));
/// Begins a life where another server kept the stream.
pub(super) static TAKE_OVER: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("scripts/take_over.lua")));
/// Keeps a snapshot.
pub(super) static SAVE: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("scripts/save.lua")));
/// Shows the outside what is available.
pub(super) static SHOW: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("scripts/show.lua")));
/// Keeps a secret.
pub(super) static KEEP: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("scripts/keep.lua")));
/// Writes something, so that there is something to wait for.
pub(super) static TOUCH: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("scripts/touch.lua")));

/// A call of `script` with these keys; the arguments are to be added.
pub(super) fn call(script: &Script, keys: &[&str]) -> Cmd {
    let mut call = redis::cmd("EVALSHA");
    call.arg(script.get_hash()).arg(keys.len()).arg(keys);
    call
}

/// What makes a server know all scripts.
pub(super) fn load_all() -> Pipeline {
    let all = [
        include_str!("scripts/append.lua"),
        include_str!("scripts/create.lua"),
        include_str!("scripts/make_log.lua"),
        include_str!("scripts/renew.lua"),
        include_str!("scripts/take_over.lua"),
        include_str!("scripts/save.lua"),
        include_str!("scripts/show.lua"),
        include_str!("scripts/keep.lua"),
        include_str!("scripts/touch.lua"),
    ];
    let mut load = redis::pipe();
    for text in all {
        load.cmd("SCRIPT").arg("LOAD").arg(text);
    }
    load
}
