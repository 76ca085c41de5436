"""What switches say of calls, and what they are answered. Each message names its account and the switch's own call id.

Durations are whole seconds counted from the answer; instants are microseconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from credits.accounts import AccountState
from credits.call_states import CallState
from credits.refusals import Refusal
from db.kinds import RefusalReason, Service


@dataclass(frozen=True, slots=True)
class Authorization:
    """May this call go, and for how long? Asks for up to `requested_seconds`."""

    account_id: int
    call_id: str
    to_number: str
    requested_seconds: int = 3_600
    service: str = Service.USER_OUT
    from_number: str | None = None
    user_no: int | None = None


@dataclass(frozen=True, slots=True)
class Extension:
    """The call goes on after `used_seconds`; may it last `requested_seconds` more?"""

    account_id: int
    call_id: str
    used_seconds: int
    requested_seconds: int = 3_600


@dataclass(frozen=True, slots=True)
class Settlement:
    """The call has ended. Without `answered_at` it ended just now."""

    account_id: int
    call_id: str
    duration_seconds: int
    answered_at: int | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """The call was not made, or nobody answered it."""

    account_id: int
    call_id: str


@dataclass(frozen=True, slots=True)
class CallReport:
    """A finished call as a switch or a file reports it; `answered_at` in microseconds, `duration_seconds` from then."""

    call_id: str
    to_number: str
    answered_at: int
    duration_seconds: int
    service: str = Service.USER_OUT
    from_number: str | None = None
    user_no: int | None = None


@dataclass(frozen=True, slots=True)
class Reports:
    """Finished calls of one account."""

    account_id: int
    reports: Sequence[CallReport]


Message = Authorization | Extension | Settlement | Release | Reports


class CallAnswer(NamedTuple):
    """What became of a call. `max_duration_seconds` is counted from the answer, and 0 when the call may not go (on).

    `error` is why the message itself was refused, with nothing done; then there may be a call, as it stood before.
    """

    account: AccountState
    call: CallState | None
    authorized: bool = False
    max_duration_seconds: int = 0
    reason: RefusalReason | None = None
    error: Refusal | None = None


class CallOutcome(NamedTuple):
    """What became of one report: a call (perhaps one that was known before), or a refusal that kept nothing."""

    call_id: str
    call_no: int | None = None
    status: str | None = None
    charge_micros: int = 0
    duplicate: bool = False
    refusal: Refusal | None = None


# A message is answered, each report of several has its outcome, or the whole of it was refused.
Answer = CallAnswer | list[CallOutcome] | Refusal
