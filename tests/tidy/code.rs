//! Rust sources taken apart, as simply as the house rules need it: functions and `use` lines.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// A function, without its test code.
pub struct Function {
    /// Its name.
    pub name: String,
    /// Lines from its opening to its closing brace.
    pub lines: usize,
}

/// The source with every comment, text and character blanked out; lines stay where they are.
pub fn bare(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        let before = out.chars().next_back();
        let len = blank_len(rest, before);
        if len == 0 {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        } else {
            let blanks = rest[..len].chars();
            out.extend(blanks.map(|c| if c == '\n' { c } else { ' ' }));
            rest = &rest[len..];
        }
    }
    out
}

/// Bytes of the comment, text or character at the front; 0 if there is none.
fn blank_len(rest: &str, before: Option<char>) -> usize {
    let until = |end: &str, from: usize| {
        let found = rest[from..].find(end);
        found.map_or(rest.len(), |at| from + at + end.len())
    };
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return until("*/", 2);
    }
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let raw = rest.trim_start_matches('b');
    if !in_word && raw.starts_with('r') && rest.len() - raw.len() < 2 {
        let hashes = raw[1..].len() - raw[1..].trim_start_matches('#').len();
        let open = rest.len() - raw.len() + 1 + hashes;
        if rest[open..].starts_with('"') {
            return until(&format!("\"{}", "#".repeat(hashes)), open + 1);
        }
    }
    let bytes = rest.as_bytes();
    match bytes[0] {
        b'"' => {
            let mut at = 1;
            while at < bytes.len() && bytes[at] != b'"' {
                at += if bytes[at] == b'\\' { 2 } else { 1 };
            }
            (at + 1).min(rest.len())
        }
        // A character, and no lifetime.
        b'\'' if rest[1..].starts_with('\\') => until("'", 3),
        b'\'' => {
            let inside = rest[1..].chars().next().map_or(0, char::len_utf8);
            let closed = rest[1 + inside..].starts_with('\'');
            if closed { inside + 2 } else { 0 }
        }
        _ => 0,
    }
}

/// Where the block that opens at `open` ends: behind its closing brace.
fn block_end(bare: &str, open: usize) -> usize {
    let mut depth = 0usize;
    for (at, byte) in bare.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 1 => return at + 1,
            b'}' => depth -= 1,
            _ => {}
        }
    }
    bare.len()
}

/// The bare source without its `#[cfg(test)]` modules.
pub fn without_tests(bare: &str) -> String {
    let mut out = bare.to_owned();
    let mut from = 0;
    while let Some(at) = out[from..].find("#[cfg(").map(|at| from + at) {
        from = at + 1;
        let Some(close) = out[at..].find(']').map(|len| at + len + 1) else {
            break;
        };
        let is_test = out[at..close].contains("(test");
        let after = &out[close..];
        let item = after.trim_start();
        if !is_test || !item.starts_with("mod ") && !item.starts_with("pub mod ") {
            continue;
        }
        let end = item
            .find(['{', ';'])
            .filter(|&at| item[at..].starts_with('{'));
        if let Some(open) = end {
            let open = close + (after.len() - item.len()) + open;
            let end = block_end(&out, open);
            out.replace_range(at..end, "");
        }
    }
    out
}

/// Ends of the words `word` in a source.
fn words<'a>(bare: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    bare.match_indices(word).filter_map(move |(at, _)| {
        let end = at + word.len();
        let parted = !bare[..at].ends_with(is_word) && !bare[end..].starts_with(is_word);
        parted.then_some(end)
    })
}

/// All functions that have a body.
pub fn functions(bare: &str) -> Vec<Function> {
    let lines = |range: Range<usize>| bare[range].matches('\n').count() + 1;
    words(bare, "fn")
        .filter_map(|at| {
            let name: String = bare[at..]
                .trim_start()
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            let mut depth = 0usize;
            let end = bare[at..].bytes().position(|byte| {
                match byte {
                    b'(' | b'[' => depth += 1,
                    b')' | b']' => depth = depth.saturating_sub(1),
                    b'{' | b';' => return depth == 0,
                    _ => {}
                }
                false
            })?;
            let open = at + end;
            let has_body = !name.is_empty() && bare[open..].starts_with('{');
            has_body.then(|| Function {
                name,
                lines: lines(open..block_end(bare, open)),
            })
        })
        .collect()
}

/// The paths of `tree`, what stands after a `use`, each as its segments.
fn paths(tree: &str, before: &[String], found: &mut Vec<Vec<String>>) {
    let (head, group) = match tree.split_once('{') {
        Some((head, group)) => (head, group.rsplit_once('}').map(|(inside, _)| inside)),
        None => (tree, None),
    };
    let head = head.split(" as ").next().unwrap_or(head);
    let names = head
        .split("::")
        .map(str::trim)
        .filter(|name| !name.is_empty());
    let path: Vec<String> = before
        .iter()
        .cloned()
        .chain(names.map(str::to_owned))
        .collect();
    let Some(group) = group else {
        found.push(path);
        return;
    };
    let (mut depth, mut from) = (0usize, 0);
    for (at, byte) in group.bytes().enumerate().chain([(group.len(), b',')]) {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            b',' if depth == 0 => {
                if !group[from..at].trim().is_empty() {
                    paths(&group[from..at], &path, found);
                }
                from = at + 1;
            }
            _ => {}
        }
    }
}

/// Every path that a source without tests names by `crate` or `super`, from the crate's root on;
/// `module` is the source's own.
pub fn used_paths(bare: &str, module: &[String]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for end in words(bare, "use") {
        let tree = bare[end..].split(';').next().unwrap_or_default();
        paths(tree, &[], &mut found);
    }
    for start in ["crate::", "super::"] {
        let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
        let begins = |at: &usize| !bare[..*at].ends_with(is_path);
        for at in bare.match_indices(start).map(|(at, _)| at).filter(begins) {
            let path = bare[at..].split(|c| !is_path(c)).next().unwrap_or_default();
            paths(path, &[], &mut found);
        }
    }
    let absolute = |path: Vec<String>| {
        let supers = path.iter().take_while(|name| *name == "super").count();
        match path.first()?.as_str() {
            "crate" => Some(path[1..].to_vec()),
            "super" => {
                let above = module.len().checked_sub(supers)?;
                Some([&module[..above], &path[supers..]].concat())
            }
            _ => None,
        }
    };
    found.into_iter().filter_map(absolute).collect()
}

/// Which of `files`, named by their modules, use each other in a circle: one group for each circle
/// or knot of circles. What lies in a folder may use what the folder's own file declares.
pub fn circles(files: &BTreeMap<Vec<String>, String>) -> BTreeSet<Vec<String>> {
    let mut uses: BTreeMap<&Vec<String>, BTreeSet<&Vec<String>>> = BTreeMap::new();
    for (module, bare) in files {
        for path in used_paths(bare, module) {
            let target = (1..=path.len())
                .rev()
                .find_map(|len| files.get_key_value(&path[..len]));
            let own_room = |target: &Vec<String>| target[0] == module[0];
            if let Some((target, _)) = target
                && own_room(target)
                && !module.starts_with(target)
            {
                uses.entry(module).or_default().insert(target);
            }
        }
    }
    let reached = |from: &Vec<String>| {
        let mut seen: BTreeSet<&Vec<String>> = BTreeSet::new();
        let mut next: Vec<&Vec<String>> = uses.get(from).into_iter().flatten().copied().collect();
        while let Some(module) = next.pop() {
            if seen.insert(module) {
                next.extend(uses.get(module).into_iter().flatten());
            }
        }
        seen
    };
    let reach: BTreeMap<_, _> = files.keys().map(|file| (file, reached(file))).collect();
    let on_circle = files.keys().filter(|file| reach[file].contains(file));
    on_circle
        .map(|file| {
            let others = reach[file]
                .iter()
                .filter(|other| reach[**other].contains(file));
            others.map(|module| module.join("/")).collect()
        })
        .collect()
}
