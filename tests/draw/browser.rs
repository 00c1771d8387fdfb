//! The page, drawn on in a real browser: by mouse, finger and keyboard, narrow and wide, light and
//! dark.

use crate::program::Program;
use crate::webdriver::Browser;
use serde_json::json;

/// An upright stroke, a ring, a zigzag and a cross, as shares of the pad.
const STICK: &[(f64, f64)] = &[(0.5, 0.15), (0.51, 0.5), (0.5, 0.85)];
const ZIGZAG: &[(f64, f64)] = &[(0.15, 0.3), (0.4, 0.7), (0.6, 0.3), (0.85, 0.7)];
const ZIGZAG_AGAIN: &[(f64, f64)] = &[(0.17, 0.32), (0.41, 0.68), (0.62, 0.33), (0.83, 0.71)];

fn ring() -> Vec<(f64, f64)> {
    let point = |step: u32| {
        let turn = f64::from(step) * std::f64::consts::TAU / 24.0;
        (0.5 + 0.3 * turn.cos(), 0.5 + 0.3 * turn.sin())
    };
    (0..=24).map(point).collect()
}

const ANSWERED: &str = "return document.querySelectorAll('#ranked li').length > 0";

fn answer(browser: &mut Browser) -> String {
    let text = browser.run("return document.getElementById('answer').textContent");
    text.as_str().unwrap().to_owned()
}

/// Nothing lies beyond the right edge, and nothing that is pressed is too small for a finger.
fn fits(browser: &mut Browser, width: u32) {
    let widest = browser.run("return document.documentElement.scrollWidth");
    assert!(
        widest.as_u64().unwrap() <= u64::from(width),
        "{widest} of {width} pixels"
    );
    let small = browser.run(
        "return [...document.querySelectorAll('button, select')]
           .filter((each) => each.offsetParent && (each.offsetWidth < 24 || each.offsetHeight < 24))
           .map((each) => each.outerHTML)",
    );
    assert_eq!(small, json!([]));
}

/// Draws three classes and a query that is like the second.
fn draw_all(browser: &mut Browser, kind: &str) {
    browser.stroke(kind, STICK);
    browser.press("#next");
    browser.stroke(kind, ZIGZAG);
    browser.press("#next");
    browser.stroke(kind, &ring());
    browser.press("#to-query");
    assert_eq!(answer(browser), "Now draw the query.");
    browser.stroke(kind, ZIGZAG_AGAIN);
    browser.until("an answer", ANSWERED);
}

#[test]
fn what_is_drawn_by_mouse_or_finger_is_recognised() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let program = Program::start("");
    let address = format!("http://127.0.0.1:{}/", program.port);
    for (width, dark, kind) in [
        (360, false, "touch"),
        (1280, false, "mouse"),
        (360, true, "touch"),
        (1280, true, "mouse"),
    ] {
        browser.open(&address, width, dark);
        fits(&mut browser, width);
        draw_all(&mut browser, kind);
        assert_eq!(answer(&mut browser), "class 2");
        fits(&mut browser, width);
        let shade = browser.run("return getComputedStyle(document.body).backgroundColor");
        assert_eq!(shade == json!("rgb(22, 22, 22)"), dark, "{shade}");
        browser.picture(&format!("{width}-{}", if dark { "dark" } else { "light" }));
        // The threshold decides again at once.
        browser.fill("#threshold", "1.01");
        browser.until(
            "none",
            "return document.getElementById('answer').textContent === 'none of these'",
        );
        browser.expect_peace(&address);
    }
}

#[test]
fn what_is_drawn_by_keyboard_is_recognised() {
    const UP: &str = "\u{E013}";
    const DOWN: &str = "\u{E015}";
    const LEFT: &str = "\u{E012}";
    const RIGHT: &str = "\u{E014}";
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let program = Program::start("");
    let address = format!("http://127.0.0.1:{}/", program.port);
    browser.open(&address, 1280, false);
    browser.run("document.getElementById('pad').focus()");
    let line = |key: &'static str, steps: usize| [&[" "][..], &vec![key; steps], &[" "]].concat();
    // An upright stroke, and back; then a flat one.
    browser.keys(&[vec![UP; 10], line(DOWN, 20), vec![UP; 10]].concat());
    assert_eq!(
        browser.run("return document.getElementById('pen').textContent"),
        "Pen up"
    );
    browser.keys(&["n"]);
    browser.keys(&[vec![LEFT; 10], line(RIGHT, 20), vec![LEFT; 10]].concat());
    browser.keys(&["q"]);
    browser.keys(&[vec![LEFT; 8], line(RIGHT, 16)].concat());
    browser.until("an answer", ANSWERED);
    assert_eq!(answer(&mut browser), "class 2");
    browser.picture("keyboard");
    // Undone, nothing is asked any more; redrawn the other way, the other class answers.
    browser.keys(&["u"]);
    browser.until(
        "nothing",
        "return document.querySelectorAll('#ranked li').length === 0",
    );
    browser.keys(&[vec![LEFT; 8], vec![UP; 8], line(DOWN, 16)].concat());
    browser.until(
        "the other",
        "return document.getElementById('answer').textContent === 'class 1'",
    );
    // Letters are letters in a field.
    browser.fill("#set-name", "u c n");
    browser.until("still there", ANSWERED);
    browser.expect_peace(&address);
}

#[test]
fn classes_are_named_saved_and_loaded() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let program = Program::start("");
    let address = format!("http://127.0.0.1:{}/", program.port);
    browser.open(&address, 1280, false);
    draw_all(&mut browser, "mouse");
    let ranked = "return document.getElementById('ranked').innerText";
    browser.fill("#classes li:nth-child(2) input", "zigzag\u{E007}");
    browser.until(
        "the name",
        "return document.getElementById('answer').textContent === 'zigzag'",
    );
    let scores = browser.run(ranked);
    browser.fill("#set-name", "mine");
    browser.press("#save button");
    browser.until(
        "saved",
        "return document.getElementById('kept').textContent === 'Saved mine: 3 classes.'",
    );
    assert!(program.folder().join("sets/mine/zigzag/01.png").exists());
    // Over itself only when that is said.
    for (button, saved) in [("button[value=no]", "false"), ("#question-yes", "true")] {
        browser.run("document.getElementById('kept').textContent = ''");
        browser.press("#save button");
        browser.until(
            "a question",
            "return document.getElementById('question').open",
        );
        browser.press(&format!("#question {button}"));
        browser.until(
            "no question",
            "return !document.getElementById('question').open",
        );
        if saved == "true" {
            browser.until(
                "saved",
                "return document.getElementById('kept').textContent !== ''",
            );
        }
    }
    // Drawings that are not saved are not lost without a word.
    browser.press("#add");
    browser.stroke("mouse", STICK);
    browser.press("#load button");
    browser.until(
        "a question",
        "return document.getElementById('question').open",
    );
    browser.press("button[value=no]");
    assert_eq!(
        browser.run("return document.querySelectorAll('#classes li').length"),
        4
    );
    browser.press("#load button");
    browser.until(
        "a question",
        "return document.getElementById('question').open",
    );
    browser.press("#question-yes");
    browser.until(
        "loaded",
        "return document.querySelectorAll('#classes li').length === 3",
    );
    browser.until("an answer", ANSWERED);
    let names = browser
        .run("return [...document.querySelectorAll('#classes input')].map((each) => each.value)");
    assert_eq!(names, json!(["class 1", "class 3", "zigzag"]));
    assert_eq!(
        browser.run(ranked),
        scores,
        "loaded drawings score as those that were saved"
    );
    browser.picture("loaded");
    // What the server refuses is said in words.
    browser.fill("#set-name", "..");
    browser.press("#save button");
    browser.until(
        "words",
        "return document.getElementById('error').textContent.includes('cannot be a name')",
    );
    browser.picture("error");
    drop(program);
    browser.press("#clear");
    browser.stroke("mouse", STICK);
    browser.until(
        "words",
        "return document.getElementById('error').textContent.includes('does not answer')",
    );
}
