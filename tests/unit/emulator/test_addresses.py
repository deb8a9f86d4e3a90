import pytest
from yarl import URL

from ringbridge.emulator.addresses import AddressBook, Route

BOOK = {"bridge.test": "http://127.0.0.1:4711", "proxied.test": "https://localhost:4712"}


@pytest.mark.parametrize(
    ("url", "routed"),
    [
        ("https://bridge.test/incoming-call?x=1", "http://127.0.0.1:4711/incoming-call?x=1"),
        ("wss://bridge.test/media-stream", "ws://127.0.0.1:4711/media-stream"),
        ("http://bridge.test/a", "http://127.0.0.1:4711/a"),
        ("ws://bridge.test/a", "ws://127.0.0.1:4711/a"),
        ("https://bridge.test", "http://127.0.0.1:4711"),
        ("https://bridge.test?x=1", "http://127.0.0.1:4711?x=1"),
        ("HTTPS://Bridge.Test/A", "http://127.0.0.1:4711/A"),
        ("https://proxied.test/a", "https://localhost:4712/a"),
        ("wss://proxied.test/a", "wss://localhost:4712/a"),
    ],
)
def test_public_urls_lead_to_the_local_port(url, routed):
    assert AddressBook(BOOK).route(url).url == routed


@pytest.mark.parametrize("tail", ["/a//b/?", "/%2f%2F?q=%20+&q=&&é", "/a/../b;c=d?e@f://g", "?", "/a?x#y", "/\n"])
def test_path_and_query_stay_byte_for_byte(tail):
    assert AddressBook(BOOK).route("https://bridge.test" + tail).url == "http://127.0.0.1:4711" + tail


def test_a_quoted_route_survives_the_way_into_aiohttp():
    routed = AddressBook(BOOK).route("https://bridge.test/a%2Fb//?q=%7e+%20&r=%41").url
    assert URL(routed, encoded=True).raw_path_qs == "/a%2Fb//?q=%7e+%20&r=%41"


def test_a_tunnels_headers_come_along():
    assert AddressBook(BOOK).route("wss://bridge.test/media-stream").headers == {
        "Host": "bridge.test",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "bridge.test",
        "X-Forwarded-For": "203.0.113.7",
    }
    assert AddressBook(BOOK).route("http://bridge.test/").headers["X-Forwarded-Proto"] == "http"


def test_a_port_in_the_public_url_is_told_in_the_headers_only():
    route = AddressBook(BOOK).route("https://bridge.test:8443/a")
    assert route.url == "http://127.0.0.1:4711/a"
    assert (route.headers["Host"], route.headers["X-Forwarded-Host"]) == ("bridge.test:8443",) * 2


@pytest.mark.parametrize(
    "url",
    [
        "https://api.elevenlabs.io/v1",
        "https://bridge.test.evil/",
        "https://evil/bridge.test",
        "ftp://bridge.test/",
        "http://127.0.0.1:4711/a",
        "nonsense",
        "",
    ],
)
def test_what_is_not_in_the_book_is_dialled_as_it_is(url):
    assert AddressBook(BOOK).route(url) == Route(url, {})


def test_a_later_entry_takes_the_place_of_an_older_one():
    book = AddressBook(BOOK)
    book.add("BRIDGE.test", "http://127.0.0.1:9")
    assert book.route("https://bridge.test/").url == "http://127.0.0.1:9/"
    assert AddressBook().route("https://bridge.test/").url == "https://bridge.test/"


@pytest.mark.parametrize("origin", ["127.0.0.1:1", "http://127.0.0.1:1/", "ws://a:1", "http://", "http://a@b:1", ""])
def test_an_origin_has_no_path(origin):
    with pytest.raises(ValueError, match="origin"):
        AddressBook({"bridge.test": origin})
