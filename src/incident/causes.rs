//! The table of known causal edges, `causes.toml`: what can lead to what, and who says so.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::Deserialize;

/// An effect one step further away is so much less certain.
const FADE: f64 = 0.8;

/// What can lead to what.
#[derive(Debug, Clone)]
pub struct Causes {
    /// Direct effects of a detector's problem.
    effects: BTreeMap<String, BTreeMap<String, Through>>,
}

/// What the first must do to lead to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Through {
    /// Nothing beside what it is.
    #[default]
    Itself,
    /// It must lock rows: a plain read does not, in neither server.
    RowLocks,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    edge: Vec<Edge>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Edge {
    from: String,
    to: String,
    #[serde(default)]
    through: Through,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "for the reader of the table; a test demands it")
    )]
    source: String,
}

impl Causes {
    /// The table that this program was built with.
    pub fn built_in() -> Self {
        let table = table();
        let mut effects: BTreeMap<String, BTreeMap<String, Through>> = BTreeMap::new();
        for edge in table.edge {
            let of_cause = effects.entry(edge.from).or_default();
            of_cause.insert(edge.to, edge.through);
        }
        Self { effects }
    }

    /// How strongly `from` may lead to `to`, directly (1) or through others: 0 if it cannot.
    pub fn strength(&self, from: &str, to: &str) -> f64 {
        self.strength_of(from, true, to)
    }

    /// The same for a problem of a statement that locks rows, or does not.
    pub(super) fn strength_of(&self, from: &str, locks_rows: bool, to: &str) -> f64 {
        let mut reached = BTreeSet::from([from]);
        let mut next = VecDeque::from([(from, 1.0)]);
        while let Some((cause, strength)) = next.pop_front() {
            for (effect, through) in self.effects.get(cause).into_iter().flatten() {
                if *through == Through::RowLocks && !locks_rows {
                    continue;
                }
                if effect == to {
                    return strength;
                }
                if reached.insert(effect) {
                    next.push_back((effect, strength * FADE));
                }
            }
        }
        0.0
    }
}

impl Causes {
    /// How many kinds of problem `from` may lead to, directly or through others. Of two problems of one statement, a
    /// cause has more than its effect.
    pub fn reach(&self, from: &str) -> usize {
        let mut reached = BTreeSet::new();
        let mut next = vec![from];
        while let Some(cause) = next.pop() {
            let Some(effects) = self.effects.get(cause) else {
                continue;
            };
            next.extend(
                effects
                    .keys()
                    .map(String::as_str)
                    .filter(|effect| reached.insert(*effect)),
            );
        }
        reached.len()
    }
}

fn table() -> Table {
    toml::from_str(include_str!("causes.toml")).expect("a test reads the table of this build")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_edge_names_its_source() {
        assert!(table().edge.iter().all(|edge| !edge.source.is_empty()));
    }

    #[test]
    fn nothing_leads_to_itself() {
        let causes = Causes::built_in();
        for slug in causes.effects.keys() {
            assert!(causes.strength(slug, slug) <= 0.0, "{slug} is in a circle");
        }
    }

    #[test]
    fn the_form_of_a_statement_explains_its_scan_and_not_the_other_way_round() {
        let causes = Causes::built_in();
        for form in ["deep-offset", "non-sargable", "random-order"] {
            assert!(causes.strength(form, "full-scan") >= 1.0, "{form}");
            assert!(causes.strength("full-scan", form) <= 0.0, "{form}");
        }
    }

    #[test]
    fn a_cause_reaches_more_than_its_effect() {
        let causes = Causes::built_in();
        for (cause, effects) in &causes.effects {
            for effect in effects.keys() {
                assert!(
                    causes.reach(cause) > causes.reach(effect),
                    "{cause}, {effect}"
                );
            }
        }
        assert_eq!(causes.reach("load-hog"), 0);
    }

    #[test]
    fn a_plain_read_leads_to_no_wait_for_a_row() {
        let causes = Causes::built_in();
        for from in ["full-scan", "missing-index", "missing-where", "plan-flip"] {
            for to in ["lock-wait", "deadlock"] {
                assert!(causes.strength_of(from, true, to) > 0.0, "{from}, {to}");
                assert!(causes.strength_of(from, false, to) <= 0.0, "{from}, {to}");
            }
        }
        assert!(causes.strength_of("lock-wait", false, "query-timeout") >= 1.0);
    }

    #[test]
    fn an_effect_of_an_effect_is_less_certain() {
        let causes = Causes::built_in();
        let direct = causes.strength("plan-flip", "full-scan");
        let through = causes.strength("missing-index", "error-burst");
        assert!(direct > through && through > 0.0);
        assert!(causes.strength("error-burst", "plan-flip") <= 0.0);
    }
}
