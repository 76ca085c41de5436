"""Calls: whether each may go and for how long, and what it cost when it is over; each charged once, under its call id.

Whatever switches say is posted here, many messages of many accounts in one transaction: a message that is refused
spoils no other, and repeated ones change nothing. Settling what was authorized, recording what was not, and importing
a file are one code path.
"""

import re
from collections.abc import Iterable, Sequence

from credits.accounts import lock_all, require_open
from credits.call_messages import (
    Answer,
    Authorization,
    CallAnswer,
    CallOutcome,
    CallReport,
    Extension,
    Message,
    Release,
    Reports,
    Settlement,
)
from credits.call_states import CallState, known_calls, write_calls
from credits.callers import UserKey
from credits.consequences import decide_all
from credits.decks import RateBook
from credits.desk import Desk
from credits.due import is_due, open_journals
from credits.instants import SECOND
from credits.ledger import Journal, read_lots, write_journals
from credits.refusals import Code, Refusal, call_id_reused, conflict, invalid, not_found
from credits.reservations import Reservations, Values
from credits.terms import USUAL_TERMS, Terms
from db.kinds import CallStatus, RefusalReason
from db.session import Session

LARGEST_BATCH = 1_000
LONGEST_CALL_ID = 255
LONGEST_CALL_SECONDS = 30 * 24 * 3600
LONGEST_FROM_NUMBER = 255
# NUL, which PostgreSQL cannot keep, and lone surrogates, which UTF-8 cannot write.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")

CallKey = tuple[int, str]
_ENDED = conflict("This call has ended.", field=("callId",))
_SETTLED = conflict("This call was made, and is settled.", field=("callId",))
_WAS_REFUSED = conflict(
    "This call was refused. If it was made all the same, record it as a finished call.", field=("callId",)
)
_OTHERWISE = conflict("This call was settled before, with other values.", field=("callId",))


def post_calls(
    session: Session, messages: Sequence[Message], *, rates: RateBook, now: int, terms: Terms = USUAL_TERMS
) -> list[Answer]:
    """Act on what switches say, in its order; one answer a message. Accounts are locked in the order of their ids."""
    account_ids = sorted({message.account_id for message in messages})
    with session.together():
        locked = lock_all(session, account_ids)
        newest = rates.look(session)
        calls = known_calls(session, _calls_named_in(messages))
        lots = read_lots(session, account_ids, now, terms)
    newest()
    known, accounts = calls(), locked()
    overtaken = [key for key in _calls_named_in(messages) if key[0] in accounts and is_due(accounts[key[0]], now)]
    journals = open_journals(session, accounts, lots(), now, terms)
    known |= known_calls(session, overtaken)()  # of what was due, some may have lapsed
    desk = Desk(session, rates, _users_named_in(messages, known.values()))
    posting = _Posting(journals, desk, known)
    posting.read_ahead(messages)
    answers = [posting.answer(message) for message in messages]
    decide_all(journals.values())
    session.only_write_from_here()
    posting.write(session)
    write_journals(session, list(journals.values()))
    return answers


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
    (answer,) = post_calls(session, [Reports(account_id, reports)], rates=rates, now=now, terms=terms)
    if isinstance(answer, Refusal):
        raise answer
    assert isinstance(answer, list)
    return answer


class _Posting:
    """The messages of one transaction, on their way into the tables."""

    def __init__(self, journals: dict[int, Journal], desk: Desk, known: dict[CallKey, CallState]) -> None:
        self._journals = journals
        self._desk = desk
        self._known = known
        self._new: dict[CallKey, CallState] = {}
        self._changed: dict[CallKey, CallState] = {}
        self._reservations = Reservations(desk)

    def read_ahead(self, messages: Sequence[Message]) -> None:
        """Read the pools of all calls at once."""
        asked = []
        for message in messages:
            journal = self._journals.get(message.account_id)
            if journal is None:
                continue
            account = journal.account
            match message:
                case Authorization(user_no=int() as user_no):
                    asked.append((account, message.service, message.to_number, user_no, journal.now))
                case Reports():
                    asked += [
                        (account, report.service, report.to_number, report.user_no, report.answered_at)
                        for report in message.reports
                        if report.user_no is not None
                    ]
        self._desk.read_pools(asked)
        self._desk.pools.read_numbered(
            (account_id, state.pool_no)
            for (account_id, _), state in self._known.items()
            if state.is_in_progress and state.pool_no is not None
        )

    def answer(self, message: Message) -> Answer:
        """Act on one message; what refuses it moves nothing."""
        journal = self._journals.get(message.account_id)
        if journal is None:
            return not_found("accountId", "There is no such account.")
        try:
            match message:
                case Reports():
                    return self._record_all(journal, message)
                case Authorization():
                    return self._authorize(journal, message)
                case Extension():
                    return self._extend(journal, message)
                case Settlement():
                    return self._settle(journal, message)
                case Release():
                    return self._release(journal, message)
        except Refusal as refusal:
            return refusal

    def write(self, session: Session) -> None:
        """Write the calls, and what they did to pools and users; the journals are written after them."""
        self._desk.pools.write()
        write_calls(session, list(self._new.values()), list(self._changed.values()))
        self._desk.spending.write()

    def _authorize(self, journal: Journal, asked: Authorization) -> CallAnswer:
        _check_call(asked.call_id, asked.from_number)
        if not 1 <= asked.requested_seconds <= LONGEST_CALL_SECONDS:
            raise invalid("requestedSeconds", "Ask for 1 to {longest} seconds.", longest=LONGEST_CALL_SECONDS)
        known = self._known.get((asked.account_id, asked.call_id))
        if known is not None:
            return _authorized_before(journal, known, asked, self._reservations.values_of(journal, asked))
        state = self._reservations.authorize(journal, asked)
        self._add(state)
        return _answer(journal, state)

    def _extend(self, journal: Journal, asked: Extension) -> CallAnswer:
        if not 0 <= asked.used_seconds <= LONGEST_CALL_SECONDS:
            raise invalid("usedSeconds", "A call lasts 0 to {longest} seconds.", longest=LONGEST_CALL_SECONDS)
        if not 1 <= asked.requested_seconds <= LONGEST_CALL_SECONDS:
            raise invalid("requestedSeconds", "Ask for 1 to {longest} seconds.", longest=LONGEST_CALL_SECONDS)
        state = self._find(asked)
        if not state.is_in_progress:
            return _refused(journal, state, _ENDED)
        reason = self._reservations.extend(journal, state, asked)
        self._change(state)
        granted = state.granted_seconds or 0
        goes_on = granted > asked.used_seconds
        return CallAnswer(journal.account, state.copy(), goes_on, granted if goes_on else 0, reason)

    def _settle(self, journal: Journal, told: Settlement) -> CallAnswer:
        if not 0 <= told.duration_seconds <= LONGEST_CALL_SECONDS:
            raise invalid("durationSeconds", "A call lasts 0 to {longest} seconds.", longest=LONGEST_CALL_SECONDS)
        state = self._find(told)
        if state.is_over:
            return _settled_before(journal, state, told)
        if state.status == CallStatus.REFUSED:
            return _refused(journal, state, _WAS_REFUSED)
        answered_at = told.answered_at
        if answered_at is None:
            answered_at = max(journal.now - told.duration_seconds * SECOND, state.authorized_at or 0)
        _check_answer(journal, answered_at)
        self._reservations.finish(journal, state, answered_at=answered_at, duration_seconds=told.duration_seconds)
        self._change(state)
        return _answer(journal, state)

    def _release(self, journal: Journal, told: Release) -> CallAnswer:
        state = self._find(told)
        if state.is_over and state.duration_seconds:
            return _refused(journal, state, _SETTLED)
        if state.is_in_progress:
            self._reservations.give_back(journal, state, CallStatus.RELEASED)
            self._change(state)
        return _answer(journal, state)

    def _record_all(self, journal: Journal, told: Reports) -> list[CallOutcome]:
        if len(told.reports) > LARGEST_BATCH:
            raise Refusal(
                Code.LIMIT_EXCEEDED, "Report at most {most} calls at a time.", field=("calls",), most=LARGEST_BATCH
            )
        require_open(journal.account)
        outcomes = []
        for report in told.reports:
            try:
                outcomes.append(self._record(journal, report))
            except Refusal as refusal:
                outcomes.append(CallOutcome(report.call_id, refusal=refusal))
        return outcomes

    def _record(self, journal: Journal, report: CallReport) -> CallOutcome:
        """Price one call and charge it; or answer as before; or refuse it."""
        _check_call(report.call_id, report.from_number)
        if not 0 <= report.duration_seconds <= LONGEST_CALL_SECONDS:
            raise invalid("durationSeconds", "A call lasts 0 to {longest} seconds.", longest=LONGEST_CALL_SECONDS)
        _check_answer(journal, report.answered_at)
        account_id = journal.account.account_id
        if report.user_no is not None and self._desk.known(account_id, report.user_no) is None:
            raise not_found("userId", "There is no such user.")
        known = self._known.get((account_id, report.call_id))
        if known is None:
            state = self._reservations.record(journal, report)
            self._add(state)
            return _outcome(state)
        number = self._desk.number_of(journal.account, report.to_number, report.user_no)
        if (known.service, known.to_number, known.user_no) != (report.service, number, report.user_no):
            raise call_id_reused()
        if known.is_over:
            self._reconcile(known, report)
            return _outcome(known, duplicate=True)
        self._reservations.finish(
            journal, known, answered_at=report.answered_at, duration_seconds=report.duration_seconds
        )
        self._change(known)
        return _outcome(known)

    def _reconcile(self, known: CallState, report: CallReport) -> None:
        """The record of a call that was settled here charges nothing, whatever the switch's own file says of its
        length; a record of one that was itself recorded must say the same again."""
        said = (report.from_number, report.answered_at, report.duration_seconds)
        if known.authorized_at is None and (known.from_number, known.answered_at, known.duration_seconds) != said:
            raise call_id_reused()

    def _find(self, message: Extension | Settlement | Release) -> CallState:
        known = self._known.get((message.account_id, message.call_id))
        if known is None:
            raise not_found("callId", "There is no such call.")
        return known

    def _add(self, state: CallState) -> None:
        key = (state.account_id, state.call_id)
        self._known[key] = self._new[key] = state

    def _change(self, state: CallState) -> None:
        key = (state.account_id, state.call_id)
        if key not in self._new:
            self._changed[key] = state


def _authorized_before(journal: Journal, known: CallState, asked: Authorization, values: Values) -> CallAnswer:
    """The same question again is answered as the first time, while that still holds; also of a user who was removed."""
    service, from_number, to, user_no, seconds = values
    before = (known.service, known.from_number, known.to_number, known.requested_seconds)
    if before != (service, from_number, to, seconds) or known.user_no not in (user_no, asked.user_no):
        raise call_id_reused()
    if known.is_in_progress or known.status == CallStatus.REFUSED:
        return _answer(journal, known)
    return _refused(journal, known, _ENDED)


def _settled_before(journal: Journal, known: CallState, told: Settlement) -> CallAnswer:
    same_answer = told.answered_at is None or told.answered_at == known.answered_at
    if same_answer and told.duration_seconds == known.duration_seconds:
        return _answer(journal, known)
    return _refused(journal, known, _OTHERWISE)


def _answer(journal: Journal, state: CallState) -> CallAnswer:
    granted = state.granted_seconds or 0 if state.is_in_progress else 0
    reason = RefusalReason(state.refusal) if state.refusal else None
    return CallAnswer(journal.account, state.copy(), state.is_in_progress, granted, reason)


def _refused(journal: Journal, state: CallState, error: Refusal) -> CallAnswer:
    return CallAnswer(journal.account, state.copy(), error=error)


def _outcome(state: CallState, *, duplicate: bool = False) -> CallOutcome:
    return CallOutcome(state.call_id, state.call_no, state.status, state.charge_micros, duplicate)


def _check_call(call_id: str, from_number: str | None) -> None:
    if not _is_call_id(call_id):
        raise invalid("callId", "A call id has 1 to {longest} characters.", longest=LONGEST_CALL_ID)
    if len(from_number or "") > LONGEST_FROM_NUMBER or _UNSTORABLE.search(from_number or ""):
        raise invalid("from", "A caller has up to {longest} characters.", longest=LONGEST_FROM_NUMBER)


def _check_answer(journal: Journal, answered_at: int) -> None:
    if answered_at > journal.now + journal.terms.clock_skew:
        raise invalid("answeredAt", "The call was answered later than the account's clock shows.")


def _is_call_id(text: str) -> bool:
    return 1 <= len(text) <= LONGEST_CALL_ID and not _UNSTORABLE.search(text)


def _calls_named_in(messages: Sequence[Message]) -> Iterable[CallKey]:
    for message in messages:
        if isinstance(message, Reports):
            yield from ((message.account_id, each.call_id) for each in message.reports if _is_call_id(each.call_id))
        elif _is_call_id(message.call_id):
            yield message.account_id, message.call_id


def _users_named_in(messages: Sequence[Message], known: Iterable[CallState]) -> Iterable[UserKey]:
    for message in messages:
        for each in message.reports if isinstance(message, Reports) else (message,):
            if isinstance(each, Authorization | CallReport) and each.user_no is not None:
                yield message.account_id, each.user_no
    yield from ((state.account_id, state.user_no) for state in known if state.user_no is not None)
