//! The sessions of a server, by their process.

use super::session::Session;

/// In the order of the processes. A slot is empty while a record of its session is looked at.
#[derive(Debug, Default)]
pub(super) struct ByPid {
    slots: Vec<(u32, Option<Box<Session>>)>,
    /// The slot that was asked for last: the records of a statement often stand together.
    last: usize,
}

impl ByPid {
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The slot of a process, which may be a new one.
    pub(super) fn slot(&mut self, pid: u32) -> usize {
        let slot = self.find(pid).unwrap_or_else(|slot| {
            self.slots.insert(slot, (pid, None));
            slot
        });
        self.last = slot;
        slot
    }

    /// The session of a process, if there is one.
    #[inline]
    pub(super) fn get_mut(&mut self, pid: u32) -> Option<&mut Session> {
        let slot = self.find(pid).ok()?;
        self.last = slot;
        self.slots.get_mut(slot)?.1.as_deref_mut()
    }

    /// Takes the session out of its slot.
    pub(super) fn take(&mut self, slot: usize) -> Box<Session> {
        let session = self.slots.get_mut(slot).and_then(|(_, held)| held.take());
        session.unwrap_or_default()
    }

    /// Takes the session of a process, if there is one and it is so.
    pub(super) fn take_if(
        &mut self,
        pid: u32,
        is_so: impl Fn(&Session) -> bool,
    ) -> Option<(usize, Box<Session>)> {
        let slot = self.find(pid).ok()?;
        let (_, held) = self.slots.get_mut(slot)?;
        Some((slot, held.take_if(|session| is_so(session))?))
    }

    /// Puts a session back.
    pub(super) fn put(&mut self, slot: usize, session: Box<Session>) {
        if let Some((_, held)) = self.slots.get_mut(slot) {
            *held = Some(session);
        }
    }

    /// Forgets the process of a slot.
    pub(super) fn remove(&mut self, slot: usize) {
        if slot < self.slots.len() {
            self.slots.remove(slot);
        }
    }

    pub(super) fn get(&self, pid: u32) -> Option<&Session> {
        let slot = self.find(pid).ok()?;
        self.slots.get(slot)?.1.as_deref()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Session> {
        self.slots.iter().filter_map(|(_, held)| held.as_deref())
    }

    pub(super) fn retain(&mut self, is_kept: impl Fn(&Session) -> bool) {
        self.slots
            .retain(|(_, held)| held.as_deref().is_some_and(&is_kept));
    }

    pub(super) fn clear(&mut self) {
        self.slots.clear();
    }

    /// The slot of a process, or where it would be.
    fn find(&self, pid: u32) -> Result<usize, usize> {
        match self.slots.get(self.last) {
            Some((last, _)) if *last == pid => Ok(self.last),
            _ => self.slots.binary_search_by_key(&pid, |(pid, _)| *pid),
        }
    }
}
