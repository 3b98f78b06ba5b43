//! A network between two programs that a test can break: bytes pass, stop in one direction or in
//! both, come late; the line is cut, and leads elsewhere.
//!
//! It has a thread of its own, so that a test that waits for something does not hold it up.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};

/// How many reads may be under way in one direction of one connection.
const UNDER_WAY: usize = 256;

/// A direction of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// From who connected to where the line leads.
    There,
    /// The answers.
    Back,
}

/// How the line is at the moment.
#[derive(Clone, Copy, Debug)]
struct Line {
    leads_to: SocketAddr,
    is_cut: bool,
    /// Grows with every cut: connections of an earlier one are over.
    cuts: u64,
    stops_there: bool,
    stops_back: bool,
    delay: Duration,
}

impl Line {
    fn stops(&self, way: Way) -> bool {
        match way {
            Way::There => self.stops_there,
            Way::Back => self.stops_back,
        }
    }
}

/// A line from a port of its own to another.
pub(crate) struct Proxy {
    port: u16,
    line: watch::Sender<Line>,
}

impl Proxy {
    /// To the program that listens at `port` of this machine.
    pub(crate) fn to(port: u16) -> Self {
        let leads_to = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let line = Line {
            leads_to,
            is_cut: false,
            cuts: 0,
            stops_there: false,
            stops_back: false,
            delay: Duration::ZERO,
        };
        let (line, seen) = watch::channel(line);
        let (told, heard) = oneshot::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
                told.send(listener.local_addr().expect("its address").port()).expect("a listener");
                serve(listener, seen).await;
            });
        });
        let port = std::thread::spawn(|| heard.blocking_recv()).join();
        Self { port: port.expect("a thread").expect("a port"), line }
    }

    /// Where it listens on this machine.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Its address, as `usher --redis` takes it.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Bytes stop in this direction, also those under way; nobody is told. Later they go on.
    pub(crate) fn stop(&self, way: Way) {
        self.line.send_modify(|line| match way {
            Way::There => line.stops_there = true,
            Way::Back => line.stops_back = true,
        });
    }

    /// Bytes stop in both directions.
    pub(crate) fn stop_all(&self) {
        self.stop(Way::There);
        self.stop(Way::Back);
    }

    /// Everything is as it should be again; what was stopped goes on.
    pub(crate) fn pass(&self) {
        self.line.send_modify(|line| {
            (line.stops_there, line.stops_back, line.is_cut) = (false, false, false);
            line.delay = Duration::ZERO;
        });
    }

    /// All connections are closed, what was under way is gone, and new ones are closed at once.
    pub(crate) fn cut(&self) {
        self.line.send_modify(|line| (line.is_cut, line.cuts) = (true, line.cuts + 1));
    }

    /// All connections are closed, and new ones are welcome.
    pub(crate) fn hang_up(&self) {
        self.line.send_modify(|line| line.cuts += 1);
    }

    /// Every byte takes so much longer, in each direction.
    pub(crate) fn delay(&self, ms: u64) {
        self.line.send_modify(|line| line.delay = Duration::from_millis(ms));
    }

    /// From now on it leads to `port`: connections to where it led are closed.
    pub(crate) fn lead_to(&self, port: u16) {
        self.line.send_modify(|line| {
            line.leads_to.set_port(port);
            line.cuts += 1;
        });
    }
}

/// Takes connections until the proxy is dropped.
async fn serve(listener: TcpListener, mut line: watch::Receiver<Line>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = gone(&mut line) => return,
        };
        if let Ok((client, _)) = accepted {
            tokio::spawn(connection(client, line.clone()));
        }
    }
}

async fn gone(line: &mut watch::Receiver<Line>) {
    while line.changed().await.is_ok() {}
}

async fn connection(client: TcpStream, line: watch::Receiver<Line>) {
    let now = *line.borrow();
    if now.is_cut {
        return;
    }
    let mut cut = line.clone();
    let carried = async {
        let Ok(server) = TcpStream::connect(now.leads_to).await else { return };
        client.set_nodelay(true).ok();
        server.set_nodelay(true).ok();
        let (client_says, to_client) = client.into_split();
        let (server_says, to_server) = server.into_split();
        tokio::join!(
            carry(client_says, to_server, line.clone(), Way::There),
            carry(server_says, to_client, line.clone(), Way::Back),
        );
    };
    tokio::select! {
        () = carried => {}
        _ = cut.wait_for(|line| line.cuts != now.cuts) => {}
    }
}

/// Carries one direction to its end.
async fn carry(from: OwnedReadHalf, to: OwnedWriteHalf, line: watch::Receiver<Line>, way: Way) {
    let (sender, under_way) = mpsc::channel(UNDER_WAY);
    tokio::join!(take(from, sender), give(under_way, to, line, way));
}

async fn take(mut from: OwnedReadHalf, under_way: mpsc::Sender<(Instant, Vec<u8>)>) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        if under_way.send((Instant::now(), bytes[..read].to_vec())).await.is_err() {
            return;
        }
    }
}

async fn give(
    mut under_way: mpsc::Receiver<(Instant, Vec<u8>)>,
    mut to: OwnedWriteHalf,
    mut line: watch::Receiver<Line>,
    way: Way,
) {
    while let Some((taken, bytes)) = under_way.recv().await {
        let due = taken + line.borrow().delay;
        tokio::time::sleep_until(due.into()).await;
        if line.wait_for(|line| !line.stops(way)).await.is_err() {
            return;
        }
        if to.write_all(&bytes).await.is_err() {
            return;
        }
    }
    // One side has said all it had to: the other hears that too.
    to.shutdown().await.ok();
}

/// Answers whatever it hears, until the test ends.
#[cfg(test)]
fn echo() -> u16 {
    use std::io::{Read as _, Write as _};

    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("its address").port();
    std::thread::spawn(move || {
        for mut heard in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut bytes = [0; 1024];
                while let Ok(read @ 1..) = heard.read(&mut bytes) {
                    if heard.write_all(&bytes[..read]).is_err() {
                        return;
                    }
                }
            });
        }
    });
    port
}

#[cfg(test)]
fn connected(port: u16) -> std::net::TcpStream {
    let stream = std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("a line");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a patience");
    stream
}

/// Whether a line is closed, not only silent.
#[cfg(test)]
fn is_over(line: &mut std::net::TcpStream) -> bool {
    use std::io::{ErrorKind, Read as _};

    match line.read(&mut [0]) {
        Ok(read) => read == 0,
        Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
    }
}

#[test]
fn what_was_stopped_goes_on_and_what_was_cut_does_not() {
    use std::io::{ErrorKind, Read as _, Write as _};

    let proxy = Proxy::to(echo());
    let mut line = connected(proxy.port());
    let mut said = [0; 2];
    line.write_all(b"to").expect("said");
    line.read_exact(&mut said).expect("an echo");
    for way in [Way::There, Way::Back] {
        proxy.stop(way);
        line.write_all(b"be").expect("said");
        line.set_read_timeout(Some(Duration::from_millis(50))).expect("a patience");
        let silence = line.read(&mut said).expect_err("nothing comes");
        assert!(matches!(silence.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
        line.set_read_timeout(Some(Duration::from_secs(20))).expect("a patience");
        proxy.pass();
        line.read_exact(&mut said).expect("it goes on");
        assert_eq!(&said, b"be");
    }
    proxy.cut();
    assert!(is_over(&mut line));
    assert!(is_over(&mut connected(proxy.port())), "new ones are not welcome");
    proxy.pass();
    let mut line = connected(proxy.port());
    line.write_all(b"or").expect("said");
    line.read_exact(&mut said).expect("an echo");
}

#[test]
fn what_is_delayed_comes_late_and_in_order() {
    use std::io::{Read as _, Write as _};

    let proxy = Proxy::to(echo());
    proxy.delay(30);
    let mut line = connected(proxy.port());
    let began = Instant::now();
    for word in ["not ", "to ", "be"] {
        line.write_all(word.as_bytes()).expect("said");
    }
    let mut said = [0; 9];
    line.read_exact(&mut said).expect("an echo");
    assert_eq!(&said, b"not to be");
    assert!(began.elapsed() >= Duration::from_millis(60), "there and back");
}

#[test]
fn a_line_leads_elsewhere_when_told() {
    use std::io::{Read as _, Write as _};

    let gone = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let nobody = gone.local_addr().expect("its address").port();
    drop(gone);
    let proxy = Proxy::to(nobody);
    assert!(is_over(&mut connected(proxy.port())), "it led to nobody");
    proxy.lead_to(echo());
    let mut line = connected(proxy.port());
    line.write_all(b"to").expect("said");
    line.read_exact(&mut [0; 2]).expect("an echo");
}
