"""Notices as the tests of mail make and read them."""

from typing import Any, NamedTuple

from credits import due, notices
from credits.accounts import update_account
from credits.instants import DAY
from credits.terms import USUAL_TERMS
from db.kinds import NoticeKind
from db.session import Database
from tests.factories import NOW, micros

ANN, BEN = "ann@contoso.example", "ben@contoso.example"

FACTS: dict[NoticeKind, dict[str, Any]] = {
    NoticeKind.RECHARGE_SUCCEEDED: {
        "amount_micros": micros(50), "method": "Visa •••• 4242, 12/27", "automatic": False,
        "expires_at": NOW + 365 * DAY, "recharge_no": 1, "receipt_no": 7,
    },
    NoticeKind.RECHARGE_FAILED: {
        "amount_micros": micros(50), "method": "Visa •••• 0002, 12/27", "automatic": True, "confirm": False,
        "reason": "The card was declined.", "next_attempt_at": NOW + DAY, "recharge_no": 2,
    },
    NoticeKind.BALANCE_BELOW_ZERO: {"available_micros": micros("-1.24"), "owed_micros": micros("1.24")},
    NoticeKind.BALANCE_LOW: {"available_micros": micros("8.12"), "low_balance_micros": micros(10)},
    NoticeKind.LOT_EXPIRING: {"amount_micros": micros("12.50"), "expires_at": NOW + 30 * DAY, "days": 30},
    NoticeKind.LOT_EXPIRED: {"amount_micros": micros("12.50"), "expires_at": NOW},
    NoticeKind.CARD_EXPIRING: {"method": "Visa •••• 4242, 12/26", "expires_on": "2026-12-31"},
    NoticeKind.POOL_80_PERCENT: {
        "plan_code": "MCOPSTN2", "plan": "Domestic and International Calling Plan", "scope": "INTERNATIONAL",
        "country": "JP", "user": "", "minutes_total": 3000, "minutes_used": 2400,
    },
    NoticeKind.POOL_USED_UP: {
        "plan_code": "MCOMEETADD", "plan": "Audio Conferencing", "scope": "CONFERENCE", "country": "", "user": "",
        "minutes_total": 6900, "minutes_used": 6900,
    },
    NoticeKind.AUTO_RECHARGE_PAUSED: {"reason": "DECLINED"},
    NoticeKind.FUNDS_REFUNDED: {
        "amount_micros": micros(20), "method": "Visa •••• 4242, 12/27", "recharge_no": 1, "receipt_no": 7,
    },
    NoticeKind.FUNDS_DISPUTED: {
        "amount_micros": micros(50), "held_micros": micros(31), "recharge_no": 1, "status": "OPEN",
    },
}  # fmt: skip


class NoticeRow(NamedTuple):
    """A notice as it stands in its table."""

    notice_no: int
    kind: str
    status: str
    locale: str
    subject: str
    recipients: str
    undelivered: str
    round_no: int
    attempts: int
    failure: str | None
    created_at: int
    due_at: int | None
    sent_at: int | None


def mail_to(database: Database, account_id: int, *addresses: str) -> None:
    """Set who gets an account's mail."""
    with database.transaction() as session:
        update_account(session, account_id=account_id, notice_emails=list(addresses))


def make_notice(
    database: Database,
    account_id: int,
    kind: NoticeKind = NoticeKind.BALANCE_LOW,
    *,
    about: str | None = None,
    now: int = NOW,
    **facts: Any,
) -> None:
    """Tell something of an account."""
    with database.transaction() as session:
        journal = due.open_journal(session, account_id, now, USUAL_TERMS)
        notices.tell(journal, kind, about=about, **{**FACTS[kind], **facts})
        journal.write()


def notices_of(database: Database, account_id: int) -> list[NoticeRow]:
    """All notices of an account, in the order in which they were written."""
    with database.reading() as session:
        found = session.rows(
            f"SELECT {', '.join(NoticeRow._fields)} FROM notice WHERE account_id = ? ORDER BY notice_no", account_id
        )
    return [NoticeRow(*row) for row in found]
