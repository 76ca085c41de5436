"""The minutes of an account in a month, for people to see: pools that are written down, and those nobody has used yet.

A pool that is not written down is worked out from licences: those that are held, or, of a month that is over, those
that were held at its end.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from credits.accounts import AccountState, account_now
from credits.instants import first_of_month, month_of
from credits.plans import Catalogue, Plan, catalogue_of, home_of
from credits.pools import Pool, PoolKey, pool_key, read_pools
from credits.refusals import invalid
from db.kinds import PlanKind, PoolScope
from db.session import Session

_SCOPES = {
    PlanKind.CALLING_PLAN: (PoolScope.DOMESTIC, PoolScope.INTERNATIONAL),
    PlanKind.AUDIO_CONFERENCING: (PoolScope.CONFERENCE,),
}
_PLACES = {scope.value: place for place, scope in enumerate(PoolScope)}
_COUNTED = {True: ("0, count(*)", " GROUP BY plan_id, country"), False: ("phone_user.user_no, 1", "")}
_HELD = (
    "FROM license JOIN phone_user ON phone_user.account_id = license.account_id"
    " AND phone_user.user_no = license.user_no WHERE license.account_id = ?"
    " AND license.assigned_at < ? AND (license.removed_at IS NULL OR license.removed_at >= ?)"
)


def pools_of_month(session: Session, account: AccountState, *, month: int | None, now: int) -> list[Pool]:
    """Every pool of a month (None: the present one): those that are shared first, then users' own; each by plan, by
    what its minutes are for, by country and by user. A month to come is refused at `month`."""
    present = month_of(account_now(account, now), account.time_zone)
    chosen = present if month is None else month
    if chosen > present:
        raise invalid("month", "This month has not begun.")
    catalogue = catalogue_of(session)
    pools = {pool.key: pool for pool in _as_licensed(session, account, catalogue, chosen)}
    condition = "account_id = ? AND month = ?"
    pools |= {pool.key: pool for pool in read_pools(session, catalogue, condition, account.account_id, chosen)}
    return sorted(pools.values(), key=_order)


def opened_by(plans: Iterable[Plan], *, country: str, user_no: int, month: int) -> set[PoolKey]:
    """The pools that pay for the calls of a user who holds some plans, while they have minutes."""
    home = home_of(country)
    return {
        pool_key(plan, scope, month=month, home=home, user_no=user_no)
        for plan in plans
        for scope in _SCOPES.get(plan.kind, ())
        if plan.minutes(scope, home)
    }


def _order(pool: Pool) -> tuple[bool, int, int, str, int]:
    key = pool.key
    return key.user_no > 0, key.plan_id, _PLACES[key.scope], key.country, key.user_no


def _as_licensed(session: Session, account: AccountState, catalogue: Catalogue, month: int) -> Iterator[Pool]:
    """The pools to which licences give minutes, as if nobody had used any."""
    holders: defaultdict[PoolKey, int] = defaultdict(int)
    for plan, country, user_no, count in _holders(session, account, catalogue, month):
        for key in opened_by([plan], country=country, user_no=user_no, month=month):
            holders[key] += count
    for key, count in holders.items():
        yield Pool(account.account_id, 0, key, catalogue.plans[key.plan_id], count, 0, 0)


def _holders(
    session: Session, account: AccountState, catalogue: Catalogue, month: int
) -> Iterator[tuple[Plan, str, int, int]]:
    """How many licences of each plan are held in each country, and by whom where minutes are each user's own."""
    end = first_of_month(month + 1, account.time_zone)
    for is_shared, (columns, grouped) in _COUNTED.items():
        plans = session.listed(plan_id for plan_id, plan in catalogue.plans.items() if plan.pooled == is_shared)
        for plan_id, country, user_no, count in session.rows(
            f"SELECT plan_id, country, {columns} {_HELD} AND {session.among('plan_id')}{grouped}",
            account.account_id, end, end, plans,
        ):  # fmt: skip
            yield catalogue.plans[plan_id], country, user_no, count
