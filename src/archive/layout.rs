//! How a user's pictures lie in folders: which folder is a group, and which a class.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::problem::Problem;

/// Words that name a part of a set, and no group of classes that belong together.
const PART_WORDS: [&str; 14] = [
    "train",
    "training",
    "trainset",
    "test",
    "testing",
    "testset",
    "val",
    "valid",
    "validation",
    "dev",
    "eval",
    "evaluation",
    "background",
    "holdout",
];

/// Where a picture belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place<'a> {
    /// The group's name; `None` for a class that lies in none.
    pub group: Option<Cow<'a, str>>,
    pub class: &'a str,
}

/// Where pictures of these paths, ascending, belong: `[group/]class/picture`, in folders that
/// all lie in. With `merge`, folders of parts of a set, such as `train` and `test`, count for
/// nothing.
///
/// # Errors
/// The index of a picture that lies amiss, and how.
pub(super) fn lay_out<'a>(
    paths: &[&'a str],
    merge: bool,
) -> Result<Vec<Place<'a>>, (usize, Problem)> {
    let mut folders: Vec<Vec<&str>> = (paths.iter())
        .map(|path| path.split('/').collect())
        .collect();
    for parts in &mut folders {
        parts.pop();
    }
    let mut inner: Vec<&[&str]> = folders.iter().map(Vec::as_slice).collect();
    strip(&mut inner, merge);
    let depth = inner[0].len();
    if let Some(at) = inner.iter().position(|parts| parts.len() != depth) {
        let problem = Problem::MixedDepths {
            depth: folders[at].len(),
            other: paths[0].to_owned(),
            other_depth: folders[0].len(),
        };
        return Err((at, problem));
    }
    let sound = |text: &&str| text.len() <= 255 && !text.chars().any(char::is_control);
    let mut places = Vec::with_capacity(paths.len());
    for (at, parts) in inner.iter().enumerate() {
        let (group, class) = match *parts {
            [] => return Err((at, Problem::NoClass)),
            [class] => (None, class),
            [group, class] => (Some(Cow::Borrowed(*group)), class),
            _ => {
                let depth = folders[at].len();
                return Err((at, Problem::DeepPictures { depth }));
            }
        };
        if !parts.iter().all(sound) {
            return Err((at, Problem::UnsoundName));
        }
        places.push(Place { group, class });
    }
    Ok(places)
}

/// Takes off folders around groups that say nothing: one that all lie in, and, with `merge`, parts
/// of a set.
fn strip(folders: &mut [&[&str]], merge: bool) {
    loop {
        let first = folders[0].first().copied();
        let around = |parts: &&[&str]| parts.len() > 2 && parts.first().copied() == first;
        let part = |parts: &&[&str]| parts.len() > 1 && part_word(parts[0]).is_some();
        if !(folders.iter().all(around) || merge && folders.iter().all(part)) {
            return;
        }
        for parts in folders.iter_mut() {
            *parts = &parts[1..];
        }
    }
}

/// The word of a folder's name that makes it that of a part of a set.
fn part_word(name: &str) -> Option<&'static str> {
    let name = name.to_lowercase();
    let mut words = name.split(|c: char| !c.is_alphanumeric());
    words.find_map(|word| PART_WORDS.into_iter().find(|&part| part == word))
}

/// Groups that are parts of a set, and what they share.
pub(super) struct SetParts<'p> {
    /// Their names, ascending.
    pub names: Vec<&'p str>,
    /// Two of them, and the first class by name that both hold.
    pub shared: Option<(&'p str, &'p str, &'p str)>,
}

/// The groups that are named as parts of a set.
pub(super) fn set_parts<'p>(places: &'p [Place<'_>]) -> SetParts<'p> {
    let mut classes: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for place in places {
        if let Some(group) = place
            .group
            .as_deref()
            .filter(|group| part_word(group).is_some())
        {
            classes.entry(group).or_default().insert(place.class);
        }
    }
    let pairs = classes.iter().enumerate().flat_map(|(at, first)| {
        let after = classes.iter().skip(at + 1);
        after.map(move |second| (first, second))
    });
    let mut shared = pairs.filter_map(|((first, held), (second, others))| {
        // Two tests may well ask the same.
        let class = held.intersection(others).next()?;
        (part_word(first) != part_word(second)).then_some(())?;
        Some((*first, *second, *class))
    });
    let shared = shared.next();
    SetParts {
        names: classes.keys().copied().collect(),
        shared,
    }
}

/// Deals classes that lie in one group, or in none, into `groups` made-up ones, `group 1` and on:
/// the first class by name into the first, the second into the second, and round again.
///
/// # Errors
/// If there are groups already, or fewer than two classes for each.
pub(super) fn deal(places: &mut [Place<'_>], groups: usize) -> Result<(), Problem> {
    let known: BTreeSet<&str> = places.iter().filter_map(|p| p.group.as_deref()).collect();
    let classes: BTreeSet<&str> = places.iter().map(|place| place.class).collect();
    let undealt = |why| Err(Problem::Undealt { groups, why });
    if known.len() > 1 {
        let known: Vec<&str> = known.into_iter().collect();
        return undealt(format!("it holds groups already: {}", known.join(", ")));
    }
    if groups == 0 || classes.len() / groups < 2 {
        let (held, most) = (classes.len(), classes.len() / 2);
        return undealt(format!(
            "each needs two classes at least, and it holds {held}; {most} groups are the most"
        ));
    }
    let dealt: BTreeMap<&str, usize> = classes.into_iter().zip((1..=groups).cycle()).collect();
    for place in places.iter_mut() {
        place.group = Some(Cow::Owned(format!("group {}", dealt[place.class])));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laid(paths: &[&str], merge: bool) -> Vec<String> {
        let places = lay_out(paths, merge).unwrap();
        let named = |place: &Place| match &place.group {
            Some(group) => format!("{group}:{}", place.class),
            None => place.class.to_owned(),
        };
        places.iter().map(named).collect()
    }

    #[test]
    fn folders_that_all_lie_in_say_nothing() {
        for around in ["", "mine/", "mine/data/v1/"] {
            let paths = ["a/x/1.png", "a/y/1.png", "b/x/1.png"].map(|p| format!("{around}{p}"));
            let paths = paths.each_ref().map(String::as_str);
            assert_eq!(laid(&paths, false), ["a:x", "a:y", "b:x"], "{around}");
        }
        assert_eq!(laid(&["x/1.png", "y/1.png"], false), ["x", "y"]);
        // One class is one, whatever it is good for.
        assert_eq!(laid(&["x/1.png", "x/2.png"], false), ["x", "x"]);
        // One group keeps its name.
        assert_eq!(laid(&["a/x/1.png", "a/y/1.png"], false), ["a:x", "a:y"]);
    }

    #[test]
    fn parts_of_a_set_are_merged_if_told() {
        let paths = ["Test/a/1.png", "seg_train/a/1.png", "seg_train/b/1.png"];
        assert_eq!(laid(&paths, true), ["a", "a", "b"]);
        let deep = ["test/test/g/a/1.png", "train/train/g/b/1.png"];
        assert_eq!(laid(&deep, true), ["g:a", "g:b"]);
        let tests = ["test 1/a/1.png", "test 2/a/1.png"];
        assert_eq!(set_parts(&lay_out(&tests, false).unwrap()).shared, None);
        let (_, problem) = lay_out(&deep, false).unwrap_err();
        assert!(matches!(problem, Problem::DeepPictures { depth: 4 }));
        let places = lay_out(&paths, false).unwrap();
        let found = set_parts(&places);
        assert_eq!(found.names, ["Test", "seg_train"]);
        assert_eq!(found.shared, Some(("Test", "seg_train", "a")));
    }

    #[test]
    fn what_lies_amiss_is_told_with_an_example_of_each() {
        let refused = |paths: &[&str]| lay_out(paths, false).unwrap_err();
        assert!(matches!(
            refused(&["1.png", "2.png"]),
            (0, Problem::NoClass)
        ));
        let (at, problem) = refused(&["a/1.png", "b/c/1.png", "d/1.png"]);
        let text = problem.to_string();
        assert_eq!(at, 1);
        assert!(
            text.starts_with("lies in 2 folders, but a/1.png in one folder; "),
            "{text}"
        );
        let (at, problem) = refused(&["a/1.png", "b\n/1.png"]);
        assert!(
            at == 1 && matches!(problem, Problem::UnsoundName),
            "{problem}"
        );
    }

    #[test]
    fn classes_are_dealt_in_turn() {
        let paths = [
            "a/1.png", "b/1.png", "b/2.png", "c/1.png", "d/1.png", "e/1.png",
        ];
        let mut places = lay_out(&paths, false).unwrap();
        deal(&mut places, 2).unwrap();
        let groups: Vec<_> = places.iter().map(|p| p.group.as_deref().unwrap()).collect();
        let [one, two] = ["group 1", "group 2"];
        assert_eq!(groups, [one, two, two, one, two, one]);
        let refused = deal(&mut places, 2).unwrap_err().to_string();
        assert!(
            refused.contains("groups already: group 1, group 2"),
            "{refused}"
        );
        let mut places = lay_out(&paths, false).unwrap();
        let refused = deal(&mut places, 3).unwrap_err().to_string();
        assert!(
            refused.contains("it holds 5; 2 groups are the most"),
            "{refused}"
        );
    }
}
