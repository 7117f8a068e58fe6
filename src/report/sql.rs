//! Breaks a redacted statement into lines that a phone can show.

/// Words that begin a clause; a line break before them helps the eye.
const CLAUSES: [&str; 16] = [
    "FROM",
    "WHERE",
    "GROUP",
    "ORDER",
    "HAVING",
    "LIMIT",
    "UNION",
    "INTERSECT",
    "EXCEPT",
    "JOIN",
    "LEFT",
    "INNER",
    "CROSS",
    "SET",
    "VALUES",
    "RETURNING",
];

/// Longest line, in characters, before it is broken at a space.
const LINE_CHARS: usize = 88;

/// The statement in at most `max_lines` lines, broken before clauses and at spaces; what is cut is marked by `…`.
pub fn lines(statement: &str, max_lines: usize) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut line = String::new();
    let mut chars = 0;
    for word in statement.split_whitespace() {
        let len = word.chars().count();
        let begins_clause = chars > 0 && CLAUSES.iter().any(|c| word.eq_ignore_ascii_case(c));
        let too_long = chars > 0 && chars + 1 + len > LINE_CHARS;
        // "LEFT JOIN", "INNER JOIN": one clause, one break.
        let joins_on = word.eq_ignore_ascii_case("JOIN") && ends_in_join_kind(&line);
        if (begins_clause && !joins_on) || too_long {
            out.push(std::mem::take(&mut line));
            chars = 0;
            if out.len() >= max_lines {
                mark_cut(&mut out);
                return out;
            }
        }
        if chars > 0 {
            line.push(' ');
            chars += 1;
        }
        line.push_str(word);
        chars += len;
    }
    if !line.is_empty() {
        out.push(line);
    }
    out
}

fn ends_in_join_kind(line: &str) -> bool {
    line.rsplit(' ').next().is_some_and(|last| {
        ["LEFT", "INNER", "CROSS", "RIGHT", "FULL", "OUTER"]
            .iter()
            .any(|kind| last.eq_ignore_ascii_case(kind))
    })
}

fn mark_cut(lines: &mut [String]) {
    if let Some(last) = lines.last_mut() {
        last.push_str(" …");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clauses_begin_lines() {
        let sql = "SELECT a.id FROM apply a LEFT JOIN user u ON a.u = u.id WHERE a.m = ? ORDER BY a.d DESC";
        assert_eq!(
            lines(sql, 10),
            [
                "SELECT a.id",
                "FROM apply a",
                "LEFT JOIN user u ON a.u = u.id",
                "WHERE a.m = ?",
                "ORDER BY a.d DESC"
            ]
        );
    }

    #[test]
    fn what_is_cut_is_marked() {
        let sql = "SELECT x FROM t UNION ".repeat(50);
        let shown = lines(&sql, 10);
        assert_eq!(shown.len(), 10);
        assert!(shown[9].ends_with('…'));
    }

    #[test]
    fn nothing_in_nothing_out() {
        assert!(lines("  \n ", 10).is_empty());
        assert_eq!(lines("SELECT ?", 1), ["SELECT ?"]);
    }
}
