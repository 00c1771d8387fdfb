//! A strict reading of the HTML that templates write: each element closed, each attribute quoted.

/// Elements that have no end.
const VOID: [&str; 5] = ["br", "img", "link", "meta", "hr"];

/// Fails unless every element is closed in its order, texts have no bare `<`, and ids are unique.
pub fn check(html: &str) {
    assert!(html.starts_with("<!DOCTYPE html><html lang=\"en\">"));
    let mut open: Vec<&str> = Vec::new();
    for (name, rest, tail) in tags(html) {
        if let Some(name) = name.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "closed before {:.80}", tail);
        } else if !VOID.contains(&name) {
            assert!(!rest.ends_with('/'), "<{name}/> stays open in HTML");
            open.push(name);
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
    let mut ids: Vec<&str> = attributes(html)
        .into_iter()
        .filter(|&(name, _)| name == "id")
        .map(|(_, value)| value)
        .collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(all, ids.len(), "an id stands twice");
    for (name, value) in attributes(html) {
        if let ("href", Some(id)) = (name, value.strip_prefix('#')) {
            assert!(ids.contains(&id), "no place is called {id}");
        }
    }
}

/// All attributes and their values, still escaped.
pub fn attributes(html: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    for (_, mut rest, _) in tags(html) {
        while let Some((name, after)) = rest.trim_start().split_once("=\"") {
            let (value, after) = after.split_once('"').unwrap();
            found.push((name, value));
            rest = after;
        }
        assert!(
            rest.trim().is_empty(),
            "an attribute without a value: {rest}"
        );
    }
    found
}

/// Name, attributes, and what follows, of every tag; the style sheet is no markup.
fn tags(html: &str) -> Vec<(&str, &str, &str)> {
    let mut found = Vec::new();
    let mut rest = html.strip_prefix("<!DOCTYPE html>").unwrap();
    while let Some((_, after)) = rest.split_once('<') {
        let (tag, after) = after.split_once('>').unwrap();
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        let plain = |c: char| c.is_ascii_alphanumeric() || "/-".contains(c);
        assert!(name.chars().all(plain), "a bare < before {tag:.80}");
        found.push((name, attributes, after));
        rest = if name == "style" {
            &after[after.find("</style").unwrap()..]
        } else {
            after
        };
    }
    found
}
