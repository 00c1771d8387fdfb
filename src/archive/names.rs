//! What the names of files and folders say: sets, splits, drawings, and what systems leave behind.

use super::drawing::Split;

/// An official set: its name, and how much it holds (Lake's repository).
pub(super) struct Official {
    pub name: &'static str,
    pub alphabets: usize,
    pub characters: usize,
    pub drawings: usize,
}

const OFFICIAL: [Official; 4] = [
    Official {
        name: "images_background",
        alphabets: 30,
        characters: 964,
        drawings: 19_280,
    },
    Official {
        name: "images_evaluation",
        alphabets: 20,
        characters: 659,
        drawings: 13_180,
    },
    Official {
        name: "images_background_small1",
        alphabets: 5,
        characters: 136,
        drawings: 2_720,
    },
    Official {
        name: "images_background_small2",
        alphabets: 5,
        characters: 156,
        drawings: 3_120,
    },
];

/// The official set that a path lies in, if the innermost folder that tells a split names one.
pub(super) fn official(path: &str) -> Option<&'static Official> {
    let telling = path.rsplit('/').find(|part| split_in(part).is_some())?;
    OFFICIAL
        .iter()
        .find(|o| o.name.eq_ignore_ascii_case(telling))
}

/// The split that a path tells: that of the innermost folder whose name holds `background` or
/// `evaluation`. A name that holds both tells nothing.
pub(super) fn split_in(path: &str) -> Option<Split> {
    path.rsplit('/').find_map(|part| {
        let part = part.to_ascii_lowercase();
        let holds = |split: Split| part.contains(split.name());
        match (holds(Split::Background), holds(Split::Evaluation)) {
            (true, false) => Some(Split::Background),
            (false, true) => Some(Split::Evaluation),
            _ => None,
        }
    })
}

/// Files and folders that systems leave beside one's own, in small letters.
const LEFT_BEHIND: [&str; 16] = [
    "__macosx",
    "thumbs.db",
    "ehthumbs.db",
    "ehthumbs_vista.db",
    "desktop.ini",
    "icon\r",
    "@eadir",
    "#recycle",
    "$recycle.bin",
    "system volume information",
    "lost+found",
    "network trash folder",
    "@recycle",
    "@recently-snapshot",
    "#snapshot",
    "picasa.ini",
];

/// Whether a file or folder of this name is none of the user's: hidden, or left by a system.
pub(crate) fn is_left_behind(name: &str) -> bool {
    let small = name.to_lowercase();
    // Windows says in such a file where another came from; copies elsewhere keep it beside that.
    let stream = small.ends_with("zone.identifier") || small.starts_with("thumbs.db:");
    name.starts_with('.') || stream || LEFT_BEHIND.contains(&small.as_str())
}

/// A name inside a zip with `/` between its parts, as Windows' programs do not always write it.
/// `None` if it leads out of the archive.
pub(super) fn inside(name: &str) -> Option<String> {
    let name = name.replace('\\', "/");
    let drive = name.split('/').next().is_some_and(|part| {
        part.len() == 2
            && part.ends_with(':')
            && part.starts_with(|c: char| c.is_ascii_alphabetic())
    });
    let escapes = drive || name.starts_with('/') || name.contains('\0');
    if escapes || name.split('/').any(|part| part == "..") {
        return None;
    }
    let ends = name.ends_with('/');
    let parts: Vec<&str> = (name.split('/'))
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    Some(parts.join("/") + if ends { "/" } else { "" })
}

/// Whether a file's name ends in a dot and one of these, in small letters or capitals.
pub(super) fn has_end(name: &str, ends: &[&str]) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    let end = file.rsplit_once('.').map(|(_, end)| end);
    end.is_some_and(|end| ends.iter().any(|known| end.eq_ignore_ascii_case(known)))
}

/// Where a drawing belongs, from its path.
pub(super) struct Place<'a> {
    /// The folders that its alphabet lies in, with `/` between them; empty for none.
    pub set: &'a str,
    pub alphabet: &'a str,
    pub character: &'a str,
    pub number: u32,
    pub drawer: u16,
}

/// Reads `[set/]alphabet/character/NNNN_DD.png`.
pub(super) fn place(name: &str) -> Option<Place<'_>> {
    let mut parts = name.rsplitn(4, '/');
    let (stem, _) = (parts.next()?.rsplit_once('.')).filter(|_| has_end(name, &["png"]))?;
    let (number, drawer) = stem.split_once('_')?;
    let (character, alphabet) = (parts.next()?, parts.next()?);
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let sound = |text: &str| (1..=255).contains(&text.len()) && !text.chars().any(char::is_control);
    let place = Place {
        set: parts.next().unwrap_or(""),
        alphabet,
        character,
        number: number.parse().ok()?,
        drawer: drawer.parse().ok()?,
    };
    let well_named = digits(number) && digits(drawer) && sound(character) && sound(alphabet);
    (well_named && place.drawer > 0).then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_name_that_tells_a_split_tells_it() {
        for (path, split) in [
            ("images_background", Some(Split::Background)),
            ("omniglot/python/Images_Evaluation", Some(Split::Evaluation)),
            ("my_evaluation/my_background", Some(Split::Background)),
            ("my_evaluation/parts", Some(Split::Evaluation)),
            ("background_and_evaluation", None),
            (
                "images_evaluation/background_and_evaluation",
                Some(Split::Evaluation),
            ),
            ("", None),
        ] {
            assert_eq!(split_in(path), split, "{path}");
        }
    }

    #[test]
    fn names_of_zips_stay_inside() {
        for (name, found) in [
            ("a/b.png", Some("a/b.png")),
            ("a\\b\\c.png", Some("a/b/c.png")),
            ("./a//b.png", Some("a/b.png")),
            ("a\\", Some("a/")),
            ("a..b/c", Some("a..b/c")),
            ("..", None),
            ("a\\..\\b", None),
            ("\\a", None),
            ("\\\\server\\a", None),
            ("C:\\a", None),
            ("c:/a", None),
            ("/a", None),
            ("a\0b", None),
        ] {
            assert_eq!(inside(name).as_deref(), found, "{name}");
        }
    }

    #[test]
    fn what_systems_leave_behind_is_known_by_any_spelling() {
        for name in [
            "Thumbs.db",
            "thumbs.db",
            "Desktop.ini",
            "Icon\r",
            "@eaDir",
            ".DS_Store",
            "._a.png",
            ".git",
            "__MACOSX",
            "a.png:Zone.Identifier",
        ] {
            assert!(is_left_behind(name), "{name}");
        }
        for name in ["Icon", "thumbs", "a.png", "desktop", "eaDir"] {
            assert!(!is_left_behind(name), "{name}");
        }
    }
}
