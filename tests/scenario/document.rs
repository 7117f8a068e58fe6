//! Reads a scenario file: Markdown whose fenced blocks are the test.

use std::fs;
use std::path::{Path, PathBuf};

/// One scenario file: what all scenarios share, then one scenario under each `##`.
pub(crate) struct Document {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// The `profile` block before the first `##`: every scenario starts from it.
    pub(crate) base: String,
    /// Scenarios, in order.
    pub(crate) scenarios: Vec<Scenario>,
    lines: Vec<String>,
}

/// One scenario.
#[derive(Default)]
pub(crate) struct Scenario {
    /// Its heading: the claim.
    pub(crate) title: String,
    /// Lines that differ from the base profile.
    pub(crate) profile: String,
    /// Settings under `[detect]`, if they differ from the default.
    pub(crate) toml: String,
    /// What must come out.
    pub(crate) verdict: String,
    /// Lines of the verdict, without the fences.
    place: (usize, usize),
}

impl Document {
    /// Slug of the detector it is about.
    pub(crate) fn slug(&self) -> String {
        let stem = self.path.file_stem().unwrap_or_default();
        stem.to_string_lossy().into_owned()
    }

    /// Writes new verdicts into the file; one for each scenario, in order.
    pub(crate) fn bless(&self, verdicts: &[String]) {
        let mut lines = self.lines.clone();
        for (scenario, verdict) in self.scenarios.iter().zip(verdicts).rev() {
            let (from, to) = scenario.place;
            lines.splice(from..to, verdict.lines().map(str::to_owned));
        }
        fs::write(&self.path, lines.join("\n") + "\n").expect("the checkout is writable");
    }
}

/// All scenario files, sorted.
pub(crate) fn all() -> Vec<Document> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let entries = fs::read_dir(folder).expect("there are scenarios");
    let mut paths: Vec<_> = entries.map(|e| e.expect("readable").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "md"));
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}

fn read(path: &Path) -> Document {
    let text = fs::read_to_string(path).expect("a scenario is UTF-8");
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let (mut base, mut scenarios) = (String::new(), Vec::<Scenario>::new());
    let mut fence: Option<(String, usize)> = None;
    for (number, line) in lines.iter().enumerate() {
        match &fence {
            Some((kind, from)) if line == "```" => {
                let body = lines[*from..number].join("\n");
                let place = (*from, number);
                match (scenarios.last_mut(), kind.as_str()) {
                    (None, "profile") => base = body,
                    (Some(last), "profile") => last.profile = body,
                    (Some(last), "toml") => last.toml = body,
                    (Some(last), "verdict") => (last.verdict, last.place) = (body, place),
                    _ => {}
                }
                fence = None;
            }
            Some(_) => {}
            None => {
                if let Some(kind) = line.strip_prefix("```") {
                    fence = Some((kind.to_owned(), number + 1));
                } else if let Some(title) = line.strip_prefix("## ") {
                    let title = title.to_owned();
                    scenarios.push(Scenario {
                        title,
                        ..Scenario::default()
                    });
                }
            }
        }
    }
    let path = path.to_owned();
    assert!(fence.is_none(), "{}: a fence is open", path.display());
    Document {
        path,
        base,
        scenarios,
        lines,
    }
}
