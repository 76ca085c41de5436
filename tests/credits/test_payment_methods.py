"""Payment methods: cards known by a token, agreements to be invoiced, and the one that is used by default."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from credits.due import bring_up_to_date
from credits.instants import DAY, HOUR
from credits.payment_methods import (
    SETUP_LASTS,
    add_payment_method,
    ask_about_card_setup,
    default_method,
    remove_payment_method,
    set_default_payment_method,
    start_card_setup,
)
from credits.providers import Card, CustomerRequest, Setup, SetupAnswer, SetupRequest, Unavailable
from credits.refusals import Code, Refusal
from db.kinds import AccountMode, PaymentMethodKind
from db.session import Database
from tests.bank import Bank, Banked
from tests.books import Books, open_books
from tests.factories import NOW, PROVIDERS, make_account, make_agreement, make_card
from tests.mail import notices_of


def refusal_of(books: Books, verb: Any, **values: Any) -> Refusal:
    """The refusal of a verb, which must have left no trace."""
    before = books.dump()

    with pytest.raises(Refusal) as refused:
        if verb is add_payment_method:
            verb(books.database, PROVIDERS, account_id=books.account_id, **values)
        else:
            with books.database.transaction() as session:
                verb(session, account_id=books.account_id, now=NOW, **values)

    assert books.dump() == before
    return refused.value


def default_of(books: Books) -> int:
    """The number of the default method."""
    with books.database.reading() as session:
        return default_method(session, books.account_id).method_no


def remove(books: Books, method_no: int) -> None:
    """Remove a method."""
    with books.database.transaction() as session:
        remove_payment_method(session, account_id=books.account_id, method_no=method_no, now=NOW)


def test_a_card_is_known_by_what_its_provider_tells_of_it(books: Books) -> None:
    make_card(books.database, books.account_id)

    with books.database.reading() as session:
        found = session.row("SELECT kind, brand, last_four, token FROM payment_method")
    assert found == (PaymentMethodKind.CARD, "Visa", "4242", "tok_ok")


def test_the_first_method_is_the_default_even_when_that_was_not_asked_for(books: Books) -> None:
    first = make_card(books.database, books.account_id, make_default=False)
    make_agreement(books.database, books.account_id, make_default=False)

    assert default_of(books) == first


def test_a_new_method_becomes_the_default_unless_told_otherwise(books: Books) -> None:
    make_card(books.database, books.account_id)

    second = make_agreement(books.database, books.account_id)

    assert default_of(books) == second


def test_the_default_can_be_changed_and_there_is_only_one(books: Books) -> None:
    first = make_card(books.database, books.account_id)
    make_agreement(books.database, books.account_id)

    with books.database.transaction() as session:
        set_default_payment_method(session, account_id=books.account_id, method_no=first, now=NOW)

    assert default_of(books) == first
    with books.database.reading() as session:
        assert session.rows("SELECT method_no FROM payment_method WHERE is_default") == [(first,)]


def test_a_removed_default_is_not_replaced_by_itself_but_by_the_next_that_is_added(books: Books) -> None:
    make_agreement(books.database, books.account_id)
    card = make_card(books.database, books.account_id)
    remove(books, card)
    with pytest.raises(Refusal):
        default_of(books)

    added = make_agreement(books.database, books.account_id, make_default=False)

    assert default_of(books) == added


def test_a_method_is_removed_only_once_and_stays_on_record(books: Books) -> None:
    card = make_card(books.database, books.account_id)
    remove(books, card)

    refusal = refusal_of(books, remove_payment_method, method_no=card)

    assert (refusal.code, refusal.field) == (Code.NOT_FOUND, ("paymentMethodId",))
    with books.database.reading() as session:
        assert session.rows("SELECT method_no, removed_at FROM payment_method") == [(card, NOW)]


def test_a_method_that_is_not_there_or_was_removed_cannot_be_the_default(books: Books) -> None:
    removed = make_card(books.database, books.account_id)
    remove(books, removed)

    for method_no in (removed, 7):
        assert refusal_of(books, set_default_payment_method, method_no=method_no).code == Code.NOT_FOUND


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"kind": PaymentMethodKind.CARD, "token": "tok_unknown"}, "token"),
        ({"kind": PaymentMethodKind.CARD}, "token"),
        ({"kind": PaymentMethodKind.INVOICE}, "purchaseOrder"),
        ({"kind": PaymentMethodKind.INVOICE, "purchase_order": "  "}, "purchaseOrder"),
        ({"kind": PaymentMethodKind.INVOICE, "purchase_order": "x" * 101}, "purchaseOrder"),
        ({"kind": PaymentMethodKind.INVOICE, "agreement_number": "x" * 101}, "agreementNumber"),
        ({"kind": PaymentMethodKind.INVOICE, "purchase_order": "PO-1", "token": "tok_ok"}, "token"),
    ],
)
def test_a_wrong_method_is_refused_at_its_field(books: Books, values: dict[str, Any], field: str) -> None:
    refusal = refusal_of(books, add_payment_method, now=NOW, **values)

    assert (refusal.code, refusal.field) == (Code.INVALID, (field,))


def test_a_live_account_has_no_test_cards(database: Database) -> None:
    books = open_books(database, mode=AccountMode.LIVE)

    refusal = refusal_of(books, add_payment_method, kind=PaymentMethodKind.CARD, token="tok_ok", now=NOW)

    assert (refusal.code, refusal.field) == (Code.CONFLICT, ("kind",))


class Away(Bank):
    """A provider that opens a page on which a card is given, and tells nothing of it while it is away."""

    def __init__(self) -> None:
        super().__init__()
        self.is_away = True
        self.asked_about: list[str] = []

    def start_setup(self, request: SetupRequest) -> Setup:
        """A page."""
        return Setup("cs_1", "https://pay.example/cs_1")

    def setup(self, session_id: str) -> SetupAnswer:
        """Nothing, or that there is no card yet."""
        self.asked_about.append(session_id)
        if self.is_away:
            raise Unavailable
        return SetupAnswer()


@dataclass
class Setting:
    """A card set-up that was begun at NOW."""

    database: Database
    bank: Away
    account_id: int

    def asked_at(self, now: int) -> bool | None:
        """Whether the provider was asked and answered; None when it was asked and did not."""
        try:
            return ask_about_card_setup(
                self.database, Banked(bank=self.bank), account_id=self.account_id, setup_no=1, now=now
            )
        except Refusal:
            return None

    def state(self) -> tuple[str, int | None]:
        """The set-up's status, and when it is asked about again."""
        with self.database.reading() as session:
            ((status, due_at),) = session.rows("SELECT status, due_at FROM card_setup")
            return status, due_at


@pytest.fixture
def setting(database: Database) -> Setting:
    """A card set-up of a LIVE account, whose provider is away."""
    bank = Away()
    account_id = make_account(database)
    start_card_setup(database, Banked(bank=bank), account_id=account_id, now=NOW)
    return Setting(database, bank, account_id)


def test_a_card_set_up_is_asked_about_once_an_hour_also_while_the_provider_is_away(setting: Setting) -> None:
    asked = [setting.asked_at(NOW + after) for after in (HOUR - 1, HOUR, HOUR + 1, 2 * HOUR - 1, 2 * HOUR)]

    assert asked == [False, None, False, False, None]
    assert len(setting.bank.asked_about) == 2
    assert setting.state() == ("OPEN", NOW + 3 * HOUR)


def test_a_card_set_up_without_an_answer_ends_with_its_page(setting: Setting) -> None:
    setting.asked_at(NOW + SETUP_LASTS - 1)
    assert setting.state() == ("OPEN", NOW + SETUP_LASTS - 1 + HOUR)

    setting.asked_at(NOW + SETUP_LASTS - 1 + HOUR)

    assert setting.state() == ("ABANDONED", None)
    assert setting.asked_at(NOW + 2 * SETUP_LASTS) is False


def test_an_answer_about_a_card_set_up_sets_when_it_is_asked_about_again(setting: Setting) -> None:
    setting.bank.is_away = False

    assert setting.asked_at(NOW + HOUR) is True

    assert setting.state() == ("OPEN", NOW + 2 * HOUR)


class Issuer(Bank):
    """A provider whose cards last until a day."""

    def __init__(self, expires_on: date) -> None:
        super().__init__()
        self.expires_on = expires_on

    def customer(self, request: CustomerRequest) -> str:
        """Anybody."""
        return "cus_1"

    def card(self, customer: str | None, token: str) -> Card:
        """A card that lasts until then."""
        return Card(token, "Visa", "4242", self.expires_on)


@pytest.mark.parametrize(
    ("expires_on", "told"),
    [
        (date(2026, 9, 30), []),
        (date(2026, 10, 1), ["CARD_EXPIRING"]),
        (date(2026, 10, 31), ["CARD_EXPIRING"]),
        (date(2026, 11, 1), []),
    ],
)
def test_a_card_that_is_added_with_thirty_days_to_live_or_fewer_is_warned_of_at_once(
    database: Database, expires_on: date, told: list[str]
) -> None:
    account_id = make_account(database)
    providers = Banked(bank=Issuer(expires_on))

    add_payment_method(database, providers, account_id=account_id, kind="CARD", token="pm_1", now=NOW)

    assert [row.kind for row in notices_of(database, account_id)] == told


def test_a_card_is_warned_of_once_only(database: Database) -> None:
    account_id = make_account(database)
    providers = Banked(bank=Issuer(date(2026, 10, 31)))
    add_payment_method(database, providers, account_id=account_id, kind="CARD", token="pm_1", now=NOW)

    with database.transaction() as session:
        bring_up_to_date(session, account_id, NOW + 100 * DAY)

    assert [row.kind for row in notices_of(database, account_id)] == ["CARD_EXPIRING"]
