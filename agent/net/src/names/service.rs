//! From the name of a SIP service to the machines that offer it: the questions of RFC 3263, asked in its order.

use super::{Names, System, here, parse, reachable_first};
use crate::{
    error::NetError,
    locate::{self, Candidate, Carrier, Draw, Gathered, Located, Place, Servers},
};
use agent_core::ledger::Purpose;
use futures_util::future::join_all;
use hickory_resolver::proto::rr::{
    Name, RData, RecordType,
    rdata::{NAPTR, SRV},
};
use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

/// The longest a question may take that services are also found without: routers that know addresses only leave NAPTR and
/// SRV unanswered.
const LIMIT_OF_OPTIONAL: Duration = Duration::from_secs(2);

/// No answer is believed longer, whatever its time to live says.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// How long what the hosts file says is believed.
const LISTED_FOR: Duration = Duration::from_secs(60);

/// One machine of a service: how it is spoken to, its name, its port.
type Server = (Carrier, Name, u16);

/// What a domain's records say of its services.
struct Said {
    servers: Vec<Server>,
    /// With what the domain's own addresses are spoken to, where no machine is listed.
    otherwise: Option<Carrier>,
}

/// A search under way: for whom, and until when what was heard so far is good.
struct Search<'a> {
    names: &'a Names,
    system: &'a System,
    purpose: &'a Purpose,
    until: Instant,
}

impl Names {
    /// The ways to a SIP service (RFC 3263 section 4), never none.
    pub(crate) async fn locate(
        &self,
        purpose: &Purpose,
        place: &Place<'_>,
        draw: Draw<'_>,
    ) -> Result<Located, NetError> {
        let first = place.carrier.or(place.offered.first().copied()).unwrap_or(Carrier::Udp);
        if let Some(ips) = here(place.host) {
            return Ok(straight(place, first, &ips, None));
        }
        let name = parse(place.host)?;
        let system = self.system_for(place.host)?;
        let listed = system.listed(&name);
        if !listed.is_empty() {
            return Ok(straight(place, first, &reachable_first(listed), Some(LISTED_FOR)));
        }
        let until = Instant::now() + LONGEST;
        let mut search = Search { names: self, system: &system, purpose, until };
        let mut carrier = first;
        if place.port.is_none() {
            let said = search.services(place, &name, draw).await;
            let candidates = search.machines(place.host, &said.servers).await;
            if !candidates.is_empty() {
                return Ok(Located { candidates, good_for: Some(search.left()) });
            }
            let cause = match said.otherwise {
                Some(otherwise) => {
                    carrier = otherwise;
                    None
                }
                None if said.servers.is_empty() => Some("its records say that it offers no such service"),
                None => Some("none of the machines that its records name has an address"),
            };
            if let Some(cause) = cause {
                return Err(NetError::Names { host: place.host.to_owned(), cause: cause.to_owned() });
            }
        }
        let (ips, until) = self.addresses(&system, purpose, (place.host, name)).await?;
        search.until = search.until.min(until);
        Ok(straight(place, carrier, &ips, Some(search.left())))
    }
}

impl Search<'_> {
    /// What NAPTR and SRV say (sections 4.1 and 4.2).
    async fn services(&mut self, place: &Place<'_>, name: &Name, draw: Draw<'_>) -> Said {
        let own = |carrier: &Carrier| Some((*carrier, carrier.servers_of(name)?));
        let services: Vec<(Carrier, Name)> = match place.carrier {
            Some(carrier) => own(&carrier).into_iter().collect(),
            None => {
                let chosen = self.chosen(place.offered, name).await;
                if chosen.is_empty() { place.offered.iter().filter_map(own).collect() } else { chosen }
            }
        };
        let answers = join_all(services.iter().map(|(_, name)| self.records(name, RecordType::SRV))).await;
        let mut said = Said { servers: Vec::new(), otherwise: None };
        if services.is_empty() {
            said.otherwise = place.carrier.or(place.offered.first().copied());
        }
        for ((carrier, _), (records, until)) in services.iter().zip(answers) {
            self.until = self.until.min(until);
            let records: Vec<SRV> = records
                .into_iter()
                .filter_map(|data| if let RData::SRV(record) = data { Some(record) } else { None })
                .collect();
            match locate::servers(&records, &mut *draw) {
                Servers::Listed(list) => {
                    said.servers.extend(list.into_iter().map(|(name, port)| (*carrier, name, port)));
                }
                Servers::Unsaid => said.otherwise = said.otherwise.or(Some(*carrier)),
                Servers::NotHere => {}
            }
        }
        said.servers.truncate(locate::MOST_SERVERS);
        said
    }

    /// The services that the domain's NAPTR records choose.
    async fn chosen(&mut self, offered: &[Carrier], name: &Name) -> Vec<(Carrier, Name)> {
        let mut domain = name.clone();
        domain.set_fqdn(name.is_fqdn() || name.num_labels() > 1);
        let (records, until) = self.records(&domain, RecordType::NAPTR).await;
        self.until = self.until.min(until);
        let records: Vec<NAPTR> = records
            .into_iter()
            .filter_map(|data| if let RData::NAPTR(record) = data { Some(record) } else { None })
            .collect();
        locate::services(&records, offered)
    }

    /// The addresses of the machines, in their order; those without any are left out.
    async fn machines(&mut self, host: &str, servers: &[Server]) -> Vec<Candidate> {
        let (names, system, purpose) = (self.names, self.system, self.purpose);
        let questions = servers.iter().map(|(_, name, _)| async move {
            let text = name.to_ascii();
            names.addresses(system, purpose, (text.trim_end_matches('.'), name.clone())).await
        });
        let mut gathered = Gathered::default();
        for ((carrier, _, port), answer) in servers.iter().zip(join_all(questions).await) {
            if let Ok((ips, until)) = answer {
                self.until = self.until.min(until);
                gathered.add(*carrier, &ips, *port, host);
            }
        }
        gathered.all()
    }

    /// The records of one kind that a name has, and until when they are good; none when it has none, or when nobody says
    /// in time.
    async fn records(&self, name: &Name, kind: RecordType) -> (Vec<RData>, Instant) {
        let ascii = name.to_ascii();
        let _asking = self.names.askers.ask(ascii.trim_end_matches('.'), self.purpose);
        let asked = self.system.resolver.lookup(name.clone(), kind);
        match tokio::time::timeout(LIMIT_OF_OPTIONAL, asked).await {
            Ok(Ok(found)) => {
                let records = found.answers().iter().map(|record| record.data.clone()).collect();
                return (records, found.valid_until());
            }
            Ok(Err(error)) => tracing::debug!(%error, %kind, "no such records"),
            Err(_) => tracing::debug!(%kind, "no name server answers a question of this kind in time"),
        }
        (Vec::new(), self.until)
    }

    /// How long what was heard is good.
    fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }
}

/// The addresses of the host itself.
fn straight(place: &Place<'_>, carrier: Carrier, ips: &[IpAddr], good_for: Option<Duration>) -> Located {
    let mut gathered = Gathered::default();
    gathered.add(carrier, ips, place.port.unwrap_or(carrier.default_port()), place.host);
    Located { candidates: gathered.all(), good_for }
}
