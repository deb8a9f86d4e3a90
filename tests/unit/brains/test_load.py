"""A brain is found by its name, or the owner is told what to write."""

import sys

import pytest

from ringbridge.brains.load import load_brain
from ringbridge.errors import BrainNotFound

GOOD = 'async def reply(turn):\n    yield "Hello."\n'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty current folder; what it adds to the import path and to the modules is taken back."""
    before = set(sys.modules)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def refusal(spec):
    with pytest.raises(BrainNotFound) as refused:
        load_brain(spec)
    return str(refused.value)


async def said(brain):
    return [piece async for piece in brain(None)]


async def test_by_file(folder):
    (folder / "my").mkdir()
    (folder / "my" / "desk.py").write_text("from menu import SOUP\nasync def reply(turn):\n    yield SOUP\n")
    (folder / "my" / "menu.py").write_text('SOUP = "Soup."\n')
    assert await said(load_brain("my/desk.py:reply")) == ["Soup."]
    assert await said(load_brain(f" {folder}/my/desk.py:reply ")) == ["Soup."]


async def test_by_module_of_the_current_folder(folder):
    (folder / "desk").mkdir()
    (folder / "desk" / "front.py").write_text(GOOD)
    assert await said(load_brain("desk.front:reply")) == ["Hello."]


async def test_by_an_installed_module():
    from ringbridge.brains.demo import reply

    assert load_brain("ringbridge.brains.demo:reply") is reply


async def test_a_file_may_have_the_name_of_a_module_in_use(folder):
    (folder / "json.py").write_text(GOOD)
    assert await said(load_brain("json.py:reply")) == ["Hello."]
    assert hasattr(sys.modules["json"], "loads")


async def test_each_load_reads_the_file_anew(folder):
    (folder / "desk.py").write_text(GOOD)
    load_brain("desk.py:reply")
    (folder / "desk.py").write_text(GOOD.replace("Hello.", "Good evening."))
    assert await said(load_brain("desk.py:reply")) == ["Good evening."]


@pytest.mark.parametrize(
    "code",
    [
        "class Desk:\n    async def __call__(self, turn):\n        yield 'Hello.'\nreply = Desk()\n",
        "import functools\nasync def f(word, turn):\n    yield word\nreply = functools.partial(f, 'Hello.')\n",
        "import functools\ndef traced(f):\n    @functools.wraps(f)\n    def call(turn):\n        return f(turn)\n"
        "    return call\n@traced\n" + GOOD,
        "async def reply(turn, greeting='Hello.'):\n    yield greeting\n",
    ],
    ids=["object", "partial", "decorated", "optional argument"],
)
async def test_what_is_called_like_an_async_generator_will_do(folder, code):
    (folder / "desk.py").write_text(code)
    assert await said(load_brain("desk.py:reply")) == ["Hello."]


@pytest.mark.parametrize("spec", ["desk.py", "desk.py:", ":reply", "", "desk.py:my reply", "desk"])
def test_no_function_named(spec):
    assert "write file.py:function" in refusal(spec)


def test_no_such_file(folder):
    text = refusal("desk.py:reply")
    assert f"there is no file {folder / 'desk.py'}" in text
    assert "relative to" in text


@pytest.mark.parametrize("name", ["desk", "desk.front", "my/desk"])
def test_no_such_module(folder, name):
    assert f"such as {name.replace('.', '/')}.py:reply" in refusal(f"{name}:reply")


def test_no_such_function(folder):
    (folder / "desk.py").write_text(GOOD)
    assert refusal("desk.py:answer") == 'desk.py has no function "answer": it has "desk.py:reply"'
    (folder / "desk.py").write_text("")
    assert 'async def answer(turn): yield "Hello."' in refusal("desk.py:answer")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("async def reply(turn):\n    return 'Hello.'", "a coroutine that returns"),
        ("def reply(turn):\n    yield 'Hello.'", "a generator without async"),
        ("def reply(turn):\n    return 'Hello.'", "a plain function"),
        ("reply = 'Hello.'", "of type str"),
        ("class reply:\n    async def __call__(self, turn):\n        yield 'Hello.'", "of type type"),
    ],
)
def test_not_an_async_generator(folder, code, kind):
    (folder / "desk.py").write_text(code)
    text = refusal("desk.py:reply")
    assert f"desk.py:reply is {kind}," in text
    assert 'async def reply(turn): yield "Hello."' in text


@pytest.mark.parametrize("arguments", ["", "history, call", "*, turn"])
def test_not_one_argument(folder, arguments):
    (folder / "desk.py").write_text(f"async def reply({arguments}):\n    yield ''")
    assert "must take one argument, the turn" in refusal("desk.py:reply")


@pytest.mark.parametrize("spec", ["{folder}/desk.py:reply", "desk:reply"])
@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("import json\n\nx = {}['sk_secret']\n", "KeyError at {folder}/desk.py:3"),
        ("import json\njson.loads('sk_secret')\n", "JSONDecodeError at {folder}/desk.py:2"),
        ("x = 1\ndef reply(turn) yield\n", "SyntaxError in line 2"),
        ("import sk_missing\n", "it needs the module sk_missing, which is not installed"),
    ],
)
def test_an_error_at_import_is_told_with_its_line_and_without_its_text(folder, spec, code, problem):
    (folder / "desk.py").write_text(code)
    text = refusal(spec.format(folder=folder))
    assert problem.format(folder=folder) in text
    assert "secret" not in text
    assert "desk" not in sys.modules
