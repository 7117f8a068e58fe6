//! Bounds the memory of all requests in flight together: bodies as they came, as they were unpacked, and what was read
//! out of them.
//!
//! A share grows before the bytes are kept, and is given back when the last of them has been normalised.

use std::sync::Arc;
use std::time::Duration;

use bytesize::ByteSize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes for all requests together; clones share them.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Semaphore>);

/// Bytes that one request holds.
#[derive(Debug)]
pub struct Share(OwnedSemaphorePermit);

/// Others hold what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("requests in flight hold all the memory that they may")]
pub struct Exhausted;

impl Budget {
    /// So many bytes.
    pub fn new(bytes: ByteSize) -> Self {
        let bytes = usize::try_from(bytes.as_u64()).unwrap_or(usize::MAX);
        Self(Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))))
    }

    /// A share that holds nothing yet.
    ///
    /// # Errors
    /// [`Exhausted`]: never for nothing, save when the budget was closed.
    pub fn share(&self) -> Result<Share, Exhausted> {
        let none = Arc::clone(&self.0).try_acquire_many_owned(0);
        none.map(Share).map_err(|_| Exhausted)
    }

    /// Grows a share, and waits no longer than `patience` for others to give theirs back.
    ///
    /// # Errors
    /// [`Exhausted`]; the share is as it was.
    pub async fn grow(
        &self,
        share: &mut Share,
        by: usize,
        patience: Duration,
    ) -> Result<(), Exhausted> {
        if self.try_grow(share, by).is_ok() {
            return Ok(());
        }
        let more = Arc::clone(&self.0).acquire_many_owned(permits(by)?);
        let more = tokio::time::timeout(patience, more).await;
        let more = more.map_err(|_| Exhausted)?.map_err(|_| Exhausted)?;
        share.0.merge(more);
        Ok(())
    }

    /// Grows a share at once or not at all.
    ///
    /// # Errors
    /// [`Exhausted`]; the share is as it was.
    pub fn try_grow(&self, share: &mut Share, by: usize) -> Result<(), Exhausted> {
        let more = Arc::clone(&self.0).try_acquire_many_owned(permits(by)?);
        share.0.merge(more.map_err(|_| Exhausted)?);
        Ok(())
    }
}

impl Share {
    /// Gives a part back.
    pub fn shrink(&mut self, by: usize) {
        drop(self.0.split(by.min(self.0.num_permits())));
    }

    /// Bytes that it holds.
    pub fn size(&self) -> usize {
        self.0.num_permits()
    }
}

fn permits(bytes: usize) -> Result<u32, Exhausted> {
    u32::try_from(bytes).map_err(|_| Exhausted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_share_grows_while_there_is_room_and_gives_all_back() {
        let budget = Budget::new(ByteSize::b(100));
        let mut first = budget.share().unwrap();
        let mut second = budget.share().unwrap();
        budget.try_grow(&mut first, 70).unwrap();
        let patience = Duration::from_secs(1);
        assert_eq!(budget.grow(&mut second, 31, patience).await, Err(Exhausted));
        assert_eq!((first.size(), second.size()), (70, 0));
        first.shrink(1);
        budget.grow(&mut second, 31, patience).await.unwrap();
        drop((first, second));
        let mut third = budget.share().unwrap();
        budget.try_grow(&mut third, 100).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_has_what_others_give_back() {
        let budget = Budget::new(ByteSize::b(10));
        let mut first = budget.share().unwrap();
        let mut second = budget.share().unwrap();
        budget.try_grow(&mut first, 10).unwrap();
        let waiting = budget.grow(&mut second, 10, Duration::from_secs(5));
        let giving = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            drop(first);
        };
        let (grown, ()) = tokio::join!(waiting, giving);
        grown.unwrap();
    }
}
