//! Names of windows, which only their own query sees: `WINDOW w AS (...)`.

use std::collections::HashMap;

use super::token::Token;

/// New names by token: of each window, in order, and wherever OVER names it.
pub(super) fn window_names(tokens: &[Token<'_>]) -> Vec<(usize, String)> {
    let Some(start) = tokens.iter().position(|t| t.is("window")) else {
        return Vec::new();
    };
    let mut names = Vec::new();
    let mut windows: HashMap<&str, String> = HashMap::new();
    for (at, three) in tokens.windows(3).enumerate().skip(start) {
        if three[0].is_name() && three[1].is("as") && three[2].is_sign("(") {
            let name = format!("w{}", windows.len() + 1);
            names.push((at, name.clone()));
            windows.insert(&three[0].text, name);
        }
    }
    for at in (0..tokens.len()).filter(|&at| tokens[at].is("over")) {
        let named = at + 1 + usize::from(tokens.get(at + 1).is_some_and(|t| t.is_sign("(")));
        let window = tokens.get(named).and_then(|t| windows.get(&*t.text));
        names.extend(window.map(|name| (named, name.clone())));
    }
    names
}
