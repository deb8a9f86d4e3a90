"""How models are named, and which key goes where."""

import pytest

from ringbridge.llm.names import ModelName, key_for, parse_keys, parse_names

OPENAI = "https://api.openai.com/v1"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("openai:gpt-5.4-mini", ModelName("openai", None, "gpt-5.4-mini")),
        ("openai:ft:gpt-5.4-mini:acme::7", ModelName("openai", None, "ft:gpt-5.4-mini:acme::7")),
        ("openai@http://h/v1:m", ModelName("openai", "http://h/v1", "m")),
        (
            "openai@http://localhost:11434/v1:llama3.2:3b",
            ModelName("openai", "http://localhost:11434/v1", "llama3.2:3b"),
        ),
        ("openai@https://h/v1/:org/m", ModelName("openai", "https://h/v1", "org/m")),
        ("openai@http://localhost:8000:m", ModelName("openai", "http://localhost:8000", "m")),
        ("openai@http://h:m", ModelName("openai", "http://h", "m")),
        ("openai@http://h/v1:8000", ModelName("openai", "http://h/v1", "8000")),
        ("openai@http://[::1]:8000/v1:m", ModelName("openai", "http://[::1]:8000/v1", "m")),
    ],
)
def test_a_name(text, name):
    assert parse_names(f" {text} ") == (name,)


def test_several_are_in_their_order_and_shown_without_a_path():
    names = parse_names("openai:a, openai@http://h:1/v1:b")
    assert [str(name) for name in names] == ["openai:a", "openai@h:1:b"]


@pytest.mark.parametrize(
    "text", ["", "gpt", "openai", "openai:", "gemini:x", "openai@h:m", "openai@ftp://h:m", "openai@http://h/v1", "a:b,",
             "openai@http://:m", "openai@http://u:p@h/v1:m", "openai@http://h:8000", "openai@http://h:8000/v1",
             "openai@http://[::1]", "openai@http://h:x/v1:m", "openai@http://h:99999/v1:m"]
)  # fmt: skip
def test_what_names_no_model_is_told_with_its_mend(text):
    with pytest.raises(ValueError, match="write openai:MODEL"):
        parse_names(text)


def test_keys():
    assert parse_keys("h=k1, h:1=k2=") == {"h": "k1", "h:1": "k2="}
    assert parse_keys("") == {}
    with pytest.raises(ValueError, match="host=key") as caught:
        parse_keys("h=k1,s3cret")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "key"),
    [
        (OPENAI, "sk"),
        ("https://API.openai.com/v2", "sk"),
        ("https://evil.test/v1", "none"),
        ("http://api.openai.com/v1", "none"),
        ("https://api.openai.com.evil.test/v1", "none"),
        ("https://h:1/v1", "other"),
        ("https://h/v1", "none"),
    ],
)
def test_a_key_goes_to_its_own_server_alone(url, key):
    assert key_for(url, openai_url=OPENAI, openai_key="sk", keys={"h:1": "other"}) == key


def test_without_a_key_there_is_none():
    assert key_for(OPENAI, openai_url=OPENAI, openai_key=None, keys={}) == "none"
