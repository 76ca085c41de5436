"""Dates and times as files write them. Day and month are never guessed: 03/04/2026 is refused."""

import re
import unicodedata
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from credits.instants import instant, moment
from credits.refusals import Refusal, invalid

_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
_YEAR_FIRST = re.compile(r"(\d{4})(?:-|/|\.|年)(\d{1,2})(?:-|/|\.|月)(\d{1,2})日?")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_DAY_FIRST = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})")
_UNSAID = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})")
_NAMED = re.compile(r"(\d{1,2})[ -]([a-z]{3})[a-z]*[ -](\d{4})")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,12}))?)?\s*(z|utc|[+-]\d{2}:?\d{2})?", re.IGNORECASE)
_USUAL = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d", re.ASCII)
_EPOCHS = {9: 1_000_000, 10: 1_000_000, 13: 1_000, 16: 1}


def zone_of(name: str) -> tzinfo:
    """The time zone of a name such as Europe/Berlin; an unknown one is refused."""
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ValueError, LookupError, OSError):
        raise invalid("timeZone", "{name} is not a time zone.", name=name) from None


def read_instant(text: str, time_zone: str, field: str = "answeredAt") -> int:
    """The instant that a cell names, in microseconds; without an offset of its own it is in the given zone.

    A time that comes twice when clocks go back is read as the first; one that they skip is refused.
    Digits alone are seconds (or milli- or microseconds) since 1970.
    """
    if _USUAL.match(text):
        with suppress(ValueError):
            local = datetime.fromisoformat(text)
            return instant(local) if local.tzinfo else _placed(local, zone_of(time_zone), text, field)
    plain = unicodedata.normalize("NFKC", text).strip()
    digits = plain.partition(".")[0]
    if digits.isdigit() and digits.isascii() and len(digits) in _EPOCHS and re.fullmatch(r"\d+(?:\.0*)?", plain):
        return int(digits) * _EPOCHS[len(digits)]
    day_text, clock_text = _parts(plain)
    day = _read_day(day_text, text, field)
    match = _CLOCK.fullmatch(clock_text)
    if match is None:
        raise _unreadable(text, field)
    hour, minute, second, fraction, offset = match.groups()
    try:
        clock = time(int(hour), int(minute), int(second or 0), int((fraction or "0").ljust(6, "0")[:6]))
        return _placed(datetime.combine(day, clock), _offset(offset) or zone_of(time_zone), text, field)
    except (ValueError, OverflowError):
        raise _unreadable(text, field) from None


@lru_cache(maxsize=1024)
def read_start(text: str, time_zone: str, field: str = "effectiveFrom") -> int:
    """The instant from which something counts: a time as above, or a date, which means its first instant."""
    plain = unicodedata.normalize("NFKC", text).strip()
    if ":" in plain:
        return read_instant(text, time_zone, field)
    day = _read_day(plain, text, field)
    try:
        return instant(datetime.combine(day, time(), zone_of(time_zone)))
    except OverflowError:
        raise _unreadable(text, field) from None


def _parts(plain: str) -> tuple[str, str]:
    """Part a day from its time of day at the last space, or T, before the first colon."""
    colon = plain.find(":")
    before = plain[: max(colon, 0)]
    cut = max(before.rfind(" "), before.rfind("T"), before.rfind("t"))
    return (plain[:cut].strip(), plain[cut + 1 :].strip()) if cut > 0 else (plain, "")


def _read_day(plain: str, text: str, field: str) -> date:
    plain = plain.casefold()
    try:
        if match := _YEAR_FIRST.fullmatch(plain) or _COMPACT.fullmatch(plain):
            year, month, day = match.groups()
            return date(int(year), int(month), int(day))
        if match := _DAY_FIRST.fullmatch(plain):
            day, month, year = match.groups()
            return date(int(year), int(month), int(day))
        if match := _NAMED.fullmatch(plain):
            day, name, year = match.groups()
            return date(int(year), _MONTHS.get(name, 0), int(day))
        if match := _UNSAID.fullmatch(plain):
            return _unsaid_day(int(match[1]), int(match[2]), int(match[3]), text, field)
    except ValueError:
        pass
    raise _unreadable(text, field)


def _unsaid_day(first: int, second: int, year: int, text: str, field: str) -> date:
    """A date that does not say which is the day: certain only where one of both cannot be a month."""
    if first <= 12 and second <= 12 and first != second:
        message = "{text} can be read in two ways, day first or month first; write it year first: 2026-07-31."
        raise invalid(field, message, text=text)
    return date(year, second, first) if second <= 12 else date(year, first, second)


def _offset(text: str | None) -> tzinfo | None:
    if text is None:
        return None
    if text.casefold() in {"z", "utc"}:
        return UTC
    sign = -1 if text[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(text[1:3]), minutes=int(text[-2:])))


def _placed(local: datetime, zone: tzinfo, text: str, field: str) -> int:
    at = instant(local.replace(tzinfo=zone))
    if moment(at).astimezone(zone).replace(tzinfo=None) != local:
        raise invalid(field, "{text} does not exist in this time zone: the clocks skip it.", text=text)
    return at


def _unreadable(text: str, field: str) -> Refusal:
    if not text:
        return invalid(field, "The time is missing.")
    return invalid(field, "{text} is not a time; write it as 2026-07-31 17:04:05.", text=text)
