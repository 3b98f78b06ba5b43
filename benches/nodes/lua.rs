//! The yardstick: the usual way to sell seats over Redis, one Lua script for each hold, sale and
//! release, on a bitmap of the seats, with an entry in a stream for each. The clients of a node share one
//! connection, whose requests are pipelined.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use redis::Script;

use super::house::{ROWS, Ran, SEATS, SEATS_A_ROW};
use super::redis_server::Redis;

/// All seats free: held, with its deadline; else refused.
const HOLD: &str = "
for i = 3, #ARGV do
  if redis.call('GETBIT', KEYS[1], ARGV[i]) == 1 then return 0 end
end
for i = 3, #ARGV do redis.call('SETBIT', KEYS[1], ARGV[i], 1) end
redis.call('HSET', KEYS[2], ARGV[1], table.concat(ARGV, ' ', 2))
redis.call('XADD', KEYS[3], '*', 'held', ARGV[1], 'seats', table.concat(ARGV, ' ', 3))
return 1";

/// The hold becomes a sale.
const BUY: &str = "
if redis.call('HDEL', KEYS[2], ARGV[1]) == 0 then return 0 end
redis.call('XADD', KEYS[3], '*', 'sold', ARGV[1])
return 1";

/// The hold's seats are free again.
const RELEASE: &str = "
if redis.call('HDEL', KEYS[2], ARGV[1]) == 0 then return 0 end
for i = 2, #ARGV do redis.call('SETBIT', KEYS[1], ARGV[i], 0) end
redis.call('XADD', KEYS[3], '*', 'released', ARGV[1])
return 1";

struct Scripts {
    hold: Script,
    buy: Script,
    release: Script,
    sold: AtomicU64,
    attempts: AtomicU64,
    granted: AtomicU64,
}

/// Runs the bench's work this way, with so many clients in all on so many nodes.
pub(crate) async fn run(redis: &Redis, nodes: usize, clients: u64) -> Ran {
    let client = redis::Client::open(redis.url()).expect("an address");
    let config = redis::AsyncConnectionConfig::new()
        .set_response_timeout(Some(std::time::Duration::from_secs(10)));
    let mut connections = Vec::new();
    for _ in 0..nodes {
        let connection = client.get_multiplexed_async_connection_with_config(&config).await;
        connections.push(connection.expect("a connection"));
    }
    let scripts = Arc::new(Scripts {
        hold: Script::new(HOLD),
        buy: Script::new(BUY),
        release: Script::new(RELEASE),
        sold: AtomicU64::new(0),
        attempts: AtomicU64::new(0),
        granted: AtomicU64::new(0),
    });
    let (began, cpu) = (Instant::now(), redis.cpu().await);
    let clients: Vec<_> = (1..=clients)
        .zip(connections.iter().cycle())
        .map(|(seed, redis)| tokio::spawn(buyer(redis.clone(), scripts.clone(), seed)))
        .collect();
    for client in clients {
        client.await.expect("a client ends well");
    }
    let took = began.elapsed();
    let attempts = scripts.attempts.load(Ordering::Relaxed);
    let granted = scripts.granted.load(Ordering::Relaxed);
    Ran::of(vec![(attempts, granted)], took).with_redis_cpu(redis.cpu().await - cpu)
}

async fn buyer(mut redis: redis::aio::MultiplexedConnection, scripts: Arc<Scripts>, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let keys = ["usual:{bench}:seats", "usual:{bench}:holds", "usual:{bench}:log"];
    let mut hold = seed << 32;
    while scripts.sold.load(Ordering::Relaxed) < u64::from(SEATS) * 9 / 10 {
        let party = random.random_range(1..=4);
        let row = random.random_range(0..ROWS);
        let first = row * SEATS_A_ROW + random.random_range(0..=SEATS_A_ROW - party);
        let seats: Vec<u32> = (first..first + party).collect();
        hold += 1;
        scripts.attempts.fetch_add(1, Ordering::Relaxed);
        let mut asked = scripts.hold.prepare_invoke();
        asked.key(&keys[..]).arg(hold).arg(1_800_000_000_000_u64).arg(&seats);
        let held: u8 = asked.invoke_async(&mut redis).await.expect("an answer");
        if held == 0 {
            continue;
        }
        scripts.granted.fetch_add(1, Ordering::Relaxed);
        let buys = random.random_range(0..100) < 70;
        let mut asked = if buys { &scripts.buy } else { &scripts.release }.prepare_invoke();
        asked.key(&keys[..]).arg(hold).arg(&seats);
        let done: u8 = asked.invoke_async(&mut redis).await.expect("an answer");
        assert_eq!(done, 1, "a hold that stands can be bought or released");
        if buys {
            scripts.sold.fetch_add(u64::from(party), Ordering::Relaxed);
        }
    }
}
