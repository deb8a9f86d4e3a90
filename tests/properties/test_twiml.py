"""Nothing that a caller, or anybody in a webhook, puts into a field changes the shape of a document."""

from xml.etree.ElementTree import fromstring

from hypothesis import given
from hypothesis import strategies as st

from ringbridge.phrases import ENGLISH
from ringbridge.wire import twiml
from ringbridge.wire.webhook import CallWebhook, is_e164

anything = st.one_of(
    st.text(max_size=30),
    st.text("<>&\"'/=+0123456789 \n]", max_size=30),
    st.from_regex(r"\+[1-9][0-9]{1,14}", fullmatch=True),
    st.sampled_from(["+15550100\n", '+1"><Play>x</Play>', "anonymous", "]]>", "&#60;", "<!--"]),
)
xml_text = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), min_size=1, max_size=40)


@given(anything, anything, st.sampled_from(["inbound", "outbound-api"]))
def test_sorry_has_its_shape_whoever_calls(caller, called, direction):
    webhook = CallWebhook.read({"CallSid": "CA1", "From": caller, "To": called, "Direction": direction})
    fallback = twiml.fallback_for(
        "+447700900123",
        caller=webhook.caller,
        called=webhook.called,
        own_numbers=(),
        action="https://b.test/dial-ended",
    )
    root = fromstring(twiml.sorry(ENGLISH, fallback, voicemail=None, apologised=False))
    last = ["Dial", "Number"] if fallback else ["Hangup"]
    assert [element.tag for element in root.iter()] == ["Response", "Say", "Say", *last]
    for dial in root.iter("Dial"):
        assert set(dial.attrib) <= {"callerId", "timeout", "timeLimit", "action"}
        assert is_e164(dial.attrib.get("callerId", "+15550100"))
        assert dial.attrib.get("callerId") in {caller, called, None}


@given(xml_text, xml_text)
def test_what_goes_into_a_document_comes_out_of_it(token, url):
    root = fromstring(twiml.connect(stream_url=url, action=url, status_callback=url, token=token))
    assert [element.tag for element in root.iter()] == ["Response", "Connect", "Stream", "Parameter"]
    parameter = root.find("Connect/Stream/Parameter")
    assert parameter.attrib == {"name": "token", "value": token}
    assert root.find("Connect").attrib == {"action": url}
