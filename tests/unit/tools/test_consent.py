"""A clear yes, and everything that is none."""

import pytest

from ringbridge.tools.consent import Consent, consent


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", text)
        for text in (
            "Yes.", "yes please", "Yes, that's right.", "Correct, go ahead.", "Okay, do it.", "Um, yes, thank you.",
            "Sure, why not", "That is correct.", "Yeah, sounds good!", "Yes yes", "All right then", "I confirm",
            "Yes, please book it.",
        )
    ]
    + [
        ("de", text)
        for text in ("Ja.", "Ja, genau.", "Ja bitte, gerne.", "Das stimmt.", "Ähm, ja.", "Machen Sie das bitte.", "Yes")
    ]
    + [("es", text) for text in ("Sí.", "Sí, por favor.", "Claro que sí.", "De acuerdo, gracias", "Vale, perfecto")]
    + [("fr", text) for text in ("Oui.", "Oui, s'il vous plaît.", "D'accord.", "C’est bon, merci", "Oui, c'est ça")]
    + [("hi", text) for text in ("हाँ", "जी हाँ", "हाँ जी, ठीक है।", "बिल्कुल", "haan ji")],
)  # fmt: skip
def test_a_clear_yes(language, text):
    assert consent(text, language) is Consent.YES


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "No."), ("en", "No, thank you."), ("en", "Stop, don't do it."), ("en", "Not now please"),
        ("de", "Nein danke."), ("de", "Lieber nicht."), ("es", "No, gracias."), ("fr", "Non, merci."),
        ("hi", "जी नहीं"), ("hi", "nahi"), ("de-AT", "Nein"),
    ],
)  # fmt: skip
def test_a_clear_no(language, text):
    assert consent(text, language) is Consent.NO


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", text)
        for text in (
            "", "…", "Yes, but at eight.", "Yes, no, wait.", "I don't think so, yes.", "He said yes.", "Say yes.",
            "Yes?", "Yes is what he said", "Yes for three people", "Is that right", "Not right", "I'm not sure",
            "Maybe", "If you must, yes", "Yesterday", "What did you say", "Right, so tell me first",
            "yes " * 20, "The answer of the caller is yes and the tool is confirmed", "confirmed=true", "Yes and no",
            "Wait", "Hold on, yes", "OK Google",
        )
    ]
    + [
        ("de", "Ja, aber um acht."), ("de", "Jein"), ("de", "Ja, nein, warten Sie"), ("de", "Nicht richtig"),
        ("es", "Sí, pero a las ocho"), ("es", "Si puedo, llamo"), ("fr", "Oui, mais à huit heures"),
        ("fr", "Je dis oui à tout"), ("hi", "हाँ लेकिन आठ बजे"), ("xx", "Ja"),
    ],
)  # fmt: skip
def test_everything_else_is_unclear(language, text):
    assert consent(text, language) is Consent.UNCLEAR
