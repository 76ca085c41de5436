"""Quotes: what a call would cost, or why it may not go, told in plain steps."""

import pytest

from credits import accounts
from credits.decks import RateBook
from credits.language import language
from credits.quotes import Quote, quote_call
from credits.rating import Tier
from credits.refusals import Code, Refusal
from db.kinds import AccountStatus, RefusalReason
from db.session import Database
from tests.factories import NOW, a_rate, make_account, make_deck, make_test_account


def quote(database: Database, account_id: int, to: str = "+4930123456", **values: object) -> Quote:
    """Quote a minute to Berlin, answered now, unless said otherwise."""
    chosen = {"service": "USER_OUT", "at": None, "now": NOW, "rates": RateBook(), **values}
    with database.reading() as session:
        return quote_call(session, account_id=account_id, to=to, **chosen)  # type: ignore[arg-type]


def told(found: Quote) -> list[str]:
    """The steps of a quote in English, the narrow spaces that its dates have made plain."""
    return [step.replace("\N{NARROW NO-BREAK SPACE}", " ") for step in language("en").say_all(found.steps)]


def test_a_quote_prices_a_call_by_its_longest_prefix_and_tells_how(database: Database) -> None:
    make_deck(database, a_rate("49", "0.05"), a_rate("4930", "0.10", destination="Berlin"))
    account_id = make_account(database)

    found = quote(database, account_id, "+49 30 123456", duration_seconds=61)

    assert (found.priced, found.reason, found.billed_seconds, found.plan_seconds) == (True, None, 120, 0)
    assert (found.cost_micros, found.currency) == (200_000, "USD")
    assert found.rate is not None
    assert found.rate.prefix == "4930"
    assert told(found) == [
        "+49 30 123456 was read as +4930123456, a number of DE.",
        "The deck standard prices this call; it counts from Jan 1, 1970, 12:00:00 AM.",
        "The longest prefix that matches is 4930: Berlin.",
        "2 steps of 60 s at $0.10 a minute: $0.20.",
        "The call costs $0.20.",
    ]


def test_a_quote_lasts_a_minute_unless_said_otherwise(database: Database) -> None:
    make_deck(database)

    assert quote(database, make_account(database)).billed_seconds == 60


def test_a_national_number_is_read_in_the_accounts_region(database: Database) -> None:
    make_deck(database)

    assert quote(database, make_account(database, region="DE"), "030 123456").priced
    assert quote(database, make_account(database, region="US"), "030 123456").reason == RefusalReason.INVALID_NUMBER


@pytest.mark.parametrize("service", ["TOLL_FREE_IN", "CONFERENCE_IN"])
def test_an_inbound_call_is_priced_by_the_service_number_that_was_dialled(database: Database, service: str) -> None:
    make_deck(database, a_rate("1800", "0.02", service=service), a_rate("49"))

    found = quote(database, make_account(database), "+18005550199", from_number="+4930123456", service=service)

    assert found.rate is not None
    assert (found.rate.prefix, found.cost_micros) == ("1800", 20_000)


@pytest.mark.parametrize(("later", "micros"), [(-1, 50_000), (0, 70_000), (1, 70_000)])
def test_a_call_takes_the_deck_in_force_when_it_is_answered(database: Database, later: int, micros: int) -> None:
    make_deck(database, a_rate("49", "0.05"), effective_from=0)
    make_deck(database, a_rate("49", "0.07"), effective_from=NOW)

    assert quote(database, make_account(database), at=NOW + later).cost_micros == micros
    assert quote(database, make_account(database), now=NOW + later).cost_micros == micros


def test_a_test_account_is_quoted_at_its_own_clock(database: Database) -> None:
    make_deck(database, a_rate("49", "0.05"), effective_from=0)
    make_deck(database, a_rate("49", "0.07"), effective_from=NOW)

    assert quote(database, make_test_account(database, clock_at=NOW - 1)).cost_micros == 50_000


def test_an_account_is_priced_by_its_own_deck_in_its_own_currency(database: Database) -> None:
    make_deck(database, a_rate("49", "0.05"))
    make_deck(database, a_rate("49", "7"), currency="JPY", decimals=0)
    make_deck(database, a_rate("49", "0.01"), name="premium")

    assert quote(database, make_account(database, currency="JPY")).cost_micros == 7_000_000
    assert quote(database, make_account(database, rate_deck="premium")).cost_micros == 10_000


def test_without_a_deck_there_is_no_rate(database: Database) -> None:
    found = quote(database, make_account(database, currency="JPY"))

    assert (found.priced, found.reason, found.cost_micros) == (False, RefusalReason.NO_RATE, 0)
    assert told(found)[-1] == "No deck standard in JPY counts at Oct 1, 2026, 12:00:00 PM."


def test_a_number_that_no_prefix_matches_has_no_rate_and_is_never_priced_zero(database: Database) -> None:
    make_deck(database, a_rate("49"))

    found = quote(database, make_account(database), "+33142685300")

    assert (found.priced, found.reason, found.rate) == (False, RefusalReason.NO_RATE, None)
    assert told(found)[-1].endswith("has no rate for this number.")


def test_a_price_of_zero_is_a_price(database: Database) -> None:
    make_deck(database, a_rate("49", "0"))

    found = quote(database, make_account(database))

    assert (found.priced, found.cost_micros, found.billed_seconds) == (True, 0, 60)


def test_a_blocked_destination_is_not_to_be_called_though_its_price_is_shown(database: Database) -> None:
    make_deck(database, a_rate("49", "0.05", blocked=True))

    found = quote(database, make_account(database))

    assert (found.priced, found.reason) == (False, RefusalReason.DESTINATION_BLOCKED)
    assert found.cost_micros == 50_000
    assert told(found)[-1] == "Calls to this destination are refused."


def test_a_blocked_prefix_does_not_block_a_longer_one(database: Database) -> None:
    make_deck(database, a_rate("49", blocked=True, tiers=()), a_rate("4930"))

    assert quote(database, make_account(database)).priced
    assert not quote(database, make_account(database), "+4940123456").priced


def test_what_cannot_be_a_number_is_told_as_the_reason(database: Database) -> None:
    make_deck(database)

    found = quote(database, make_account(database), "nobody")

    assert (found.priced, found.reason) == (False, RefusalReason.INVALID_NUMBER)
    assert told(found) == ["nobody cannot be a telephone number."]


@pytest.mark.parametrize("status", list(AccountStatus))
def test_an_emergency_call_is_priced_and_free_whatever_the_account_is(
    database: Database, status: AccountStatus
) -> None:
    account_id = make_account(database)
    with database.transaction() as session:
        accounts.update_account(session, account_id=account_id, status=status)

    found = quote(database, account_id, "911", user_no=1)

    assert (found.priced, found.reason, found.cost_micros, found.rate) == (True, None, 0, None)
    assert told(found) == [
        "911 is an emergency number.",
        "Calls to emergency numbers are never refused and never charged.",
    ]


@pytest.mark.parametrize("status", [AccountStatus.SUSPENDED, AccountStatus.CLOSED])
def test_an_account_that_is_not_active_may_not_call_though_the_price_is_shown(
    database: Database, status: AccountStatus
) -> None:
    make_deck(database, a_rate("49", "0.05"))
    account_id = make_account(database)
    with database.transaction() as session:
        accounts.update_account(session, account_id=account_id, status=status)

    found = quote(database, account_id)

    assert (found.priced, found.reason, found.cost_micros) == (False, RefusalReason.ACCOUNT_NOT_ACTIVE, 50_000)


def test_a_user_whom_the_account_does_not_have_may_not_call(database: Database) -> None:
    make_deck(database)

    assert quote(database, make_account(database), user_no=1).reason == RefusalReason.UNKNOWN_USER


@pytest.mark.parametrize("seconds", [-1, 86_401])
def test_a_duration_out_of_bounds_is_refused(database: Database, seconds: int) -> None:
    make_deck(database)

    with pytest.raises(Refusal) as refused:
        quote(database, make_account(database), duration_seconds=seconds)

    assert (refused.value.code, refused.value.field) == (Code.INVALID, ("durationSeconds",))


@pytest.mark.parametrize(("seconds", "billed"), [(0, 0), (86_400, 86_400)])
def test_a_duration_at_its_bounds_is_quoted(database: Database, seconds: int, billed: int) -> None:
    make_deck(database, a_rate("49", tiers=(Tier(0, 1, 1),)))

    assert quote(database, make_account(database), duration_seconds=seconds).billed_seconds == billed


def test_an_account_that_is_not_there_is_not_found(database: Database) -> None:
    with pytest.raises(Refusal) as refused:
        quote(database, 1)

    assert (refused.value.code, refused.value.field) == (Code.NOT_FOUND, ("accountId",))


def test_a_quote_changes_nothing(database: Database) -> None:
    make_deck(database)
    account_id = make_account(database)
    with database.reading() as session:
        before = accounts.look_up(session, account_id)

    quote(database, account_id, duration_seconds=3600)

    with database.reading() as session:
        assert accounts.look_up(session, account_id) == before
