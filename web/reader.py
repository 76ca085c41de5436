"""Who reads: the language, the theme and the way back that their browser sends along."""

from decimal import Decimal, InvalidOperation
from functools import lru_cache

from starlette.requests import HTTPConnection, Request

from credits.language import LANGUAGES, Language, language

THEMES = ("auto", "light", "dark")


def language_of(request: HTTPConnection) -> Language:
    """The language that the reader chose, else the first of the browser's that we speak, else English."""
    chosen = request.cookies.get("lang") if "cookie" in request.headers else None
    if chosen in LANGUAGES:
        return language(chosen)
    return accepted_language(request.headers.get("accept-language", ""))


@lru_cache(maxsize=256)
def accepted_language(header: str) -> Language:
    """The first language of an Accept-Language header that we speak, else English."""
    for wanted in _accepted(header):
        if wanted.partition("-")[0] in LANGUAGES:
            return language(wanted.partition("-")[0])
    return language("en")


def theme_of(request: HTTPConnection) -> str:
    """The theme that the reader chose; `auto` follows their system."""
    chosen = request.cookies.get("theme", "auto")
    return chosen if chosen in THEMES else "auto"


def safe_way_back(path: str, otherwise: str = "/") -> str:
    """A path of this site to return to; anything that could lead elsewhere is answered with `otherwise`."""
    inside = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if inside else otherwise


def address_of(request: Request) -> str:
    """The path and query of the page being shown."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def _accepted(header: str) -> list[str]:
    """The languages of an Accept-Language header, the most wanted first."""
    ranked: list[tuple[Decimal, int, str]] = []
    for place, part in enumerate(header.lower().split(",")[:20]):
        name, _, weight = part.strip().partition(";q=")
        try:
            ranked.append((-Decimal(weight or "1"), place, name))
        except InvalidOperation:
            continue
    return [name for _, _, name in sorted(ranked)]
