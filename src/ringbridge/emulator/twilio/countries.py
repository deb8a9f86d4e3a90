"""Countries as Twilio's geographic permissions name them, a few of many.

https://www.twilio.com/docs/voice/api/dialingpermissions-country-resource
"""

from dataclasses import dataclass
from typing import Final

__all__ = ["COUNTRIES", "Country", "countries_of"]


@dataclass(frozen=True, slots=True)
class Country:
    """One country, and the codes that lead to it: `+1` to several."""

    iso_code: str
    name: str
    continent: str
    country_codes: tuple[str, ...]


COUNTRIES: Final = {
    country.iso_code: country
    for country in (
        Country("AT", "Austria", "EUROPE", ("+43",)),
        Country("AU", "Australia", "OCEANIA", ("+61",)),
        Country("BR", "Brazil", "SOUTH_AMERICA", ("+55",)),
        Country("CA", "Canada", "NORTH_AMERICA", ("+1",)),
        Country("CH", "Switzerland", "EUROPE", ("+41",)),
        Country("DE", "Germany", "EUROPE", ("+49",)),
        Country("ES", "Spain", "EUROPE", ("+34",)),
        Country("FR", "France", "EUROPE", ("+33",)),
        Country("GB", "United Kingdom", "EUROPE", ("+44",)),
        Country("IN", "India", "ASIA", ("+91",)),
        Country("LV", "Latvia", "EUROPE", ("+371",)),
        Country("MX", "Mexico", "NORTH_AMERICA", ("+52",)),
        Country("US", "United States", "NORTH_AMERICA", ("+1",)),
    )
}


def countries_of(number: str) -> set[str]:
    """The ISO codes of the countries that an E.164 number may lie in; none where the twin does not know its code."""
    return {iso for iso, country in COUNTRIES.items() if number.startswith(country.country_codes)}
