"""Whether a caller has clearly said yes. In doubt nobody has."""

import re
from enum import Enum, auto
from typing import Final

__all__ = ["Consent", "consent"]

MAX_WORDS: Final = 12
"""Whoever says more than that says more than yes."""


class Consent(Enum):
    """What somebody answers to "Shall I?"."""

    YES = auto()
    NO = auto()
    UNCLEAR = auto()


_YES: Final = {
    "en": "yes|yeah|yep|yup|sure|of course|certainly|absolutely|definitely|correct|right|exactly|okay|ok"
    "|fine|perfect|great|good|that is right|thats right|thats correct|that is correct|that is fine"
    "|thats fine|that works|sounds good|go ahead|do it|do that|please do|book it|i confirm|confirm"
    "|confirmed|you can|why not|i do|i would|i agree|agreed|all right|alright|indeed",
    "de": "ja|jawohl|jo|klar|natürlich|sicher|gerne|gern|genau|richtig|stimmt|das stimmt|korrekt"
    "|einverstanden|in ordnung|okay|ok|passt|das passt|gut|sehr gut|machen sie das|mach das|tun sie das"
    "|so machen wir das|ich bestätige|bestätigt|auf jeden fall|das ist richtig|das ist korrekt|ganz genau",
    "es": "sí|si|claro|claro que sí|por supuesto|correcto|exacto|exactamente|de acuerdo|vale|está bien"
    "|perfecto|muy bien|adelante|hágalo|hazlo|confirmo|confirmado|así es|eso es|desde luego|cómo no|bueno"
    "|okay|ok",
    "fr": "oui|ouais|bien sûr|certainement|absolument|exactement|exact|correct|d accord|très bien|parfait"
    "|allez y|faites le|je confirme|confirmé|c est ça|c est bon|c est exact|c est correct|tout à fait"
    "|volontiers|entendu|ok|okay|ça marche|ça me va",
    "hi": "हाँ|हां|जी|बिल्कुल|ज़रूर|जरूर|सही|सही है|ठीक|ठीक है|कर दीजिए|कर दो|कीजिए|पक्का|बेशक|haan|ji|theek hai|bilkul|sahi hai",
}
"""Each is a yes as it stands."""

_NO: Final = {
    "en": "no|nope|nah|no thanks|no thank you|never|cancel|stop|dont|do not|dont do it|do not do it|not now"
    "|rather not|forget it|wrong|thats wrong|that is wrong|incorrect|negative",
    "de": "nein|nee|ne|nö|lieber nicht|auf keinen fall|nicht|falsch|stimmt nicht|das stimmt nicht|stopp|abbrechen",
    "es": "no|mejor no|nunca|para nada|incorrecto|cancelar|cancele|cancela|alto",
    "fr": "non|surtout pas|jamais|pas du tout|annulez|annule|arrêtez|incorrect|ce n est pas ça|c est faux",
    "hi": "नहीं|नही|जी नहीं|ना|मत|मत कीजिए|रद्द|ग़लत|गलत|nahi|nahin|ji nahi",
}

_POLITE: Final = {
    "en": "please|thank you|thanks|thank you very much|thanks a lot|very much|um|uh|erm|hmm|oh|ah|well|so"
    "|then|now|just|sir|madam|for me",
    "de": "bitte|danke|danke schön|dankeschön|vielen dank|bitte schön|äh|ähm|hm|oh|ach|na|dann|also|so",
    "es": "por favor|gracias|muchas gracias|eh|pues|ah|oh|mm|entonces|señor|señora",
    "fr": "s il vous plaît|s il te plaît|merci|merci bien|merci beaucoup|euh|ah|oh|hm|bon|alors|ben|eh bien"
    "|monsieur|madame",
    "hi": "कृपया|धन्यवाद|शुक्रिया|बहुत|तो|अच्छा|आप|अरे|हम्म|प्लीज़|प्लीज|please|acha",
}
"""What may stand around either, and changes nothing."""

_APOSTROPHES: Final = re.compile("['\u2019\u02bc]")
_BREAKS: Final = re.compile(r"[^\w\u0900-\u0963\u0966-\u097f]+")


def consent(text: str, language: str) -> Consent:
    """Judge what a caller said to a question of yes and no. English counts in every language, an ISO 639 code."""
    if "?" in text:
        return Consent.UNCLEAR
    code = language.partition("-")[0].casefold()
    words = _words(text, apart=code == "fr")
    if not words or len(words) > MAX_WORDS:
        return Consent.UNCLEAR
    tables = [table for table in dict.fromkeys((code, "en")) if table in _YES]
    # A refusal may have a yes in it ("jī nahīṁ"), so it is looked for first.
    no, rest = _without(words, [_NO[table] for table in tables])
    yes, rest = _without(rest, [_YES[table] for table in tables])
    _, rest = _without(rest, [_POLITE[table] for table in tables])
    if any(rest) or yes == no:
        return Consent.UNCLEAR
    return Consent.YES if yes else Consent.NO


def _words(text: str, *, apart: bool) -> list[str]:
    """Words without punctuation; what an apostrophe joins is two words in French, one elsewhere ("don't")."""
    return _BREAKS.sub(" ", _APOSTROPHES.sub(" " if apart else "", text.casefold())).split()


def _without(words: list[str], tables: list[str]) -> tuple[bool, list[str]]:
    """Take the tables' phrases out, the longest first; whether there was one, and what is left."""
    phrases = sorted((phrase.split() for table in tables for phrase in table.split("|")), key=len, reverse=True)
    found = False
    for phrase in phrases:
        for at in range(len(words) - len(phrase), -1, -1):
            if words[at : at + len(phrase)] == phrase:
                # The gap stays: what stood on either side of it was not said together.
                words = [*words[:at], "", *words[at + len(phrase) :]]
                found = True
    return found, words
