"""Minute pools: what users of one plan share in a month, how much of it is used, and promised to calls in progress.

A pool belongs to the users of the identical plan in the same country (or to one user, or to the whole account), for a
calendar month in the account's zone (plans.md). It is written down when it is first used.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from credits.accounts import AccountState
from credits.instants import first_of_month, month_of
from credits.ledger import Journal
from credits.notices import tell
from credits.plans import Catalogue, Plan
from db.kinds import NoticeKind, PlanKind, PoolScope
from db.session import Session

_COLUMNS = ("account_id", "pool_no", "month", "plan_id", "scope", "country", "user_no", "holders", "used_minutes",
            "held_minutes")  # fmt: skip
_NEARLY = 80
_MINUTE_SECONDS = 60


class PoolKey(NamedTuple):
    """Which pool: of which plan's licences, for which calls, where, whose ('' and 0: everybody's), and when."""

    month: int
    plan_id: int
    scope: str
    country: str
    user_no: int


@dataclass(slots=True)
class Pool:
    """A pool of minutes. `holders` licences give it its minutes."""

    account_id: int
    pool_no: int
    key: PoolKey
    plan: Plan
    holders: int
    used_minutes: int
    held_minutes: int

    @property
    def total_minutes(self) -> int:
        """All its minutes of the month."""
        return self.holders * self.plan.minutes(self.key.scope, self.key.country)

    @property
    def free_minutes(self) -> int:
        """What is neither used nor promised."""
        return max(0, self.total_minutes - self.used_minutes - self.held_minutes)


def whole_minutes(seconds: int) -> int:
    """Minutes round up to whole minutes a call (DESIGN, who pays for a call)."""
    return -(-seconds // _MINUTE_SECONDS)


class Pools:
    """The pools that one transaction needs, of accounts that it has locked."""

    def __init__(self, session: Session, catalogue: Catalogue) -> None:
        self._session = session
        self._catalogue = catalogue
        self._by_key: dict[tuple[int, PoolKey], Pool] = {}
        self._by_number: dict[tuple[int, int], Pool] = {}
        self._new: list[Pool] = []
        self._moved: dict[tuple[int, int], Pool] = {}

    def read(self, wanted: Iterable[tuple[int, PoolKey]]) -> None:
        """Read some pools at once, where they are written down."""
        keys = [(account_id, *key) for account_id, key in wanted if (account_id, key) not in self._by_key]
        if not keys:
            return
        marks = ", ".join(["(?, ?, ?, ?, ?, ?)"] * len(keys))
        self._take_in(
            f"(account_id, month, plan_id, scope, country, user_no) IN (VALUES {marks})",
            [part for key in keys for part in key],
        )

    def read_numbered(self, wanted: Iterable[tuple[int, int]]) -> None:
        """Read some pools that are written down at once, by their accounts and numbers."""
        keys = [key for key in wanted if key not in self._by_number]
        if keys:
            marks = ", ".join(["(?, ?)"] * len(keys))
            self._take_in(f"(account_id, pool_no) IN (VALUES {marks})", [part for key in keys for part in key])

    def of(self, account: AccountState, key: PoolKey) -> Pool:
        """The pool of a key, as it stands; one that nobody used yet is not written down until `use` or `hold`."""
        found = self._by_key.get((account.account_id, key))
        if found is None:
            self.read([(account.account_id, key)])
            found = self._by_key.get((account.account_id, key))
        if found is None:
            holders = count_holders(self._session, account, self._catalogue.plans[key.plan_id], key)
            plan = self._catalogue.plans[key.plan_id]
            found = self._keep(Pool(account.account_id, 0, key, plan, holders, 0, 0))
        return found

    def numbered(self, account_id: int, pool_no: int) -> Pool:
        """A pool that is written down, by its number."""
        self.read_numbered([(account_id, pool_no)])
        return self._by_number[account_id, pool_no]

    def hold(self, journal: Journal, pool: Pool, minutes: int) -> None:
        """Promise some minutes more to a call, or (negative) take a promise back."""
        if minutes:
            self._write_down(journal, pool)
            pool.held_minutes += minutes
            assert pool.held_minutes >= 0, "no more is given back than was promised"

    def use(self, journal: Journal, pool: Pool, minutes: int) -> None:
        """Use minutes, or (negative) give back what a call had used; tell when they are nearly or all used."""
        if not minutes:
            return
        self._write_down(journal, pool)
        pool.used_minutes += minutes
        if minutes > 0:
            _tell(journal, pool)

    def write(self) -> None:
        """Write what was moved."""
        self._session.insert(
            "minute_pool", _COLUMNS,
            [(pool.account_id, pool.pool_no, *pool.key, pool.holders, pool.used_minutes, pool.held_minutes)
             for pool in self._new],
        )  # fmt: skip
        new = {(pool.account_id, pool.pool_no) for pool in self._new}
        self._session.update(
            "minute_pool", ("account_id", "pool_no"), ("used_minutes", "held_minutes"),
            [(*key, pool.used_minutes, pool.held_minutes) for key, pool in self._moved.items() if key not in new],
        )  # fmt: skip
        self._new, self._moved = [], {}

    def _write_down(self, journal: Journal, pool: Pool) -> None:
        if pool.pool_no == 0:
            journal.account.pool_count += 1
            pool.pool_no = journal.account.pool_count
            self._by_number[pool.account_id, pool.pool_no] = pool
            self._new.append(pool)
        self._moved[pool.account_id, pool.pool_no] = pool

    def _take_in(self, condition: str, parameters: Sequence[Any]) -> None:
        for pool in read_pools(self._session, self._catalogue, condition, *parameters):
            if (pool.account_id, pool.key) not in self._by_key:
                self._by_number[pool.account_id, pool.pool_no] = self._keep(pool)

    def _keep(self, pool: Pool) -> Pool:
        self._by_key[pool.account_id, pool.key] = pool
        return pool


def read_pools(session: Session, catalogue: Catalogue, condition: str, *parameters: Any) -> list[Pool]:
    """The pools that meet an SQL condition (which may order them)."""
    found = session.rows(f"SELECT {', '.join(_COLUMNS)} FROM minute_pool WHERE {condition}", *parameters)
    return [
        Pool(account_id, pool_no, PoolKey(month, plan_id, *whose), catalogue.plans[plan_id], holders, used, held)
        for account_id, pool_no, month, plan_id, *whose, holders, used, held in found
    ]


def count_holders(session: Session, account: AccountState, plan: Plan, key: PoolKey) -> int:
    """How many licences give a pool its minutes: those held now, or, of a month that is over, at its end.

    A licence assigned in a month counts for the whole month (plans.md).
    """
    if key.user_no:
        return 1
    end = first_of_month(key.month + 1, account.time_zone)
    same_country = plan.kind != PlanKind.AUDIO_CONFERENCING
    row = session.row(
        "SELECT count(*) FROM license JOIN phone_user ON phone_user.account_id = license.account_id"
        " AND phone_user.user_no = license.user_no WHERE license.account_id = ? AND license.plan_id = ?"
        " AND license.assigned_at < ? AND (license.removed_at IS NULL OR license.removed_at >= ?)"
        + (" AND CASE phone_user.country WHEN 'PR' THEN 'US' ELSE phone_user.country END = ?" if same_country else ""),
        account.account_id, plan.plan_id, end, end, *([key.country] if same_country else []),
    )  # fmt: skip
    assert row is not None
    return int(row[0])


def recount(session: Session, account: AccountState, catalogue: Catalogue, plan_ids: Iterable[int], now: int) -> None:
    """Count anew the licences that give pools of this month their minutes, after licences of some plans changed."""
    plans = {plan_id: catalogue.plans[plan_id] for plan_id in plan_ids}
    condition = f"account_id = ? AND month >= ? AND user_no = 0 AND {session.among('plan_id')}"
    month = month_of(now, account.time_zone)
    for pool in read_pools(session, catalogue, condition, account.account_id, month, session.listed(plans)):
        session.execute(
            "UPDATE minute_pool SET holders = ? WHERE account_id = ? AND pool_no = ?",
            count_holders(session, account, pool.plan, pool.key), account.account_id, pool.pool_no,
        )  # fmt: skip


def pool_key(plan: Plan, scope: PoolScope, *, month: int, home: str, user_no: int) -> PoolKey:
    """The pool that a user's licence opens: shared with the same country, or over the account, or the user's own."""
    over_account = scope == PoolScope.CONFERENCE
    return PoolKey(month, plan.plan_id, scope.value, "" if over_account else home, 0 if plan.pooled else user_no)


def _tell(journal: Journal, pool: Pool) -> None:
    """Once a pool, at 80 % and at 100 % (DESIGN, who pays for a call); not of one whose licences are all gone."""
    used, total = pool.used_minutes, pool.total_minutes
    if not total or used * 100 < total * _NEARLY:
        return
    kind = NoticeKind.POOL_USED_UP if used >= total else NoticeKind.POOL_80_PERCENT
    tell(
        journal, kind, about=f"pool-{pool.pool_no}", plan_code=pool.plan.code, plan=pool.plan.name,
        scope=pool.key.scope, country=pool.key.country, user=_owner(journal, pool), minutes_used=used,
        minutes_total=total,
    )  # fmt: skip


def _owner(journal: Journal, pool: Pool) -> str:
    """The name of the one user whose minutes they are; empty when users share them."""
    if not pool.key.user_no:
        return ""
    found = journal.session.row(
        "SELECT name FROM phone_user WHERE account_id = ? AND user_no = ?", pool.account_id, pool.key.user_no
    )
    assert found is not None, "a user's row outlives the user"
    return str(found[0])
