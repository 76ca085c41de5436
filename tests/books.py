"""One account's books as the tests of money keep and read them: its verbs with defaults, its lots, entries
and balance, and all tables at once. A call's price is its length: a second costs 0.001.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from credits import balances, calls, clocks, due, funds
from credits.accounts import AccountState, look_up
from credits.balances import Balance
from credits.call_messages import (
    Answer,
    Authorization,
    CallAnswer,
    CallOutcome,
    CallReport,
    Extension,
    Message,
    Release,
    Settlement,
)
from credits.call_states import CallState, call_states
from credits.decks import RateBook
from credits.lots import lot_status
from credits.publishing import RateDraft, publish_deck
from credits.rating import Tier
from credits.refusals import Refusal
from credits.terms import USUAL_TERMS, Terms
from credits.verify import Breach, verify
from db.kinds import AccountMode, LotStatus, Rounding, Service
from db.session import Database, Session
from db.tables import metadata
from tests.factories import NOW, a_key, make_account, make_lot, make_test_account, micros

Table = list[tuple[Any, ...]]

PRICED = "+442079460000"
UNRATED = "+33142685300"
BLOCKED = "+449098790100"
MICROS_A_SECOND = 1_000


class LotRow(NamedTuple):
    """A lot as it stands in its table."""

    lot_no: int
    amount_micros: int
    remaining_micros: int
    purchased_at: int
    starts_at: int
    expires_at: int
    voided_at: int | None
    forfeited_at: int | None
    source: str
    recharge_no: int | None

    def status(self, now: int) -> LotStatus:
        """What the lot is at an instant."""
        return lot_status(
            remaining_micros=self.remaining_micros, starts_at=self.starts_at, expires_at=self.expires_at,
            voided_at=self.voided_at, forfeited_at=self.forfeited_at, now=now,
        )  # fmt: skip


class EntryRow(NamedTuple):
    """A ledger entry, with what it moved in which lot."""

    kind: str
    amount_micros: int
    owed_change_micros: int
    balance_after_micros: int
    occurred_at: int
    posted_at: int
    draws: dict[int, int]


@dataclass
class Books:
    """One account, the decks that price its calls, and the instant at which things are done to it."""

    database: Database
    account_id: int
    rates: RateBook
    now: int = NOW
    terms: Terms = USUAL_TERMS
    _tables: tuple[str, ...] = field(default=tuple(sorted(metadata.tables)), repr=False)

    def grant(self, amount: int | str = 100, **values: Any) -> int:
        """Grant a lot of an amount in whole units and return its number."""
        return make_lot(self.database, self.account_id, amount, **{"now": self.now, "terms": self.terms, **values})

    def void(self, lot_no: int, **values: Any) -> int:
        """Void a lot."""
        chosen = {"reason": "Granted by mistake", "idempotency_key": a_key(), "now": self.now, **values}
        with self.database.transaction() as session:
            return funds.void_lot(session, account_id=self.account_id, lot_no=lot_no, terms=self.terms, **chosen)

    def record(self, *reports: CallReport) -> list[CallOutcome]:
        """Record calls, in one batch."""
        with self.database.transaction() as session:
            return calls.record_calls(
                session, rates=self.rates, account_id=self.account_id, reports=reports, now=self.now, terms=self.terms
            )

    def post(self, *messages: Message) -> list[Answer]:
        """Post what switches say of calls, in one transaction."""
        with self.database.transaction() as session:
            return calls.post_calls(session, messages, rates=self.rates, now=self.now, terms=self.terms)

    def authorize(self, seconds: int = 3_600, call_id: str | None = None, **values: Any) -> CallAnswer:
        """Ask whether a call may go, which costs 0.001 a second unless it goes elsewhere."""
        chosen = {"to_number": PRICED, **values}
        return self._told(Authorization(self.account_id, call_id or a_key(), requested_seconds=seconds, **chosen))

    def extend(self, call_id: str, used_seconds: int, seconds: int = 3_600) -> CallAnswer:
        """Ask whether a call may go on."""
        return self._told(Extension(self.account_id, call_id, used_seconds, seconds))

    def settle(self, call_id: str, seconds: int, answered_at: int | None = None) -> CallAnswer:
        """Tell that a call has ended."""
        return self._told(Settlement(self.account_id, call_id, seconds, answered_at))

    def release(self, call_id: str) -> CallAnswer:
        """Tell that a call was not made."""
        return self._told(Release(self.account_id, call_id))

    def call(self, call_id: str) -> CallState:
        """A call as it is on record."""
        with self.database.reading() as session:
            (found,) = call_states(session, self.account_id, "call_id = ?", call_id)
        return found

    def _told(self, message: Message) -> CallAnswer:
        (answer,) = self.post(message)
        if isinstance(answer, Refusal):
            raise answer
        assert isinstance(answer, CallAnswer)
        return answer

    def charge(self, amount: int | str, answered_at: int | None = None) -> CallOutcome:
        """Record one call that costs an amount in whole units, answered now unless said otherwise."""
        (outcome,) = self.record(a_call(amount, answered_at=self.now if answered_at is None else answered_at))
        assert outcome.refusal is None
        return outcome

    def advance(self, to: int) -> None:
        """Move the account's clock, or, for a LIVE account, the instant at which the next things are done."""
        if self.account().mode == AccountMode.TEST:
            with self.database.transaction() as session:
                clocks.advance_clock(session, account_id=self.account_id, to=to, now=NOW, terms=self.terms)
        self.now = to

    def bring_up_to_date(self) -> int:
        """Do what is due, as the worker does."""
        with self.database.transaction() as session:
            return due.bring_up_to_date(session, self.account_id, self.now, self.terms)

    def account(self) -> AccountState:
        """The account's row."""
        with self.database.reading() as session:
            return look_up(session, self.account_id)

    def balance(self) -> Balance:
        """The balance as people see it."""
        with self.database.reading() as session:
            return balances.balance_of(session, self.account_id, self.now)

    def lot(self, lot_no: int) -> LotRow:
        """One lot."""
        return {lot.lot_no: lot for lot in self.lots()}[lot_no]

    def lots(self) -> list[LotRow]:
        """All lots, in the order of their numbers."""
        with self.database.reading() as session:
            found = session.rows(
                f"SELECT {', '.join(LotRow._fields)} FROM lot WHERE account_id = ? ORDER BY lot_no", self.account_id
            )
        return [LotRow(*row) for row in found]

    def entries(self) -> list[EntryRow]:
        """All ledger entries, in the order in which they were written."""
        with self.database.reading() as session:
            moved: dict[int, dict[int, int]] = {}
            for entry_no, lot_no, amount_micros in session.rows(
                "SELECT entry_no, lot_no, amount_micros FROM draw WHERE account_id = ?", self.account_id
            ):
                moved.setdefault(entry_no, {})[lot_no] = amount_micros
            found = session.rows(
                f"SELECT entry_no, {', '.join(EntryRow._fields[:-1])} FROM ledger_entry WHERE account_id = ?"
                " ORDER BY entry_no",
                self.account_id,
            )
        return [EntryRow._make([*row, moved.get(entry_no, {})]) for entry_no, *row in found]

    def breaches(self) -> list[Breach]:
        """The first broken rule of each account in the whole database."""
        with self.database.reading() as session:
            return verify(session)

    def dump(self) -> dict[str, Table]:
        """Everything that stands in any table."""
        with self.database.reading() as session:
            return {table: sorted(session.rows(f'SELECT * FROM "{table}"'), key=repr) for table in self._tables}


def open_books(database: Database, *, mode: AccountMode = AccountMode.TEST, **values: Any) -> Books:
    """Open an account where calls are priced by the second; a TEST account unless said otherwise."""
    terms = values.pop("terms", USUAL_TERMS)
    with database.transaction() as session:
        if not session.row("SELECT 1 FROM rate_deck"):
            publish_plain_deck(session)
    open_account = make_test_account if mode == AccountMode.TEST else make_account
    account_id = open_account(database, **values)
    now = values.get("clock_at", values.get("now", NOW))
    return Books(database, account_id, RateBook(), now, terms)


def publish_plain_deck(session: Session) -> None:
    """Publish the deck `standard` in US dollars, for all time: one priced destination and one blocked."""
    tiers = (Tier(0, 60 * MICROS_A_SECOND * 1_000, 1),)
    drafts = [
        RateDraft(Service.USER_OUT, "44", "United Kingdom", tiers=tiers),
        RateDraft(Service.USER_OUT, "449", "Premium", blocked=True, tiers=tiers),
    ]
    publish_deck(
        session, name="standard", currency="USD", effective_from=0, decimals=6, rounding=Rounding.HALF_UP,
        drafts=drafts, now=NOW,
    )  # fmt: skip


def a_call(amount: int | str = 1, *, answered_at: int = NOW, **values: Any) -> CallReport:
    """A report of a call that costs an amount in whole units (by the thousandth)."""
    seconds, rest = divmod(micros(amount), MICROS_A_SECOND)
    assert rest == 0, "a call's price is a whole number of seconds"
    chosen = {"call_id": a_key(), "to_number": PRICED, "duration_seconds": seconds, **values}
    return CallReport(answered_at=answered_at, **chosen)


def remaining(lots: Sequence[LotRow]) -> list[int]:
    """What each lot still holds."""
    return [lot.remaining_micros for lot in lots]
