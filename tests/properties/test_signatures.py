"""Whatever Twilio signs is accepted; whatever differs from it, by a single change, is refused."""

from hypothesis import assume, given
from hypothesis import strategies as st
from multidict import MultiDict
from twilio.request_validator import RequestValidator

from ringbridge.wire.signatures import Signed, check, diagnose

ORIGIN = "https://bridge.test"
TOKENS = ("current-token", "older-token")

text = st.text(st.characters(codec="utf-8"), max_size=12)
pairs = st.lists(st.tuples(text.filter(bool), text), max_size=8)
targets = st.from_regex(r"/[a-z-]{0,10}(\?[a-zA-Z0-9=&%+._~-]{1,20})?", fullmatch=True).filter(
    lambda target: "bodySHA256" not in target
)


def signed(target, fields, token=TOKENS[0]):
    form = MultiDict(fields)
    signature = RequestValidator(token).compute_signature(ORIGIN + target, form)
    return Signed(ORIGIN, target, signature, form)


def signed_text(form):
    return "".join(name + value for name in sorted(set(form)) for value in sorted(set(form.getall(name))))


@given(targets, pairs, st.sampled_from(TOKENS))
def test_any_form_with_its_signature_is_accepted(target, fields, token):
    assert check(signed(target, fields, token), TOKENS)


@given(targets, pairs, st.data())
def test_any_changed_form_is_refused(target, fields, data):
    genuine = signed(target, fields)
    changed = list(fields)
    match data.draw(st.sampled_from(["add", "drop", "change"])):
        case "drop" if changed:
            del changed[data.draw(st.integers(0, len(changed) - 1))]
        case "change" if changed:
            where = data.draw(st.integers(0, len(changed) - 1))
            changed[where] = (changed[where][0], data.draw(text))
        case _:
            changed.append((data.draw(text.filter(bool)), data.draw(text)))
    form = MultiDict(changed)
    assume(signed_text(form) != signed_text(genuine.fields))  # Twilio's text has no separators, nor repeated values
    forged = Signed(ORIGIN, target, genuine.signature, form)
    assert not check(forged, TOKENS)
    assert diagnose(forged, TOKENS, host=None, forwarded_host=None).match is None


@given(targets, targets, pairs)
def test_another_target_is_refused(target, other, fields):
    assume(target != other)
    assert not check(Signed(ORIGIN, other, signed(target, fields).signature, MultiDict(fields)), TOKENS)


@given(targets, pairs, st.integers(0, 27), st.characters(codec="ascii"))
def test_a_changed_signature_is_refused(target, fields, where, character):
    genuine = signed(target, fields)
    signature = genuine.signature[:where] + character + genuine.signature[where + 1 :]
    assume(signature != genuine.signature)
    assert not check(Signed(ORIGIN, target, signature, genuine.fields), TOKENS)


@given(targets, pairs, st.text(min_size=1, max_size=20))
def test_another_token_is_refused(target, fields, token):
    assume(token not in TOKENS)
    token = token.encode("utf-8", "replace").decode()
    assert not check(signed(target, fields, token), TOKENS)


@given(
    st.text(max_size=20),
    st.text(max_size=40),
    st.one_of(st.text(max_size=40), pairs.map(MultiDict)),
    st.booleans(),
    st.fixed_dictionaries({name: st.none() | st.text(max_size=20) for name in ("host", "forwarded_host")}),
)
def test_rubbish_is_refused_and_told_in_one_line(target, signature, fields, upgrade, headers):
    rubbish = Signed(ORIGIN, target, signature, fields, upgrade)
    assert not check(rubbish, TOKENS)
    line = str(diagnose(rubbish, TOKENS, **headers))
    assert line.isascii()
    assert line.isprintable()
