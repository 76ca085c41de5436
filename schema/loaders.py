"""Loaders, named by what they return: rows by their keys, gathered over a whole list and read in one statement."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from functools import cached_property
from typing import Any, Protocol, TypeVar

from strawberry.dataloader import DataLoader

from credits.accounts import AccountState, look_up
from credits.automatic import Rule, rules_of
from credits.balances import Balance, balances_of
from credits.call_states import CallState
from credits.explanations import explain_calls
from credits.history import History
from credits.language import Sentence
from credits.minutes import pools_of_month
from credits.notices import recipients_by_account
from credits.plans import Plan, catalogue_of
from credits.pools import Pool
from credits.receipts import Receipt, receipts_of
from credits.returns import DisputeState, RefundState
from credits.standing import Standing, standings_of
from credits.statements import StatementDay, days_of_statement
from db.session import Session
from schema.rows import (
    DeckRow,
    DrawRow,
    EntryRow,
    LicenseRow,
    LotRow,
    MethodRow,
    MonthRow,
    NoticeRow,
    RateRow,
    RechargeRow,
    UserRow,
    keyed,
    read_rows,
)

K = TypeVar("K")
V = TypeVar("V")
Row = TypeVar("Row")
Key = tuple[int, ...]
MOST_AT_ONCE = 500


class Loader(DataLoader[K, V]):
    """A loader for whose answer several may wait: when one of them is called off, the others get it all the same."""

    def load(self, key: K) -> Awaitable[V]:
        """What has a key, with whatever else is asked for at this moment."""
        return asyncio.shield(super().load(key))


class Read(Protocol):
    """`Context.read`."""

    def __call__(self, reading: Callable[..., Row], /, *args: Any, **kwargs: Any) -> Awaitable[Row]: ...


def _loading(load: "Callable[[Loaders, list[K]], Awaitable[Sequence[V]]]") -> "cached_property[Loader[K, V]]":
    """A loader that reads so for many keys at once; made when it is first wanted."""

    def made(loaders: "Loaders") -> Loader[K, V]:
        async def loaded(keys: list[K]) -> Sequence[V]:
            return await load(loaders, keys)

        return Loader(loaded, MOST_AT_ONCE)

    return cached_property(made)


def _one(shape: type[Row], table: str, *columns: str) -> "cached_property[Loader[Key, Row | None]]":
    """A loader of the row with a key."""

    async def load(loaders: "Loaders", keys: list[Key]) -> list[Row | None]:
        grouped = await loaders.read(_rows_by_key, shape, table, columns, keys, columns[-1])
        return [rows[0] if rows else None for rows in grouped]

    return _loading(load)


def _many(shape: type[Row], table: str, *columns: str, order: str) -> "cached_property[Loader[Key, list[Row]]]":
    """A loader of the rows with a part of a key, in an order."""

    async def load(loaders: "Loaders", keys: list[Key]) -> list[list[Row]]:
        return await loaders.read(_rows_by_key, shape, table, columns, keys, order)

    return _loading(load)


class Loaders:
    """The loaders of one request, each made when it is first wanted. A key is the tuple of its table's key columns."""

    def __init__(self, read: Read, now: int, history: History) -> None:
        self.read = read
        self._now = now
        self._history = history

    accounts_by_key = _one(AccountState, "account", "account_id")
    lots_by_key = _one(LotRow, "lot", "account_id", "lot_no")
    lots_by_recharge = _one(LotRow, "lot", "account_id", "recharge_no")
    entries_by_key = _one(EntryRow, "ledger_entry", "account_id", "entry_no")
    recharges_by_key = _one(RechargeRow, "recharge", "account_id", "recharge_no")
    methods_by_key = _one(MethodRow, "payment_method", "account_id", "method_no")
    calls_by_key = _one(CallState, "call", "account_id", "call_no")
    users_by_key = _one(UserRow, "phone_user", "account_id", "user_no")
    spent_by_month = _one(MonthRow, "user_month", "account_id", "user_no", "month")
    notices_by_key = _one(NoticeRow, "notice", "account_id", "notice_no")
    decks_by_key = _one(DeckRow, "rate_deck", "deck_id")
    rates_by_key = _one(RateRow, "rate", "deck_id", "rate_no")
    licenses_by_user = _many(LicenseRow, "license", "account_id", "user_no", order="plan_id, assigned_at")
    draws_by_entry = _many(DrawRow, "draw", "account_id", "entry_no", order="lot_no")
    refunds_by_recharge = _many(RefundState, "refund", "account_id", "recharge_no", order="refund_no")
    disputes_by_recharge = _many(DisputeState, "dispute", "account_id", "recharge_no", order="dispute_no")
    methods_by_account = _many(MethodRow, "payment_method", "account_id", order="method_no")

    @_loading
    async def plan_by_number(self, plan_ids: list[int]) -> list[Plan | None]:
        catalogue = await self.read(catalogue_of)
        return [catalogue.plans.get(plan_id) for plan_id in plan_ids]

    @_loading
    async def pools_by_account(self, account_ids: list[int]) -> list[list[Pool]]:
        return await self.read(_pools_of, account_ids, self._now)

    @_loading
    async def rule_by_account(self, account_ids: list[int]) -> list[Rule]:
        found = await self.read(rules_of, account_ids)
        return [found.get(account_id, Rule()) for account_id in account_ids]

    @_loading
    async def balance_by_account(self, account_ids: list[int]) -> list[Balance | None]:
        found = await self.read(balances_of, account_ids, self._now)
        return [found.get(account_id) for account_id in account_ids]

    @_loading
    async def notice_emails_by_account(self, account_ids: list[int]) -> list[list[str]]:
        found = await self.read(_notice_emails_of, account_ids)
        return [found.get(account_id, []) for account_id in account_ids]

    @_loading
    async def standing_by_account(self, account_ids: list[int]) -> list[Standing]:
        found = await self.read(standings_of, account_ids)
        return [found[account_id] for account_id in account_ids]

    @_loading
    async def recipients_by_account(self, account_ids: list[int]) -> list[list[str]]:
        found = await self.read(recipients_by_account, account_ids)
        return [found.get(account_id, []) for account_id in account_ids]

    @_loading
    async def explanation_by_call(self, keys: list[Key]) -> list[list[Sentence]]:
        told = await self.read(_explanations_of, keys)
        return [told.get(key, []) for key in keys]

    @_loading
    async def entries_by_call(self, keys: list[Key]) -> list[list[EntryRow]]:
        found = await self.read(_entries_of, keys)
        return [found.get(key, []) for key in keys]

    @_loading
    async def receipt_by_recharge(self, keys: list[Key]) -> list[Receipt | None]:
        found = await self.read(receipts_of, keys, self._now)
        return [found.get(key) for key in keys]

    @_loading
    async def days_by_statement(self, keys: list[Key]) -> list[list[StatementDay]]:
        return await self.read(_days_of_statements, self._history, keys, self._now)

    @_loading
    async def end_by_deck(self, deck_ids: list[int]) -> list[int | None]:
        ends = await self.read(_ends_of, deck_ids)
        return [ends.get(deck_id) for deck_id in deck_ids]


def _rows_by_key(
    session: Session, shape: type[Row], table: str, columns: Sequence[str], keys: list[Key], order: str
) -> list[list[Row]]:
    condition, parameters = keyed(columns, keys)
    grouped: defaultdict[Key, list[Row]] = defaultdict(list)
    for row in read_rows(session, shape, table, f"{condition} ORDER BY {order}", *parameters):
        grouped[tuple(getattr(row, column) for column in columns)].append(row)
    return [grouped[key] for key in keys]


def _notice_emails_of(session: Session, account_ids: list[int]) -> dict[int, list[str]]:
    found = session.rows(
        f"SELECT account_id, notice_emails FROM account WHERE {session.among('account_id')}",
        session.listed(account_ids),
    )
    return {account_id: json.loads(addresses) for account_id, addresses in found}


def _explanations_of(session: Session, keys: list[Key]) -> dict[Key, list[Sentence]]:
    numbers: defaultdict[int, list[int]] = defaultdict(list)
    for account_id, call_no in keys:
        numbers[account_id].append(call_no)
    return {
        (account_id, call_no): steps
        for account_id, call_nos in numbers.items()
        for call_no, steps in explain_calls(session, account_id=account_id, call_nos=call_nos).items()
    }


def _entries_of(session: Session, keys: list[Key]) -> dict[Key, list[EntryRow]]:
    """The entries of some calls. Charges and what is not a charge are asked for apart: each has an index of its own."""
    condition, parameters = keyed(("account_id", "call_no"), keys)
    found: defaultdict[Key, list[EntryRow]] = defaultdict(list)
    for kind in ("kind = 'CALL_CHARGE'", "kind <> 'CALL_CHARGE'"):
        for row in read_rows(
            session, EntryRow, "ledger_entry", f"{condition} AND {kind} ORDER BY entry_no", *parameters
        ):
            found[row.account_id, row.call_no or 0].append(row)
    return found


def _days_of_statements(session: Session, history: History, keys: list[Key], now: int) -> list[list[StatementDay]]:
    return [
        days_of_statement(session, history=history, account_id=account_id, month=month, now=now)
        for account_id, month in keys
    ]


def _pools_of(session: Session, account_ids: list[int], now: int) -> list[list[Pool]]:
    """The minute pools of the present month of each of some accounts."""
    return [pools_of_month(session, look_up(session, account_id), month=None, now=now) for account_id in account_ids]


def _ends_of(session: Session, deck_ids: list[int]) -> dict[int, int]:
    """When each deck was, or will be, taken over: by the next of its name and currency in order of taking effect."""
    found = session.rows(
        "SELECT deck.deck_id, min(later.effective_from) FROM rate_deck AS deck JOIN rate_deck AS later"
        " ON later.name = deck.name AND later.currency = deck.currency"
        " AND (later.effective_from, later.deck_id) > (deck.effective_from, deck.deck_id)"
        f" WHERE {session.among('deck.deck_id')} GROUP BY deck.deck_id",
        session.listed(deck_ids),
    )
    return dict(found)
