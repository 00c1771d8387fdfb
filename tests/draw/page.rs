//! What the page gets: its files, answers, thresholds and alphabets.

use std::io::{Read, Write};
use std::thread;

use crate::client::{connect, get, head, post};
use crate::common::program as run;
use crate::program::{Program, classes, question};
use serde_json::{Value, json};

const FILES: [&str; 6] = [
    "/",
    "/page.css",
    "/page.js",
    "/pad.js",
    "/server.js",
    "/icon.svg",
];

#[test]
fn the_page_is_whole_and_takes_nothing_from_elsewhere() {
    let program = Program::start("");
    for path in FILES {
        let reply = get(program.port, path);
        assert_eq!(reply.status, 200, "{path}");
        let policy = &reply.headers["content-security-policy"];
        assert!(policy.starts_with("default-src 'self';"), "{policy}");
        assert_eq!(reply.headers["cache-control"], "no-store");
        assert_eq!(reply.headers["x-content-type-options"], "nosniff");
        let own = reply.body.replace("http://www.w3.org/2000/svg", "");
        assert!(!own.contains("://"), "{path} names another place");
        let mut stream = connect(program.port);
        let asked = head(
            program.port,
            &format!("HEAD {path}"),
            &[("connection", "close")],
        );
        stream.write_all(asked.as_bytes()).unwrap();
        let mut bare = String::new();
        stream.read_to_string(&mut bare).unwrap();
        assert!(bare.starts_with("HTTP/1.1 200 OK\r\n") && bare.ends_with("\r\n\r\n"));
    }
    // Whatever the page and its style name is there.
    let page = get(program.port, "/").body;
    for named in page.split("=\"/").skip(1) {
        let path = format!("/{}", named.split('"').next().unwrap());
        assert!(FILES.contains(&&*path), "{path}");
    }
}

#[test]
fn the_nearest_class_is_the_answer() {
    let program = Program::start("");
    let reply = post(program.port, "/api/rank", &question([1, 50, 4000], 4000));
    let answer = reply.json();
    assert_eq!((reply.status, &answer["answer"]), (200, &json!("c02")));
    assert_eq!(answer["why"], "above all others");
    let ranked = answer["ranked"].as_array().unwrap();
    let first = &ranked[0];
    assert_eq!(
        (&first["class"], &first["name"]),
        (&json!(2), &json!("c02"))
    );
    assert!((first["score"].as_f64().unwrap() - 1.0).abs() < 1e-5);
    let scores: Vec<f64> = ranked
        .iter()
        .map(|each| each["score"].as_f64().unwrap())
        .collect();
    assert!(
        scores.len() == 3 && scores.is_sorted_by(|a, b| a >= b),
        "{scores:?}"
    );

    let mut none = question([1, 50], 4000);
    none["threshold"] = json!(1.5);
    let answer = post(program.port, "/api/rank", &none).json();
    assert_eq!(
        (&answer["answer"], &answer["why"]),
        (&Value::Null, &json!("none of these"))
    );
    let answer = post(program.port, "/api/rank", &question([7, 7], 7)).json();
    assert_eq!(
        (&answer["answer"], &answer["why"]),
        (&Value::Null, &json!("tied"))
    );
}

#[test]
fn pages_do_not_mix() {
    let program = Program::start("");
    let port = program.port;
    let ask = |page: u32| {
        let kinds: Vec<u32> = (0..4).map(|class| 97 * page + 13 * class).collect();
        post(port, "/api/rank", &question(kinds, 97 * page + 13)).json()
    };
    let alone: Vec<Value> = (0..6).map(ask).collect();
    thread::scope(|scope| {
        for page in 0..6 {
            let (ask, alone) = (&ask, &alone);
            scope.spawn(move || (0..3).for_each(|_| assert_eq!(ask(page), alone[page as usize])));
        }
    });
    assert!(alone.iter().all(|answer| answer["answer"] == "c01"));
}

/// A store of made-up alphabets, which the network has not seen.
fn made_up(folder: &std::path::Path) {
    let pack = env!("CARGO_BIN_EXE_omni-pack");
    run(pack, folder, "build made-up.omni --synthetic 1").success();
}

#[test]
fn a_page_may_start_from_an_alphabet() {
    let program = Program::start_in(made_up, "--alphabets made-up.omni --threshold 0.25");
    let start = get(program.port, "/api/start").json();
    assert_eq!(start["threshold"], 0.25);
    assert_eq!(
        (&start["calibrated"], &start["sets"]),
        (&json!(false), &json!([]))
    );
    let names = start["alphabets"].as_array().unwrap();
    assert!(names.len() > 3, "{names:?}");
    let name = &names[0];
    let taken = post(program.port, "/api/alphabet", &json!({ "name": name })).json();
    let taken = &taken["classes"];
    assert!(taken.as_array().unwrap().len() > 3);
    // Each of its drawings is most like itself.
    let query = &taken[2]["drawings"][0];
    let asked = json!({ "classes": taken, "query": query, "threshold": 0.25 });
    let answer = post(program.port, "/api/rank", &asked).json();
    assert_eq!(answer["answer"], taken[2]["name"], "{answer}");
    let refused = post(program.port, "/api/alphabet", &json!({ "name": "../x" }));
    assert_eq!(refused.status, 404);
    assert!(refused.refusal().contains("no alphabet is named"));
    let refused = post(
        program.port,
        "/api/threshold",
        &json!({ "ways": 5, "shots": 1 }),
    );
    assert!(refused.refusal().contains("--calibrate STORE"));
}

#[test]
fn thresholds_are_those_of_the_command() {
    let program = Program::start_in(made_up, "--calibrate made-up.omni");
    assert_eq!(get(program.port, "/api/start").json()["calibrated"], true);
    let find = |ways: usize, shots: usize| {
        post(
            program.port,
            "/api/threshold",
            &json!({ "ways": ways, "shots": shots }),
        )
    };
    let found = find(3, 1).json()["score"].as_f64().unwrap();
    assert_eq!(find(3, 1).json()["score"], found);
    let set = json!({ "name": "three", "classes": classes([1, 50, 4000]), "replace": false });
    assert_eq!(post(program.port, "/api/save", &set).status, 200);
    let classify = env!("CARGO_BIN_EXE_siamese-classify");
    let arguments = "--support sets/three --pretrained --calibrate made-up.omni --json \
                     sets/three/c00/01.png";
    let done = run(classify, program.folder(), arguments).success();
    let said: Value = serde_json::from_slice(&done.get_output().stdout).unwrap();
    let other = said["threshold"].as_f64().unwrap();
    assert!((found - other).abs() < 1e-5, "{found} and {other}");
    for (ways, shots) in [(0, 1), (61, 1), (5, 0), (5, 11)] {
        assert!(find(ways, shots).refusal().contains("no such classes"));
    }
}
