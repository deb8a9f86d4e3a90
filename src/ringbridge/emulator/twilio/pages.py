"""Lists of the REST API, page by page, in the two forms that Twilio's products have.

https://www.twilio.com/docs/usage/twilios-response, "Pagination"
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from aiohttp import web

from ringbridge.emulator.twilio.requests import Refused

__all__ = ["meta_page", "uri_page"]

DEFAULT_SIZE: Final = 50
MOST: Final = 1000

_One = TypeVar("_One")


def uri_page(request: web.Request, key: str, found: Sequence[_One], show: Callable[[_One], Any]) -> web.Response:
    """As api.twilio.com has it: the paths of the other pages beside the records."""
    page, size, here = _asked(request, found)
    records = [show(one) for one in here]
    return web.json_response(
        {
            key: records,
            "page": page,
            "page_size": size,
            "start": page * size,
            "end": page * size + max(0, len(records) - 1),
            "uri": request.path_qs,
            "first_page_uri": _at(request, 0, size),
            "next_page_uri": _at(request, page + 1, size) if (page + 1) * size < len(found) else None,
            "previous_page_uri": _at(request, page - 1, size) if page else None,
        }
    )


def meta_page(request: web.Request, key: str, found: Sequence[_One], show: Callable[[_One], Any]) -> web.Response:
    """As the other hosts have it: their addresses in `meta`, with scheme and host."""
    page, size, here = _asked(request, found)
    origin = str(request.url.origin())
    return web.json_response(
        {
            key: [show(one) for one in here],
            "meta": {
                "key": key,
                "page": page,
                "page_size": size,
                "url": origin + request.path_qs,
                "first_page_url": origin + _at(request, 0, size),
                "next_page_url": origin + _at(request, page + 1, size) if (page + 1) * size < len(found) else None,
                "previous_page_url": origin + _at(request, page - 1, size) if page else None,
            },
        }
    )


def _asked(request: web.Request, found: Sequence[_One]) -> tuple[int, int, Sequence[_One]]:
    page, size = _number(request, "Page", 0), min(MOST, _number(request, "PageSize", DEFAULT_SIZE))
    if size < 1:
        raise Refused(400, 20001, "Invalid PageSize 0")
    return page, size, found[page * size : (page + 1) * size]


def _number(request: web.Request, name: str, usual: int) -> int:
    given = request.query.get(name, str(usual))
    if not (given.isascii() and given.isdecimal()):
        raise Refused(400, 20001, f"Invalid {name} {given}")
    return int(given)


def _at(request: web.Request, page: int, size: int) -> str:
    return request.rel_url.update_query({"PageSize": str(size), "Page": str(page)}).raw_path_qs
