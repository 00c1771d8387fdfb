//! Who may ask: what is refused by its head alone.
//!
//! The server listens on the loopback address. That keeps other machines out, and no page that the
//! user's own browser shows from elsewhere: such a page may send requests here, from its own origin
//! or under a name of its own that was made to lead here. So a request has to name this machine in
//! `Host`, and to come from this page if a browser says where it comes from.

use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, ORIGIN};
use hyper::{Method, Uri};

use super::limits::MOST_BODY;
use super::refusal::Refusal;

/// Refuses by its head a request that was not sent to this machine by name, or that a browser
/// says another page has sent.
///
/// # Errors
/// [`Refusal::OtherHost`] or [`Refusal::OtherOrigin`].
pub fn check_sender(uri: &Uri, headers: &HeaderMap, port: u16) -> Result<(), Refusal> {
    let host = only(headers, &HOST)
        .map_err(|()| Refusal::OtherHost)?
        .ok_or(Refusal::OtherHost)?;
    let whole = uri.authority().map(|authority| authority.as_str());
    if !is_own(host, port) || whole.is_some_and(|whole| !is_own(whole, port)) {
        return Err(Refusal::OtherHost);
    }
    let other = |()| Refusal::OtherOrigin;
    if let Some(origin) = only(headers, &ORIGIN).map_err(other)? {
        let own = (origin.strip_prefix("http://")).is_some_and(|host| is_own(host, port));
        if !own {
            return Err(Refusal::OtherOrigin);
        }
    }
    // A page of another port of this machine is of the same site, and still another page.
    let site = HeaderName::from_static("sec-fetch-site");
    match only(headers, &site).map_err(other)? {
        None | Some("same-origin" | "none") => Ok(()),
        Some(_) => Err(Refusal::OtherOrigin),
    }
}

/// Refuses by its head a body that is no JSON or too long.
///
/// # Errors
/// [`Refusal::NotJson`] or [`Refusal::TooLong`].
pub fn check_body(headers: &HeaderMap) -> Result<(), Refusal> {
    let kind = only(headers, &CONTENT_TYPE)
        .ok()
        .flatten()
        .unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(Refusal::NotJson);
    }
    let length = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok());
    match length.map(str::parse::<usize>) {
        Some(Ok(length)) if length <= MOST_BODY => Ok(()),
        None => Ok(()), // counted as it comes
        Some(_) => Err(Refusal::TooLong),
    }
}

/// Refuses a method that a path does not take; whoever may `GET` may ask for the head.
///
/// # Errors
/// [`Refusal::OtherMethod`].
pub fn check_method(method: &Method, takes: &'static str) -> Result<(), Refusal> {
    let head = takes == "GET" && method == Method::HEAD;
    if method.as_str() == takes || head {
        Ok(())
    } else {
        Err(Refusal::OtherMethod(takes))
    }
}

/// The value of a header that may stand once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, ()> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| ()),
        (Some(_), Some(_)) => Err(()),
    }
}

/// Whether a host and port are this server's own. Browsers leave port 80 out.
fn is_own(host: &str, port: u16) -> bool {
    let host = host.to_ascii_lowercase();
    ["127.0.0.1", "localhost"].iter().any(|own| {
        let rest = host.strip_prefix(own);
        rest.is_some_and(|rest| rest == format!(":{port}") || rest.is_empty() && port == 80)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(uri: &str, headers: &[(&str, &str)]) -> Result<(), Refusal> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            map.append(name, value.parse().unwrap());
        }
        check_sender(&uri.parse().unwrap(), &map, 8105)
    }

    #[test]
    fn this_page_and_programs_of_this_machine_may_ask() {
        for host in ["127.0.0.1:8105", "localhost:8105", "LocalHost:8105"] {
            sent("/", &[("host", host)]).unwrap();
            let origin = format!("http://{}", host.to_lowercase());
            for site in ["same-origin", "none"] {
                let headers = [
                    ("host", host),
                    ("origin", &origin),
                    ("sec-fetch-site", site),
                ];
                sent("/api/rank", &headers).unwrap();
            }
        }
        sent("http://localhost:8105/", &[("host", "localhost:8105")]).unwrap();
    }

    #[test]
    fn other_names_for_this_machine_are_refused() {
        for host in [
            "127.0.0.1",
            "127.0.0.1:8106",
            "127.0.0.1:81055",
            "example.com",
            "127.0.0.1.example.com:8105",
            "localhost.example.com:8105",
            "localhost:8105.example.com",
            "[::1]:8105",
            "0.0.0.0:8105",
            "",
        ] {
            let refused = sent("/", &[("host", host)]);
            assert!(matches!(refused, Err(Refusal::OtherHost)), "{host}");
        }
        let own = ("host", "127.0.0.1:8105");
        assert!(matches!(sent("/", &[]), Err(Refusal::OtherHost)));
        assert!(matches!(sent("/", &[own, own]), Err(Refusal::OtherHost)));
        let whole = sent("http://example.com/", &[own]);
        assert!(matches!(whole, Err(Refusal::OtherHost)));
    }

    #[test]
    fn other_pages_are_refused() {
        let own = ("host", "127.0.0.1:8105");
        for origin in [
            "null",
            "http://example.com",
            "https://127.0.0.1:8105",
            "http://127.0.0.1",
            "http://127.0.0.1:8106",
            "http://127.0.0.1:8105.example.com",
            "http://user@127.0.0.1:8105",
        ] {
            let refused = sent("/", &[own, ("origin", origin)]);
            assert!(matches!(refused, Err(Refusal::OtherOrigin)), "{origin}");
        }
        for site in ["cross-site", "same-site", "anything"] {
            let refused = sent("/", &[own, ("sec-fetch-site", site)]);
            assert!(matches!(refused, Err(Refusal::OtherOrigin)), "{site}");
        }
    }

    #[test]
    fn port_80_may_be_left_out() {
        assert!(is_own("localhost", 80) && is_own("127.0.0.1:80", 80));
        assert!(!is_own("localhost", 8080));
    }

    #[test]
    fn bodies_are_json_and_no_longer_than_may_be() {
        let check = |kind: &str, length: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, kind.parse().unwrap());
            headers.insert(CONTENT_LENGTH, length.parse().unwrap());
            check_body(&headers)
        };
        check("application/json", "16777216").unwrap();
        check("Application/JSON; charset=utf-8", "0").unwrap();
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/jsonp",
            "",
        ] {
            assert!(matches!(check(kind, "2"), Err(Refusal::NotJson)), "{kind}");
        }
        for length in ["16777217", "99999999999999999999999", "-1"] {
            let refused = check("application/json", length);
            assert!(matches!(refused, Err(Refusal::TooLong)), "{length}");
        }
        assert!(matches!(
            check_body(&HeaderMap::new()),
            Err(Refusal::NotJson)
        ));
    }
}
