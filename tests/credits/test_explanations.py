"""Why a call cost what it cost: its rate step by step, and which lots paid."""

import pytest

from credits.catalogue import create_plan
from credits.explanations import explain_calls
from credits.ids import public_id
from credits.language import language
from db.kinds import PlanKind
from tests.books import BLOCKED, PRICED, UNRATED, Books, a_call
from tests.factories import make_user


def told(books: Books, call_no: int, code: str = "en") -> list[str]:
    """What a person reads about a call, in some language."""
    with books.database.reading() as session:
        explained = explain_calls(session, account_id=books.account_id, call_nos=[call_no])
    return language(code).say_all(explained[call_no])


def test_a_charged_call_tells_its_rate_its_price_and_what_paid_it(books: Books) -> None:
    books.grant(2)
    books.grant(3)

    books.charge(7)

    text = "\n".join(told(books, 1))
    assert "United Kingdom" in text
    assert "The call costs $7.00." in text
    assert "$2.00 was drawn from the lot of Oct 1, 2026, 12:00:00\N{NARROW NO-BREAK SPACE}PM" in text
    assert public_id("lot", books.account_id, 1) in text
    assert "No lot could give $2.00; it is owed." in text


def test_a_call_that_one_lot_paid_owes_nothing(books: Books) -> None:
    books.grant(10)

    books.charge(7)

    assert not any("owed" in step for step in told(books, 1))


def test_a_call_without_a_price_tells_why(books: Books) -> None:
    books.record(a_call(1, to_number=UNRATED), a_call(1, to_number=BLOCKED), a_call(1, to_number="911"))

    assert "No deck in force had a rate" in told(books, 1)[0]
    assert "blocked" in told(books, 2)[0]
    assert told(books, 3) == ["Calls to emergency numbers are never charged."]


@pytest.mark.parametrize(
    ("to_number", "says"), [(PRICED, "It holds $0.06 until it ends, or until "), ("911", "It holds nothing, for it")]
)
def test_a_call_in_progress_tells_what_it_holds(books: Books, to_number: str, says: str) -> None:
    books.grant(10)

    books.authorize(60, to_number=to_number)

    granted, holds = told(books, 1)
    assert granted.endswith("and 60 s granted.")
    assert holds.startswith(says)


def test_a_call_that_got_less_time_than_it_asked_for_tells_that_no_more_could_be_paid(books: Books) -> None:
    books.grant("0.06")

    books.authorize(61)

    assert told(books, 1)[0].endswith("and 60 s granted: more could not be paid for.")


@pytest.mark.parametrize("left", ["0", "0.0005"])
def test_a_refusal_for_lack_of_credit_tells_what_is_there_and_what_the_first_step_would_cost(
    books: Books, left: str
) -> None:
    if left != "0":
        books.grant(left)

    books.authorize(3_600)

    says = {
        "0": "$0.00 is available, which does not pay for it: the call is refused.",
        "0.0005": "Such a call costs $0.001 at least, and $0.0005 is available: the call is refused.",
    }
    assert told(books, 1)[-1].startswith(says[left])


def test_plans_go_by_their_published_names_in_the_readers_language_and_by_the_operators_own_in_any(
    books: Books,
) -> None:
    with books.database.transaction() as session:
        create_plan(session, code="OURS", kind=PlanKind.CALLING_PLAN, name="{Ours}", domestic_minutes=1)
    for plans in (("MCOPSTN5", "MCOMEETADD"), ("OURS",)):
        books.authorize(60, user_no=make_user(books.database, books.account_id, *plans, name="Mia"))

    assert "Mia holds Domestic Calling Plan (120 minutes), Audio Conferencing." in told(books, 1)
    assert "Mia のライセンス: 国内通話プラン (120 分), 電話会議。" in told(books, 1, "ja")
    assert "Mia のライセンス: {Ours}。" in told(books, 2, "ja")


def test_each_of_many_calls_is_told_its_own_story(books: Books) -> None:
    books.grant(3)
    books.record(a_call(1), a_call(2), a_call(4))

    with books.database.reading() as session:
        explained = explain_calls(session, account_id=books.account_id, call_nos=[1, 2, 3])

    prices = [next(step for step in told(books, number) if step.startswith("The call costs")) for number in explained]
    assert prices == ["The call costs $1.00.", "The call costs $2.00.", "The call costs $4.00."]
