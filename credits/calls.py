"""Finished calls: recording them in bulk, each priced, charged and kept once under its call id.

The import of files and `recordCalls` are this one code path; a single call is a batch of one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from credits.accounts import require_open
from credits.consequences import follow
from credits.decks import RateBook
from credits.due import open_journal
from credits.ledger import Journal
from credits.quotes import Rating, rate_for
from credits.rating import price_call
from credits.refusals import Code, Refusal, invalid, key_reused
from credits.terms import USUAL_TERMS, Terms
from db.kinds import CallStatus, Service
from db.session import Session

LARGEST_BATCH = 1_000
LONGEST_CALL_ID = 255
LONGEST_CALL_SECONDS = 30 * 24 * 3600
LONGEST_FROM_NUMBER = 255
# NUL, which PostgreSQL cannot keep, and lone surrogates, which UTF-8 cannot write.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")

_CALL_COLUMNS = (
    "account_id", "call_no", "call_id", "service", "status", "from_number", "to_number", "answered_at",
    "duration_seconds", "billed_seconds", "plan_seconds", "charge_micros", "deck_id", "rate_no", "refusal",
    "recorded_at",
)  # fmt: skip


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


class CallOutcome(NamedTuple):
    """What became of one report: a call (perhaps one that was known before), or a refusal that kept nothing."""

    call_id: str
    call_no: int | None = None
    status: str | None = None
    charge_micros: int = 0
    duplicate: bool = False
    refusal: Refusal | None = None


class _Known(NamedTuple):
    """A call that is on record, with the values that a repeated report must have again."""

    call_no: int
    status: str
    charge_micros: int
    values: tuple[Any, ...]


def record_calls(
    session: Session,
    *,
    rates: RateBook,
    account_id: int,
    reports: Sequence[CallReport],
    now: int,
    terms: Terms = USUAL_TERMS,
) -> list[CallOutcome]:
    """Price and charge up to 1,000 finished calls, even below zero; one outcome a report, in their order.

    A report that is refused spoils no other. A call id seen before answers as it did then, and is refused when
    the report's values differ. What has no rate is kept as UNRATED, charged nothing.
    """
    if len(reports) > LARGEST_BATCH:
        raise Refusal(
            Code.LIMIT_EXCEEDED, "Report at most {most} calls at a time.", field=("calls",), most=LARGEST_BATCH
        )
    journal = open_journal(session, account_id, now, terms)
    require_open(journal.account)
    batch = _Batch(journal, rates, terms, _known_calls(session, account_id, reports))
    outcomes = []
    for report in reports:
        try:
            outcomes.append(batch.record(report))
        except Refusal as refusal:
            outcomes.append(CallOutcome(report.call_id, refusal=refusal))
    session.insert("call", _CALL_COLUMNS, batch.rows)
    follow(journal)
    return outcomes


class _Batch:
    """The calls of one transaction, on their way into the tables."""

    def __init__(self, journal: Journal, rates: RateBook, terms: Terms, known: dict[str, _Known]) -> None:
        self.rows: list[tuple[Any, ...]] = []
        self._journal = journal
        self._rates = rates
        self._latest_answer_at = journal.now + terms.clock_skew
        self._known = known

    def record(self, report: CallReport) -> CallOutcome:
        """Price one call and charge it; or answer as before; or refuse it."""
        self._check(report)
        account = self._journal.account
        rating = rate_for(
            self._journal.session, rates=self._rates, rate_deck=account.rate_deck, currency=account.currency,
            region=account.region, service=report.service, to=report.to_number, at=report.answered_at,
        )  # fmt: skip
        to_number = _written(rating)
        values = (report.service, report.from_number, to_number, report.answered_at, report.duration_seconds)
        known = self._known.get(report.call_id)
        if known is not None:
            if known.values != values:
                raise key_reused("callId")
            return CallOutcome(report.call_id, known.call_no, known.status, known.charge_micros, duplicate=True)
        return self._keep(report, rating, values)

    def _check(self, report: CallReport) -> None:
        if not _is_call_id(report.call_id):
            raise invalid("callId", "A call id has 1 to {longest} characters.", longest=LONGEST_CALL_ID)
        if len(report.from_number or "") > LONGEST_FROM_NUMBER or _UNSTORABLE.search(report.from_number or ""):
            raise invalid("from", "A caller has up to {longest} characters.", longest=LONGEST_FROM_NUMBER)
        if not 0 <= report.duration_seconds <= LONGEST_CALL_SECONDS:
            raise invalid("durationSeconds", "A call lasts 0 to {longest} seconds.", longest=LONGEST_CALL_SECONDS)
        if report.answered_at > self._latest_answer_at:
            raise invalid("answeredAt", "The call was answered later than the account's clock shows.")
        if report.user_no is not None:
            raise Refusal(Code.NOT_FOUND, "There is no such user.", field=("userId",))

    def _keep(self, report: CallReport, rating: Rating, values: tuple[Any, ...]) -> CallOutcome:
        account = self._journal.account
        account.call_count += 1
        call_no = account.call_count
        status, billed_seconds, charge_micros = CallStatus.SETTLED, 0, 0
        deck, rate = rating.deck, rating.rate
        if rating.reason is not None:
            status = CallStatus.UNRATED
        elif rate is not None and deck is not None:
            billed_seconds, charge_micros = price_call(
                rate, decimals=deck.decimals, rounding=deck.rounding, duration_seconds=report.duration_seconds
            )
        service, from_number, to_number, answered_at, duration_seconds = values
        self.rows.append(
            (account.account_id, call_no, report.call_id, str(service), status.value, from_number, to_number,
             answered_at, duration_seconds, billed_seconds, 0, charge_micros, rate and rate.deck_id,
             rate and rate.rate_no, rating.reason and rating.reason.value, self._journal.now)
        )  # fmt: skip
        if charge_micros:
            self._journal.charge(charge_micros, used_at=min(answered_at, self._journal.now), call_no=call_no)
        self._known[report.call_id] = _Known(call_no, status, charge_micros, values)
        return CallOutcome(report.call_id, call_no, status, charge_micros)


def _known_calls(session: Session, account_id: int, reports: Sequence[CallReport]) -> dict[str, _Known]:
    """The calls of these ids that are on record."""
    found = session.rows(
        "SELECT call_id, call_no, status, charge_micros, service, from_number, to_number, answered_at,"
        f" duration_seconds FROM call WHERE account_id = ? AND {session.among('call_id')}",
        account_id,
        session.listed(report.call_id for report in reports if _is_call_id(report.call_id)),
    )
    return {
        call_id: _Known(call_no, status, charge_micros, tuple(values))
        for call_id, call_no, status, charge_micros, *values in found
    }


def _is_call_id(text: str) -> bool:
    return 1 <= len(text) <= LONGEST_CALL_ID and not _UNSTORABLE.search(text)


def _written(rating: Rating) -> str:
    """A number as it is kept: E.164 with its plus, or an emergency number as it was dialled."""
    return rating.number.digits if rating.number.emergency else f"+{rating.number.digits}"
