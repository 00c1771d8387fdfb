//! A browser without a screen, driven by ChromeDriver's own protocol.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::client::{PATIENCE, head, send};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// What WebDriver calls an element's reference.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with one page.
pub struct Browser {
    driver: Child,
    port: u16,
    session: String,
    _profile: tempfile::TempDir,
}

/// The first of these programs that is there.
fn find(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut all = names
        .iter()
        .flat_map(|name| std::env::split_paths(&path).map(move |folder| folder.join(name)));
    all.find(|file| file.is_file())
}

impl Browser {
    /// Starts Chromium; says loudly that nothing is tested where it is not installed.
    pub fn start() -> Option<Browser> {
        let driver = find(&["chromedriver"]);
        let browser = find(&["chromium", "chromium-browser", "google-chrome"]);
        let (Some(driver), Some(browser)) = (driver, browser) else {
            eprintln!(
                "\nSKIPPED: no browser draws on the page; install chromium and its driver \
                 (apt-get install chromium chromium-driver)\n"
            );
            return None;
        };
        let profile = tempfile::tempdir().unwrap();
        let mut driver = Command::new(driver)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let mut lines = lines.map(Result::unwrap);
        let started = lines.find_map(|line| {
            let port = line.rsplit_once("started successfully on port ")?.1;
            Some(port.trim_end_matches('.').parse().unwrap())
        });
        let port = started.expect("ChromeDriver says its port");
        // Nobody reads on: what it says must not fill the pipe.
        thread::spawn(move || lines.for_each(drop));
        let mut browser = Browser {
            driver,
            port,
            session: String::new(),
            _profile: profile,
        }
        .with_session(&browser);
        browser.command(
            "timeouts",
            json!({ "script": 120_000, "pageLoad": 120_000 }),
        );
        Some(browser)
    }

    fn with_session(mut self, browser: &Path) -> Browser {
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            &format!("--user-data-dir={}", self._profile.path().display()),
        ];
        let capabilities = json!({
            "browserName": "chrome",
            "goog:chromeOptions": { "binary": browser, "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        });
        let body = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let made = self.ask("POST", "/session", &body);
        self.session = made["sessionId"].as_str().unwrap().to_owned();
        self
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if method == "GET" {
            String::new()
        } else {
            body.to_string()
        };
        let length = body.len().to_string();
        let headers = [
            ("content-type", "application/json"),
            ("content-length", length.as_str()),
            ("connection", "close"),
        ];
        let reply = send(
            self.port,
            head(self.port, &format!("{method} {path}"), &headers) + &body,
        );
        assert_eq!(reply.status, 200, "{method} {path} {body}: {}", reply.body);
        reply.json()["value"].clone()
    }

    fn command(&mut self, path: &str, body: Value) -> Value {
        self.ask("POST", &format!("/session/{}/{path}", self.session), &body)
    }

    /// A command of Chromium's own protocol.
    pub fn own(&mut self, command: &str, parameters: Value) {
        self.command(
            "goog/cdp/execute",
            json!({ "cmd": command, "params": parameters }),
        );
    }

    /// Shows a page as wide as this; a narrow one is a phone's, with fingers.
    pub fn open(&mut self, address: &str, width: u32, dark: bool) {
        let phone = width < 600;
        let size = json!({
            "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": phone,
        });
        self.own("Emulation.setDeviceMetricsOverride", size);
        self.own(
            "Emulation.setTouchEmulationEnabled",
            json!({ "enabled": phone }),
        );
        let scheme = if dark { "dark" } else { "light" };
        let scheme = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.own("Emulation.setEmulatedMedia", scheme);
        // What the browser asked for its own first page is not the page's.
        self.log("performance");
        self.log("browser");
        self.command("url", json!({ "url": address }));
        self.until(
            "the page is ready",
            "return document.body.dataset.ready === 'yes'",
        );
    }

    /// What a script returns.
    pub fn run(&mut self, script: &str) -> Value {
        self.command("execute/sync", json!({ "script": script, "args": [] }))
    }

    /// Waits until a script returns true.
    pub fn until(&mut self, what: &str, script: &str) {
        let began = Instant::now();
        while self.run(script) != json!(true) {
            if began.elapsed() > PATIENCE {
                let text = self.run("return document.body.innerText");
                panic!("never: {what}; the page says {text}");
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The first element that a selector finds.
    fn element(&mut self, selector: &str) -> Value {
        self.command(
            "element",
            json!({ "using": "css selector", "value": selector }),
        )
    }

    /// Presses a button or link, where it is.
    pub fn press(&mut self, selector: &str) {
        let element = self.element(selector);
        let id = element[ELEMENT].as_str().unwrap();
        self.command(&format!("element/{id}/click"), json!({}));
    }

    /// Types into a field, in place of what was there.
    pub fn fill(&mut self, selector: &str, text: &str) {
        let element = self.element(selector);
        let id = element[ELEMENT].as_str().unwrap().to_owned();
        // All of it is marked, and typed over.
        self.run(&format!(
            "const field = document.querySelector({selector:?}); field.focus(); field.select()"
        ));
        self.command(&format!("element/{id}/value"), json!({ "text": text }));
    }

    /// Draws a stroke on the pad: points in shares of its side.
    pub fn stroke(&mut self, kind: &str, points: &[(f64, f64)]) {
        self.run("document.getElementById('pad').scrollIntoView({ block: 'center' })");
        let side = self.run("return document.getElementById('pad').clientWidth");
        let side = side.as_f64().unwrap();
        let pad = self.element("#pad");
        let mut actions = Vec::new();
        for (place, &(x, y)) in points.iter().enumerate() {
            // From the middle of the pad.
            let (x, y) = ((x - 0.5) * side, (y - 0.5) * side);
            let (x, y) = (x.round() as i64, y.round() as i64);
            let step =
                json!({ "type": "pointerMove", "duration": 10, "x": x, "y": y, "origin": pad });
            actions.push(step);
            if place == 0 {
                actions.push(json!({ "type": "pointerDown", "button": 0 }));
            }
        }
        actions.push(json!({ "type": "pointerUp", "button": 0 }));
        let source = json!({
            "type": "pointer", "id": kind, "parameters": { "pointerType": kind }, "actions": actions,
        });
        self.command("actions", json!({ "actions": [source] }));
    }

    /// Presses keys one after the other, wherever the focus is.
    pub fn keys(&mut self, keys: &[&str]) {
        let press = |key: &&str| {
            [
                json!({ "type": "keyDown", "value": key }),
                json!({ "type": "keyUp", "value": key }),
            ]
        };
        let actions: Vec<Value> = keys.iter().flat_map(press).collect();
        let source = json!({ "type": "key", "id": "keys", "actions": actions });
        self.command("actions", json!({ "actions": [source] }));
    }

    /// Keeps a picture of the page, where the environment names a folder for it.
    pub fn picture(&mut self, name: &str) {
        let Some(folder) = std::env::var_os("OMNISHOT_SCREENSHOTS") else {
            return;
        };
        let path = format!("/session/{}/screenshot", self.session);
        let png = self.ask("GET", &path, &Value::Null);
        let png = STANDARD.decode(png.as_str().unwrap()).unwrap();
        std::fs::write(Path::new(&folder).join(format!("{name}.png")), png).unwrap();
    }

    fn log(&mut self, kind: &str) -> Vec<Value> {
        let log = self.command("se/log", json!({ "type": kind }));
        log.as_array().unwrap().clone()
    }

    /// Fails if the page asked anything of another place, if a request failed, or if the browser
    /// complained, since this was called last.
    pub fn expect_peace(&mut self, address: &str) {
        let complaints = self.log("browser");
        assert!(complaints.is_empty(), "{complaints:?}");
        let mut asked = 0;
        for entry in self.log("performance") {
            let entry: Value = serde_json::from_str(entry["message"].as_str().unwrap()).unwrap();
            let message = &entry["message"];
            let parameters = &message["params"];
            match message["method"].as_str().unwrap() {
                "Network.requestWillBeSent" => {
                    let url = parameters["request"]["url"].as_str().unwrap();
                    let own = url.starts_with(address)
                        || url.starts_with("data:")
                        || url.starts_with("blob:");
                    assert!(own, "the page asks {url}");
                    asked += 1;
                }
                "Network.responseReceived" => {
                    let status = &parameters["response"]["status"];
                    assert_eq!(status, 200, "{parameters}");
                }
                "Network.loadingFailed" => {
                    assert_eq!(parameters["canceled"], true, "{parameters}");
                }
                _ => {}
            }
        }
        assert!(asked > 0, "nothing was asked at all");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() && !thread::panicking() {
            self.ask("DELETE", &format!("/session/{}", self.session), &json!({}));
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
