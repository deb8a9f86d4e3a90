"""Whatever a file holds, it is a request or a sentence."""

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from ringbridge.doctor.captured import NotCaptured, read_captured
from ringbridge.doctor.refused import explain
from ringbridge.public_url import PublicUrl

LINES = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            "POST /a?b=1 HTTP/1.1", "> GET https://[::1/ HTTP/1.1", "GET //x HTTP/1.1", "X-Twilio-Signature: é=",
            "> Host: [::1]:80", "Forwarded: host=", 'http header: "Host: x"', 'http request line: "GET / HTTP/1.0"',
            '{"request": {"raw": "aaaa"}}', '{"path": 1, "headers": {"Host": []}}', "curl http:// -d", "a=%ff&b",
            "X-Forwarded-Port: 99999", "Upgrade: websocket", "",
        ]
    ),
)  # fmt: skip


@given(st.lists(LINES, max_size=8).map("\n".join))
def test_any_text(text):
    with suppress(NotCaptured):
        explain(read_captured(text), PublicUrl("bridge.test"), ("token",), "AC" + "1" * 32)
