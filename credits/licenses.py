"""Licences: which plans users hold, assigned to one or to many at once.

A licence counts for the whole month in which it is assigned, and one that is taken away stops spending at once
(plans.md). A user holds one plan of a kind; calling plans and pay-as-you-go are one kind in this.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from credits import audit
from credits.accounts import AccountState, account_now, lock, require_open
from credits.ids import public_id
from credits.plans import Catalogue, Plan, catalogue_of, told_name
from credits.pools import recount
from credits.refusals import Code, Refusal, invalid, not_found
from db.kinds import LicenseChange, PlanKind
from db.session import Session

LARGEST_ASSIGNMENT = 1_000


def set_licenses(session: Session, *, account_id: int, user_no: int, plan_codes: Sequence[str], now: int) -> None:
    """Let a user hold the plans of some codes, and no others. Those that it holds already stay as they were."""
    assign_licenses(
        session, account_id=account_id, user_nos=[user_no], plan_codes=plan_codes, change=LicenseChange.REPLACE, now=now
    )


def assign_licenses(
    session: Session,
    *,
    account_id: int,
    user_nos: Sequence[int],
    plan_codes: Sequence[str],
    change: LicenseChange,
    now: int,
) -> None:
    """Change the licences of up to 1,000 users at once: all of them, or none.

    ADD gives the plans beside what each holds, in the place of another one of their kind; REMOVE takes them away;
    REPLACE leaves no others.
    """
    if len(user_nos) > LARGEST_ASSIGNMENT:
        raise Refusal(
            Code.LIMIT_EXCEEDED, "Name at most {most} users at a time.", field=("userIds",), most=LARGEST_ASSIGNMENT
        )
    account = lock(session, account_id)
    require_open(account)
    catalogue = catalogue_of(session)
    plans = plans_of_codes(catalogue, plan_codes)
    _require_users(session, account_id, user_nos)
    held = held_by(session, account_id, user_nos)
    wanted = {user_no: _after(change, held[user_no], plans, catalogue) for user_no in user_nos}
    write_licenses(session, account, catalogue, wanted, account_now(account, now))


def write_licenses(
    session: Session, account: AccountState, catalogue: Catalogue, wanted: Mapping[int, set[int]], at: int
) -> None:
    """Write the licences that users, by their numbers, are to hold from an instant on, and count anew whose minutes
    change by it. The account is locked."""
    account_id = account.account_id
    held = held_by(session, account_id, wanted)
    ended = [(user_no, plan_id) for user_no, plans in wanted.items() for plan_id in held[user_no] - plans]
    begun = [(user_no, plan_id) for user_no, plans in wanted.items() for plan_id in plans - held[user_no]]
    session.execute_many(
        "UPDATE license SET removed_at = ? WHERE account_id = ? AND user_no = ? AND plan_id = ? AND removed_at IS NULL",
        [(at, account_id, *key) for key in ended],
    )
    session.execute_many(  # one that was taken away at this very instant goes on as if it had not been
        "INSERT INTO license (account_id, user_no, plan_id, assigned_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (account_id, user_no, plan_id, assigned_at) DO UPDATE SET removed_at = NULL",
        [(account_id, *key, at) for key in begun],
    )
    for user_no, plans in wanted.items():
        before, after = (sorted(catalogue.plans[each].code for each in some) for some in (held[user_no], plans))
        audit.changed(session, public_id("user", account_id, user_no), {"licenses": before}, {"licenses": after})
    recount(session, account, catalogue, {plan_id for _, plan_id in ended + begun}, at)


def held_by(session: Session, account_id: int, user_nos: Iterable[int]) -> dict[int, set[int]]:
    """The numbers of the plans that each of some users holds."""
    held: defaultdict[int, set[int]] = defaultdict(set)
    for user_no, plan_id in session.rows(
        "SELECT user_no, plan_id FROM license WHERE account_id = ? AND removed_at IS NULL"
        f" AND {session.among('user_no')}",
        account_id, session.listed(user_nos),
    ):  # fmt: skip
        held[user_no].add(plan_id)
    return held


def plans_of_codes(catalogue: Catalogue, codes: Collection[str]) -> list[Plan]:
    """The plans of some codes; refused at `planCodes` when there is no such plan, or two are of one kind."""
    by_code = {plan.code: plan for plan in catalogue.plans.values()}
    chosen: dict[PlanKind, Plan] = {}
    for code in codes:
        plan = by_code.get(code)
        if plan is None:
            raise not_found("planCodes", "There is no plan {code}.", code=code[:40])
        before = chosen.setdefault(_place(plan), plan)
        if before is not plan:
            raise invalid(
                "planCodes", "{one} and {other} exclude each other: a user holds one plan of a kind.",
                one=told_name(before.code, before.name), other=told_name(plan.code, plan.name),
            )  # fmt: skip
    return list(chosen.values())


def _after(change: LicenseChange, held: set[int], plans: Sequence[Plan], catalogue: Catalogue) -> set[int]:
    named = {plan.plan_id for plan in plans}
    match change:
        case LicenseChange.REPLACE:
            return named
        case LicenseChange.REMOVE:
            return held - named
        case LicenseChange.ADD:
            places = {_place(plan) for plan in plans}
            return named | {plan_id for plan_id in held if _place(catalogue.plans[plan_id]) not in places}


def _place(plan: Plan) -> PlanKind:
    return PlanKind.CALLING_PLAN if plan.kind == PlanKind.PAY_AS_YOU_GO else plan.kind


def _require_users(session: Session, account_id: int, user_nos: Sequence[int]) -> None:
    found = session.rows(
        f"SELECT user_no FROM phone_user WHERE account_id = ? AND removed_at IS NULL AND {session.among('user_no')}",
        account_id, session.listed(user_nos),
    )  # fmt: skip
    if {user_no for (user_no,) in found} != set(user_nos):
        raise not_found("userIds" if len(user_nos) > 1 else "userId", "There is no such user.")
