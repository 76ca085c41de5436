"""The usage report as a file: the calls of an account in the 20 columns that finance departments have tools for.

CSV as in RFC 4180, times in UTC, a row a call. A call that a plan paid in part is one row too: it is priced as a whole,
from its answer and with one connection fee, and one row brings it back as it was. `Charge` is what credit paid, the
connection fee included, with all our decimals. Read back by `credits.files.usage_report`.

A report is written part by part, each from a snapshot of its own, so that millions of calls are never held at once.
"""

import csv
import io
import zipfile
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from credits.accounts import AccountState, look_up
from credits.files.cells import harmless
from credits.ids import uuid_of
from credits.instants import SECOND, local_day, moment
from credits.money import NANOS, amount_of
from credits.numbers import country_of_number
from credits.plans import home_of
from credits.refusals import invalid
from db.kinds import CallStatus, Service
from db.session import Session

COLUMNS = (
    "UsageId", "Call ID", "Conference ID", "User Location", "AAD ObjectId", "UPN", "User Display Name", "Caller ID",
    "Call Type", "Number Type", "Domestic/International", "Destination Dialed", "Destination Number", "Start Time",
    "End Time", "Duration Seconds", "Connection Fee", "Charge", "Currency", "Capability",
)  # fmt: skip
# What paid, where it was not minutes of a plan: credit; or nothing, since the call is free or could not be priced.
CREDIT, UNPAID = "MCOPSTNPP", "FREECALL"
EMERGENCY = "emergency_out"
# Call type and number type of each service. The file has no type of its own for calls to a toll-free number.
TYPES = {
    Service.USER_OUT: ("user_out", "Subscriber"),
    Service.CONFERENCE_OUT: ("conf_out", "Subscriber"),
    Service.TOLL_FREE_IN: ("user_in", "TollFree"),
    Service.CONFERENCE_IN: ("conf_in", "Service"),
}
MOST_AT_ONCE = 10_000
_NANOS_A_MICRO = NANOS // 1_000_000

_READ = (
    "SELECT call.call_no, call.call_id, call.service, call.status, call.from_number, call.to_number, call.answered_at,"
    " call.duration_seconds, call.plan_seconds, call.charge_micros, coalesce(call.country, rate.country),"
    " rate.connect_fee_nanos, call.user_no, phone_user.user_name, phone_user.name, phone_user.country, plan.code"
    " FROM call LEFT JOIN rate ON rate.deck_id = call.deck_id AND rate.rate_no = call.rate_no"
    " LEFT JOIN phone_user ON phone_user.account_id = call.account_id AND phone_user.user_no = call.user_no"
    " LEFT JOIN minute_pool ON minute_pool.account_id = call.account_id AND minute_pool.pool_no = call.pool_no"
    " LEFT JOIN plan ON plan.plan_id = minute_pool.plan_id"
    " WHERE call.account_id = ? AND call.answered_at >= ? AND call.answered_at < ?"
    " AND (call.answered_at > ? OR call.call_no > ?) AND call.status IN ('SETTLED', 'UNRATED')"
    " ORDER BY call.answered_at, call.call_no LIMIT ?"
)

# Time of answer and number of the last call of a part.
Place = tuple[int, int]


class ReportPart(NamedTuple):
    """A part of a report, as lines of CSV; the first begins with the names of the columns. `after` is where the next
    part goes on, None at the end."""

    csv: str
    calls: int
    after: Place | None


class _Call(NamedTuple):
    """A call, with what is known of its rate, its user and the plan that paid."""

    call_no: int
    call_id: str
    service: str
    status: str
    from_number: str | None
    to_number: str
    answered_at: int
    duration_seconds: int
    plan_seconds: int
    charge_micros: int
    country: str | None
    connect_fee_nanos: int | None
    user_no: int | None
    user_name: str | None
    name: str | None
    user_country: str | None
    plan_code: str | None

    @property
    def is_emergency(self) -> bool:
        """Emergency numbers are kept as they were dialled, all others as E.164."""
        return not self.to_number.startswith("+")


def report_part(
    session: Session, *, account_id: int, from_at: int, to_at: int, after: Place | None = None, most: int = 5_000
) -> ReportPart:
    """Some of the calls that were made and answered from one instant until before another, in order of their answers;
    all parts together are the file."""
    if not 1 <= most <= MOST_AT_ONCE:
        raise invalid("first", "Ask for 1 to {most} at a time.", most=MOST_AT_ONCE)
    account = look_up(session, account_id)
    place = max((from_at, 0), after or (from_at, 0))
    found = session.rows(_READ, account_id, place[0], to_at, *place, most + 1)
    calls = [_Call(*row) for row in found[:most]]
    written = io.StringIO()
    writer = csv.writer(written)
    if after is None:
        writer.writerow(COLUMNS)
    writer.writerows(_row(call, account) for call in calls)
    last = calls[-1] if len(found) > most else None
    return ReportPart(written.getvalue(), len(calls), last and (last.answered_at, last.call_no))


def report_parts(session: Session, *, account_id: int, from_at: int, to_at: int) -> Iterator[ReportPart]:
    """The whole report on one snapshot, part by part."""
    after: Place | None = None
    while True:
        part = report_part(session, account_id=account_id, from_at=from_at, to_at=to_at, after=after)
        yield part
        after = part.after
        if after is None:
            return


def name_of_report(from_at: int, to_at: int, time_zone: str) -> str:
    """What the file is called: by its first and its last day in a zone."""
    return f"PSTN.calls.{local_day(from_at, time_zone)}_{local_day(max(from_at, to_at - 1), time_zone)}.csv"


def time_of_calls(session: Session, account_id: int) -> tuple[int, int]:
    """From when until before when an account's calls were answered."""
    found = session.row(
        "SELECT coalesce(min(answered_at), 0), coalesce(max(answered_at), 0) + 1 FROM call WHERE account_id = ?",
        account_id,
    )
    assert found is not None
    return found[0], found[1]


class Packing:
    """A report on its way into a zip archive: what is put in comes out packed, without anything being kept."""

    def __init__(self, name: str) -> None:
        self._out = _Outlet()
        self._archive = zipfile.ZipFile(self._out, "w")
        entry = zipfile.ZipInfo(name)  # without a time of its own: the same report is the same archive
        entry.compress_type = zipfile.ZIP_DEFLATED
        self._entry = self._archive.open(entry, "w", force_zip64=True)

    def put(self, text: str) -> bytes:
        """Put a part in, and take what is ready."""
        self._entry.write(text.encode())
        return self._out.take()

    def end(self) -> bytes:
        """Close the archive, and take the rest."""
        self._entry.close()
        self._archive.close()
        return self._out.take()


class _Outlet(io.RawIOBase):
    """A file that is only ever written to, and forgets what was taken from it."""

    def __init__(self) -> None:
        super().__init__()
        self._ready: list[bytes] = []

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, content: bytes) -> int:  # type: ignore[override] # whatever has bytes is written
        """Keep until taken."""
        self._ready.append(bytes(content))
        return len(content)

    def take(self) -> bytes:
        """All that was written since."""
        ready, self._ready = self._ready, []
        return b"".join(ready)


def _row(call: _Call, account: AccountState) -> tuple[object, ...]:
    call_type, number_type = TYPES[Service(call.service)]
    home = call.user_country or account.region
    country = home if call.is_emergency else call.country or country_of_number(call.to_number[1:])
    is_domestic = country is not None and home_of(country) == home_of(home)
    return (
        uuid_of("call", account.account_id, call.call_no),
        harmless(call.call_id),
        "",
        home,
        "" if call.user_no is None else uuid_of("user", account.account_id, call.user_no),
        harmless(call.user_name or ""),
        harmless(call.name or ""),
        harmless(call.from_number or ""),
        EMERGENCY if call.is_emergency else call_type,
        number_type,
        "Domestic" if is_domestic else "International",
        country or "",
        call.to_number,
        _time(call.answered_at),
        _time(call.answered_at + call.duration_seconds * SECOND),
        call.duration_seconds,
        _amount(_fee_micros(call)),
        _amount(call.charge_micros),
        account.currency,
        _capability(call),
    )


def _fee_micros(call: _Call) -> int:
    """What of the charge is the connection fee."""
    return min((call.connect_fee_nanos or 0) // _NANOS_A_MICRO, call.charge_micros)


def _capability(call: _Call) -> str:
    """What paid: credit, as soon as it paid any part of the call; the plan that paid the whole; or nothing."""
    if call.status == CallStatus.UNRATED or call.is_emergency:
        return UNPAID
    if call.plan_code is not None and call.plan_seconds >= call.duration_seconds:
        return call.plan_code
    return CREDIT


@lru_cache(maxsize=4096)
def _amount(micros: int) -> str:
    return str(amount_of(micros))


def _time(at: int) -> str:
    """An instant in UTC, with the seven decimals that these files have."""
    return moment(at).replace(tzinfo=None).isoformat(timespec="microseconds") + "0Z"
