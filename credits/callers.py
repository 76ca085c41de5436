"""Users as calls see them: their country, plans, policy and limit, read for a whole batch of calls at once."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from credits.accounts import AccountState
from credits.ids import uuid_of
from credits.plans import Catalogue, Plan, home_of
from db.kinds import PlanKind
from db.session import Session

UserKey = tuple[int, int]
_COLUMNS = (
    "account_id, user_no, name, user_name, country, monthly_limit_micros, conference_dial_out, user_dial_out,"
    " removed_at IS NOT NULL"
)


@dataclass(frozen=True, slots=True)
class Caller:
    """A user who calls, or did until it was removed, with the plans whose licences it holds. A policy is None where the
    account's counts."""

    account_id: int
    user_no: int
    name: str
    user_name: str
    country: str
    monthly_limit_micros: int | None
    conference_dial_out: str | None
    user_dial_out: str | None
    is_removed: bool
    plans: tuple[Plan, ...]

    @property
    def home(self) -> str:
        """The country in which the user's calls are domestic."""
        return home_of(self.country)

    def plan(self, *kinds: PlanKind) -> Plan | None:
        """The plan of one of some kinds, if the user holds one."""
        return next((plan for plan in self.plans if plan.kind in kinds), None)

    def policies(self, account: AccountState) -> tuple[str, str]:
        """Whom a conference, and whom the user, may dial: the user's own policies, else the account's."""
        return (
            self.conference_dial_out or account.conference_dial_out,
            self.user_dial_out or account.user_dial_out,
        )


def callers_of(session: Session, keys: Collection[UserKey], catalogue: Catalogue) -> dict[UserKey, Caller]:
    """The users of some keys, without those that never existed. Who was removed holds no licence."""
    if not keys:
        return {}
    accounts = session.listed({account_id for account_id, _ in keys})
    numbers = session.listed({user_no for _, user_no in keys})
    within = f"{session.among('account_id')} AND {session.among('user_no')}"
    held: defaultdict[UserKey, list[Plan]] = defaultdict(list)
    for account_id, user_no, plan_id in session.rows(
        f"SELECT account_id, user_no, plan_id FROM license WHERE {within} AND removed_at IS NULL ORDER BY plan_id",
        accounts, numbers,
    ):  # fmt: skip
        held[account_id, user_no].append(catalogue.plans[plan_id])
    found = session.rows(f"SELECT {_COLUMNS} FROM phone_user WHERE {within}", accounts, numbers)
    return {(row[0], row[1]): Caller(*(*row[:-1], bool(row[-1]), tuple(held[row[0], row[1]]))) for row in found}


class NamedUser(NamedTuple):
    """A user whom a file names, and the codes of the plans that it holds."""

    user_no: int
    plan_codes: frozenset[str]


def users_named(session: Session, account_id: int, names: Collection[str]) -> dict[str, NamedUser]:
    """The users of an account by those of some names that they go by, in small letters: their own, and their UUIDs in
    our reports."""
    if not names:
        return {}
    wanted, found = {name.lower() for name in names}, dict[str, int]()
    for user_no, user_name in session.rows(
        "SELECT user_no, user_name FROM phone_user WHERE account_id = ? AND removed_at IS NULL", account_id
    ):
        for name in (uuid_of("user", account_id, user_no), user_name.lower()):
            if name in wanted:
                found[name] = user_no
    held: defaultdict[int, set[str]] = defaultdict(set)
    for user_no, code in session.rows(
        "SELECT license.user_no, plan.code FROM license JOIN plan ON plan.plan_id = license.plan_id"
        f" WHERE license.account_id = ? AND {session.among('license.user_no')} AND license.removed_at IS NULL",
        account_id, session.listed(set(found.values())),
    ):  # fmt: skip
        held[user_no].add(code)
    return {name: NamedUser(user_no, frozenset(held[user_no])) for name, user_no in found.items()}
