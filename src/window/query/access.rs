//! How the server found the rows, summed up.

use crate::model::event::Access;

/// Sums of [`Access`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::window) struct AccessSums {
    pub(in crate::window) known: u64,
    pub(in crate::window) full_scans: u64,
    pub(in crate::window) full_joins: u64,
    pub(in crate::window) tmp_tables: u64,
    pub(in crate::window) tmp_tables_on_disk: u64,
    pub(in crate::window) filesorts: u64,
    pub(in crate::window) filesorts_on_disk: u64,
    pub(in crate::window) merge_passes: u64,
    pub(in crate::window) temp_bytes: u64,
    pub(in crate::window) temp_files: u64,
}

impl AccessSums {
    pub(super) fn add(&mut self, access: &Access, weight: u64) {
        let if_true = |flag: Option<bool>| if flag == Some(true) { weight } else { 0 };
        let temp_bytes = access.temp_bytes.unwrap_or(0);
        self.merge(&Self {
            known: if access.full_scan.is_some() {
                weight
            } else {
                0
            },
            full_scans: if_true(access.full_scan),
            full_joins: if_true(access.full_join),
            tmp_tables: if_true(access.tmp_table),
            tmp_tables_on_disk: if_true(access.tmp_table_on_disk),
            filesorts: if_true(access.filesort),
            filesorts_on_disk: if_true(access.filesort_on_disk),
            merge_passes: access.merge_passes.unwrap_or(0).saturating_mul(weight),
            temp_bytes: temp_bytes.saturating_mul(weight),
            temp_files: if temp_bytes > 0 { weight } else { 0 },
        });
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (ours, theirs) in self.fields_mut().into_iter().zip(other.fields()) {
            *ours = ours.saturating_add(theirs);
        }
    }

    /// Every sum, in the order of the packed format.
    pub(in crate::window) fn fields(self) -> [u64; 10] {
        let mut copy = self;
        copy.fields_mut().map(|field| *field)
    }

    /// The same, to be written to.
    pub(in crate::window) fn fields_mut(&mut self) -> [&mut u64; 10] {
        [
            &mut self.known,
            &mut self.full_scans,
            &mut self.full_joins,
            &mut self.tmp_tables,
            &mut self.tmp_tables_on_disk,
            &mut self.filesorts,
            &mut self.filesorts_on_disk,
            &mut self.merge_passes,
            &mut self.temp_bytes,
            &mut self.temp_files,
        ]
    }
}
