"""A payment provider of the tests' own, whose refunds and disputes a test arranges, and what is asked of it."""

from dataclasses import dataclass, field
from typing import Any

from credits import disputes, refunds
from credits.providers import (
    FoundDispute,
    FoundRefund,
    Outcome,
    Provider,
    Providers,
    RefundAnswer,
    RefundRequest,
    TestProvider,
    Unavailable,
)
from db.kinds import AccountMode
from db.session import Database
from tests.books import Books, open_books
from tests.factories import a_key, make_agreement, make_card, make_recharge, micros


@dataclass
class Bank(TestProvider):
    """Gives money back once per key. `answers` are what it says next (an exception: nothing); then it says PAID."""

    answers: list[RefundAnswer | Exception] = field(default_factory=list)
    asked: list[RefundRequest] = field(default_factory=list)
    paid_back: dict[str, int] = field(default_factory=dict)
    found: list[FoundRefund] = field(default_factory=list)
    contested: list[FoundDispute] = field(default_factory=list)
    is_away: bool = False

    def refund(self, request: RefundRequest) -> RefundAnswer:
        """Pay it back, unless told otherwise."""
        self.asked.append(request)
        answer = self.answers.pop(0) if self.answers else RefundAnswer(Outcome.PAID, f"re_{request.key}")
        if isinstance(answer, Exception):
            raise answer
        if answer.outcome == Outcome.PAID:
            self.paid_back[request.key] = request.amount_micros
        return answer

    def refunds(self, payment_id: str) -> list[FoundRefund]:
        """Those that a test has arranged."""
        if self.is_away:
            raise Unavailable
        return self.found

    def disputes(self, payment_id: str) -> list[FoundDispute]:
        """Those that a test has arranged."""
        if self.is_away:
            raise Unavailable
        return self.contested

    def tells_of(self, amount: int | str, refund_id: str = "re_1", **values: Any) -> None:
        """Have a refund that somebody made at the provider; it takes the place of the one with the same id."""
        told = {"key": None, "outcome": Outcome.PAID, **values}
        self.found = [each for each in self.found if each.refund_id != refund_id]
        self.found.append(FoundRefund(refund_id, amount_micros=micros(amount), **told))

    def contests(self, amount: int | str, status: str = "OPEN", dispute_id: str = "dp_1") -> None:
        """Have a dispute stand at a status."""
        self.contested = [each for each in self.contested if each.dispute_id != dispute_id]
        self.contested.append(FoundDispute(dispute_id, "test", micros(amount), status, "fraudulent"))


@dataclass(frozen=True)
class Banked(Providers):
    """Providers of which every account's is the test's own."""

    bank: Bank = field(default_factory=Bank)

    def of(self, mode: str) -> Provider:
        """The test's own."""
        return self.bank


@dataclass
class Bought:
    """A recharge in somebody's books, and the bank that took it."""

    books: Books
    recharge_no: int
    bank: Bank = field(default_factory=Bank)

    @property
    def lot_no(self) -> int:
        """The lot that it brought."""
        return next(lot.lot_no for lot in self.books.lots() if lot.recharge_no == self.recharge_no)

    def refund(self, amount: int | str | None = None, **values: Any) -> None:
        """Give back an amount, or all that is left."""
        chosen = {
            "amount_micros": None if amount is None else micros(amount), "reason": "Not needed",
            "idempotency_key": a_key(), "recharge_no": self.recharge_no,
        }  # fmt: skip
        refunds.refund_recharge(self.books.database, self.providers, **self.where, **{**chosen, **values})

    def hear_refunds(self) -> None:
        """The bank says that something became of a refund."""
        refunds.hear_refunds(self.books.database, self.providers, recharge_no=self.recharge_no, **self.where)

    def hear_disputes(self) -> None:
        """The bank says that something became of a dispute."""
        disputes.hear_disputes(self.books.database, self.providers, recharge_no=self.recharge_no, **self.where)

    def drive(self, refund_no: int = 1) -> None:
        """Do as the worker does with a refund that is due."""
        refunds.drive_refund(self.books.database, self.providers, refund_no=refund_no, **self.where)

    def refunds(self) -> list[tuple[str, int]]:
        """Status and amount of each refund."""
        with self.books.database.reading() as session:
            return session.rows(
                "SELECT status, amount_micros FROM refund WHERE account_id = ? ORDER BY refund_no",
                self.books.account_id,
            )

    def disputes(self) -> list[tuple[str, int]]:
        """Status of each dispute, and what it holds or has taken."""
        with self.books.database.reading() as session:
            return session.rows(
                "SELECT status, held_micros FROM dispute WHERE account_id = ? ORDER BY dispute_no",
                self.books.account_id,
            )

    def told(self, kind: str) -> int:
        """How many notices of a kind were written."""
        with self.books.database.reading() as session:
            found = session.row(
                "SELECT count(*) FROM notice WHERE account_id = ? AND kind = ?", self.books.account_id, kind
            )
        assert found is not None
        return int(found[0])

    @property
    def providers(self) -> Providers:
        """The bank, as the verbs want it."""
        return Banked(bank=self.bank)

    @property
    def where(self) -> dict[str, Any]:
        """Account, instant and terms of the books."""
        return {"account_id": self.books.account_id, "now": self.books.now, "terms": self.books.terms}


def buy(books: Books, amount: int | str = 100) -> Bought:
    """Recharge by an amount with a card."""
    make_card(books.database, books.account_id, now=books.now)
    return Bought(books, make_recharge(books.database, books.account_id, amount, now=books.now, terms=books.terms))


def buy_live(database: Database, amount: int | str = 100) -> Bought:
    """A LIVE account that has bought an amount with a card, at a provider that only the test knows."""
    books = open_books(database, mode=AccountMode.LIVE)
    make_agreement(database, books.account_id)
    recharge_no = make_recharge(database, books.account_id, amount)
    with database.transaction() as session:
        session.execute(
            "INSERT INTO payment_method (account_id, method_no, kind, token, brand, last_four, expires_on, is_default,"
            " created_at) VALUES (?, 2, 'CARD', 'tok', 'Visa', '4242', '2099-12-31', ?, 0)",
            books.account_id, False,
        )  # fmt: skip
        session.execute("UPDATE account SET method_count = 2 WHERE account_id = ?", books.account_id)
        session.execute(
            "UPDATE recharge SET method_no = 2, provider_payment = 'pi_1', invoice_due_at = NULL WHERE account_id = ?",
            books.account_id,
        )
    return Bought(books, recharge_no)
