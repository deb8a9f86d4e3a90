import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbridge.public_url import PublicUrl


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("calls.example.com", "calls.example.com"),
        ("https://calls.example.com", "calls.example.com"),
        ("https://calls.example.com/", "calls.example.com"),
        ("wss://calls.example.com", "calls.example.com"),
        ("wss://calls.example.com/", "calls.example.com"),
        ("  https://Calls.Example.COM/ ", "calls.example.com"),
        ("HTTPS://calls.example.com", "calls.example.com"),
        ("calls.example.com:8443", "calls.example.com:8443"),
        ("https://calls.example.com:443/", "calls.example.com"),
        ("bridge.test", "bridge.test"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)
def test_every_usual_spelling_is_understood(text: str, host: str):
    assert PublicUrl.parse(text) == PublicUrl(host)


def test_urls_are_made_for_requests_and_for_sockets():
    url = PublicUrl.parse("wss://calls.example.com:8443/")

    assert url.https("/incoming-call") == "https://calls.example.com:8443/incoming-call"
    assert url.wss("/media-stream") == "wss://calls.example.com:8443/media-stream"
    assert str(url) == "https://calls.example.com:8443"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("http://calls.example.com", "not encrypted"),
        ("ws://calls.example.com", "not encrypted"),
        ("ftp://calls.example.com", "not encrypted"),
        ("https://user:word@calls.example.com", "user name"),
        ("https://calls.example.com/bridge", "a path"),
        ("https://calls.example.com/?a=b", "a path"),
        ("https://calls.example.com#rc=2", "a path"),
        ("my_host.example.com", "underscore"),
        ("127.0.0.1", "IP address"),
        ("https://203.0.113.7:443/", "IP address"),
        ("https://[2001:db8::1]/", "IP address"),
        ("localhost", "only this machine"),
        ("http.localhost:3001", "only this machine"),
        ("https://calls", "only this machine"),
        ("", "not a host name"),
        ("https://", "not a host name"),
        ("calls..example.com", "not a host name"),
        ("-calls.example.com", "not a host name"),
        ("calls.example.com.", "not a host name"),
        ("bücher.example", "not a host name"),
        ("calls example.com", "not a host name"),
        (f"{'a' * 64}.example.com", "not a host name"),
        ("calls.example.com:", "port"),
        ("calls.example.com:0", "port"),
        ("calls.example.com:65536", "port"),
        ("calls.example.com:https", "port"),
        ("calls.example.com:1:2", "port"),
    ],
)
def test_what_twilio_could_not_call_is_refused_with_a_mend(text: str, reason: str):
    with pytest.raises(ValueError, match=reason) as caught:
        PublicUrl.parse(text)

    assert "; " in str(caught.value)


@given(st.text())
def test_any_text_is_a_url_or_a_value_error(text: str):
    try:
        url = PublicUrl.parse(text)
    except ValueError:
        return
    assert PublicUrl.parse(str(url)) == url
    assert url.host.isascii()
