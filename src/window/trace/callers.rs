//! Which addresses are those of one person: what much of a service's traffic comes from is a proxy or a gateway, behind
//! which everybody is.

use std::collections::HashMap;

use crate::model::id::ServiceName;

/// Requests of a service before which nobody can tell a person from a proxy.
const MIN_REQUESTS: u64 = 20;

/// Parts of a service's requests of which one person makes at most one.
const PARTS: u64 = 10;

/// Addresses that are remembered; people come and go, and proxies are soon known again.
const MAX_ADDRESSES: usize = 20_000;

/// How many requests came from where.
#[derive(Debug, Default)]
pub(super) struct Callers {
    services: HashMap<ServiceName, u64>,
    addresses: HashMap<(ServiceName, u64), u64>,
}

impl Callers {
    /// Counts a request.
    pub(super) fn note(&mut self, service: &ServiceName, address: u64) {
        let from = (service.clone(), address);
        if self.addresses.len() >= MAX_ADDRESSES && !self.addresses.contains_key(&from) {
            self.services.clear();
            self.addresses.clear();
        }
        *self.addresses.entry(from).or_default() += 1;
        *self.services.entry(service.clone()).or_default() += 1;
    }

    /// Whether one person may be all who asks from there.
    pub(super) fn is_one(&self, service: &ServiceName, address: u64) -> bool {
        let all = self.services.get(service).copied().unwrap_or(0);
        let own = self.addresses.get(&(service.clone(), address)).copied();
        all >= MIN_REQUESTS && own.unwrap_or(0).saturating_mul(PARTS) <= all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_persons_while_few_of_many_requests_come_from_it() {
        let (shop, mut callers) = (ServiceName::new("shop"), Callers::default());
        callers.note(&shop, 1);
        assert!(!callers.is_one(&shop, 1), "too few to tell");
        for other in 0..30 {
            callers.note(&shop, 100 + other);
        }
        assert!(callers.is_one(&shop, 1));
        for _ in 0..10 {
            callers.note(&shop, 1);
        }
        assert!(!callers.is_one(&shop, 1), "a proxy");
    }

    #[test]
    fn addresses_are_forgotten_before_they_are_too_many() {
        let (shop, mut callers) = (ServiceName::new("shop"), Callers::default());
        for address in 0..100_000 {
            callers.note(&shop, address);
        }
        assert!(callers.addresses.len() <= MAX_ADDRESSES);
    }
}
