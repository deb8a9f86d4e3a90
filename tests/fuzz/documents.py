"""Documents that were valid until somebody meddled with them, and bytes that never were."""

import json
import math

from hypothesis import strategies as st

DEEP = "@deep@"
HUGE = "@huge@"
"""Stand for what a JSON encoder would not write; put in afterwards."""

NESTINGS = (10, 200, 900, 1100, 5000, 100_000)

NUMBERS = ("1e400", "-1e400", "1" * 400, "1" * 5000, "0." + "1" * 400, "-0", "1e-400", "01", "+1", "1.")

WEIRD = [
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**63) - 1, 10**30, 0.5, 1e308, math.nan, math.inf),
    *("", " ", "7", "-7", "1e3", "null", "\0", "é", "😀", "\ud800", "\udfff\ud800", "a" * 5000, DEEP, HUGE),
    *([], [[]], [None], ["a"] * 300, {}, {"": None}, {"\ud800": 1}, [DEEP], {"a": {"a": DEEP}}),
]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
values = st.sampled_from(WEIRD) | json_values


@st.composite
def meddled(draw, documents):
    """The text of a JSON document, some of whose parts are dropped, replaced, doubled, broken or cut off."""
    tree = draw(st.sampled_from(documents))
    for _ in range(draw(st.integers(0, 3))):
        tree = _changed(draw, tree)
    text = json.dumps(
        tree, ensure_ascii=draw(st.booleans()), separators=draw(st.sampled_from([(",", ":"), (", ", ": ")]))
    )
    if DEEP in text:
        before, after = draw(st.sampled_from([("[", "]"), ('{"a":', "}"), ("[[", "")]))
        depth = draw(st.sampled_from(NESTINGS))
        text = text.replace(f'"{DEEP}"', before * depth + "1" + after * depth)
    text = text.replace(f'"{HUGE}"', draw(st.sampled_from(NUMBERS)))
    return _broken(draw, text.encode(errors=draw(st.sampled_from(["surrogatepass", "replace"]))))


def _changed(draw, tree):
    """A copy with one change, somewhere in it."""
    if isinstance(tree, dict) and tree and draw(st.integers(0, 9)):
        key = draw(st.sampled_from(sorted(tree)))
        rest = {name: value for name, value in tree.items() if name != key}
        match draw(st.sampled_from(["inside", "inside", "drop", "rename", "add", "replace"])):
            case "inside":
                return {**tree, key: _changed(draw, tree[key])}
            case "drop":
                return rest
            case "rename":
                return {**rest, draw(st.sampled_from(["", key.upper(), key + " ", "\ud800"])): tree[key]}
            case "add":
                return {**tree, draw(st.text(max_size=10)): draw(values)}
            case _:
                return {**tree, key: draw(values)}
    if isinstance(tree, list) and tree and draw(st.integers(0, 9)):
        at = draw(st.integers(0, len(tree) - 1))
        return [*tree[:at], _changed(draw, tree[at]), *tree[at + 1 :]]
    return draw(values)


def _broken(draw, text):
    """The bytes as they are, more often than not; or with a part doubled, replaced, put in or cut off."""
    at = draw(st.integers(0, len(text)))
    end = min(len(text), at + draw(st.integers(0, 12)))
    match draw(st.sampled_from(["", "", "", "", "cut", "beginning", "double", "put in", "bit", "colon"])):
        case "cut":
            return text[:at]
        case "beginning":
            return draw(st.sampled_from([b"\xef\xbb\xbf", b" \n", b"\0", b"\xff"])) + text
        case "double":
            return text[:end] + text[at:]
        case "put in":
            return text[:at] + draw(st.binary(min_size=1, max_size=8)) + text[end:]
        case "bit" if at < len(text):
            return text[:at] + bytes([text[at] ^ 1 << draw(st.integers(0, 7))]) + text[at + 1 :]
        case "colon":  # a key twice, or what looks so
            return text.replace(b"{", b"{" + text[1 : text.find(b",") + 1], 1)
        case _:
            return text


def messages(documents):
    """What a peer may send: meddled documents, and sometimes plain bytes."""
    return meddled(documents) | meddled(documents) | meddled(documents) | st.binary(max_size=80)


@st.composite
def meddled_bytes(draw, originals):
    """Bytes of a file, some of them changed."""
    data = bytearray(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, min(len(data), 80)))
        match draw(st.sampled_from(["put", "number", "cut", "repeat"])):
            case "put":
                data[at : at + draw(st.integers(0, 8))] = draw(st.binary(max_size=8))
            case "number":
                number = draw(st.sampled_from([0, 1, 3, 0x7F, 0xFF, 0xFFFE, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 8000]))
                size = draw(st.sampled_from([2, 4]))
                data[at : at + size] = (number & (1 << 8 * size) - 1).to_bytes(size, "little")
            case "cut":
                del data[at:]
            case _:
                data += data[at:]
    return bytes(data)


@st.composite
def meddled_text(draw, originals):
    """A text, some of whose characters are changed."""
    text = draw(st.sampled_from(originals))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        end = at + draw(st.integers(0, 6))
        put = draw(st.text(st.characters(), max_size=4) | st.sampled_from(BITS))
        text = text[:at] + put + text[end:]
    return text


BITS = [
    *(
        "://",
        "//",
        ":",
        "@",
        "[",
        "]",
        "[::1]",
        "%",
        "%00",
        "?",
        "#",
        "/",
        ".",
        "..",
        ",",
        ";",
        "=",
        "&",
        "\\",
        "\n",
        "\r\n",
    ),
    *(
        "\0",
        "\ud800",
        "\udcff",
        "٣",
        "²",
        "ß",
        "İ",
        "\u2028",
        "xn--",
        "-" * 70,
        "9" * 5000,
        "a" * 300,
        "0",
        "-1",
        "+",
        "24:00",
    ),
]
