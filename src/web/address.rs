//! Where a request comes from: the address that is counted and limited.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::http::HeaderMap;

/// The other end of the connection; the server puts it beside every request.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// The client's address: the peer's, or, where the peer is one of our own proxies, the nearest
/// address in `X-Forwarded-For` that is none of them. What stands further left was written by
/// the client and may be anything.
pub(super) fn client_address(peer: Peer, headers: &HeaderMap, proxies: &[IpAddr]) -> IpAddr {
    let mut address = peer.0.ip().to_canonical();
    if !proxies.contains(&address) {
        return address;
    }
    let claims: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .collect();
    for claim in claims.iter().rev() {
        let Some(next) = parse(claim.trim()) else { break };
        address = next;
        if !proxies.contains(&address) {
            break;
        }
    }
    address
}

/// What is counted as one address: an IPv4 address, or the /64 that an IPv6 customer is given
/// whole and could take a new address from for every socket.
pub(super) fn counted_as(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

/// An address as proxies write it: bare, or with a port.
fn parse(claim: &str) -> Option<IpAddr> {
    let bare = claim.parse::<IpAddr>().ok();
    let with_port = || claim.parse::<SocketAddr>().ok().map(|address| address.ip());
    bare.or_else(with_port).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(peer: &str, forwarded: &[&'static str], proxies: &[&str]) -> String {
        let peer = Peer(SocketAddr::new(peer.parse().expect("an address"), 1));
        let mut headers = HeaderMap::new();
        for list in forwarded {
            headers.append("x-forwarded-for", list.parse().expect("a header"));
        }
        let proxies: Vec<IpAddr> =
            proxies.iter().map(|proxy| proxy.parse().expect("an address")).collect();
        client_address(peer, &headers, &proxies).to_string()
    }

    #[test]
    fn a_stranger_is_not_believed() {
        assert_eq!(from("9.9.9.9", &["1.1.1.1"], &["10.0.0.1"]), "9.9.9.9");
        assert_eq!(from("9.9.9.9", &["1.1.1.1"], &[]), "9.9.9.9");
    }

    #[test]
    fn of_a_proxys_list_the_nearest_stranger_counts() {
        let proxies = ["10.0.0.1", "10.0.0.2"];
        assert_eq!(from("10.0.0.1", &["6.6.6.6, 1.1.1.1"], &proxies), "1.1.1.1");
        assert_eq!(from("10.0.0.1", &["6.6.6.6, 1.1.1.1, 10.0.0.2"], &proxies), "1.1.1.1");
        assert_eq!(from("10.0.0.1", &["6.6.6.6", "1.1.1.1:443"], &proxies), "1.1.1.1");
        assert_eq!(from("::ffff:10.0.0.1", &["1.1.1.1"], &proxies), "1.1.1.1");
    }

    #[test]
    fn a_proxy_that_says_nothing_sensible_is_the_client_itself() {
        assert_eq!(from("10.0.0.1", &["unknown"], &["10.0.0.1"]), "10.0.0.1");
        assert_eq!(from("10.0.0.1", &[], &["10.0.0.1"]), "10.0.0.1");
    }

    #[test]
    fn a_customers_sixty_four_counts_as_one() {
        let one = counted_as("2001:db8:1:2:3::4".parse().expect("an address"));
        let other = counted_as("2001:db8:1:2:ffff::".parse().expect("an address"));
        assert_eq!(one, other);
        assert_ne!(one, counted_as("2001:db8:1:3::".parse().expect("an address")));
    }
}
