"""Recharging: buying funds. A recharge is written first, then the provider is asked under the recharge's
own id, then the lot is granted and the recharge closed in one transaction; whoever comes after a lost
answer asks again under the same id, so money is taken once and always arrives.
"""

from dataclasses import dataclass

from credits import once
from credits.accounts import require_open
from credits.ids import public_id
from credits.instants import expiry_of_purchase
from credits.language import Money
from credits.ledger import Journal, open_journal
from credits.money import LARGEST_AMOUNT_MICROS, minor_digits, whole_minor_units
from credits.payment_methods import default_method, usable_method
from credits.providers import Outcome, PaymentAnswer, PaymentRequest, Provider, TestProvider
from credits.refusals import invalid
from credits.terms import USUAL_TERMS, Terms
from db.kinds import LotSource, PaymentMethodKind, RechargeStatus, RechargeTrigger
from db.session import Database, Session

_OPEN = (RechargeStatus.PENDING, RechargeStatus.PROCESSING)


@dataclass(frozen=True, slots=True)
class _Started:
    """A recharge that is written down; `payment` is what to ask the provider, None when nothing is left to ask."""

    recharge_no: int
    payment: PaymentRequest | None


def recharge(
    database: Database,
    *,
    account_id: int,
    amount_micros: int,
    method_no: int | None = None,
    idempotency_key: str,
    now: int,
    terms: Terms = USUAL_TERMS,
    provider: Provider | None = None,
) -> int:
    """Buy funds and return the recharge's number; read its status for what came of it.

    Refused: an amount below the minimum or finer than the currency's coins, no payment method, a closed
    account, a key used with other values. The same key again asks for nothing new; it resumes a recharge
    whose answer was lost.
    """
    with database.transaction() as session:
        started = _start(session, account_id, amount_micros, method_no, idempotency_key, now, terms)
    if started.payment is not None:
        answer = (provider or TestProvider()).pay(started.payment)
        with database.transaction() as session:
            _close(session, account_id, started.recharge_no, answer, now, terms)
    return started.recharge_no


def _start(
    session: Session,
    account_id: int,
    amount_micros: int,
    method_no: int | None,
    idempotency_key: str,
    now: int,
    terms: Terms,
) -> _Started:
    """Write the recharge down, or find the one that this key began; an invoiced one is funded at once."""
    fingerprint = once.fingerprint_of("recharge", amount_micros, method_no)
    journal = open_journal(session, account_id, now, terms)
    before = once.answered_before(session, account_id, idempotency_key, fingerprint)
    if before is not None:
        assert before.recharge_no is not None
        return _Started(before.recharge_no, _next_attempt(session, journal, before.recharge_no))
    require_open(journal.account)
    _check_amount(amount_micros, journal.account.currency, terms)
    method_no = default_method(session, account_id) if method_no is None else method_no
    kind, _token = usable_method(session, account_id, method_no)
    recharge_no = _write_down(journal, amount_micros, method_no)
    once.remember(session, account_id, idempotency_key, fingerprint, journal.now, recharge_no=recharge_no)
    if kind == PaymentMethodKind.INVOICE:
        _fund(journal, recharge_no, amount_micros, LotSource.INVOICE, terms)
        return _Started(recharge_no, None)
    return _Started(recharge_no, _next_attempt(session, journal, recharge_no))


def _write_down(journal: Journal, amount_micros: int, method_no: int) -> int:
    account = journal.account
    account.recharge_count += 1
    journal.session.execute(
        "INSERT INTO recharge (account_id, recharge_no, trigger, status, amount_micros, method_no, attempts,"
        " created_at) VALUES (?, ?, ?, ?, ?, ?, 0, ?)",
        account.account_id, account.recharge_count, RechargeTrigger.MANUAL.value, RechargeStatus.PENDING.value,
        amount_micros, method_no, journal.now,
    )  # fmt: skip
    journal.write()
    return account.recharge_count


def _next_attempt(session: Session, journal: Journal, recharge_no: int) -> PaymentRequest | None:
    """Count the attempt before it is made, and say what to ask; None when the recharge is closed already."""
    account = journal.account
    found = session.row(
        "SELECT status, amount_micros, attempts, token FROM recharge JOIN payment_method"
        " ON payment_method.account_id = recharge.account_id AND payment_method.method_no = recharge.method_no"
        " WHERE recharge.account_id = ? AND recharge_no = ?",
        account.account_id,
        recharge_no,
    )
    assert found is not None
    status, amount_micros, attempts, token = found
    if status not in _OPEN:
        return None
    assert token is not None, "a card has a token"
    session.execute(
        "UPDATE recharge SET status = ?, attempts = ? WHERE account_id = ? AND recharge_no = ?",
        RechargeStatus.PROCESSING.value, attempts + 1, account.account_id, recharge_no,
    )  # fmt: skip
    key = public_id("rchg", account.account_id, recharge_no)
    return PaymentRequest(key, amount_micros, account.currency, token, attempts + 1)


def _close(session: Session, account_id: int, recharge_no: int, answer: PaymentAnswer, now: int, terms: Terms) -> None:
    """Act on the provider's answer, once: a recharge that was closed meanwhile stays as it is."""
    journal = open_journal(session, account_id, now, terms)
    found = session.row(
        "SELECT status, amount_micros FROM recharge WHERE account_id = ? AND recharge_no = ?", account_id, recharge_no
    )
    assert found is not None
    status, amount_micros = found
    if status not in _OPEN or answer.outcome == Outcome.LOST:
        return
    if answer.outcome == Outcome.PAID:
        _fund(journal, recharge_no, amount_micros, LotSource.PURCHASE, terms, payment_id=answer.payment_id)
        return
    failed = answer.outcome == Outcome.DECLINED
    session.execute(
        "UPDATE recharge SET status = ?, failure_reason = ?, completed_at = ? WHERE account_id = ? AND recharge_no = ?",
        (RechargeStatus.FAILED if failed else RechargeStatus.ACTION_REQUIRED).value,
        answer.reason, journal.now if failed else None, account_id, recharge_no,
    )  # fmt: skip


def _fund(
    journal: Journal,
    recharge_no: int,
    amount_micros: int,
    source: LotSource,
    terms: Terms,
    *,
    payment_id: str | None = None,
) -> None:
    """Grant the lot and close the recharge."""
    account = journal.account
    journal.session.execute(
        "UPDATE recharge SET status = ?, provider_payment = ?, completed_at = ?"
        " WHERE account_id = ? AND recharge_no = ?",
        RechargeStatus.SUCCEEDED.value, payment_id, journal.now, account.account_id, recharge_no,
    )  # fmt: skip
    journal.add_lot(
        source=source,
        amount_micros=amount_micros,
        starts_at=journal.now,
        expires_at=expiry_of_purchase(journal.now, account.time_zone, terms.lot_validity_months),
        recharge_no=recharge_no,
    )


def _check_amount(amount_micros: int, currency: str, terms: Terms) -> None:
    least = terms.minimum_recharge_micros(currency)
    if amount_micros < least:
        raise invalid("amount", "The least that can be added is {least}.", least=Money(least, currency))
    if amount_micros > LARGEST_AMOUNT_MICROS:
        raise invalid("amount", "This number is too large.")
    if not whole_minor_units(amount_micros, currency):
        raise invalid(
            "amount", "{currency} is paid with no more than {digits} decimals.",
            currency=currency, digits=minor_digits(currency),
        )  # fmt: skip
