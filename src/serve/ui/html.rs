//! HTML that cannot hold unescaped text: tag and attribute names are constants, everything else is escaped.

use crate::model::time::Interval;

/// A piece of finished HTML.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Html(String);

impl Html {
    /// Nothing.
    pub(super) fn none() -> Self {
        Self::default()
    }

    /// The text of the page.
    pub(super) fn into_string(self) -> String {
        self.0
    }

    /// Appends another piece.
    pub(super) fn push(&mut self, more: impl Into<Self>) {
        self.0.push_str(&more.into().0);
    }
}

impl From<&str> for Html {
    /// Text, escaped.
    fn from(text: &str) -> Self {
        let mut html = String::with_capacity(text.len());
        escape(text, &mut html);
        Self(html)
    }
}

impl From<String> for Html {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<Element> for Html {
    fn from(element: Element) -> Self {
        element.close()
    }
}

impl From<Option<Element>> for Html {
    fn from(element: Option<Element>) -> Self {
        element.map(Self::from).unwrap_or_default()
    }
}

impl<T: Into<Html>> FromIterator<T> for Html {
    fn from_iter<I: IntoIterator<Item = T>>(pieces: I) -> Self {
        let mut all = Self::none();
        for piece in pieces {
            all.push(piece);
        }
        all
    }
}

/// An element that is being written.
#[derive(Debug)]
pub(super) struct Element {
    tag: &'static str,
    attributes: String,
    content: String,
}

/// Begins an element.
pub(super) fn el(tag: &'static str) -> Element {
    Element {
        tag,
        attributes: String::new(),
        content: String::new(),
    }
}

/// An element of a class, the most frequent kind.
pub(super) fn of_class(tag: &'static str, class: &str) -> Element {
    el(tag).attr("class", class)
}

/// A link within the site.
pub(super) fn link(path: &Path, content: impl Into<Html>) -> Element {
    el("a").attr("href", &path.0).child(content)
}

impl Element {
    /// Adds an attribute; `style`, `on...` and foreign addresses have no business here.
    pub(super) fn attr(mut self, name: &'static str, value: &str) -> Self {
        debug_assert!(
            name != "style" && !name.starts_with("on"),
            "forbidden by the content security policy"
        );
        self.attributes.push(' ');
        self.attributes.push_str(name);
        self.attributes.push_str("=\"");
        escape(value, &mut self.attributes);
        self.attributes.push('"');
        self
    }

    /// Adds content.
    pub(super) fn child(mut self, content: impl Into<Html>) -> Self {
        self.content.push_str(&content.into().0);
        self
    }

    /// Adds several pieces of content.
    pub(super) fn children<T: Into<Html>>(self, content: impl IntoIterator<Item = T>) -> Self {
        self.child(content.into_iter().collect::<Html>())
    }

    fn close(self) -> Html {
        let Self {
            tag,
            attributes,
            content,
        } = self;
        let is_void = matches!(tag, "meta" | "link" | "input" | "br");
        if is_void {
            return Html(format!("<{tag}{attributes}>"));
        }
        Html(format!("<{tag}{attributes}>{content}</{tag}>"))
    }
}

/// A path within the site, every segment percent-encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path(String);

impl Path {
    /// `/first/second`, whatever stands in the segments.
    pub(super) fn of(segments: &[&str]) -> Self {
        let mut path = String::new();
        for segment in segments {
            path.push('/');
            encode(segment, &mut path);
        }
        if path.is_empty() {
            path.push('/');
        }
        Self(path)
    }

    /// Adds a parameter of the query string.
    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.0.push(if self.0.contains('?') { '&' } else { '?' });
        self.0.push_str(name);
        self.0.push('=');
        encode(value, &mut self.0);
        self
    }

    /// Adds an interval as the parameters `from` and `to`.
    pub(super) fn over(self, interval: Interval) -> Self {
        self.with("from", &interval.from.to_string())
            .with("to", &interval.to.to_string())
    }

    /// The text of the path.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The one escaping function: safe in text and in quoted attributes.
fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            // Control characters, and those that turn the direction of text around, could disguise what stands there.
            c if c.is_control()
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
            {
                out.push('\u{fffd}');
            }
            c => out.push(c),
        }
    }
}

/// RFC 3986, section 2.3: everything but unreserved characters.
fn encode(text: &str, out: &mut String) {
    const HEX: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.extend(HEX.get(usize::from(byte >> 4)));
            out.extend(HEX.get(usize::from(byte & 15)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "<img src=x onerror=\"alert('1')\">&\u{202e}\u{0}";

    #[test]
    fn text_is_escaped() {
        let html = Html::from(el("p").child(HOSTILE)).into_string();
        assert_eq!(
            html,
            "<p>&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;\u{fffd}\u{fffd}</p>"
        );
    }

    #[test]
    fn an_attribute_cannot_be_left() {
        let html = Html::from(el("p").attr("title", HOSTILE)).into_string();
        assert_eq!(html.matches('"').count(), 2);
        assert_eq!(html.matches('<').count(), 2);
    }

    #[test]
    fn a_segment_stays_one_segment() {
        let path = Path::of(&["incidents", "../a?b#c\"é"]).with("lang", "a&b");
        assert_eq!(
            path.as_str(),
            "/incidents/..%2Fa%3Fb%23c%22%C3%A9?lang=a%26b"
        );
    }
}
