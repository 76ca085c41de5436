"""What goes back of a recharge: its lot, what refunds and disputes have taken of it, and how money returns to it.

Never more goes back than came, and nothing is taken twice: whoever takes money of a recharge back asks here, under
the account's lock, how much of it is still there to be taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from credits.instants import DAY
from credits.language import Sentence, language, sentence
from credits.ledger import Journal
from credits.lots import LOT_COLUMNS, OpenLot
from credits.methods import Method, method_of
from credits.money import chargeable_coin_micros
from credits.receipts import receipt_number
from credits.recharges import RechargeState, recharge_state
from credits.refusals import not_found
from credits.terms import Terms
from db.kinds import DisputeStatus, LotSource, RechargeStatus, RefundStatus
from db.session import Session

OPEN_REFUND = (RefundStatus.PENDING, RefundStatus.PROCESSING)
_LOT = f"{LOT_COLUMNS}, voided_at, forfeited_at"


@dataclass(frozen=True, slots=True)
class RefundState:
    """A refund's row. Instants are the account's."""

    account_id: int
    refund_no: int
    recharge_no: int
    status: str
    amount_micros: int
    reason: str
    by_provider: bool
    provider_refund: str | None
    attempts: int
    due_at: int | None
    created_at: int
    completed_at: int | None
    failure_reason: str | None

    @property
    def is_open(self) -> bool:
        """It is not known yet whether the money goes back."""
        return self.status in OPEN_REFUND


@dataclass(frozen=True, slots=True)
class DisputeState:
    """A dispute's row. `held_micros`: what is kept back while it is open; what it took in all once it is lost."""

    account_id: int
    dispute_no: int
    recharge_no: int
    provider_dispute: str
    status: str
    amount_micros: int
    held_micros: int
    reason: str
    opened_at: int
    closed_at: int | None


_REFUND = ", ".join(column.name for column in fields(RefundState))
_DISPUTE = ", ".join(column.name for column in fields(DisputeState))


@dataclass(frozen=True, slots=True)
class Returns:
    """All that refunds and disputes have taken of what a recharge brought."""

    amount_micros: int
    refunds: Sequence[RefundState]
    disputes: Sequence[DisputeState]

    @property
    def returned_micros(self) -> int:
        """What went back or is on its way: refunds that did not fail, and what lost disputes took."""
        refunded = sum(each.amount_micros for each in self.refunds if each.status != RefundStatus.FAILED)
        return refunded + sum(each.held_micros for each in self.disputes if each.status == DisputeStatus.LOST)

    @property
    def held_micros(self) -> int:
        """What is kept back for disputes that are open."""
        return sum(each.held_micros for each in self.disputes if each.status == DisputeStatus.OPEN)

    @property
    def left_micros(self) -> int:
        """What could still be taken of it, be it from the lot or as owed."""
        return max(0, self.amount_micros - self.returned_micros - self.held_micros)

    @property
    def is_contested(self) -> bool:
        """A dispute is open."""
        return any(each.status == DisputeStatus.OPEN for each in self.disputes)

    @property
    def is_lost(self) -> bool:
        """The payer's bank has decided against it."""
        return any(each.status == DisputeStatus.LOST for each in self.disputes)

    def refundable_micros(self, in_lot_micros: int, currency: str, *, is_card: bool) -> int:
        """What can be given back, in whole coins: what the lot holds; nothing of a payment that its bank contests."""
        if self.is_contested or self.is_lost:
            return 0
        at_most = min(in_lot_micros, self.left_micros)
        return at_most - at_most % chargeable_coin_micros(currency, is_card=is_card)


@dataclass(frozen=True, slots=True)
class Bought(Returns):
    """A recharge that succeeded, with its lot and what became of it."""

    recharge: RechargeState
    method: Method
    receipt_no: int
    lot: OpenLot
    is_over: bool

    def in_lot_micros(self, journal: Journal) -> int:
        """What the lot still holds, beside what is promised to calls in progress."""
        return still_held(self.lot.free_micros, self.lot.expires_at, journal.now, journal.terms)


def still_held(free_micros: int, expires_at: int, now: int, terms: Terms) -> int:
    """What a lot still holds: nothing once its settlement window has closed, whether or not that is written yet."""
    return 0 if now >= expires_at + terms.settlement_window else free_micros


def bought(session: Session, account_id: int, recharge_no: int) -> Bought | None:
    """A recharge with all that went back of it; None when it did not succeed. Refused as NOT_FOUND when it is none."""
    numbered = session.row(
        "SELECT receipt_no FROM recharge WHERE account_id = ? AND recharge_no = ?", account_id, recharge_no
    )
    if numbered is None:
        raise not_found("rechargeId", "There is no such recharge.")
    recharge = recharge_state(session, account_id, recharge_no)
    if recharge.status != RechargeStatus.SUCCEEDED:
        return None
    *lot, voided_at, forfeited_at = _row_of_lot(session, account_id, recharge_no)
    return Bought(
        amount_micros=recharge.amount_micros,
        refunds=refunds_of(session, account_id, recharge_no),
        disputes=disputes_of(session, account_id, recharge_no),
        recharge=recharge,
        method=method_of(session, account_id, recharge.method_no),
        receipt_no=numbered[0],
        lot=OpenLot(*lot),
        is_over=voided_at is not None or forfeited_at is not None,
    )


def refunds_of(session: Session, account_id: int, recharge_no: int) -> list[RefundState]:
    """The refunds of a recharge, the oldest first."""
    found = session.rows(
        f"SELECT {_REFUND} FROM refund WHERE account_id = ? AND recharge_no = ? ORDER BY refund_no",
        account_id, recharge_no,
    )  # fmt: skip
    return [RefundState(*row) for row in found]


def refund_state(session: Session, account_id: int, refund_no: int) -> RefundState:
    """A refund that is there."""
    found = session.row(f"SELECT {_REFUND} FROM refund WHERE account_id = ? AND refund_no = ?", account_id, refund_no)
    assert found is not None, "the refund was written down"
    return RefundState(*found)


def disputes_of(session: Session, account_id: int, recharge_no: int) -> list[DisputeState]:
    """The disputes of a recharge, the oldest first."""
    found = session.rows(
        f"SELECT {_DISPUTE} FROM dispute WHERE account_id = ? AND recharge_no = ? ORDER BY dispute_no",
        account_id, recharge_no,
    )  # fmt: skip
    return [DisputeState(*row) for row in found]


def is_being_returned(session: Session, account_id: int, lot_no: int) -> bool:
    """Tell whether a refund or a dispute of a lot's recharge is not decided yet, so that money may come back to it."""
    undecided = session.row(
        "SELECT 1 FROM lot WHERE account_id = ? AND lot_no = ? AND ("
        "EXISTS (SELECT 1 FROM refund WHERE refund.account_id = lot.account_id"
        " AND refund.recharge_no = lot.recharge_no AND refund.status IN ('PENDING', 'PROCESSING')) OR "
        "EXISTS (SELECT 1 FROM dispute WHERE dispute.account_id = lot.account_id"
        " AND dispute.recharge_no = lot.recharge_no AND dispute.status = 'OPEN'))",
        account_id, lot_no,
    )  # fmt: skip
    return undecided is not None


def change_refund(journal: Journal, refund_no: int, **columns: object) -> None:
    """Change columns of a refund's row."""
    _change(journal, "refund", refund_no, columns)


def change_dispute(journal: Journal, dispute_no: int, **columns: object) -> None:
    """Change columns of a dispute's row."""
    _change(journal, "dispute", dispute_no, columns)


def hold_more(journal: Journal, recharge_no: int, free_micros: int) -> int:
    """Let disputes that are open or lost take what they still lack of funds that were about to return.

    Returns what is left of these.
    """
    for dispute in disputes_of(journal.session, journal.account.account_id, recharge_no):
        more_micros = min(free_micros, dispute.amount_micros - dispute.held_micros)
        if dispute.status != DisputeStatus.WON and more_micros:
            change_dispute(journal, dispute.dispute_no, held_micros=dispute.held_micros + more_micros)
            free_micros -= more_micros
    return free_micros


def give_back(journal: Journal, whole: Bought, amount_micros: int, *, began_at: int) -> None:
    """Put money back that a refund or a dispute had taken at `began_at` and does not keep.

    A lot whose time is over meanwhile is followed by a new one, which can be spent for as long as the old one
    could when the money was taken (pitfalls: money returned to an expired lot was dropped). What was taken when that
    time was over already could not be spent, and cannot be now: it repays what is owed, and the rest is forfeited.
    """
    lot, recharge_no = whole.lot, whole.recharge.recharge_no
    journal.write()
    if began_at >= lot.expires_at:
        journal.put_back(lot, amount_micros, recharge_no=recharge_no)
        if whole.is_over or journal.now >= lot.expires_at + journal.terms.settlement_window:
            _forfeit(journal, lot)
    elif not whole.is_over and journal.now < lot.expires_at:
        journal.put_back(lot, amount_micros, recharge_no=recharge_no)
    else:
        number = receipt_number(journal.account.account_id, whole.receipt_no)
        journal.add_lot(
            source=LotSource.ADJUSTMENT,
            amount_micros=amount_micros,
            starts_at=journal.now,
            expires_at=journal.now + max(lot.expires_at - began_at, DAY),
            priority=lot.priority,
            returned_of=recharge_no,
            note=_said(journal, _CAME_BACK, number=number),
        )


def _forfeit(journal: Journal, lot: OpenLot) -> None:
    """Let a lot lose what it holds, since the time in which it could be spent, and settled, is over."""
    if lot.free_micros:
        journal.forfeit(lot)
        journal.write()


_CAME_BACK: Sentence = sentence("Came back of {number}, whose funds could no longer be used")


def _said(journal: Journal, each: Sentence, **values: object) -> str:
    return language(journal.account.locale).say(each.message, **values)


def _row_of_lot(session: Session, account_id: int, recharge_no: int) -> tuple[Any, ...]:
    found = session.row(f"SELECT {_LOT} FROM lot WHERE account_id = ? AND recharge_no = ?", account_id, recharge_no)
    assert found is not None, "a recharge that succeeded has a lot"
    return found


def _change(journal: Journal, table: str, number: int, columns: dict[str, object]) -> None:
    sets = ", ".join(f"{column} = ?" for column in columns)
    journal.session.execute(
        f"UPDATE {table} SET {sets} WHERE account_id = ? AND {table}_no = ?",
        *columns.values(), journal.account.account_id, number,
    )  # fmt: skip
