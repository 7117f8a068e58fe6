//! Which detectors run: those that are enabled, by what they look at and how urgent they are.

use super::{Catalogue, DetectSettings};
use crate::detect::{
    alias_in_where, batch_not_effective, cacheable_read, connection_refusal, connection_wait,
    data_growth, deadlock, deep_offset, error_burst, full_scan, heavy_column, implicit_cast,
    insert_loop, load_hog, lock_wait, missing_index, missing_where, n_plus_one, needless_count,
    non_sargable, parameter_skew, plan_flip, predicate_dropped, query_timeout, random_order,
    repeated_submission, server_crash, slow_dependency, sort_spill, unbounded_aggregate,
    union_hotspot,
};

impl Catalogue {
    pub(super) fn add_all_of_errors(&mut self, s: DetectSettings) {
        self.add_of_errors(
            s.alias_in_where.enabled,
            alias_in_where::AliasInWhere::new(s.alias_in_where),
        );
        self.add_of_errors(
            s.connection_refusal.enabled,
            connection_refusal::ConnectionRefusal::new(s.connection_refusal),
        );
        self.add_of_errors(s.deadlock.enabled, deadlock::Deadlock::new(s.deadlock));
        self.add_of_errors(
            s.error_burst.enabled,
            error_burst::ErrorBurst::new(s.error_burst),
        );
        self.add_of_errors(s.lock_wait.enabled, lock_wait::LockWait::new(s.lock_wait));
        self.add_of_errors(
            s.query_timeout.enabled,
            query_timeout::QueryTimeout::new(s.query_timeout),
        );
        self.add_of_errors(
            s.server_crash.enabled,
            server_crash::ServerCrash::new(s.server_crash),
        );
    }

    pub(super) fn add_alarms(&mut self, s: DetectSettings) {
        self.add(s.lock_wait.enabled, lock_wait::LockWait::new(s.lock_wait));
        self.add(
            s.deep_offset.enabled,
            deep_offset::DeepOffset::new(s.deep_offset),
        );
        self.add(s.full_scan.enabled, full_scan::FullScan::new(s.full_scan));
        self.add(
            s.missing_index.enabled,
            missing_index::MissingIndex::new(s.missing_index),
        );
        self.add(
            s.missing_where.enabled,
            missing_where::MissingWhere::new(s.missing_where),
        );
        self.add(
            s.non_sargable.enabled,
            non_sargable::NonSargable::new(s.non_sargable),
        );
        self.add(s.plan_flip.enabled, plan_flip::PlanFlip::new(s.plan_flip));
        self.add(
            s.query_timeout.enabled,
            query_timeout::QueryTimeout::new(s.query_timeout),
        );
        self.add(
            s.random_order.enabled,
            random_order::RandomOrder::new(s.random_order),
        );
        self.add(
            s.sort_spill.enabled,
            sort_spill::SortSpill::new(s.sort_spill),
        );
        self.add(
            s.union_hotspot.enabled,
            union_hotspot::UnionHotspot::new(s.union_hotspot),
        );
    }

    pub(super) fn add_advice(&mut self, s: DetectSettings) {
        self.add(
            s.cacheable_read.enabled,
            cacheable_read::CacheableRead::new(s.cacheable_read),
        );
        self.add(
            s.data_growth.enabled,
            data_growth::DataGrowth::new(s.data_growth),
        );
        self.add(
            s.heavy_column.enabled,
            heavy_column::HeavyColumn::new(s.heavy_column),
        );
        self.add(
            s.implicit_cast.enabled,
            implicit_cast::ImplicitCast::new(s.implicit_cast),
        );
        self.add(s.load_hog.enabled, load_hog::LoadHog::new(s.load_hog));
        self.add(
            s.needless_count.enabled,
            needless_count::NeedlessCount::new(s.needless_count),
        );
        self.add(
            s.parameter_skew.enabled,
            parameter_skew::ParameterSkew::new(s.parameter_skew),
        );
        self.add(
            s.unbounded_aggregate.enabled,
            unbounded_aggregate::UnboundedAggregate::new(s.unbounded_aggregate),
        );
    }

    pub(super) fn add_all_of_operations(&mut self, s: DetectSettings) {
        self.add_of_operations(
            s.insert_loop.enabled,
            insert_loop::InsertLoop::new(s.insert_loop),
        );
        self.add_of_operations(
            s.n_plus_one.enabled,
            n_plus_one::NPlusOne::new(s.n_plus_one),
        );
        self.add_of_operations(
            s.batch_not_effective.enabled,
            batch_not_effective::BatchNotEffective::new(s.batch_not_effective),
        );
        self.add_of_operations(
            s.connection_wait.enabled,
            connection_wait::ConnectionWait::new(s.connection_wait),
        );
        self.add_of_operations(
            s.predicate_dropped.enabled,
            predicate_dropped::PredicateDropped::new(s.predicate_dropped),
        );
        self.add_of_operations(
            s.repeated_submission.enabled,
            repeated_submission::RepeatedSubmission::new(s.repeated_submission),
        );
        self.add_of_operations(
            s.slow_dependency.enabled,
            slow_dependency::SlowDependency::new(s.slow_dependency),
        );
        self.add_of_operations(
            s.cacheable_read.enabled,
            cacheable_read::CacheableRead::new(s.cacheable_read),
        );
        self.add_of_operations(
            s.needless_count.enabled,
            needless_count::NeedlessCount::new(s.needless_count),
        );
        self.add_of_operations(
            s.query_timeout.enabled,
            query_timeout::QueryTimeout::new(s.query_timeout),
        );
    }
}
