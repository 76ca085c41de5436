"""How figures look on a page: money with its minor digits small, times relative with the exact instant on hover.

Everything here reads the values of a GraphQL answer (decimals and instants as text) and writes markup.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_interval, format_skeleton, format_time, format_timedelta
from babel.units import format_unit
from markupsafe import Markup
from phonenumbers import SUPPORTED_REGIONS

from credits.language import Language, language
from credits.money import minor_digits

Amount = Mapping[str, str]  # a Money of the schema: amount and currency

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_LENGTHS = ("hour", "minute", "second")
_REMEMBERED = 20_000


def read_instant(text: str) -> datetime:
    """A DateTime of the schema."""
    return datetime.fromisoformat(text)


@dataclass(frozen=True)
class Figures:
    """Figures and times for one reader: their language, the account's zone, and its clock when there is one."""

    language: Language
    zone: str = "UTC"
    now: datetime | None = None

    def plain_money(self, money: Amount) -> str:
        """An amount with its currency sign, as text for sentences."""
        return self.whole_units(money["amount"], money["currency"])

    def money(self, money: Amount) -> Markup:
        """An amount with its currency sign and its minor digits small."""
        return _shown_money(self.language.code, money["amount"], money["currency"])

    def figure(self, value: Amount | str, places: int = 2, *, signed: bool = False) -> Markup:
        """A number for a column that names its currency once; `places` keeps the points of a column in one line."""
        return _shown_figure(*_parts(value), places, signed)

    def places(self, values: Iterable[Amount | str | None]) -> int:
        """The most decimals that any number of a column has."""
        return max((_decimals(*_parts(each)) for each in values if each is not None), default=0)

    def whole_units(self, amount: str, currency: str) -> str:
        """An amount in whole units of a currency, as text: $50.00."""
        return _written_money(self.language.code, amount, currency)

    def number(self, value: int) -> str:
        """A count, with the language's grouping."""
        return self.language.number(value)

    def plain_number(self, text: str) -> str:
        """A decimal with grouping, as text for sentences."""
        return f"{Decimal(text):,f}"

    def round_number(self, text: str) -> str:
        """A decimal without decimals that say nothing: 250, 2.5."""
        plain = f"{Decimal(text):,f}".replace("-", "−")
        return plain.rstrip("0").rstrip(".") if "." in plain else plain

    def is_zero(self, text: str) -> bool:
        """Whether a decimal is nought."""
        return not Decimal(text)

    def is_less(self, amount: Amount, than: Amount) -> bool:
        """Whether an amount is less than another of its currency."""
        return Decimal(amount["amount"]) < Decimal(than["amount"])

    def when(self, text: str | None, now: str | None = None, days: int = 7) -> Markup:
        """An instant: relative within `days` of the account's clock, else its date; exact on hover."""
        if text is None:
            return Markup("")
        at = read_instant(text)
        clock = read_instant(now) if now else self.now
        near = clock is not None and abs(at - clock) < timedelta(days=days)
        shown = self._relative(at - clock) if near and clock else self._day(self._local(at).date())
        return self._time(at, shown)

    def exactly(self, text: str | None) -> Markup:
        """An instant as date and time of the account's zone."""
        if text is None:
            return Markup("")
        at = read_instant(text)
        return self._time(at, format_datetime(self._local(at), "medium", locale=self.language.locale))

    def time_of_day(self, text: str | None) -> Markup:
        """The time of an instant, for a list that names the day above; exact on hover."""
        if text is None:
            return Markup("")
        at = read_instant(text)
        return self._time(at, format_time(self._local(at), "short", locale=self.language.locale))

    def by_day(self, rows: Iterable[Mapping[str, Any]], *names: str) -> list[tuple[Markup, list[Mapping[str, Any]]]]:
        """Rows in their order, gathered under the calendar day of the first of the named instants that is known."""

        def day_of(row: Mapping[str, Any]) -> date | None:
            text = next((row[name] for name in names if row[name]), None)
            return None if text is None else self.day_of(text)

        return [(self._day_heading(day), list(of_day)) for day, of_day in groupby(rows, day_of)]

    def day_of(self, text: str) -> date:
        """The calendar day of an instant in the account's zone."""
        return self._local(read_instant(text)).date()

    def is_near(self, text: str | None, days: int) -> bool:
        """Whether an instant lies within so many days of the account's clock."""
        return text is not None and self.now is not None and abs(read_instant(text) - self.now) < timedelta(days=days)

    def days_until(self, day: str) -> int:
        """How many days from the account's today to a calendar day; negative for one that has passed."""
        assert self.now is not None, "an account has a clock"
        return (date.fromisoformat(day) - self._local(self.now).date()).days

    def through(self, text: str | None) -> Markup:
        """The last day before an instant: what something "can be used through"."""
        if text is None:
            return Markup("")
        at = read_instant(text)
        return self._time(at, self._day(self._local(at - timedelta(microseconds=1)).date()))

    def day(self, text: str) -> Markup:
        """A calendar day."""
        return Markup('<time datetime="{}">{}</time>').format(text, self._day(date.fromisoformat(text)))

    def month(self, text: str) -> str:
        """The name of a day's month, short."""
        return _short_month(self.language.code, date.fromisoformat(text).month)

    def month_of_year(self, text: str) -> Markup:
        """The month of a day, in full: October 2026."""
        day = date.fromisoformat(text)
        written = format_skeleton("yMMMM", day, locale=self.language.locale)
        return Markup('<time datetime="{:%Y-%m}">{}</time>').format(day, written)

    def countries(self) -> list[tuple[str, str]]:
        """Every country that telephone numbers know, by its name in the reader's language."""
        return sorted(((code, self.country(code)) for code in SUPPORTED_REGIONS), key=lambda each: each[1])

    def country_names(self, codes: Iterable[str]) -> str:
        """The names of some countries, in their order."""
        names = sorted(self.country(code) for code in codes)
        return ("、" if self.language.code == "ja" else ", ").join(names)

    def time_named(self, text: str, dimension: str, *, short: bool = False) -> str:
        """A day or, for a chart of months, a month, each known by its first day: "Oct 1", "October 2026", "Oct"."""
        skeleton = ("LLL" if short else "yMMMM") if dimension == "MONTH" else ("MMMd" if short else "yMMMd")
        if skeleton == "LLL":
            return self.month(text)
        noon = datetime.combine(date.fromisoformat(text), time(12), UTC)
        return str(format_skeleton(skeleton, noon, locale=self.language.locale))

    def period(self, first: date, last: date) -> str:
        """The days from one to another, both included."""
        return str(format_interval(first, last, "yMMMd", locale=self.language.locale))

    def tenths(self, text: str) -> str:
        """A decimal to one place, grouped: minutes, for a person."""
        return f"{Decimal(text):,.1f}"

    def clock(self, text: str) -> str:
        """An instant as the value of a date-and-time field, in the account's zone."""
        return self._local(read_instant(text)).strftime("%Y-%m-%dT%H:%M")

    def duration(self, seconds: int | None) -> str:
        """A call's length: 0:59, 12:05, 1:00:00."""
        if seconds is None:
            return ""
        minutes, rest = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

    def lasting(self, seconds: int) -> str:
        """A length of time for a sentence, exactly: 16 min 40 sec."""
        locale = self.language.locale
        parts = zip((seconds // _HOUR, seconds % _HOUR // _MINUTE, seconds % _MINUTE), _LENGTHS, strict=True)
        said = [format_unit(count, unit, "short", locale=locale) for count, unit in parts if count]
        return " ".join(said) or format_unit(0, "second", "short", locale=locale)

    def span(self, days: int) -> str:
        """A length of time in the unit that suits it: 12 days, 6 weeks, 5 months."""
        return format_timedelta(timedelta(days=days), granularity="day", threshold=2, locale=self.language.locale)

    def country(self, code: str | None) -> str:
        """A country's name in the reader's language."""
        return str(self.language.locale.territories.get(code or "", code or ""))

    def _day_heading(self, day: date | None) -> Markup:
        if day is None:
            return Markup("")
        written = format_date(day, "full", locale=self.language.locale)
        return Markup('<time datetime="{}">{}</time> <span>{}</span>').format(
            day.isoformat(), written, self._days_ago(day)
        )

    def _days_ago(self, day: date) -> str:
        """How long ago a day of this week was; nothing for one further away."""
        days = -1 if self.now is None else (self._local(self.now).date() - day).days
        if days == 0:
            return self.language.say("today")
        return self._counted(-days, _DAY) if 0 < days < 7 else ""

    def _relative(self, delta: timedelta) -> str:
        seconds = abs(delta) // timedelta(seconds=1)
        if seconds < _MINUTE:
            return self.language.say("just now")
        unit = next((unit for unit in (_DAY, _HOUR) if seconds >= unit), _MINUTE)
        return self._counted(seconds // unit * (-1 if delta < timedelta() else 1), unit)

    def _counted(self, count: int, unit: int) -> str:
        """A number of units before (negative) or after now: "2 days ago", "in 12 days", never "in 2 weeks"."""
        return _counted_units(self.language.code, count, unit)

    def _day(self, day: date) -> str:
        return _written_day(self.language.code, day)

    def _local(self, at: datetime) -> datetime:
        return at.astimezone(ZoneInfo(self.zone))

    def _time(self, at: datetime, shown: str) -> Markup:
        return _shown_time(self.language.code, self.zone, at, shown)


def figures_for(reader: Language, account: Mapping[str, Any] | None) -> Figures:
    """The figures of a page: in the account's zone and by its clock, where it is about an account."""
    if not account or "timeZone" not in account:
        return Figures(reader)
    return Figures(reader, account["timeZone"], read_instant(account["now"]))


def smallest_unit(currency: str) -> str:
    """The step of an amount field: the currency's smallest coin."""
    return f"{Decimal(1).scaleb(-minor_digits(currency)):f}"


# What is written of the same values is the same, and pages write the same few again and again.


@lru_cache(maxsize=_REMEMBERED)
def _written_money(code: str, amount: str, currency: str) -> str:
    return language(code).money(int(Decimal(amount).scaleb(6)), currency).replace("-", "−")


@lru_cache(maxsize=_REMEMBERED)
def _shown_money(code: str, amount: str, currency: str) -> Markup:
    whole, point, minor = _written_money(code, amount, currency).partition(".")
    return Markup('<data class="money" value="{}">{}{}</data>').format(
        amount, whole, Markup("<small>{}{}</small>").format(point, minor) if minor else ""
    )


@lru_cache(maxsize=_REMEMBERED)
def _shown_figure(value: str, currency: str | None, places: int, signed: bool) -> Markup:
    amount = _number(value, currency)
    sign = "−" if amount < 0 else "+" if signed and amount > 0 else ""
    whole, _, minor = f"{abs(amount):,f}".partition(".")
    return Markup('<data class="figure" value="{}">{}{}<small class="places-{}">{}</small></data>').format(
        f"{amount:f}", sign, whole, places, f".{minor}" if minor else ""
    )


@lru_cache(maxsize=_REMEMBERED)
def _shown_time(code: str, zone: str, at: datetime, shown: str) -> Markup:
    """An instant for the machine and, on hover, in full for a person."""
    local, locale = at.astimezone(ZoneInfo(zone)), language(code).locale
    exact = f"{format_date(local, 'full', locale=locale)} {format_time(local, 'long', locale=locale)}"
    machine = at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(machine, exact, shown)


@lru_cache(maxsize=_REMEMBERED)
def _written_day(code: str, day: date) -> str:
    return format_date(day, "medium", locale=language(code).locale)


@lru_cache(maxsize=_REMEMBERED)
def _short_month(code: str, month: int) -> str:
    return format_date(date(2000, month, 1), "LLL", locale=language(code).locale)


@lru_cache(maxsize=_REMEMBERED)
def _counted_units(code: str, count: int, unit: int) -> str:
    span = timedelta(seconds=count * unit)
    return format_timedelta(span, add_direction=True, threshold=abs(count), locale=language(code).locale)


@lru_cache(maxsize=_REMEMBERED)
def _decimals(value: str, currency: str | None) -> int:
    return -int(_number(value, currency).as_tuple().exponent)


def _parts(value: Amount | str) -> tuple[str, str | None]:
    """A number, and the currency if it is an amount of money."""
    return (value, None) if isinstance(value, str) else (value["amount"], value["currency"])


def _number(value: str, currency: str | None) -> Decimal:
    """A number as it is; an amount of money with no fewer decimals than its currency has, and no idle ones."""
    if currency is None:
        return Decimal(value)
    amount = Decimal(value).normalize()
    return amount.quantize(Decimal(1).scaleb(min(int(amount.as_tuple().exponent), -minor_digits(currency))))
