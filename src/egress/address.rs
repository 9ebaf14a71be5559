//! Which addresses a connection may be made to.
//!
//! A name is only as trustworthy as the address it resolves to: a public name that points at 169.254.169.254 reaches the
//! metadata service of the machine that scans. Registries: IANA IPv4 and IPv6 Special-Purpose Address Registries.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::config::Zone;

/// What sort of network an address belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AddressClass {
    /// Globally routed.
    Public,
    /// RFC 1918, RFC 6598 (carrier-grade NAT), RFC 2544 and unique local addresses.
    Private,
    /// This machine.
    Loopback,
    /// Link-local, multicast, documentation, reserved, tunnels, and metadata services: no issuer lives there.
    Forbidden,
}

/// Addresses of cloud metadata services that are not link-local: Azure's host, Alibaba, Oracle, AWS and Google over IPv6.
const METADATA_V4: [Ipv4Addr; 3] =
    [Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(192, 0, 0, 192)];
const METADATA_V6: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)];

/// Whether an issuer of that zone may be reached at that address. `opened` is the operator's `--allow-host`.
pub(super) fn is_allowed(address: IpAddr, zone: Zone, opened: bool) -> bool {
    match class(address) {
        AddressClass::Forbidden => false,
        AddressClass::Public => zone != Zone::Loopback,
        AddressClass::Private => zone == Zone::Internal || opened,
        AddressClass::Loopback => zone == Zone::Loopback || opened,
    }
}

/// Whether the operator could allow it.
pub(super) fn may_be_opened(address: IpAddr) -> bool {
    matches!(class(address), AddressClass::Private | AddressClass::Loopback)
}

/// Whether it is this machine, where plain http crosses no wire.
pub(super) fn is_loopback(address: IpAddr) -> bool {
    class(address) == AddressClass::Loopback
}

fn class(address: IpAddr) -> AddressClass {
    match address {
        IpAddr::V4(address) => class_v4(address),
        IpAddr::V6(address) => class_v6(address),
    }
}

fn class_v4(address: Ipv4Addr) -> AddressClass {
    let [a, b, c, _] = address.octets();
    if METADATA_V4.contains(&address) {
        return AddressClass::Forbidden;
    }
    match (a, b, c) {
        (127, ..) => AddressClass::Loopback,
        (10, ..) | (172, 16..=31, _) | (192, 168, _) | (100, 64..=127, _) | (198, 18..=19, _) => AddressClass::Private,
        (0 | 224..=255, ..) | (169, 254, _) | (192, 0, 0 | 2) | (192, 88, 99) | (198, 51, 100) | (203, 0, 113) => {
            AddressClass::Forbidden
        }
        _ => AddressClass::Public,
    }
}

fn class_v6(address: Ipv6Addr) -> AddressClass {
    let [first, second, third, ..] = address.segments();
    if METADATA_V6.contains(&address) {
        return AddressClass::Forbidden;
    }
    if address == Ipv6Addr::LOCALHOST {
        return AddressClass::Loopback;
    }
    // IPv4-mapped (::ffff:0:0/96) and NAT64 (64:ff9b::/96, RFC 6052) addresses end in the IPv4 address they lead to.
    if let Some(inner) = address.to_ipv4_mapped() {
        return class_v4(inner);
    }
    let bits = address.to_bits();
    if bits >> 32 == 0x0064_ff9b_u128 << 64 {
        let [.., a, b, c, d] = address.octets();
        return class_v4(Ipv4Addr::new(a, b, c, d));
    }
    match (first, second, third) {
        (0xfc00..=0xfdff, ..) => AddressClass::Private,
        // Protocol assignments with Teredo, documentation twice, 6to4: nothing an issuer would be reached by.
        (0x2001, 0..=0x01ff | 0x0db8, _) | (0x2002, ..) | (0x3fff, 0..=0x0fff, _) => AddressClass::Forbidden,
        (0x2000..=0x3fff, ..) => AddressClass::Public,
        _ => AddressClass::Forbidden,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes() {
        use AddressClass::{Forbidden, Loopback, Private, Public};
        for (text, expected) in [
            ("8.8.8.8", Public),
            ("172.32.0.1", Public),
            ("100.128.0.1", Public),
            ("10.0.0.1", Private),
            ("172.16.0.1", Private),
            ("172.31.255.255", Private),
            ("192.168.1.1", Private),
            ("100.64.0.1", Private),
            ("198.19.0.1", Private),
            ("127.0.0.1", Loopback),
            ("127.255.255.254", Loopback),
            ("0.0.0.0", Forbidden),
            ("169.254.169.254", Forbidden),
            ("168.63.129.16", Forbidden),
            ("100.100.100.200", Forbidden),
            ("192.0.0.192", Forbidden),
            ("192.0.2.1", Forbidden),
            ("224.0.0.1", Forbidden),
            ("240.0.0.1", Forbidden),
            ("255.255.255.255", Forbidden),
            ("::1", Loopback),
            ("::", Forbidden),
            ("::127.0.0.1", Forbidden),
            ("::ffff:127.0.0.1", Loopback),
            ("::ffff:169.254.169.254", Forbidden),
            ("::ffff:10.0.0.1", Private),
            ("::ffff:8.8.8.8", Public),
            ("64:ff9b::7f00:1", Loopback),
            ("64:ff9b::a9fe:a9fe", Forbidden),
            ("64:ff9b::808:808", Public),
            ("64:ff9b:1::1", Forbidden),
            ("2002:7f00:1::", Forbidden),
            ("2001:0:4136:e378::1", Forbidden),
            ("2001:db8::1", Forbidden),
            ("3fff:1::1", Forbidden),
            ("2606:4700::1111", Public),
            ("fd12:3456::1", Private),
            ("fd00:ec2::254", Forbidden),
            ("fe80::1", Forbidden),
            ("fec0::1", Forbidden),
            ("ff02::1", Forbidden),
            ("4000::1", Forbidden),
        ] {
            assert_eq!(class(text.parse().expect("an address of this test")), expected, "{text}");
        }
    }

    #[test]
    fn zones() {
        let allowed = |text: &str, zone, opened| is_allowed(text.parse().expect("an address"), zone, opened);
        for (text, public, internal, loopback, opened) in [
            ("8.8.8.8", true, true, false, true),
            ("10.0.0.1", false, true, false, true),
            ("127.0.0.1", false, false, true, true),
            ("169.254.169.254", false, false, false, false),
        ] {
            let got = [
                allowed(text, Zone::Public, false),
                allowed(text, Zone::Internal, false),
                allowed(text, Zone::Loopback, false),
                allowed(text, Zone::Public, true),
            ];
            assert_eq!(got, [public, internal, loopback, opened], "{text}");
        }
    }
}
