"""Users: who makes calls, in which country, by which policy and limit. Their licences are in `credits.licenses`.

A user who was removed keeps the calls it has made; its licences end with it, and with them what it may spend.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

from phonenumbers import SUPPORTED_REGIONS

from credits import audit
from credits.accounts import AccountState, account_now, lock, require_open, save_totals
from credits.ids import public_id
from credits.licenses import held_by, plans_of_codes, write_licenses
from credits.plans import Catalogue, catalogue_of
from credits.pools import recount
from credits.refusals import Code, Refusal, conflict, invalid, not_found
from db.kinds import ConferenceDialOut, UserDialOut
from db.session import Session

LARGEST_IMPORT = 1_000
LONGEST_NAME = 200
_CONTROL = re.compile("[\0-\x1f\x7f-\x9f\ud800-\udfff]")
_POLICIES = (
    ("conference_dial_out", "conferenceDialOut", ConferenceDialOut),
    ("user_dial_out", "userDialOut", UserDialOut),
)


class UserValues(TypedDict, total=False):
    """What is known of a user. Without a limit (micro-units a month) it may spend what there is; without a policy of
    its own the account's counts."""

    name: str
    user_name: str
    country: str
    department: str | None
    monthly_limit_micros: int | None
    conference_dial_out: str | None
    user_dial_out: str | None


@dataclass(frozen=True, slots=True)
class NewUser:
    """A user to be entered, and the codes of the plans that it is to hold."""

    values: UserValues
    plan_codes: Sequence[str] = ()


def create_users(session: Session, *, account_id: int, users: Sequence[NewUser], now: int) -> list[int | Refusal]:
    """Enter up to 1,000 users with their licences: the number of each, or why it was refused, which spoils no other.

    A user goes by one name (`userName`), which nobody else has: whoever has it already is a CONFLICT.
    """
    if len(users) > LARGEST_IMPORT:
        raise Refusal(
            Code.LIMIT_EXCEEDED, "Name at most {most} users at a time.", field=("users",), most=LARGEST_IMPORT
        )
    account = lock(session, account_id)
    require_open(account)
    catalogue, at = catalogue_of(session), account_now(account, now)
    entries = [_entry(catalogue, user) for user in users]
    taken = _taken(session, account_id, [each["user_name"] for each, _ in entries if not isinstance(each, Refusal)])
    outcomes: list[int | Refusal] = []
    rows, wanted = list[tuple[Any, ...]](), dict[int, set[int]]()
    for entry, plans in entries:
        if isinstance(entry, Refusal) or entry["user_name"].lower() in taken:
            outcomes.append(entry if isinstance(entry, Refusal) else _not_free(entry["user_name"]))
            continue
        account.user_count += 1
        taken.add(entry["user_name"].lower())
        rows.append((account_id, account.user_count, at, *entry.values()))
        wanted[account.user_count] = plans
        _tell(session, account, account.user_count, {}, entry)
        outcomes.append(account.user_count)
    session.insert("phone_user", ("account_id", "user_no", "created_at", *UserValues.__annotations__), rows)
    write_licenses(session, account, catalogue, wanted, at)
    save_totals(session, [account])
    return outcomes


def create_user(
    session: Session, *, account_id: int, now: int, plan_codes: Sequence[str] = (), **values: Unpack[UserValues]
) -> int:
    """Enter one user, and return its number."""
    (outcome,) = create_users(session, account_id=account_id, users=[NewUser(values, plan_codes)], now=now)
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome


def update_user(session: Session, *, account_id: int, user_no: int, now: int, **changes: Unpack[UserValues]) -> None:
    """Change what is given of a user and leave the rest. In another country its minutes are those of that one, from
    now on and for the whole month."""
    account = lock(session, account_id)
    require_open(account)
    before = _present(session, account_id, user_no)
    values = _checked(**changes)
    user_name = values.get("user_name", before["user_name"])
    if user_name.lower() != before["user_name"].lower() and _taken(session, account_id, [user_name]):
        raise _not_free(user_name)
    if values:
        _tell(session, account, user_no, before, {**before, **values})
        session.update("phone_user", ("account_id", "user_no"), list(values), [(account_id, user_no, *values.values())])
    if values.get("country", before["country"]) != before["country"]:
        held = held_by(session, account_id, [user_no])[user_no]
        recount(session, account, catalogue_of(session), held, account_now(account, now))


def remove_user(session: Session, *, account_id: int, user_no: int, now: int) -> None:
    """Remove a user, and end its licences. Its calls stay; its name becomes free for another."""
    account = lock(session, account_id)
    require_open(account)
    before = _present(session, account_id, user_no)
    at = account_now(account, now)
    _tell(session, account, user_no, before, {})
    write_licenses(session, account, catalogue_of(session), {user_no: set()}, at)
    session.execute(
        "UPDATE phone_user SET removed_at = ? WHERE account_id = ? AND user_no = ?", at, account_id, user_no
    )


def _present(session: Session, account_id: int, user_no: int) -> dict[str, Any]:
    """What is known of a user who is there; refused as NOT_FOUND at `userId`."""
    columns = UserValues.__annotations__
    found = session.row(
        f"SELECT {', '.join(columns)} FROM phone_user WHERE account_id = ? AND user_no = ? AND removed_at IS NULL",
        account_id, user_no,
    )  # fmt: skip
    if found is None:
        raise not_found("userId", "There is no such user.")
    return dict(zip(columns, found, strict=True))


def _tell(
    session: Session, account: AccountState, user_no: int, before: Mapping[str, Any], after: Mapping[str, Any]
) -> None:
    """Let the audit log have what was known of a user, and what is now; nothing, before it was there or when it is not
    any more."""
    told = []
    for values in (before, after):
        limit = audit.amount(values.get("monthly_limit_micros"), account.currency)
        known = {name: value for name, value in values.items() if name != "monthly_limit_micros"}
        told.append({**known, "monthly_limit": limit} if known else {})
    audit.changed(session, public_id("user", account.account_id, user_no), *told)


def _entry(catalogue: Catalogue, user: NewUser) -> tuple[dict[str, Any] | Refusal, set[int]]:
    """A new user's values in the order of their columns, or why they can never be right; and the plans to hold."""
    try:
        given = _checked(**user.values)
        plans = plans_of_codes(catalogue, user.plan_codes)
    except Refusal as refusal:
        return refusal, set()
    return {key: given.get(key) for key in UserValues.__annotations__}, {plan.plan_id for plan in plans}


def _taken(session: Session, account_id: int, names: Sequence[str]) -> set[str]:
    """Which of some names users go by, in small letters: names are mostly mail addresses."""
    found = session.rows(
        "SELECT user_name FROM phone_user WHERE account_id = ? AND removed_at IS NULL"
        f" AND ({session.among('user_name')} OR {session.among('lower(user_name)')})",
        account_id, session.listed(names), session.listed(name.lower() for name in names),
    )  # fmt: skip
    return {name.lower() for (name,) in found}


def _not_free(user_name: str) -> Refusal:
    return conflict("Another user goes by the name {name} already.", field=("userName",), name=user_name)


def _checked(**values: Unpack[UserValues]) -> dict[str, Any]:
    """Values as they are kept; what can never be right is refused at its field."""
    checked: dict[str, Any] = dict(values)
    for key, field in (("name", "name"), ("user_name", "userName")):
        if key in checked:
            checked[key] = _text(checked[key], field)
    if "department" in checked:
        given = (checked["department"] or "").strip()
        checked["department"] = _text(given, "department") if given else None
    if checked.get("country", "US") not in SUPPORTED_REGIONS:
        raise invalid("country", "{code} is not a country code (ISO 3166-1 alpha-2).", code=checked["country"][:40])
    if (checked.get("monthly_limit_micros") or 0) < 0:
        raise invalid("monthlyLimit", "An amount cannot be negative.")
    for key, field, kinds in _POLICIES:
        if checked.get(key) is not None and checked[key] not in tuple(kinds):
            raise invalid(field, "{policy} is not a dial-out policy.", policy=checked[key][:40])
    return checked


def _text(text: str, field: str) -> str:
    trimmed = text.strip()
    if not 1 <= len(trimmed) <= LONGEST_NAME or _CONTROL.search(trimmed):
        raise invalid(field, "A name has 1 to {longest} characters.", longest=LONGEST_NAME)
    return trimmed
