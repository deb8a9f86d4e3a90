"""What a reply looks like once it is fit to be spoken."""

import pytest

from ringbridge.brain.plain import MAX_HELD, Plain


def plain(*pieces):
    cleaner = Plain()
    return "".join([*map(cleaner.feed, pieces), cleaner.finish()])


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        # emphasis
        ("Hello *there*, **dear** _guest_, __how__ ~~is~~ ***it***?", "Hello there, dear guest, how is it?"),
        ("**Note:** we **close** at 5.", "Note: we close at 5."),
        ("very**bold**ly", "veryboldly"),
        ("**5** tables, _5_ chairs", "5 tables, 5 chairs"),
        ("Free* delivery\n*within the city", "Free delivery\nwithin the city"),
        # headings, lists, quotes, rules
        ("# Our menu\nGood food", "Our menu.\nGood food"),
        ("### Hours:\nNoon", "Hours:\nNoon"),
        ("- Tea\n- Coffee, 5%\n* Milk!\n+ Rum (white)\n• Gin\n", "Tea.\nCoffee, 5%.\nMilk!\nRum (white).\nGin.\n"),
        ("1. First\n2) Second\nThen", "1. First.\n2) Second.\nThen"),
        ("  - Tea\n    - Green\n", "Tea.\nGreen.\n"),
        ("> So he said\n>> indeed", "So he said\nindeed"),
        ("One\n---\nTwo\n***\nThree\n===\n", "One\nTwo\nThree\n"),
        # code
        ("```python\nprint(x)\n```\nThat `one` line", "print(x)\nThat one line"),
        ("~~~\nx\n~~~\n", "x\n"),
        ("```one``` word", "one word"),
        # links
        ('See [our **site**](https://example.com/a_(b) "Title") now', "See our site now"),
        ("![A cat](cat.png) and [a ref][1]", "A cat and a ref"),
        ("Look at https://www.example.com/menu?day=1#top.", "Look at example.com."),
        ("(http://user:secret@example.com:8080/a)", "(example.com)"),
        ("<https://example.com/a> or www.example.org!", "example.com or example.org!"),
        ("**https://en.wikipedia.org/wiki/A_(b)**, HTTPS://EXAMPLE.COM", "en.wikipedia.org, EXAMPLE.COM"),
        ("[https://example.com/x](https://example.com/x)", "example.com"),
        # tables
        (
            "| Dish | Price |\n|:-----|------:|\n| Soup | $5.50 |\n| Pie, hot |  |\n",
            "Dish, Price.\nSoup, $5.50.\nPie, hot.\n",
        ),
        ("|| | a||b\n", "a, b.\n"),
        # emoji
        ("Hi 😀 there 👩‍💻 1️⃣ ❤️ 🇩🇪 👍🏽", "Hi there 1 "),
        ("✅ Done", "Done"),
        ("- ⭐ Tea\n", "Tea.\n"),
        # escapes
        (r"\*not a list\* and \$5 or \# 1", "*not a list* and $5 or # 1"),
        # the beginning, and ends of lines
        ("\n\n  Hello", "Hello"),
        ("One\r\nTwo\r\n", "One\nTwo\n"),
    ],
)
def test_what_goes_out(written, spoken):
    assert plain(written) == spoken
    assert plain(*written) == spoken


@pytest.mark.parametrize(
    "text",
    [
        "5 * 3 = 15, 5*3, 2*(3+4), x*y, 2**3",
        "It is $5*2 or $ 5.50 - not 10%.",
        "Use snake_case, a__b and john_doe@example.com.",
        "-5 degrees\n#1 choice\n>50% off\n+1 555 0100\n~5 minutes\n--flag",
        "e.g. Dr. Smith, at 3.5 p.m., i.e. now... or never?! (Yes.)",
        'Wait <break time="1s"/> and x < y > z, a | b, AT&T',
        "[laughs] see [1] and [unclosed",
        "C:\\dir, what a how-to, hhh, who, www, w, http, https",
        "20°C, ©™®, → 3, № 5, naïve, 你好。 क्\u200dष می\u200cخواهم",
        "2024. That was a year.\n12 of them",
        "One  two\tthree\n\nfour",
    ],
)
def test_what_only_looks_like_a_mark_stays(text):
    assert plain(text) == text
    assert plain(*text) == text


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        (["Hello ", "there! ", "How"], ["Hello ", "there! ", "How"]),
        (["Hello", "!"], ["Hello", "!"]),
        (["**Hel", "lo**", " you"], ["Hel", "lo", " you"]),
        (["5 ", "*", " 3"], ["5 ", "", "* 3"]),
        (["W", "hat"], ["", "What"]),
        (["[a", "](", "b) c"], ["", "", "a c"]),
        (["see https://a.", "bc/d, ", "ok"], ["see ", "a.bc, ", "ok"]),
    ],
)
def test_nothing_is_held_longer_than_it_takes_to_decide(pieces, said):
    cleaner = Plain()
    assert [cleaner.feed(piece) for piece in pieces] == said


def test_what_never_ends_is_not_held_for_ever():
    assert Plain().feed("[" + "x" * 121) == "[" + "x" * 121
    assert Plain().feed("[a](" + "x" * MAX_HELD).startswith("[a](x")
    assert Plain().feed("https://example.com/" + "x" * MAX_HELD).startswith("example.com")
