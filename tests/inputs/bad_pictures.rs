//! Pictures that cannot be taken, and formats that can: each by its name, all at once.

use crate::common::inputs::Files;
use crate::common::page;
use crate::common::pictures::{AS_THEY_ARE, evaluating, folder, grouped, refusal};
use omnishot::archive::{page_to_png, read_classes, read_groups};

#[test]
fn all_bad_pictures_are_named_at_once() {
    let mut broken = grouped();
    broken[0].1.clear();
    broken[2].1.truncate(40);
    broken[4].1 = b"%PDF-1.7".to_vec();
    let folder = folder(&broken);
    let refusals = [
        read_groups(folder.path(), &evaluating(&[])).unwrap_err(),
        read_classes(folder.path(), AS_THEY_ARE).unwrap_err(),
    ];
    for said in refusals.map(|error| error.to_string()) {
        for part in [
            "3 of 5 pictures",
            "runes/a/one.png: is empty",
            "runes/b/x.png: is a damaged PNG",
            "marks/c/1.png: is PDF by its content",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
    let class = |n| if n < 25 { "a" } else { "b" };
    let many: Files = (0..50)
        .map(|n| (format!("{}/{n:02}.png", class(n)), vec![]))
        .collect();
    let said = refusal(&many, &evaluating(&[]));
    assert!(
        said.contains("a/19.png") && !said.contains("a/20.png"),
        "{said}"
    );
    assert!(said.ends_with("and 30 more"), "{said}");
}

#[test]
fn a_class_of_which_no_picture_is_read_is_named() {
    let mut files = grouped();
    files.push(("runes/c/1.heic".to_owned(), b"anything".to_vec()));
    files.push(("runes/c/2.SVG".to_owned(), b"anything".to_vec()));
    let said = refusal(&files, &evaluating(&[]));
    assert!(said.contains("runes/c: .heic, .svg"), "{said}");
    files.truncate(5);
    files.push(("runes/a/1.heic".to_owned(), b"anything".to_vec()));
    files.push(("runes/notes/1.txt".to_owned(), b"anything".to_vec()));
    let groups = read_groups(folder(&files).path(), &evaluating(&[])).unwrap();
    let ends: Vec<_> = groups
        .left_out_ends
        .iter()
        .map(|(end, n)| (&**end, *n))
        .collect();
    assert_eq!(ends, [(".heic", 1), (".txt", 1)]);
    assert_eq!(groups.without_pictures, ["runes/notes"]);
    // Beside pictures that are classes by themselves, it would be one.
    let alone = vec![
        ("round.png".to_owned(), page_to_png(&page(1))),
        ("square.heic".to_owned(), b"anything".to_vec()),
    ];
    let said = read_classes(folder(&alone).path(), AS_THEY_ARE)
        .unwrap_err()
        .to_string();
    assert!(said.contains("square.heic"), "{said}");
}

#[test]
fn the_content_says_what_a_picture_is() {
    let mut files = grouped();
    for name in [
        "a/1.jfif",
        "a/2.Tiff",
        "a/scanned",
        "b/1.webp",
        "b/2.GIF",
        "b/3.bmp",
    ] {
        files.push((format!("more/{name}"), page_to_png(&page(7))));
    }
    files.push(("more/a/README".to_owned(), b"mine".to_vec()));
    let groups = read_groups(folder(&files).path(), &evaluating(&[])).unwrap();
    let more = groups
        .archive
        .alphabets
        .iter()
        .find(|a| a.name == "more")
        .unwrap();
    let drawings = more.characters.iter().flat_map(|c| &c.drawings);
    assert_eq!(
        drawings.filter(|drawing| drawing.page == page(7)).count(),
        6
    );
    assert_eq!(groups.left_out, 1);
}
