"""Notices: mail about an account, written in the transaction that causes it and sent later by the worker.

What one transaction tells is there when it commits, and not otherwise; sending is tried again until the mail
server takes it, then given up where people see it. Each round of tries has one name for its mail, so that mail
sent twice after a crash is recognised as one.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from credits import accounts, audit, letters
from credits.accounts import AccountState
from credits.balances import balance_of
from credits.ids import public_id
from credits.instants import HOUR, MINUTE
from credits.language import language, sentence
from credits.ledger import Journal
from credits.letters import Letter
from credits.refusals import conflict, invalid, not_found
from db.kinds import AccountMode, AccountStatus, NoticeKind, NoticeStatus, Role
from db.session import Session

# How long whoever took a notice has it to itself; after that it counts as not sent.
LEASE = 15 * MINUTE
# How long to wait after each try that failed; after one more it is given up.
WAITS = (MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 12 * HOUR, 24 * HOUR)
AT_ONCE = 0
NOBODY = sentence("Nobody is set to get this account's mail.").message


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A notice that was taken to be sent: its letter as it was written, and the addresses still to be reached."""

    account_id: int
    notice_no: int
    round_no: int
    attempts: int
    created_at: int
    locale: str
    subject: str
    body: str
    addresses: list[str]

    @property
    def letter(self) -> Letter:
        """The letter itself."""
        return letters.read(self.subject, self.body)


def tell(journal: Journal, kind: NoticeKind, *, about: str | None = None, **facts: Any) -> None:
    """Queue a notice, in the language of the journal's account; what each kind tells of is in `credits.wordings`.

    With `about`, a kind is told of it once only. A closed account is told nothing. The number of notices is one of
    the account's totals, which the journal writes.
    """
    account, session = journal.account, journal.session
    if account.status == AccountStatus.CLOSED or (about is not None and _is_told(session, account, kind, about)):
        return
    letter = letters.letter_of(kind, facts, account=account, language=language(account.locale))
    addresses = recipients_of(session, account.account_id)
    account.notice_count += 1
    row = {
        "account_id": account.account_id,
        "notice_no": account.notice_count,
        "kind": kind.value,
        "about": about,
        "status": NoticeStatus.QUEUED if addresses else NoticeStatus.FAILED,
        "locale": account.locale,
        "subject": letter.subject,
        "letter": letters.written(letter),
        "recipients": json.dumps(addresses),
        "undelivered": json.dumps(addresses),
        "round_no": 0,
        "attempts": 0,
        "failure": None if addresses else NOBODY,
        "created_at": journal.now,
        "due_at": _due_at(account, journal.now) if addresses else None,
    }
    session.insert("notice", list(row), [list(row.values())])


def recipients_of(session: Session, account_id: int) -> list[str]:
    """Who gets an account's mail now: the addresses that were set, or else those of its administrators."""
    return recipients_by_account(session, [account_id]).get(account_id, [])


def recipients_by_account(session: Session, account_ids: Sequence[int]) -> dict[int, list[str]]:
    """Who gets the mail of each of some accounts now."""
    found = session.rows(
        f"SELECT account_id, notice_emails FROM account WHERE {session.among('account_id')}",
        session.listed(account_ids),
    )
    recipients = {account_id: list(dict.fromkeys(json.loads(addresses))) for account_id, addresses in found}
    without = [account_id for account_id, addresses in recipients.items() if not addresses]
    if without:
        for account_id, email in session.rows(
            "SELECT membership.account_id, person.email FROM membership"
            " JOIN person ON person.person_id = membership.person_id"
            f" WHERE membership.role = ? AND {session.among('membership.account_id')} ORDER BY person.email",
            Role.ADMIN.value, session.listed(without),
        ):  # fmt: skip
            recipients[account_id].append(email)
    return recipients


def set_low_balance(session: Session, *, account_id: int, low_balance_micros: int, now: int) -> None:
    """Tell of it when the balance falls below an amount; 0: never. What is below it already is no news."""
    if low_balance_micros < 0:
        raise invalid("lowBalance", "An amount cannot be negative.")
    account = accounts.lock(session, account_id)
    accounts.require_open(account)
    current_micros = balance_of(session, account_id, now).current_micros
    before, after = audit.amount(account.low_balance_micros, account.currency), None
    if low_balance_micros:
        after = audit.amount(low_balance_micros, account.currency)
    audit.changed(session, public_id("acct", account_id), {"low_balance": before}, {"low_balance": after})
    session.execute(
        "UPDATE account SET low_balance_micros = ?, told_low = ? WHERE account_id = ?",
        low_balance_micros or None, current_micros < low_balance_micros, account_id,
    )  # fmt: skip


def notices_due(session: Session, now: int, limit: int = 100) -> list[tuple[int, int]]:
    """The account and number of notices to be sent by an instant of the machine, the longest due first."""
    found = session.rows(
        "SELECT account_id, notice_no FROM notice WHERE due_at IS NOT NULL AND due_at <= ?"
        " ORDER BY due_at, account_id, notice_no LIMIT ?",
        now, limit,
    )  # fmt: skip
    return [(account_id, notice_no) for account_id, notice_no in found]


def claim_notice(session: Session, account_id: int, notice_no: int, now: int) -> Outgoing | None:
    """Take a notice, to be sent after this transaction; None when it is not due, or somebody else has it."""
    skip_locked = " FOR UPDATE SKIP LOCKED" if session.is_postgresql else ""
    found = session.row(
        "SELECT round_no, attempts, created_at, locale, subject, letter, undelivered FROM notice"
        f" WHERE account_id = ? AND notice_no = ? AND due_at IS NOT NULL AND due_at <= ?{skip_locked}",
        account_id, notice_no, now,
    )  # fmt: skip
    if found is None:
        return None
    round_no, attempts, created_at, locale, subject, letter, undelivered = found
    session.execute(
        "UPDATE notice SET attempts = attempts + 1, due_at = ? WHERE account_id = ? AND notice_no = ?",
        now + LEASE, account_id, notice_no,
    )  # fmt: skip
    return Outgoing(
        account_id, notice_no, round_no, attempts + 1, created_at, locale,
        subject, letter, json.loads(undelivered),
    )  # fmt: skip


def delivered(session: Session, sent: Outgoing, *, undelivered: Mapping[str, str], now: int) -> None:
    """Note that the mail server took a notice, but for some addresses, each with its reason; those are tried again."""
    if undelivered:
        reason = "; ".join(f"{address}: {why}" for address, why in undelivered.items())
        _try_later(session, sent, [each for each in sent.addresses if each in undelivered], reason, now)
        return
    session.execute(
        "UPDATE notice SET status = ?, sent_at = ?, due_at = NULL, undelivered = '[]', failure = NULL"
        " WHERE account_id = ? AND notice_no = ? AND round_no = ? AND status = ?",
        NoticeStatus.SENT.value, now, sent.account_id, sent.notice_no, sent.round_no, NoticeStatus.QUEUED.value,
    )  # fmt: skip


def not_delivered(session: Session, sent: Outgoing, *, reason: str, now: int) -> None:
    """Note that a notice went to nobody, to be tried again later, or given up as FAILED after the last try."""
    _try_later(session, sent, sent.addresses, reason, now)


def send_again(session: Session, *, account_id: int, notice_no: int, now: int) -> None:
    """Queue a notice that was sent or given up, to whoever gets the account's mail today.

    After a failure it goes to those of them who have not got it yet. Refused as CONFLICT while it is on its way.
    """
    account = accounts.lock(session, account_id)
    accounts.require_open(account)
    found = session.row(
        "SELECT status, recipients, undelivered FROM notice WHERE account_id = ? AND notice_no = ?"
        + session.for_update,
        account_id, notice_no,
    )  # fmt: skip
    if found is None:
        raise not_found("noticeId")
    status, recipients, undelivered = found[0], json.loads(found[1]), json.loads(found[2])
    if status == NoticeStatus.QUEUED:
        raise conflict("This notice is on its way already.", field=("noticeId",))
    addresses = recipients_of(session, account_id)
    if not addresses:
        raise conflict(NOBODY, field=("noticeId",))
    reached = [each for each in recipients if each not in undelivered] if status == NoticeStatus.FAILED else []
    missing = [each for each in addresses if each not in reached] or addresses
    session.execute(
        "UPDATE notice SET status = ?, round_no = round_no + 1, attempts = 0, failure = NULL, sent_at = NULL,"
        " due_at = ?, recipients = ?, undelivered = ? WHERE account_id = ? AND notice_no = ?",
        NoticeStatus.QUEUED.value, _due_at(account, now), json.dumps(list(dict.fromkeys(reached + missing))),
        json.dumps(missing), account_id, notice_no,
    )  # fmt: skip


def _is_told(session: Session, account: AccountState, kind: NoticeKind, about: str) -> bool:
    """Whether this was told before; the account's lock makes sure that nobody tells it meanwhile."""
    found = session.row(
        "SELECT 1 FROM notice WHERE account_id = ? AND kind = ? AND about = ?", account.account_id, kind.value, about
    )
    return found is not None


def _due_at(account: AccountState, now: int) -> int:
    """When mail may leave: a TEST account's clock says nothing of the machine's, so at once."""
    return now if account.mode == AccountMode.LIVE else AT_ONCE


def _try_later(session: Session, sent: Outgoing, undelivered: list[str], reason: str, now: int) -> None:
    """Set the next try, unless somebody else has taken the notice since, or given it up."""
    is_last = sent.attempts > len(WAITS)
    session.execute(
        "UPDATE notice SET status = ?, due_at = ?, undelivered = ?, failure = ?"
        " WHERE account_id = ? AND notice_no = ? AND round_no = ? AND attempts = ? AND status = ?",
        (NoticeStatus.FAILED if is_last else NoticeStatus.QUEUED).value,
        None if is_last else now + WAITS[sent.attempts - 1],
        json.dumps(undelivered), reason,
        sent.account_id, sent.notice_no, sent.round_no, sent.attempts, NoticeStatus.QUEUED.value,
    )  # fmt: skip
