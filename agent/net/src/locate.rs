//! Where a SIP service is (RFC 3263): which transports a domain offers, on which machines, and in which order to try them.
//!
//! What the name servers say is put in order here, without a socket: NAPTR chooses the transport (section 4.1), SRV the
//! machines (section 4.2, weighted by RFC 2782), A and AAAA their addresses. The questions themselves are asked in
//! [`names`](crate::names).

use hickory_resolver::proto::rr::{
    Name,
    rdata::{NAPTR, SRV},
};
use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

/// Records of one answer that are looked at; a domain has a handful.
const MOST_RECORDS: usize = 16;
/// Machines of one service whose addresses are asked for.
pub(crate) const MOST_SERVERS: usize = 8;
/// Candidates in all.
const MOST_CANDIDATES: usize = 24;

/// How SIP is carried, as NAPTR and SRV tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Carrier {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
    /// TLS over TCP.
    Tls,
    /// WebSocket (RFC 7118).
    Ws,
    /// WebSocket over TLS (RFC 7118).
    Wss,
}

impl Carrier {
    /// The port where neither the address nor SRV names one (RFC 3261 section 19.1.2, RFC 7118 section 5.5).
    pub fn default_port(self) -> u16 {
        match self {
            Self::Udp | Self::Tcp => 5060,
            Self::Tls => 5061,
            Self::Ws => 80,
            Self::Wss => 443,
        }
    }

    /// What stands before the domain in the name of its SRV records (RFC 3263 section 4.2).
    fn label(self) -> &'static str {
        match self {
            Self::Udp => "_sip._udp",
            Self::Tcp => "_sip._tcp",
            Self::Tls => "_sips._tcp",
            Self::Ws => "_sip._ws",
            Self::Wss => "_sips._ws",
        }
    }

    /// The service field of its NAPTR records (RFC 3263 section 4.1, RFC 7118 section 5.5).
    fn service(self) -> &'static str {
        match self {
            Self::Udp => "SIP+D2U",
            Self::Tcp => "SIP+D2T",
            Self::Tls => "SIPS+D2T",
            Self::Ws => "SIP+D2W",
            Self::Wss => "SIPS+D2W",
        }
    }

    /// The name under which `domain` lists the machines of this service; `None` when it would be too long for a name.
    pub(crate) fn servers_of(self, domain: &Name) -> Option<Name> {
        let mut name = Name::from_ascii(self.label()).ok()?.append_name(domain).ok()?;
        // Several labels are no nickname of a machine nearby: search domains have nothing to add.
        name.set_fqdn(domain.is_fqdn() || domain.num_labels() > 1);
        Some(name)
    }
}

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place<'a> {
    /// A name or an address, without brackets.
    pub host: &'a str,
    /// The port, where the address names one: then no SRV is asked for.
    pub port: Option<u16>,
    /// The carrier, where the address names one: then no NAPTR is asked for.
    pub carrier: Option<Carrier>,
    /// What we speak, and may speak to this place, the best first (for `sips:` only what is encrypted). The first is what
    /// an address that names none is spoken to with, when the name servers do not say otherwise.
    pub offered: &'a [Carrier],
}

/// One way to a service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Candidate {
    /// How.
    pub carrier: Carrier,
    /// Where.
    pub address: SocketAddr,
    /// The name that was asked for, which is the one a certificate must be for (RFC 5922 section 4).
    pub name: String,
}

/// What came of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The ways, in the order in which they are to be tried; never none, each once.
    pub candidates: Vec<Candidate>,
    /// How long this may be believed: the shortest time to live on the way. `None`: for ever, it was an address.
    pub good_for: Option<Duration>,
}

/// Gives a number from 0 to its argument, both included, each as likely: what the weights of RFC 2782 are drawn with.
pub type Draw<'a> = &'a mut (dyn FnMut(u32) -> u32 + Send);

/// The services that NAPTR records lead to, in the order in which they are to be tried: of those we speak, the ones with
/// the lowest order (RFC 3403 section 4.1 forbids to look at a higher one once one fits), by preference.
pub(crate) fn services(records: &[NAPTR], offered: &[Carrier]) -> Vec<(Carrier, Name)> {
    let carrier_of = |record: &NAPTR| {
        let fits = |carrier: &&Carrier| record.services.eq_ignore_ascii_case(carrier.service().as_bytes());
        // Flag "s" and no regular expression are what RFC 3263 section 4.1 lays down for SIP.
        let plain = record.flags.eq_ignore_ascii_case(b"s") && record.regexp.is_empty();
        (plain && !record.replacement.is_root()).then(|| offered.iter().find(fits).copied()).flatten()
    };
    let mut fitting: Vec<(u16, u16, Carrier, Name)> = records
        .iter()
        .filter_map(|record| {
            Some((record.order, record.preference, carrier_of(record)?, record.replacement.clone()))
        })
        .collect();
    fitting.sort_by_key(|(order, preference, ..)| (*order, *preference));
    let lowest = fitting.first().map(|(order, ..)| *order);
    fitting.retain(|(order, ..)| Some(*order) == lowest);
    fitting.truncate(MOST_RECORDS);
    fitting.into_iter().map(|(_, _, carrier, name)| (carrier, name)).collect()
}

/// What a domain says of the machines of one service.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Servers {
    /// Nothing: the domain's own addresses serve.
    Unsaid,
    /// That it does not offer the service (RFC 2782: a target of ".").
    NotHere,
    /// These, in the order in which they are to be tried.
    Listed(Vec<(Name, u16)>),
}

/// SRV records in the order in which they are to be tried: by priority, and within one by lot, weighted (RFC 2782).
pub(crate) fn servers(records: &[SRV], draw: Draw<'_>) -> Servers {
    if records.is_empty() {
        return Servers::Unsaid;
    }
    let mut left: Vec<&SRV> =
        records.iter().filter(|record| !record.target.is_root()).take(MOST_RECORDS).collect();
    if left.is_empty() {
        return Servers::NotHere;
    }
    // Weight 0 first: it is then drawn by the 0 alone, seldom but not never.
    left.sort_by_key(|record| (record.priority, record.weight != 0));
    let mut ordered = Vec::with_capacity(left.len());
    while let Some(priority) = left.first().map(|record| record.priority) {
        let group = left.iter().take_while(|record| record.priority == priority);
        let total = group.clone().map(|record| u32::from(record.weight)).sum();
        let drawn = draw(total).min(total);
        let mut sum = 0;
        let mut running = group.map(|record| {
            sum += u32::from(record.weight);
            sum
        });
        let at = running.position(|sum| sum >= drawn).unwrap_or(0);
        let record = left.remove(at);
        ordered.push((record.target.clone(), record.port));
    }
    ordered.truncate(MOST_SERVERS);
    Servers::Listed(ordered)
}

/// Candidates as they are gathered: each once, and not without end.
#[derive(Debug, Default)]
pub(crate) struct Gathered(Vec<Candidate>);

impl Gathered {
    /// The addresses of one machine, best first.
    pub(crate) fn add(&mut self, carrier: Carrier, ips: &[IpAddr], port: u16, name: &str) {
        for ip in ips {
            let candidate = Candidate { carrier, address: SocketAddr::new(*ip, port), name: name.to_owned() };
            if self.0.len() < MOST_CANDIDATES && !self.0.contains(&candidate) {
                self.0.push(candidate);
            }
        }
    }

    /// All of them, in the order they came.
    pub(crate) fn all(self) -> Vec<Candidate> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Carrier; 5] = [Carrier::Udp, Carrier::Tcp, Carrier::Tls, Carrier::Ws, Carrier::Wss];

    fn name(text: &str) -> Name {
        Name::from_ascii(text).unwrap()
    }

    fn naptr(order: u16, preference: u16, service: &str, replacement: &str) -> NAPTR {
        let field = |text: &str| text.as_bytes().into();
        NAPTR::new(order, preference, field("s"), field(service), field(""), name(replacement))
    }

    fn srv(priority: u16, weight: u16, target: &str) -> SRV {
        SRV::new(priority, weight, 5070, name(target))
    }

    fn order(records: &[SRV], mut draw: impl FnMut(u32) -> u32 + Send) -> Vec<String> {
        match servers(records, &mut draw) {
            Servers::Listed(list) => list.into_iter().map(|(name, _)| name.to_string()).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn naptr_chooses_what_we_speak_in_the_domains_order() {
        let records = [
            naptr(50, 50, "SIPS+D2T", "_sips._tcp.x."),
            naptr(90, 50, "sip+d2t", "_sip._tcp.x."),
            naptr(50, 20, "SIP+D2U", "_sip._udp.x."),
            naptr(10, 1, "SIP+D2S", "_sip._sctp.x."),
            naptr(10, 1, "E2U+sip", "."),
        ];
        let chosen = |offered: &[Carrier]| {
            services(&records, offered).into_iter().map(|(carrier, _)| carrier).collect::<Vec<_>>()
        };
        assert_eq!(chosen(&ALL), [Carrier::Udp, Carrier::Tls], "of order 50 only, by preference");
        assert_eq!(chosen(&[Carrier::Tcp]), [Carrier::Tcp]);
        assert_eq!(
            chosen(&[Carrier::Tls, Carrier::Wss]),
            [Carrier::Tls],
            "sips: is never spoken in the open"
        );
        assert_eq!(chosen(&[Carrier::Ws]), []);
        let websocket = [naptr(1, 1, "SIPS+D2W", "_sips._ws.x."), naptr(1, 0, "SIP+D2W", "_sip._ws.x.")];
        assert_eq!(services(&websocket, &ALL)[0].0, Carrier::Ws);
        assert_eq!(services(&websocket, &ALL)[1], (Carrier::Wss, name("_sips._ws.x.")));
    }

    #[test]
    fn naptr_of_another_kind_is_passed_over() {
        let mut rewriting = naptr(1, 1, "SIP+D2U", "_sip._udp.x.");
        rewriting.regexp = b"!^.*$!sip:evil!".as_slice().into();
        let mut terminal = naptr(1, 1, "SIP+D2U", "x.");
        terminal.flags = b"u".as_slice().into();
        let nowhere = naptr(1, 1, "SIP+D2U", ".");
        assert_eq!(services(&[rewriting, terminal, nowhere], &ALL), []);
    }

    #[test]
    fn srv_goes_by_priority_and_then_by_lot() {
        let records = [srv(20, 0, "c."), srv(10, 60, "a."), srv(10, 20, "b."), srv(10, 0, "z.")];
        // The running sums of priority 10 are z 0, a 60, b 80.
        assert_eq!(order(&records, |_| 0), ["z.", "a.", "b.", "c."]);
        assert_eq!(order(&records, |most| most), ["b.", "a.", "z.", "c."]);
        assert_eq!(order(&records, |most| most.min(60)), ["a.", "b.", "z.", "c."]);
        assert_eq!(order(&records, |_| u32::MAX), order(&records, |most| most), "a draw beyond the sum");
    }

    #[test]
    fn the_lot_falls_as_the_weights_say() {
        let records = [srv(1, 75, "often."), srv(1, 25, "seldom.")];
        let mut state = 1_u64;
        let mut often = 0;
        for _ in 0..4000 {
            let first = order(&records, |most| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                u32::try_from((state >> 33) % (u64::from(most) + 1)).unwrap()
            });
            often += u32::from(first[0] == "often.");
        }
        assert!((2850..3150).contains(&often), "{often} of 4000");
    }

    #[test]
    fn a_service_can_be_unsaid_or_decidedly_not_there() {
        assert_eq!(servers(&[], &mut |_| 0), Servers::Unsaid);
        assert_eq!(servers(&[srv(0, 0, ".")], &mut |_| 0), Servers::NotHere);
        let many: Vec<SRV> = (0..500).map(|at| srv(at, 1, "a.")).collect();
        let Servers::Listed(list) = servers(&many, &mut |_| 0) else { panic!("not listed") };
        assert_eq!(list.len(), MOST_SERVERS);
    }

    #[test]
    fn candidates_are_each_there_once_and_bounded() {
        let mut gathered = Gathered::default();
        let ips: Vec<IpAddr> = (0..100_u32).map(|at| IpAddr::from((at / 2).to_be_bytes())).collect();
        gathered.add(Carrier::Udp, &ips, 5060, "x");
        let all = gathered.all();
        assert_eq!(all.len(), MOST_CANDIDATES);
        assert_ne!(all[0], all[1]);
    }

    #[test]
    fn the_servers_of_a_domain_stand_under_a_name_of_their_own() {
        let found = Carrier::Tls.servers_of(&name("pbx.example")).unwrap();
        assert_eq!((found.to_string().as_str(), found.is_fqdn()), ("_sips._tcp.pbx.example.", true));
        assert!(!Carrier::Udp.servers_of(&name("pbx")).unwrap().is_fqdn(), "search domains may complete it");
        let long = name(&format!("{0}.{0}.{0}.{1}", "a".repeat(61), "b".repeat(60)));
        assert_eq!(Carrier::Udp.servers_of(&long), None);
    }
}
