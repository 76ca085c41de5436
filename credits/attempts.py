"""Guessing is slow: wrong passwords and codes are counted in the database, for all processes and over restarts.

A try is counted before it is looked at, and taken back when it was right: whoever tries a hundred at once is counted a
hundred times. Three things are counted: what one network address tries at one sign-in, what comes for one sign-in from
anywhere, and what one network address tries anywhere. A browser from which somebody has signed in before (it shows a
cookie that says so) is counted for itself alone. So strangers elsewhere can make a new browser of the owner wait for a
minute, and never a known one; and nobody can shut the owner out for long.

Whom a row counts for is a keyed hash: the table holds no address.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from math import ceil

from credits.instants import DAY, HOUR, MINUTE, SECOND
from credits.keys import Keys
from credits.language import sentence
from credits.refusals import Code, Refusal
from db.session import Session

# After so long without a wrong try, counting begins anew.
FADES_AFTER = HOUR
# When a row is of no use any more.
FORGOTTEN_AFTER = DAY
_IN_SECONDS = sentence("Too many wrong tries. Try again in {seconds} s.").message
_IN_MINUTES = sentence("Too many wrong tries. Try again in {minutes} minutes.").message


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is at the door: from which network address, with which browser, known by `device` if it was here before, and
    in which language."""

    address: str
    agent: str = ""
    device: str | None = None
    request_id: str | None = None
    locale: str = "en"


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast one may try: from the wrong try `slow_from` on with a pause of 1 s that doubles up to `longest_pause`;
    from `locked_from` on with one of `locked_for`."""

    slow_from: int
    longest_pause: int
    locked_from: int | None = None
    locked_for: int = 0

    def pause(self, failures: int) -> int:
        """How long to wait after so many wrong tries."""
        if self.locked_from is not None and failures >= self.locked_from:
            return self.locked_for
        if failures < self.slow_from:
            return 0
        return min(SECOND << min(failures - self.slow_from, 32), self.longest_pause)


ONE_PLACE = Pace(slow_from=3, longest_pause=MINUTE, locked_from=10, locked_for=15 * MINUTE)
FROM_ANYWHERE = Pace(slow_from=20, longest_pause=MINUTE)
ONE_ADDRESS = Pace(slow_from=50, longest_pause=MINUTE, locked_from=200, locked_for=15 * MINUTE)

# For whom a try counts, and how fast those may try.
Tries = Sequence[tuple[str, Pace]]


def tries_of(keys: Keys, purpose: str, subject: object, visitor: Visitor) -> Tries:
    """For whom a try counts: at the sign-in of `subject`, a mail address or a number of a person."""
    if visitor.device is not None:
        return [(keys.derived("tries", purpose, "device", visitor.device, subject), ONE_PLACE)]
    network = network_of(visitor.address)
    return sorted(
        [
            (keys.derived("tries", purpose, "place", network, subject), ONE_PLACE),
            (keys.derived("tries", purpose, "anywhere", subject), FROM_ANYWHERE),
            (keys.derived("tries", purpose, "address", network), ONE_ADDRESS),
        ],
        key=lambda each: each[0],  # in one order, so that no two transactions wait for each other
    )


def count_try(session: Session, tries: Tries, now: int) -> None:
    """Count a try before it is looked at; refused, and not counted, while its time has not come."""
    rows = [(who, pace, *_locked(session, who, now)) for who, pace in tries]
    left = max(until for *_, until in rows) - now
    if left > 0:
        raise _too_soon(left)
    session.update(
        "sign_in_failure", ["who"], ["failures", "until", "failed_at"],
        [(who, failures + 1, now + pace.pause(failures + 1), now) for who, pace, failures, _ in rows],
    )  # fmt: skip


def was_wrong(session: Session, tries: Tries, now: int) -> None:
    """A try that was counted was wrong: the pause begins now that this is known."""
    for who, pace in tries:
        failures, _ = _locked(session, who, now)
        session.execute(
            "UPDATE sign_in_failure SET until = ?, failed_at = ? WHERE who = ?", now + pace.pause(failures), now, who
        )


def was_right(session: Session, tries: Tries) -> None:
    """A try that was counted was right: this place begins anew, and the others take it back."""
    for who, pace in tries:
        left = "0" if pace is ONE_PLACE else "failures - 1"
        session.execute(f"UPDATE sign_in_failure SET failures = {left}, until = 0 WHERE who = ? AND failures > 0", who)


def _locked(session: Session, who: str, now: int) -> tuple[int, int]:
    """How many wrong tries count, and until when to wait; the row is there, and locked, from here on."""
    ((failures, until, failed_at),) = session.rows(
        "INSERT INTO sign_in_failure (who, failures, until, failed_at) VALUES (?, 0, 0, ?)"
        " ON CONFLICT (who) DO UPDATE SET failures = sign_in_failure.failures RETURNING failures, until, failed_at",
        who, now,
    )  # fmt: skip
    return (0, 0) if now >= failed_at + FADES_AFTER else (failures, until)


def network_of(address: str) -> str:
    """A network address, or the network of one customer: whoever has one address of IPv6 has many."""
    try:
        read = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((read, 64), strict=False)) if read.version == 6 else str(read)


def _too_soon(left: int) -> Refusal:
    seconds = ceil(left / SECOND)
    if seconds > 120:
        return Refusal(Code.LIMIT_EXCEEDED, _IN_MINUTES, minutes=ceil(seconds / 60), seconds=seconds)
    return Refusal(Code.LIMIT_EXCEEDED, _IN_SECONDS, seconds=seconds)
