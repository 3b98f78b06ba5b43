//! `rediss://`: the server must prove who it is to whom the system trusts.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Command;

use usher::config::{Durability, RedisAddress};
use usher::log::Known;
use usher::log::redis::RedisLog;

use super::{EPOCH, append, begun, texts};
use crate::redis_server::RedisServer;

/// Where the process that trusts the test's own authority finds the server.
const URL: &str = "USHER_TEST_REDISS_URL";

/// Whom a process trusts is said in its environment, so the half of this that trusts is a process of
/// its own: this test again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_proves_who_it_is_is_trusted_and_no_other() {
    if let Ok(url) = std::env::var(URL) {
        let log = super::open(&url).await;
        begun(&log).await;
        append(&log, Known::nothing(EPOCH), &["a"]).await;
        assert_eq!(texts(&log).await, ["a"]);
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    certificates(folder.path());
    let file = |name: &str| folder.path().join(name).display().to_string();
    let port = {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        listener.local_addr().expect("its address").port()
    };
    let redis = RedisServer::start_with(&[
        "--appendonly",
        "yes",
        "--appendfsync",
        "always",
        "--tls-port",
        &port.to_string(),
        "--tls-cert-file",
        &file("server.pem"),
        "--tls-key-file",
        &file("server.key"),
        "--tls-ca-cert-file",
        &file("ca.pem"),
        "--tls-auth-clients",
        "no",
    ]);
    let url = format!("rediss://127.0.0.1:{port}");
    let address: RedisAddress = url.parse().expect("an address");
    let opened = RedisLog::open(&address, Durability::Disk).await.err().expect("not trusted");
    let said = format!("{:#}", anyhow::Error::from(opened));
    assert!(said.contains("certificate") || said.contains("UnknownIssuer"), "{said}");

    let this = "log_redis::tls::a_server_that_proves_who_it_is_is_trusted_and_no_other";
    let trusting = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", this, "--nocapture"])
        .env("SSL_CERT_FILE", file("ca.pem"))
        .env(URL, &url)
        .output()
        .expect("it runs");
    let told = String::from_utf8_lossy(&trusting.stdout);
    assert!(trusting.status.success() && told.contains("1 passed"), "{told}");
    assert_eq!(super::pages(&redis), 1);
}

/// An authority, and a server that it vouches for.
fn certificates(folder: &Path) {
    let key = ["-newkey", "rsa:2048", "-nodes", "-days", "2"];
    let openssl = |words: &[&str]| {
        let made = Command::new("openssl")
            .args(["req", "-x509"])
            .args(key)
            .args(words)
            .current_dir(folder)
            .output();
        let made = made.expect("openssl is there: apt-get install openssl");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    };
    openssl(&["-subj", "/CN=the test", "-keyout", "ca.key", "-out", "ca.pem"]);
    let server = ["-subj", "/CN=server", "-keyout", "server.key", "-out", "server.pem"];
    let vouched = ["-CA", "ca.pem", "-CAkey", "ca.key"];
    let names = ["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=CA:FALSE"];
    openssl(&[&server[..], &vouched, &names].concat());
}
