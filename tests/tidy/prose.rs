//! Markdown taken apart, as simply as these documents need it.

/// Lines outside of blocks of code.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    text.lines().filter(move |line| {
        let is_fence = line.starts_with("```");
        inside ^= is_fence;
        !inside && !is_fence
    })
}

/// The cells of all tables.
pub fn cells(text: &str) -> Vec<String> {
    let rows = lines(text).filter(|line| line.starts_with('|'));
    rows.flat_map(|row| row.trim_matches('|').split('|'))
        .map(|cell| cell.trim().to_owned())
        .collect()
}

/// Does a sentence end with this word? Initials and "et al." end none.
fn ends(word: &str) -> bool {
    let word = word.trim_end_matches(['*', ')', '"']);
    word.ends_with(['.', '?', '!']) && word.len() > 2 && word != "al."
}

/// The sentences of all paragraphs and lists; lists of links alone have none.
pub fn sentences(text: &str) -> Vec<String> {
    let mut sentences = vec![String::new()];
    for line in lines(text).map(str::trim) {
        let is_prose = !line.is_empty() && !line.starts_with(['#', '|', '!']);
        if !is_prose || line.starts_with("- ") {
            sentences.push(String::new());
        }
        if !is_prose || line.starts_with("- [") {
            continue;
        }
        for word in line.trim_start_matches("- ").split_whitespace() {
            let sentence = sentences.last_mut().unwrap();
            *sentence += word;
            sentence.push(' ');
            if ends(word) {
                sentences.push(String::new());
            }
        }
    }
    sentences.retain(|sentence| !sentence.is_empty());
    sentences
}

/// Where the links and pictures lead.
pub fn links(text: &str) -> Vec<String> {
    let text: Vec<&str> = lines(text).collect();
    let text = text.join("\n");
    let links = text.split("](").skip(1);
    links
        .filter_map(|rest| Some(rest.split_once(')')?.0.to_owned()))
        .collect()
}

/// The anchors of the headings.
pub fn headings(text: &str) -> Vec<String> {
    let headings = lines(text).filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let heading = line.trim_start_matches('#').trim().to_lowercase();
            let kept = |c: &char| c.is_alphanumeric() || [' ', '-', '_'].contains(c);
            heading.chars().filter(kept).collect::<String>()
        })
        .map(|heading| heading.replace(' ', "-"))
        .collect()
}

/// The numbers with a point or a comma inside, as they are written: 98.45, 86,089.
pub fn figures(text: &str) -> Vec<String> {
    let numbers = text.split(|c: char| !c.is_ascii_digit() && c != '.' && c != ',');
    numbers
        .map(|number| number.trim_matches(['.', ',']).to_owned())
        .filter(|number| number.contains(['.', ',']))
        .collect()
}
