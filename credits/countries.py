"""Countries as people name them: by the code, or by a name in any language that we speak.

Names are those of Unicode's CLDR, which has one a country and language, and a few that are as usual. Capitals, accents,
apostrophes and hyphens do not count, so that what is easily typed is understood.
"""

import re
import unicodedata
from functools import lru_cache

from babel import Locale
from phonenumbers import SUPPORTED_REGIONS

from credits.language import LANGUAGES

_ALSO_CALLED = {
    "AE": ("UAE", "Emirates"),
    "AU": ("豪州",),
    "CD": ("Democratic Republic of the Congo", "DR Congo", "コンゴ民主共和国"),
    "CG": ("Republic of the Congo", "Congo", "コンゴ共和国"),
    "CI": ("Ivory Coast",),
    "CV": ("Cabo Verde",),
    "CZ": ("Czech Republic",),
    "GB": ("UK", "Great Britain", "Britain", "英国"),
    "HK": ("Hong Kong", "香港"),
    "KP": ("朝鮮民主主義人民共和国",),
    "KR": ("Korea", "Republic of Korea", "大韓民国"),
    "MK": ("Macedonia",),
    "MM": ("Myanmar", "Burma", "ミャンマー"),
    "MO": ("Macao", "Macau", "マカオ"),
    "NL": ("Holland", "The Netherlands"),
    "PS": ("Palestine", "パレスチナ"),
    "RU": ("Russian Federation",),
    "SZ": ("Swaziland",),
    "TL": ("East Timor",),
    "TR": ("Turkey",),
    "US": ("USA", "United States of America", "America", "アメリカ", "米国"),
    "VA": ("Vatican", "バチカン"),
    "VN": ("Viet Nam",),
}  # fmt: skip
_ACCENTS = re.compile("[\u0300-\u036f]")
_SILENT = re.compile("[.'\N{RIGHT SINGLE QUOTATION MARK}]")
_GAPS = re.compile(r"[\s\-,()]+")
_SAINT = re.compile(r"\bsaint\b")


def country_meant(text: str) -> str | None:
    """The country that a text names as a whole, ISO 3166-1 alpha-2; None where it names none."""
    code = text.strip().upper()
    return code if code in SUPPORTED_REGIONS else _codes_by_name().get(_folded(text))


def countries_called(beginning: str) -> list[str]:
    """The countries of which a name begins like this, in the order of their codes; none does like nothing."""
    wanted = _folded(beginning)
    return sorted({code for name, code in _codes_by_name().items() if wanted and name.startswith(wanted)})


@lru_cache(maxsize=256)
def names_of(country: str) -> tuple[str, ...]:
    """What a country is called: in each language that we speak, and otherwise."""
    published = (str(Locale.parse(language).territories[country]) for language in LANGUAGES)
    return (*published, *_ALSO_CALLED.get(country, ()))


@lru_cache(maxsize=1)
def _codes_by_name() -> dict[str, str]:
    return {_folded(name): code for code in sorted(SUPPORTED_REGIONS) for name in names_of(code)}


def _folded(name: str) -> str:
    """A name without what people type in one way or another."""
    apart = unicodedata.normalize("NFKD", name.casefold())
    plain = unicodedata.normalize("NFC", _ACCENTS.sub("", apart))
    words = _GAPS.sub(" ", _SILENT.sub("", plain).replace("&", " and ")).strip()
    return _SAINT.sub("st", words)
