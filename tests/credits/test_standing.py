"""Suspending, reactivating and closing: what an account may still do, and what becomes of what it holds."""

import pytest

from credits.audit import Actor
from credits.funds import grant_credit
from credits.instants import DAY, HOUR
from credits.invitations import invite_member, open_invitations
from credits.keys import Keys
from credits.refusals import Code, Refusal
from credits.standing import close_account, set_status, standings_of
from credits.tokens import create_token, find_token
from db.kinds import AccountMode, AccountStatus, ActorKind, EntryKind, RefusalReason, Role, Scope
from db.session import Database
from tests.books import Books, open_books
from tests.factories import NOW, a_key, make_account, micros

OPERATOR = Actor(ActorKind.PERSON, "olga@example.com")


@pytest.fixture
def books(database: Database) -> Books:
    """A LIVE account with a hundred dollars."""
    opened = open_books(database, mode=AccountMode.LIVE)
    opened.grant(100, expires_at=NOW + 10 * DAY)
    return opened


def turn(books: Books, status: AccountStatus, reason: str | None = "Unpaid") -> None:
    with books.database.transaction() as session:
        set_status(session, account_id=books.account_id, status=status, reason=reason, now=books.now)


def close(books: Books, name: str = "Contoso", reason: str = "Moved away") -> None:
    with books.database.transaction() as session:
        close_account(session, account_id=books.account_id, name=name, reason=reason, now=books.now)


def standing(books: Books) -> tuple[str, str | None, int | None]:
    """What the account is, why, and since when."""
    with books.database.reading() as session:
        found = standings_of(session, [books.account_id])[books.account_id]
    return books.account().status, found.reason, found.changed_at


def test_an_account_is_suspended_with_a_reason_and_reactivated_with_another(books: Books) -> None:
    assert standing(books) == ("ACTIVE", None, None)
    turn(books, AccountStatus.SUSPENDED, "Unpaid")
    assert standing(books) == ("SUSPENDED", "Unpaid", NOW)
    assert books.authorize().reason == RefusalReason.ACCOUNT_NOT_ACTIVE

    books.now = NOW + HOUR
    turn(books, AccountStatus.ACTIVE, "Paid")

    assert standing(books) == ("ACTIVE", "Paid", NOW + HOUR)
    assert books.authorize().authorized


def test_to_suspend_twice_changes_nothing(books: Books) -> None:
    turn(books, AccountStatus.SUSPENDED, "Unpaid")
    before = books.dump()

    books.now = NOW + HOUR
    turn(books, AccountStatus.SUSPENDED, "Again")

    assert books.dump() == before


def test_an_account_is_closed_by_whoever_names_it_and_for_good(books: Books) -> None:
    before = books.dump()
    for name, reason in (
        ("Fabrikam", "Moved away"),
        ("contoso", "Moved away"),
        ("Contoso", " "),
        ("Contoso", "x" * 501),
    ):
        with pytest.raises(Refusal) as refused:
            close(books, name, reason)
        assert refused.value.code == Code.INVALID
    assert books.dump() == before

    close(books, " Contoso ", " Moved away ")

    assert standing(books) == ("CLOSED", "Moved away", NOW)
    with pytest.raises(Refusal, match="closed"):
        turn(books, AccountStatus.ACTIVE)


def test_a_call_in_progress_is_settled_after_the_account_is_closed_and_gets_no_more_time(books: Books) -> None:
    books.authorize(60, "c1")
    books.authorize(60, "c2")
    close(books)

    extended = books.extend("c1", 30, 600)
    books.settle("c1", 60)
    books.release("c2")

    assert (extended.max_duration_seconds, extended.reason) == (60, RefusalReason.ACCOUNT_NOT_ACTIVE)
    assert (books.call("c1").status, books.call("c2").status) == ("SETTLED", "RELEASED")
    assert books.entries()[-1].amount_micros == -micros("0.06")
    assert books.balance().reserved_micros == 0
    assert books.authorize().reason == RefusalReason.ACCOUNT_NOT_ACTIVE
    assert books.breaches() == []


def test_emergency_calls_of_a_closed_account_still_go(books: Books) -> None:
    close(books)

    assert books.authorize(to_number="911").authorized


def test_a_call_of_which_nothing_is_heard_gives_back_what_it_held_of_a_closed_account(books: Books) -> None:
    books.authorize(3_600, "c1")
    close(books)

    books.now = NOW + 5 * HOUR
    books.bring_up_to_date()

    assert books.balance().reserved_micros == 0
    assert books.call("c1").status == "EXPIRED"


def test_funds_of_a_closed_account_keep_their_time_and_are_forfeited_when_it_is_over(books: Books) -> None:
    close(books)
    with pytest.raises(Refusal, match="closed"), books.database.transaction() as session:
        grant_credit(
            session, account_id=books.account_id, amount_micros=1, note="More", idempotency_key=a_key(), now=NOW
        )
    assert books.balance().current_micros == micros(100)

    books.now = NOW + 14 * DAY
    books.bring_up_to_date()

    assert books.balance().current_micros == 0
    assert books.entries()[-1].kind == EntryKind.EXPIRY
    assert books.breaches() == []


def test_invitations_to_a_closed_account_are_withdrawn_and_its_tokens_go_on_reading(books: Books) -> None:
    other = make_account(books.database, name="Fabrikam")
    with books.database.transaction() as session:
        for account_id in (books.account_id, other):
            invite_member(
                session, Keys(), OPERATOR, account_id=account_id, email="eve@example.com", role=Role.VIEWER,
                now=NOW,
            )  # fmt: skip
        token = create_token(session, name="Wallboard", scopes=[Scope.READ], account_id=books.account_id, now=NOW)

    close(books)

    with books.database.reading() as session:
        assert open_invitations(session, books.account_id, NOW) == []
        assert len(open_invitations(session, other, NOW)) == 1
        assert find_token(session, token, NOW) is not None
