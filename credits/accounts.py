"""Accounts: opening, changing, and the row that everyone who moves money locks first.

The account's row carries the running totals. Whoever posts locks it before anything else, and several
accounts in the order of their ids, so that no two transactions wait for each other.
"""

import json
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from hashlib import sha256
from operator import attrgetter
from typing import Any
from zoneinfo import available_timezones

from phonenumbers import SUPPORTED_REGIONS

from credits import audit
from credits.ids import public_id
from credits.language import LANGUAGES
from credits.money import known_currency
from credits.refusals import conflict, invalid, key_reused, not_found
from db.kinds import AccountMode, AccountStatus, ConferenceDialOut, UserDialOut
from db.session import Session
from db.tables import NEVER

LONGEST_NAME = 200


@dataclass(slots=True)
class AccountState:
    """An account's row: who it is, how it is set, and its running totals (micro-units; counts number its rows)."""

    account_id: int
    name: str
    currency: str
    time_zone: str
    region: str
    locale: str
    mode: str
    status: str
    rate_deck: str
    clock_at: int | None
    created_at: int
    book_balance_micros: int
    owed_micros: int
    entry_count: int
    lot_count: int
    call_count: int
    recharge_count: int
    method_count: int
    last_posted_at: int
    notice_count: int
    decision_count: int
    refund_count: int
    dispute_count: int
    receipt_count: int
    setup_count: int
    caught_up_at: int
    due_at: int
    unusable_micros: int
    recharge_below_micros: int | None
    low_balance_micros: int | None
    told_low: bool
    told_empty: bool
    provider_customer: str | None
    user_count: int
    pool_count: int
    reserved_micros: int
    conference_dial_out: str
    user_dial_out: str


_COLUMNS = ", ".join(column.name for column in fields(AccountState))
_READ = f"SELECT {_COLUMNS} FROM account WHERE account_id = ?"


def look_up(session: Session, account_id: int) -> AccountState:
    """The account as it stands. Refused as NOT_FOUND at `accountId` when there is none."""
    return session.once((AccountState, account_id), lambda: _state(session.row(_READ, account_id)))


def lock(session: Session, account_id: int) -> AccountState:
    """The account, its row locked against every other writer until the transaction ends."""
    return _state(session.row(_READ + session.for_update, account_id))


def lock_all(session: Session, account_ids: Iterable[int]) -> Callable[[], dict[int, AccountState]]:
    """Several accounts, locked in the order of their ids, to be read later; what is no account is left out."""
    found = session.ask(
        f"SELECT {_COLUMNS} FROM account WHERE {session.among('account_id')} ORDER BY account_id" + session.for_update,
        session.listed(account_ids),
    )
    return lambda: {row[0]: AccountState(*row) for row in found()}


def lock_if_free(session: Session, account_id: int) -> list[AccountState]:
    """The account as by `lock`, or none when somebody else has it locked at this moment."""
    return [AccountState(*row) for row in session.rows(_READ + session.for_update_if_free, account_id)]


def account_now(account: AccountState, now: int) -> int:
    """The account's instant: its own clock for a TEST account, the machine's for a LIVE one."""
    return now if account.clock_at is None else account.clock_at


def require_open(account: AccountState) -> None:
    """Refuse what a closed account may not do any more."""
    if account.status == AccountStatus.CLOSED:
        raise conflict("This account is closed.", field=("accountId",))


def create_account(
    session: Session,
    *,
    name: str,
    currency: str,
    time_zone: str = "UTC",
    region: str = "US",
    locale: str = "en",
    mode: str = AccountMode.LIVE,
    clock_at: int | None = None,
    rate_deck: str = "standard",
    idempotency_key: str | None = None,
    now: int,
) -> int:
    """Open an account and return its number; the same key with the same values opens it once.

    A key's account number is derived from the key itself, so that no index over all accounts is needed.
    """
    if mode == AccountMode.LIVE and clock_at is not None:
        raise invalid("clock", "Only a TEST account has a clock of its own.")
    settings = _checked(
        name=name, currency=currency, time_zone=time_zone, region=region, locale=locale, rate_deck=rate_deck
    )
    fingerprint = sha256(json.dumps([settings, mode, clock_at, idempotency_key]).encode()).hexdigest()
    account_id = _number_for(idempotency_key)
    clock_at = now if mode == AccountMode.TEST and clock_at is None else clock_at
    row = {
        "account_id": account_id,
        **settings,
        "mode": mode,
        "clock_at": clock_at,
        "status": AccountStatus.ACTIVE,
        "notice_emails": "[]",
        "created_at": now if clock_at is None else clock_at,
        "fingerprint": fingerprint,
        **dict.fromkeys(_TOTALS, 0),
        "caught_up_at": now if clock_at is None else clock_at,
        "due_at": NEVER,
        "told_low": False,
        "told_empty": True,  # it begins with nothing, which is no news
    }
    marks = ", ".join("?" * len(row))
    opened = session.execute(
        f"INSERT INTO account ({', '.join(row)}) VALUES ({marks}) ON CONFLICT (account_id) DO NOTHING", *row.values()
    )
    if opened:
        _tell_opened(session, account_id, {**settings, "mode": str(mode), "clock": audit.time(clock_at)})
    elif session.row("SELECT fingerprint FROM account WHERE account_id = ?", account_id) != (fingerprint,):
        raise key_reused()
    return account_id


def update_account(
    session: Session,
    *,
    account_id: int,
    name: str | None = None,
    time_zone: str | None = None,
    region: str | None = None,
    locale: str | None = None,
    rate_deck: str | None = None,
    status: str | None = None,
    notice_emails: list[str] | None = None,
    conference_dial_out: str | None = None,
    user_dial_out: str | None = None,
) -> None:
    """Change what is given and leave the rest. A closed account stays closed."""
    account = lock(session, account_id)
    require_open(account)
    given = {"name": name, "time_zone": time_zone, "region": region, "locale": locale, "rate_deck": rate_deck}
    changes: dict[str, Any] = dict(_checked(**{key: value for key, value in given.items() if value is not None}))
    if status is not None:
        changes["status"] = AccountStatus(status).value
    if notice_emails is not None:
        changes["notice_emails"] = json.dumps([_email(address) for address in notice_emails])
    if conference_dial_out is not None:
        changes["conference_dial_out"] = ConferenceDialOut(conference_dial_out).value
    if user_dial_out is not None:
        changes["user_dial_out"] = UserDialOut(user_dial_out).value
    if changes:
        _tell(session, account, changes)
        if status is not None:
            changes["due_at"] = 0  # what a balance means for an account depends on what the account may do
        sets = ", ".join(f"{column} = ?" for column in changes)
        session.execute(f"UPDATE account SET {sets} WHERE account_id = ?", *changes.values(), account_id)


def _tell_opened(session: Session, account_id: int, told: dict[str, Any]) -> None:
    audit.changed(session, public_id("acct", account_id), after=told, account_id=account_id)


def _tell(session: Session, account: AccountState, changes: dict[str, Any]) -> None:
    """Let the audit log have what an account's settings were, and what they become."""
    before, after = {name: getattr(account, name) for name in changes if name != "notice_emails"}, dict(changes)
    if "notice_emails" in changes:
        found = session.row("SELECT notice_emails FROM account WHERE account_id = ?", account.account_id)
        assert found is not None
        before["notice_emails"], after["notice_emails"] = json.loads(found[0]), json.loads(changes["notice_emails"])
    audit.changed(session, public_id("acct", account.account_id), before, after)


def save_totals(session: Session, states: Sequence[AccountState]) -> None:
    """Write the running totals back to the locked rows."""
    session.update("account", ("account_id",), _TOTALS, [(state.account_id, *_totals_of(state)) for state in states])


def set_clock(session: Session, account: AccountState, clock_at: int) -> None:
    """Move a TEST account's clock."""
    assert account.mode == AccountMode.TEST
    account.clock_at = clock_at
    session.execute("UPDATE account SET clock_at = ? WHERE account_id = ?", clock_at, account.account_id)


_TOTALS = (
    "book_balance_micros",
    "owed_micros",
    "entry_count",
    "lot_count",
    "call_count",
    "recharge_count",
    "method_count",
    "last_posted_at",
    "notice_count",
    "decision_count",
    "refund_count",
    "dispute_count",
    "receipt_count",
    "setup_count",
    "user_count",
    "pool_count",
    "reserved_micros",
    "caught_up_at",
    "due_at",
    "unusable_micros",
    "told_low",
    "told_empty",
)
_totals_of = attrgetter(*_TOTALS)


def _state(row: tuple[Any, ...] | None) -> AccountState:
    if row is None:
        raise not_found("accountId", "There is no such account.")
    return AccountState(*row)


def _number_for(idempotency_key: str | None) -> int:
    """48 bits: random, or the key's own digest."""
    if idempotency_key is None:
        return secrets.randbits(48) | 1 << 47
    if not 1 <= len(idempotency_key) <= 255:
        raise invalid("idempotencyKey", "An idempotency key has 1 to 255 characters.")
    return int.from_bytes(sha256(b"account:" + idempotency_key.encode()).digest()[:6], "big") | 1 << 47


def _checked(**settings: str) -> dict[str, str]:
    checks = {
        "name": lambda text: _named("name", text),
        "rate_deck": lambda text: _named("rateDeck", text),
        "currency": known_currency,
        "time_zone": _time_zone,
        "region": _region,
        "locale": _locale,
    }
    return {key: checks[key](value) for key, value in settings.items()}


def _named(field: str, text: str) -> str:
    trimmed = text.strip()
    if not 1 <= len(trimmed) <= LONGEST_NAME:
        raise invalid(field, "A name has 1 to {longest} characters.", longest=LONGEST_NAME)
    return trimmed


def _time_zone(name: str) -> str:
    if name not in _time_zones():
        raise invalid("timeZone", "{name} is not an IANA time zone.", name=name)
    return name


@lru_cache(maxsize=1)
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _region(code: str) -> str:
    if code not in SUPPORTED_REGIONS:
        raise invalid("region", "{code} is not a country code (ISO 3166-1 alpha-2).", code=code)
    return code


def _locale(code: str) -> str:
    if code not in LANGUAGES:
        raise invalid("locale", "{code} is not a language of this product.", code=code)
    return code


def _email(address: str) -> str:
    trimmed = address.strip()
    name, at, host = trimmed.partition("@")
    if not (name and at and "." in host) or len(trimmed) > 254 or any(sign.isspace() for sign in trimmed):
        raise invalid("noticeEmails", "{address} is not a mail address.", address=trimmed)
    return trimmed
