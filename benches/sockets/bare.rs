//! The yardstick: the bare machine. The same seats as bits in memory, behind plain TCP, and for all that
//! wait together one write to a file and one `fdatasync`. No JSON, no WebSocket, no rules, no names, no
//! history that can be checked, nobody who watches: what is left is what the kernel and the disk take.
//!
//! A request is 16 bytes: what (1 hold, 2 buy, 3 release), how many seats, and from which on. An answer
//! is one byte: 1 done, 0 refused.

use std::cell::RefCell;
use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::mpsc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::SEATS;
use super::clients::Counter;

const HOLD: u8 = 1;
const BUY: u8 = 2;
const RELEASE: u8 = 3;
const REQUEST_BYTES: usize = 16;

type Request = [u8; REQUEST_BYTES];

/// One that waits until it is on the disk.
type Waiting = (Request, oneshot::Sender<()>);

/// Serves on a thread of its own, for as long as the process lives.
pub(crate) fn serve(file: File) -> SocketAddr {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        tokio::task::LocalSet::new().block_on(&runtime.expect("a runtime"), async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            tell.send(listener.local_addr().expect("an address")).expect("somebody asks");
            let taken = Rc::new(RefCell::new(vec![false; SEATS as usize]));
            let log = log(file);
            loop {
                let (stream, _) = listener.accept().await.expect("a client");
                stream.set_nodelay(true).expect("no delay");
                tokio::task::spawn_local(one(stream, taken.clone(), log.clone()));
            }
        });
    });
    told.recv().expect("an address")
}

/// The disk: takes all that wait, writes them as one and syncs.
fn log(mut file: File) -> mpsc::Sender<Waiting> {
    let (ask, asked) = mpsc::channel::<Waiting>();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        while let Ok(first) = asked.recv() {
            let batch: Vec<Waiting> = std::iter::once(first).chain(asked.try_iter()).collect();
            bytes.clear();
            batch.iter().for_each(|(request, _)| bytes.extend_from_slice(request));
            file.write_all(&bytes).expect("a write");
            file.sync_data().expect("a sync");
            batch.into_iter().for_each(|(_, done)| {
                let _gone = done.send(());
            });
        }
    });
    ask
}

async fn one(mut stream: TcpStream, taken: Rc<RefCell<Vec<bool>>>, log: mpsc::Sender<Waiting>) {
    let mut request = Request::default();
    while stream.read_exact(&mut request).await.is_ok() {
        let [what, party, ..] = request;
        let first = u64::from_le_bytes(request[8..].try_into().expect("8 bytes")) as usize;
        let seats = first..first + usize::from(party);
        let granted = {
            let mut taken = taken.borrow_mut();
            let seats = &mut taken[seats];
            let granted = what != HOLD || !seats.contains(&true);
            if granted && what != BUY {
                seats.fill(what == HOLD);
            }
            granted
        };
        if granted {
            let (done, is_done) = oneshot::channel();
            log.send((request, done)).expect("a disk");
            is_done.await.expect("a disk");
        }
        if stream.write_all(&[u8::from(granted)]).await.is_err() {
            return;
        }
    }
}

/// A client of the bare machine.
pub(crate) struct Bare(TcpStream);

impl Bare {
    /// Connects.
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        Self(stream)
    }

    async fn ask(&mut self, what: u8, (first, party): (u64, u64)) -> bool {
        let mut request = Request::default();
        (request[0], request[1]) = (what, party as u8);
        request[8..].copy_from_slice(&first.to_le_bytes());
        self.0.write_all(&request).await.expect("a request goes out");
        let mut answer = [0; 2];
        let length = self.0.read(&mut answer).await.expect("an answer");
        assert_eq!(length, 1);
        answer[0] == 1
    }
}

impl Counter for Bare {
    type Hold = (u64, u64);

    async fn hold(&mut self, first: u64, party: u64) -> Option<(u64, u64)> {
        self.ask(HOLD, (first, party)).await.then_some((first, party))
    }

    async fn end(&mut self, hold: (u64, u64), buys: bool) {
        assert!(self.ask(if buys { BUY } else { RELEASE }, hold).await);
    }
}
