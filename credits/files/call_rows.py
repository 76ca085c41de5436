"""What all kinds of call records share: a finished call is read from its cells, or the reason to leave it out."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from credits.call_messages import CallReport
from credits.files.prefixes import spreadsheet_damage
from credits.language import Sentence, sentence
from credits.refusals import invalid

_UNANSWERED = frozenset(
    ("NO ANSWER", "NOANSWER", "UNANSWERED", "NOT ANSWERED", "BUSY", "FAILED", "FAIL", "CONGESTION", "CANCEL",
     "CANCELED", "CANCELLED", "CHANUNAVAIL", "NOROUTE", "NO ROUTE", "REJECTED", "MISSED", "USER BUSY",
     "NO USER RESPONSE", "ORIGINATOR CANCEL", "CALL REJECTED", "UNALLOCATED NUMBER", "不応答", "話中")
)  # fmt: skip
_NO_TIME = re.compile(r"0000-00-00.*")
_HIDDEN = re.compile(r"[*xX•]{2,}")
_CLOCK = re.compile(r"([0-9]{1,3}):([0-5][0-9]):([0-5][0-9])(?:\.0*)?")
LONGEST_ID = 200

Reading = CallReport | Sentence


@dataclass(frozen=True, slots=True)
class Claim:
    """What a row says that only the account's own users can decide: the names under which its user may be known, and
    the code of the plan that paid the whole call, empty where none did."""

    names: tuple[str, ...] = ()
    plan_code: str = ""


@dataclass(frozen=True, slots=True)
class CallReader:
    """How the rows of one file are read: `read` gives a call, or the reason to leave the row out, or refuses it.

    `header_row` is None where there is no header. With `legs` one id may stand for several legs of a call;
    `partner` gives the id of the record that tells of the same call from its other end; `claim` what a row says of
    its user, and `account` of its account.
    """

    format: str
    header_row: int | None
    width: int
    read: Callable[[list[str]], Reading]
    columns: dict[str, str] = field(default_factory=dict)
    legs: bool = False
    partner: Callable[[list[str]], str] | None = None
    claim: Callable[[list[str]], Claim] | None = None
    account: Callable[[list[str]], str] | None = None


def call_report(
    *,
    call_id: str,
    to_number: str,
    answered_at: int,
    duration_seconds: int,
    service: str,
    from_number: str = "",
    user_no: int | None = None,
) -> CallReport:
    """A report of what a row says; a number that has lost digits is refused."""
    if not call_id:
        raise invalid("callId", "The call has no id.")
    if len(call_id) > LONGEST_ID:
        raise invalid("callId", "The id of the call is too long.")
    if not to_number:
        raise invalid("to", "The number that was called is missing.")
    if spreadsheet_damage(to_number):
        message = "{text}: a spreadsheet has destroyed this number; its last digits are lost."
        raise invalid("to", message, text=to_number)
    if _HIDDEN.search(to_number):
        raise invalid("to", "{text}: digits of this number are hidden.", text=to_number)
    return CallReport(call_id, to_number, answered_at, duration_seconds, service, from_number or None, user_no)


def not_answered(disposition: str, answered_at: str | None = None) -> Sentence | None:
    """The reason to leave out a call that nobody answered; None for one that was answered.

    `answered_at` is what the row gives as time of answer, None where it has no such column.
    """
    if disposition.upper().replace("_", " ") in _UNANSWERED:
        return sentence("This call was not answered ({disposition}).", disposition=disposition)
    if answered_at is not None and (not answered_at or _NO_TIME.fullmatch(answered_at)):
        return sentence("This call was not answered: it has no time of answer.")
    return None


def read_duration(text: str) -> int:
    """Whole seconds, as a number or as hours:minutes:seconds."""
    if text.isascii() and text.isdigit() and len(text) <= 9:
        return int(text)
    if match := _CLOCK.fullmatch(text):
        hours, minutes, seconds = map(int, match.groups())
        return hours * 3600 + minutes * 60 + seconds
    if match := re.fullmatch(r"([0-9]{1,9})\.0+", text):
        return int(match[1])
    if not text:
        raise invalid("durationSeconds", "The duration is missing.")
    raise invalid("durationSeconds", "{text} is not a duration in whole seconds.", text=text)


def id_of_content(cells: list[str]) -> str:
    """An id for a record that has none: the same record gets the same one in every file."""
    return f"record-{fingerprint(cells)}"


def fingerprint(cells: list[str]) -> str:
    """Sixteen signs that tell one record from another."""
    return hashlib.sha256("\x1f".join(cells).encode("utf-8", "surrogatepass")).hexdigest()[:16]
