//! What advice looks at: the last hour of the costliest statements, and what their runs cost over weeks.

use crate::model::subject::{Horizon, QueryProfile};
use crate::model::time::Interval;
use crate::window::PackedCourses;
use crate::window::course::book::Courses;
use crate::window::history::History;
use crate::window::profile::View;
use crate::window::source::Source;

/// Statements of a long profile.
const MAX_LONG: usize = 100;

impl Source {
    /// Knows what its statements cost over weeks, as it was stored. To be called before anything else.
    pub(in crate::window) fn restore_courses(&mut self, courses: Courses) {
        *self.history.courses() = courses;
    }

    /// The courses of its statements, if a half hour has ended since the last call.
    pub(in crate::window) fn take_courses(&mut self) -> Option<PackedCourses> {
        let body = self.history.courses().take_changes()?;
        let source = self.id.clone();
        Some(PackedCourses { source, body })
    }

    pub(super) fn long_profiles(&self, span: Interval) -> Vec<QueryProfile> {
        let remembered = self.watched(span, History::reach(span.to));
        let frame = self.frame(remembered, Horizon::Long);
        let recent = self.recent.iter().map(|(_, table)| table);
        let view = View::of(self.history.tables().chain(recent).collect());
        let costliest = view.costliest(self.settings.long_min_share, MAX_LONG);
        let costliest = costliest.into_iter();
        costliest
            .map(|(key, statement)| QueryProfile {
                course: self.history.course(key),
                ..view.profile(key, statement, &frame, None)
            })
            .collect()
    }
}
