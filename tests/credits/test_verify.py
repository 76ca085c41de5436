"""The proof: whole books break no rule, and each rule names the one kind of fact that breaks it."""

from typing import Any

import pytest

from credits.corrections import reverse_call
from credits.instants import DAY, HOUR
from credits.verify import RULES, Breach, verify
from db.session import Database
from tests.bank import Bought, buy_live
from tests.books import UNRATED, Books, a_call, open_books
from tests.calling import gather_callers
from tests.factories import NOW, make_card, make_recharge

# What stands in the busy account: lots 1 to 6, of which 3 was forfeited, 4 voided, 5 bought and 6 not started;
# entries 1 to 12; calls 1, 2 and 4 charged, 3 unrated, 5 to an emergency number; recharge 1 paid, 2 declined.
# Amounts are in units of {m} micro-units. Each corruption breaks its rule, and none of the rules before it.
CORRUPTIONS: list[tuple[str, str, list[str]]] = [
    ("an entry belongs to an account", "entry 1", ["DELETE FROM account WHERE {a}"]),
    ("entries are numbered without gaps", "entry 13", [
        "UPDATE draw SET entry_no = 13 WHERE {a} AND entry_no = 12",
        "UPDATE ledger_entry SET entry_no = 13 WHERE {a} AND entry_no = 12",
    ]),
    ("entries are numbered without gaps", "entry 10", [
        "DELETE FROM draw WHERE {a} AND entry_no = 9",
        "DELETE FROM ledger_entry WHERE {a} AND entry_no = 9",
    ]),
    ("entries are posted in order of time", "entry 7", [
        "UPDATE ledger_entry SET posted_at = posted_at + 1 WHERE {a} AND entry_no = 6",
    ]),
    ("nothing is written before it happened", "entry 6", [
        "UPDATE ledger_entry SET occurred_at = posted_at + 1 WHERE {a} AND entry_no = 6",
    ]),
    ("the account counts its entries", "account", ["UPDATE account SET entry_count = 13 WHERE {a}"]),
    ("the account counts its entries", "account", [
        "DELETE FROM draw WHERE {a} AND entry_no = 12",
        "DELETE FROM ledger_entry WHERE {a} AND entry_no = 12",
    ]),
    ("the account knows when its newest entry was posted", "account", [
        "UPDATE account SET last_posted_at = last_posted_at - 1 WHERE {a}",
    ]),
    ("an entry's amount is its draws and the change of what is owed", "entry 6", [
        "UPDATE draw SET amount_micros = amount_micros + 1 WHERE {a} AND entry_no = 6",
    ]),
    ("an entry's amount is its draws and the change of what is owed", "entry 2", [
        "UPDATE ledger_entry SET owed_change_micros = 0 WHERE {a} AND entry_no = 2",
    ]),
    ("an entry's amount is its draws and the change of what is owed", "entry 12", [
        "DELETE FROM draw WHERE {a} AND entry_no = 12",
    ]),
    ("an entry's balance is the one before it and its amount", "entry 6", [
        "UPDATE ledger_entry SET balance_after_micros = balance_after_micros + 1 WHERE {a} AND entry_no = 6",
    ]),
    ("an entry's balance is the one before it and its amount", "entry 1", [
        "UPDATE ledger_entry SET balance_after_micros = balance_after_micros + 1 WHERE {a}",
    ]),
    ("what is owed never falls below zero", "entry 1", [
        "UPDATE draw SET amount_micros = 2 * {m} WHERE {a} AND entry_no = 1",
        "UPDATE ledger_entry SET owed_change_micros = 3 * {m} WHERE {a} AND entry_no = 1",
        "UPDATE draw SET amount_micros = -2 * {m} WHERE {a} AND entry_no = 2",
        "UPDATE ledger_entry SET owed_change_micros = -6 * {m} WHERE {a} AND entry_no = 2",
    ]),
    ("the book balance is the sum of the entries", "account", [
        "UPDATE account SET book_balance_micros = book_balance_micros + 1 WHERE {a}",
    ]),
    ("what is owed is the sum of its changes", "account", ["UPDATE account SET owed_micros = 1 WHERE {a}"]),
    ("the book balance is what the lots hold less what is owed", "account", [
        "UPDATE lot SET remaining_micros = remaining_micros - 1 WHERE {a} AND lot_no = 2",
    ]),
    ("a lot is granted by one entry, whole", "lot 2", [
        "UPDATE lot SET amount_micros = amount_micros + 1 WHERE {a} AND lot_no = 2",
    ]),
    ("a lot is granted by one entry, whole", "lot 2", [
        "UPDATE ledger_entry SET kind = 'ADJUSTMENT' WHERE {a} AND entry_no = 3",
    ]),
    ("a lot holds what was granted less what was drawn", "lot 2", [
        "UPDATE lot SET remaining_micros = remaining_micros - 1 WHERE {a} AND lot_no = 2",
        "UPDATE lot SET remaining_micros = remaining_micros + 1 WHERE {a} AND lot_no = 5",
    ]),
    ("a lot never gives more than it holds", "lot 2", [
        "UPDATE draw SET lot_no = 2 WHERE {a} AND entry_no = 2",
        "UPDATE lot SET remaining_micros = 5 * {m} WHERE {a} AND lot_no = 1",
        "UPDATE lot SET remaining_micros = 92 * {m} WHERE {a} AND lot_no = 2",
    ]),
    ("lots are filled by funds and emptied by all else", "entry 12", [
        "UPDATE draw SET amount_micros = -41 * {m} WHERE {a} AND entry_no = 12",
        "INSERT INTO draw (account_id, entry_no, lot_no, amount_micros) VALUES ({id}, 12, 1, {m})",
        "UPDATE lot SET remaining_micros = 59 * {m} WHERE {a} AND lot_no = 5",
        "UPDATE lot SET remaining_micros = {m} WHERE {a} AND lot_no = 1",
    ]),
    ("only calls and what goes back are owed, and only lots repay", "entry 4", [
        "DELETE FROM draw WHERE {a} AND entry_no = 4",
        "UPDATE ledger_entry SET amount_micros = 3 * {m} WHERE {a} AND entry_no = 4",
        "UPDATE ledger_entry SET balance_after_micros = balance_after_micros + 3 * {m} WHERE {a} AND entry_no >= 4",
        "UPDATE lot SET remaining_micros = 100 * {m} WHERE {a} AND lot_no = 2",
        "UPDATE account SET book_balance_micros = book_balance_micros + 3 * {m} WHERE {a}",
    ]),
    ("only calls and what goes back are owed, and only lots repay", "entry 2", [
        "UPDATE ledger_entry SET kind = 'ADJUSTMENT' WHERE {a} AND entry_no = 2",
    ]),
    ("a lot is forfeited by an expiry, and only then", "lot 3", [
        "UPDATE lot SET forfeited_at = NULL WHERE {a} AND lot_no = 3",
    ]),
    ("a lot is forfeited by an expiry, and only then", "lot 1", [
        "UPDATE lot SET forfeited_at = purchased_at WHERE {a} AND lot_no = 1",
    ]),
    ("funds are forfeited at their expiry", "lot 3", [
        "UPDATE ledger_entry SET occurred_at = occurred_at - 1 WHERE {a} AND entry_no = 11",
    ]),
    ("a lot is voided by an adjustment, and only then", "lot 4", [
        "UPDATE lot SET voided_at = NULL WHERE {a} AND lot_no = 4",
    ]),
    ("a lot is voided by an adjustment, and only then", "lot 1", [
        "UPDATE lot SET voided_at = purchased_at WHERE {a} AND lot_no = 1",
    ]),
    ("a forfeited or voided lot holds nothing but for calls in progress", "lot 4", [
        "UPDATE ledger_entry SET amount_micros = -19 * {m} WHERE {a} AND entry_no = 8",
        "UPDATE draw SET amount_micros = -19 * {m} WHERE {a} AND entry_no = 8",
        "UPDATE ledger_entry SET balance_after_micros = balance_after_micros + {m} WHERE {a} AND entry_no >= 8",
        "UPDATE lot SET remaining_micros = {m} WHERE {a} AND lot_no = 4",
        "UPDATE account SET book_balance_micros = book_balance_micros + {m} WHERE {a}",
    ]),
    ("a call draws on lots that were usable when it was answered, reported or in progress", "entry 12", [
        "UPDATE draw SET lot_no = 6, amount_micros = -7 * {m} WHERE {a} AND entry_no = 12",
        "INSERT INTO draw (account_id, entry_no, lot_no, amount_micros) VALUES ({id}, 12, 5, -33 * {m})",
        "UPDATE lot SET remaining_micros = 0 WHERE {a} AND lot_no = 6",
        "UPDATE lot SET remaining_micros = 67 * {m} WHERE {a} AND lot_no = 5",
    ]),
    ("a call draws on lots that were usable when it was answered, reported or in progress", "entry 6", [
        "UPDATE ledger_entry SET occurred_at = occurred_at - 1 WHERE {a} AND entry_no = 6",
        "UPDATE lot SET starts_at = starts_at + 1 WHERE {a} AND lot_no = 3",
    ]),
    ("a lot repays from its start on", "entry 4", [
        "UPDATE lot SET starts_at = starts_at + 1 WHERE {a} AND lot_no = 2",
    ]),
    ("nothing is owed while a usable lot holds money", "lot 2", [
        "DELETE FROM draw WHERE {a} AND entry_no = 12",
        "UPDATE ledger_entry SET owed_change_micros = -40 * {m} WHERE {a} AND entry_no = 12",
        "UPDATE lot SET remaining_micros = 100 * {m} WHERE {a} AND lot_no = 5",
        "UPDATE account SET owed_micros = 40 * {m} WHERE {a}",
    ]),
    ("a call is charged once, by an entry of its amount, until that is reversed", "call 4", [
        "UPDATE call SET charge_micros = charge_micros + 1 WHERE {a} AND call_no = 4",
    ]),
    ("a call is charged once, by an entry of its amount, until that is reversed", "call 2", [
        "UPDATE ledger_entry SET call_no = 4 WHERE {a} AND entry_no = 6",
    ]),
    ("a call is priced in its account's currency", "call 4", [
        "INSERT INTO rate_deck SELECT 2, name, 'EUR', effective_from, decimals, rounding, rate_count, published_at"
        " FROM rate_deck WHERE deck_id = 1",
        "INSERT INTO rate SELECT 2, rate_no, service, prefix, destination, country, blocked, connect_fee_nanos,"
        " free_seconds, max_cost_nanos, tiers FROM rate WHERE deck_id = 1",
        "UPDATE call SET deck_id = 2 WHERE {a} AND call_no = 4",
    ]),
    ("a recharge that succeeded has one lot of its amount", "recharge 1", [
        "UPDATE recharge SET amount_micros = amount_micros + {m} WHERE {a} AND recharge_no = 1",
    ]),
    ("a recharge that succeeded has one lot of its amount", "recharge 2", [
        "UPDATE recharge SET status = 'SUCCEEDED' WHERE {a} AND recharge_no = 2",
    ]),
    ("a recharge that succeeded has one lot of its amount", "recharge 1", [
        "UPDATE recharge SET status = 'FAILED' WHERE {a} AND recharge_no = 1",
    ]),
    ("bought funds come from a recharge", "lot 2", ["UPDATE lot SET source = 'PURCHASE' WHERE {a} AND lot_no = 2"]),
    ("bought funds come from a recharge", "lot 5", ["UPDATE lot SET source = 'GRANT' WHERE {a} AND lot_no = 5"]),
    ("a recharge is a whole number of its currency's coins", "recharge 1", [
        "UPDATE recharge SET amount_micros = amount_micros + 1 WHERE {a} AND recharge_no = 1",
        "UPDATE lot SET amount_micros = amount_micros + 1, remaining_micros = remaining_micros + 1"
        " WHERE {a} AND lot_no = 5",
        "UPDATE draw SET amount_micros = amount_micros + 1 WHERE {a} AND entry_no = 9",
        "UPDATE ledger_entry SET amount_micros = amount_micros + 1 WHERE {a} AND entry_no = 9",
        "UPDATE ledger_entry SET balance_after_micros = balance_after_micros + 1 WHERE {a} AND entry_no >= 9",
        "UPDATE account SET book_balance_micros = book_balance_micros + 1 WHERE {a}",
    ]),
    ("a call costs what its rate says", "call 4", [
        "UPDATE call SET billed_seconds = billed_seconds + 1 WHERE {a} AND call_no = 4",
    ]),
    ("a call costs what its rate says", "call 4", [
        "UPDATE call SET duration_seconds = duration_seconds + 1 WHERE {a} AND call_no = 4",
    ]),
    ("a call costs what its rate says", "call 4", [
        "UPDATE call SET deck_id = NULL, rate_no = NULL WHERE {a} AND call_no = 4",
    ]),
    ("what cannot be spent is counted apart", "account", [
        "UPDATE account SET unusable_micros = unusable_micros + 1 WHERE {a}",
    ]),
    ("what time brings about is not missed", "lot 2", [
        "UPDATE account SET due_at = (SELECT max(expires_at) + 1 FROM lot WHERE {a} AND is_open) WHERE {a}",
    ]),
]  # fmt: skip


# What stands in the account of which money went back: recharge 1 brought lot 1 of 100, of which 10 was refunded (entry
# 2) and 30 is contested (entry 3); recharge 2 brought lot 2 of 50 (entry 4), of which 20 was refunded (entry 5).
RETURN_CORRUPTIONS: list[tuple[str, str, list[str]]] = [
    ("a lost dispute takes all that did not go back in another way", "recharge 1", [
        "UPDATE dispute SET status = 'LOST', closed_at = opened_at, amount_micros = 31 * {m} WHERE {a}",
    ]),
    ("receipts are numbered without gaps", "recharge 2", [
        "UPDATE recharge SET receipt_no = 3 WHERE {a} AND recharge_no = 2",
    ]),
    ("receipts are numbered without gaps", "recharge 1", [
        "UPDATE recharge SET receipt_no = NULL WHERE {a} AND recharge_no = 1",
    ]),
    ("the account counts its receipts", "account", ["UPDATE account SET receipt_count = 3 WHERE {a}"]),
    ("what went back of a recharge is what its refunds and disputes took", "recharge 1", [
        "UPDATE refund SET amount_micros = amount_micros + 1 WHERE {a} AND refund_no = 1",
    ]),
    ("what went back of a recharge is what its refunds and disputes took", "recharge 1", [
        "UPDATE dispute SET status = 'WON' WHERE {a}",
    ]),
    ("what went back of a recharge is what its refunds and disputes took", "recharge 2", [
        "UPDATE refund SET status = 'FAILED' WHERE {a} AND refund_no = 2",
    ]),
    ("no more goes back of a recharge than it brought", "recharge 1", [
        "UPDATE refund SET amount_micros = 71 * {m} WHERE {a} AND refund_no = 1",
        "UPDATE draw SET amount_micros = -70 * {m} WHERE {a} AND entry_no = 2",
        "UPDATE ledger_entry SET amount_micros = -71 * {m}, owed_change_micros = -{m} WHERE {a} AND entry_no = 2",
        "UPDATE ledger_entry SET balance_after_micros = balance_after_micros - 61 * {m} WHERE {a} AND entry_no >= 2",
        "UPDATE lot SET remaining_micros = 0 WHERE {a} AND lot_no IN (1, 2)",
        "UPDATE refund SET amount_micros = 50 * {m} WHERE {a} AND refund_no = 2",
        "UPDATE draw SET amount_micros = -50 * {m} WHERE {a} AND entry_no = 5",
        "UPDATE ledger_entry SET amount_micros = -50 * {m} WHERE {a} AND entry_no = 5",
        "UPDATE ledger_entry SET balance_after_micros = balance_after_micros - 30 * {m} WHERE {a} AND entry_no = 5",
        "UPDATE account SET book_balance_micros = -{m}, owed_micros = {m} WHERE {a}",
    ]),
    ("what goes back is taken from the recharge's own lot", "entry 5", [
        "UPDATE draw SET lot_no = 1 WHERE {a} AND entry_no = 5",
        "UPDATE lot SET remaining_micros = 40 * {m} WHERE {a} AND lot_no = 1",
        "UPDATE lot SET remaining_micros = 50 * {m} WHERE {a} AND lot_no = 2",
    ]),
]  # fmt: skip


@pytest.fixture
def busy(database: Database) -> Books:
    """An account in which everything has happened once, and beside it an innocent one."""
    innocent, books = open_books(database), open_books(database)
    innocent.grant(10)
    innocent.charge(30)
    books.grant(5)
    books.charge(8)
    books.grant(100)
    books.grant(50, expires_at=NOW + HOUR, priority=-1)
    books.charge(20)
    books.void(books.grant(20))
    make_card(database, books.account_id)
    make_recharge(database, books.account_id)
    make_card(database, books.account_id, "tok_declined")
    make_recharge(database, books.account_id)
    books.grant(7, starts_at=NOW + 300 * DAY)
    books.record(a_call(1, to_number=UNRATED))
    books.advance(NOW + 10 * DAY)
    books.charge(40, answered_at=books.now - HOUR)
    books.record(a_call(1, to_number="911"))
    return books


def corrupt(database: Database, statements: list[str]) -> None:
    """Change facts behind the rules' back, with the tables' constraints out of the way."""
    with database.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        if database.is_postgresql:
            constraints = driver.execute(
                "SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) FROM pg_constraint"
                " WHERE contype IN ('c', 'f') AND connamespace = 'public'::regnamespace"
            ).fetchall()
            driver.execute("; ".join(statement for (statement,) in constraints))
        else:
            driver.execute("PRAGMA foreign_keys = OFF")
            driver.execute("PRAGMA ignore_check_constraints = ON")
        driver.execute("DROP INDEX uq_ledger_entry_call_charge")
        for statement in statements:
            driver.execute(statement)


def test_whole_books_break_no_rule(busy: Books) -> None:
    with busy.database.reading() as session:
        assert verify(session) == []
        assert verify(session, account_id=busy.account_id) == []


def test_an_empty_database_breaks_no_rule(database: Database) -> None:
    with database.reading() as session:
        assert verify(session) == []


@pytest.mark.parametrize(("rule", "where", "statements"), CORRUPTIONS)
def test_a_broken_rule_is_named_with_its_account_and_place(
    busy: Books, rule: str, where: str, statements: list[str]
) -> None:
    words = {"a": f"account_id = {busy.account_id}", "id": busy.account_id, "m": 1_000_000}

    corrupt(busy.database, [statement.format(**words) for statement in statements])

    with busy.database.reading() as session:
        assert verify(session) == [Breach(busy.account_id, rule, where)]
        assert verify(session, account_id=busy.account_id) == [Breach(busy.account_id, rule, where)]


# What stands beside calls in progress: lots 1 and 2, of 1 and 5; call 1 holds all of lot 1 and 1 of lot 2, call 2 holds
# 1 of lot 2, call 3 was settled.
CALL_CORRUPTIONS: list[tuple[str, str, list[str]]] = [
    (
        "what lots hold for calls is the sum of what calls hold",
        "account",
        [
            "UPDATE call SET held_micros = held_micros + 1 WHERE {a} AND call_no = 1",
        ],
    ),
    (
        "what is reserved is what the lots hold for calls",
        "account",
        [
            "UPDATE lot SET held_micros = held_micros - 1 WHERE {a} AND lot_no = 2",
        ],
    ),
    (
        "a lot holds for calls what they say it holds",
        "lot 1",
        [
            "UPDATE lot SET held_micros = held_micros - 1 WHERE {a} AND lot_no = 1",
            "UPDATE lot SET held_micros = held_micros + 1 WHERE {a} AND lot_no = 2",
        ],
    ),
    (
        "a call in progress lapses when it is due",
        "call 2",
        [
            "UPDATE account SET due_at = due_at + 1 WHERE {a}",
        ],
    ),
]


@pytest.fixture
def calling(database: Database) -> Books:
    """An account with calls in progress, and beside it an innocent one."""
    innocent, calling = open_books(database), open_books(database)
    for books in (innocent, calling):
        books.grant(1)
        books.grant(5)
        books.authorize(2_000, "c1")
        books.authorize(1_000, "c2")
        books.authorize(1_000, "c3")
        books.settle("c3", 600, NOW)
    return calling


@pytest.fixture
def returned(database: Database) -> Books:
    """An account of which money went back in every way, and beside it an innocent one."""
    innocent, sold = buy_live(database), buy_live(database)
    innocent.refund(10)
    sold.refund(10)
    sold.bank.contests(30)
    sold.hear_disputes()
    second = Bought(sold.books, make_recharge(database, sold.books.account_id, 50), sold.bank)
    second.refund(20)
    return sold.books


def test_books_of_which_money_went_back_break_no_rule(returned: Books) -> None:
    with returned.database.reading() as session:
        assert verify(session) == []


@pytest.mark.parametrize(("rule", "where", "statements"), RETURN_CORRUPTIONS)
def test_a_broken_rule_of_what_goes_back_is_named(
    returned: Books, rule: str, where: str, statements: list[str]
) -> None:
    words = {"a": f"account_id = {returned.account_id}", "id": returned.account_id, "m": 1_000_000}

    corrupt(returned.database, [statement.format(**words) for statement in statements])

    with returned.database.reading() as session:
        assert verify(session) == [Breach(returned.account_id, rule, where)]


def test_books_with_calls_in_progress_break_no_rule(calling: Books) -> None:
    assert calling.breaches() == []


@pytest.mark.parametrize(("rule", "where", "statements"), CALL_CORRUPTIONS)
def test_a_broken_rule_of_calls_in_progress_is_named(
    calling: Books, rule: str, where: str, statements: list[str]
) -> None:
    corrupt(calling.database, [statement.format(a=f"account_id = {calling.account_id}") for statement in statements])

    assert calling.breaches() == [Breach(calling.account_id, rule, where)]


# What stands in the account whose users call: call 1 used 2 minutes of pool 1 and is paid, call 2 is in progress and
# holds 3 of it, call 3 cost user 2 an amount, call 4 was reversed.
USER_CORRUPTIONS: list[tuple[str, str, list[str]]] = [
    ("a call's user is one of its account", "call 3", ["UPDATE call SET user_no = 9 WHERE {a} AND call_no = 3"]),
    ("a call's user is one of its account", "call 1", ["DELETE FROM phone_user WHERE {a} AND user_no = 1"]),
    ("a call's minutes come from a pool of its account", "call 1", ["DELETE FROM minute_pool WHERE {a}"]),
    ("a call's minutes come from a pool of its account", "call 2", [
        "UPDATE call SET pool_no = NULL WHERE {a} AND call_no = 2",
    ]),
    ("a pool's used minutes are those of its calls", "pool 1", [
        "UPDATE minute_pool SET used_minutes = used_minutes + 1 WHERE {a}",
    ]),
    ("a pool's used minutes are those of its calls", "pool 1", [
        "UPDATE call SET reversed_at = answered_at WHERE {a} AND call_no = 1",
    ]),
    ("a pool's used minutes are those of its calls", "pool 1", [
        "UPDATE call SET reversed_at = NULL WHERE {a} AND call_no = 4",
    ]),
    ("a pool's promised minutes are those of calls in progress", "pool 1", [
        "UPDATE minute_pool SET held_minutes = held_minutes - 1 WHERE {a}",
    ]),
    ("what a user spent is what its calls cost", "user 2", [
        "UPDATE user_month SET spent_micros = spent_micros + 1 WHERE {a}",
    ]),
    ("what a user spent is what its calls cost", "user 2", ["DELETE FROM user_month WHERE {a}"]),
]  # fmt: skip


@pytest.fixture
def crowded(database: Database) -> Books:
    """An account whose users have called and are calling, and beside it an innocent one where all is the same."""
    for _ in range(2):
        callers = gather_callers(database, amount=10)
        mia, noah = callers.user("MCOPSTN5"), callers.user("MCOPSTNPAYG", "MCOPSTNPP")
        callers.calls(mia, seconds=61)
        callers.asks(mia, seconds=180)
        callers.calls(noah, seconds=60)
        taken_back = callers.calls(mia, seconds=60)
        with database.transaction() as session:
            reverse_call(
                session, rates=callers.books.rates, account_id=callers.books.account_id, call_id=taken_back.call_id,
                reason="Mistake", now=NOW,
            )  # fmt: skip
    return callers.books


def test_books_of_users_who_call_break_no_rule(crowded: Books) -> None:
    assert crowded.breaches() == []


@pytest.mark.parametrize(("rule", "where", "statements"), USER_CORRUPTIONS)
def test_a_broken_rule_of_users_and_pools_is_named(
    crowded: Books, rule: str, where: str, statements: list[str]
) -> None:
    corrupt(crowded.database, [statement.format(a=f"account_id = {crowded.account_id}") for statement in statements])

    assert crowded.breaches() == [Breach(crowded.account_id, rule, where)]


def test_every_rule_is_shown_to_be_broken_by_something() -> None:
    shown = CORRUPTIONS + RETURN_CORRUPTIONS + CALL_CORRUPTIONS + USER_CORRUPTIONS

    assert {rule for rule, _, _ in shown} == set(RULES)


def test_each_account_that_breaks_a_rule_is_named_once(busy: Books) -> None:
    corrupt(busy.database, ["UPDATE account SET book_balance_micros = book_balance_micros + 1, entry_count = 99"])

    with busy.database.reading() as session:
        broken = verify(session)

    assert [breach.rule for breach in broken] == ["the account counts its entries"] * 2
    assert [breach.account_id for breach in broken] == sorted(breach.account_id for breach in broken)


def test_an_account_asked_about_does_not_answer_for_another(busy: Books) -> None:
    corrupt(busy.database, [f"UPDATE account SET owed_micros = 1 WHERE account_id = {busy.account_id}"])

    with busy.database.reading() as session:
        (innocent,) = session.row("SELECT account_id FROM account WHERE account_id <> ?", busy.account_id) or ()
        assert verify(session, account_id=innocent) == []


def test_the_first_broken_place_is_the_first_by_number(busy: Books) -> None:
    words = f"account_id = {busy.account_id} AND entry_no IN (6, 11)"

    corrupt(busy.database, [f"UPDATE ledger_entry SET owed_change_micros = 1 WHERE {words}"])

    with busy.database.reading() as session:
        assert [breach.where for breach in verify(session)] == ["entry 6"]
