//! See [`META`].

use serde::{Deserialize, Serialize};

use crate::detect::basis::draft::{Draft, advise};
use crate::detect::basis::weight::number;
use crate::detect::{About, Detector, DetectorMeta, Status};
use crate::model::error::ErrorClass;
use crate::model::evidence::{Evidence, Unit};
use crate::model::finding::{Severity, Urgency, Verdict};
use crate::model::sql::Template;
use crate::model::subject::ErrorProfile;

declare_detector! {
    /// ## What it sees
    /// A statement that uses an alias of its select list in its WHERE or ON, where aliases do not exist yet, and fails.
    ///
    /// ## Why it hurts
    /// It fails at every run, and the message (`Unknown column 'total' in 'where clause'`) points to the schema, where
    /// nothing is wrong. Builders that add conditions write such statements as soon as somebody filters by the new column.
    ///
    /// ## How it decides
    /// The server says that it does not know a column (MySQL 1054, PostgreSQL 42703), at least `min_errors` times; the
    /// statement is told; its select list gives that name to an expression; and the name stands, without a table before
    /// it, in a WHERE or ON of the same query. A column that is merely missing is not called an alias.
    ///
    /// ## Example
    /// ```sql
    /// SELECT id, price * amount AS total FROM orders WHERE total > ?;
    /// -- Use instead: the expression itself
    /// SELECT id, price * amount AS total FROM orders WHERE price * amount > ?;
    /// ```
    ///
    /// ## False alarms
    /// - A column of the same name that was dropped while the statement gives it as an alias too: the rewrite helps, but
    ///   is not what was meant.
    pub static META = {
        slug: "alias-in-where",
        summary: "a condition uses an alias of the select list, which does not exist there yet",
        summary_ko: "조건절에서 아직 존재하지 않는 SELECT 목록의 별칭을 사용함",
        urgency: Urgency::Acute,
        severity: Severity::Warning,
        needs: "errors with their statement: PostgreSQL's log, or an application's ([[log]])",
        about: About::Statement,
        since: "0.1.0",
        status: Status::Stable,
    }
}

/// `[detect.alias-in-where]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Errors within a minute: a program asks again, a person at a prompt mends the statement.
    pub min_errors: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            min_errors: 3,
        }
    }
}

/// Finds aliases in conditions.
#[derive(Debug)]
pub struct AliasInWhere(Settings);

impl AliasInWhere {
    /// With these thresholds.
    pub fn new(settings: Settings) -> Self {
        Self(settings)
    }
}

impl Detector<ErrorProfile> for AliasInWhere {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn inspect(&self, profile: &ErrorProfile) -> Verdict {
        let column = profile.family.unknown_column.as_ref();
        let Some(column) = column.filter(|_| profile.family.class == ErrorClass::Schema) else {
            return Verdict::Clear;
        };
        let Some(expression) = &column.alias_of else {
            return Verdict::Clear;
        };
        let seen = profile.load.count;
        let needed = self.0.min_errors;
        if seen < needed {
            return Verdict::Insufficient { seen, needed };
        }
        let name = "errors";
        let crossed = Evidence::measure(name, number(seen), number(needed), Unit::Count);
        Draft::of_errors(&META, profile, crossed)
            .with(Evidence::clause("alias", &column.name))
            .with(Evidence::clause("alias_stands_for", Template::as_str(expression)))
            .remedy(advise(
                "write the expression itself in the condition, or wrap the query (SELECT ... FROM (...) AS t WHERE ...), or use HAVING where the expression aggregates",
            ))
            .found()
    }
}
