"""What an account owes on invoices, and how much it may: buying on invoice asks nobody for money at first, so that
without a limit an account's own people could grant it any funds."""

from credits.accounts import AccountState
from credits.terms import Terms
from db.session import Session

_OPEN = """
    SELECT coalesce(sum(recharge.amount_micros - coalesce((
        SELECT sum(refund.amount_micros) FROM refund
        WHERE refund.account_id = recharge.account_id AND refund.recharge_no = recharge.recharge_no
        AND refund.status <> 'FAILED'), 0)), 0)
    FROM recharge JOIN payment_method
    ON payment_method.account_id = recharge.account_id AND payment_method.method_no = recharge.method_no
    WHERE recharge.account_id = ? AND payment_method.kind = 'INVOICE'
    AND recharge.invoice_paid_at IS NULL AND recharge.status NOT IN ('FAILED', 'CANCELED')"""


def invoices_open_micros(session: Session, account_id: int) -> int:
    """What an account owes on its invoices, those under way included: neither paid nor refunded, in micro-units."""
    found = session.row(_OPEN, account_id)
    assert found is not None
    return int(found[0])


def over_invoice_limit(session: Session, account: AccountState, amount_micros: int, terms: Terms) -> bool:
    """Whether an invoice over an amount would have an account owe more on invoices than it may."""
    limit_micros = terms.invoice_limit_micros(account.currency)
    if limit_micros is None:
        return False
    return invoices_open_micros(session, account.account_id) + amount_micros > limit_micros
