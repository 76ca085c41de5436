"""Notices: told with what causes them, to whom, once; taken by one worker, tried again, given up, sent again."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from credits import due, notices
from credits.accounts import update_account
from credits.instants import HOUR, MINUTE
from credits.notices import LEASE, NOBODY, WAITS, Outgoing
from credits.refusals import Code, Refusal
from credits.terms import USUAL_TERMS
from db.kinds import AccountStatus, NoticeKind, Role
from db.session import Database
from db.tables.people import Membership, Person
from tests.factories import NOW, make_account, make_lot, make_test_account, micros
from tests.mail import ANN, BEN, FACTS, NoticeRow, mail_to, make_notice, notices_of


@pytest.fixture
def account_id(database: Database) -> int:
    """A LIVE account whose mail goes to Ann and Ben."""
    number = make_account(database)
    mail_to(database, number, ANN, BEN)
    return number


def only(database: Database, account_id: int) -> NoticeRow:
    """The account's one notice."""
    (found,) = notices_of(database, account_id)
    return found


def claim(database: Database, account_id: int, now: int = NOW) -> Outgoing | None:
    """Take the account's first notice."""
    with database.transaction() as session:
        return notices.claim_notice(session, account_id, 1, now)


def taken(database: Database, account_id: int, now: int = NOW) -> Outgoing:
    """Take the account's first notice, which must be there to be taken."""
    outgoing = claim(database, account_id, now)
    assert outgoing is not None
    return outgoing


def deliver(database: Database, sent: Outgoing, now: int = NOW, **undelivered: str) -> None:
    """Note that the server took it, but for Ann or Ben, each with the reason."""
    refused = {{"ann": ANN, "ben": BEN}[name]: why for name, why in undelivered.items()}
    with database.transaction() as session:
        notices.delivered(session, sent, undelivered=refused, now=now)


def fail(database: Database, sent: Outgoing, now: int = NOW) -> None:
    """Note that it went to nobody."""
    with database.transaction() as session:
        notices.not_delivered(session, sent, reason="421 Not now", now=now)


def give_up(database: Database, account_id: int) -> int:
    """Try a notice until it is given up, and return when that was."""
    now = NOW
    while (row := only(database, account_id)).status == "QUEUED":
        assert row.due_at is not None
        now = row.due_at
        fail(database, taken(database, account_id, now), now)
    return now


def send_again(database: Database, account_id: int, now: int = NOW) -> None:
    """Ask for the account's first notice to be sent once more."""
    with database.transaction() as session:
        notices.send_again(session, account_id=account_id, notice_no=1, now=now)


def test_what_is_told_is_queued_at_once_in_the_accounts_language_to_those_who_are_set(database: Database) -> None:
    account_id = make_account(database, locale="ja")
    mail_to(database, account_id, ANN, BEN, ANN)

    make_notice(database, account_id, NoticeKind.BALANCE_LOW)

    row = only(database, account_id)
    assert (row.kind, row.status, row.locale, row.created_at, row.due_at) == ("BALANCE_LOW", "QUEUED", "ja", NOW, NOW)
    assert row.subject == "残高が少なくなっています (残り $8.12): Contoso"
    assert json.loads(row.recipients) == json.loads(row.undelivered) == [ANN, BEN]


def test_what_a_transaction_that_fails_tells_is_not_told(database: Database, account_id: int) -> None:
    def crash() -> None:
        with database.transaction() as session:
            journal = due.open_journal(session, account_id, NOW, USUAL_TERMS)
            notices.tell(journal, NoticeKind.BALANCE_LOW, **FACTS[NoticeKind.BALANCE_LOW])
            journal.write()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        crash()

    assert notices_of(database, account_id) == []


def test_notices_are_numbered_in_their_order(database: Database, account_id: int) -> None:
    for _ in range(3):
        make_notice(database, account_id)

    assert [row.notice_no for row in notices_of(database, account_id)] == [1, 2, 3]


def test_a_kind_is_told_once_of_one_thing(database: Database, account_id: int) -> None:
    for kind, about in (
        (NoticeKind.LOT_EXPIRED, "lot-1"), (NoticeKind.LOT_EXPIRED, "lot-1"), (NoticeKind.LOT_EXPIRED, "lot-2"),
        (NoticeKind.LOT_EXPIRING, "lot-1"),
    ):  # fmt: skip
        make_notice(database, account_id, kind, about=about)

    assert [row.kind for row in notices_of(database, account_id)] == ["LOT_EXPIRED", "LOT_EXPIRED", "LOT_EXPIRING"]


def test_what_is_about_nothing_is_told_each_time(database: Database, account_id: int) -> None:
    make_notice(database, account_id)
    make_notice(database, account_id)

    assert len(notices_of(database, account_id)) == 2


def test_without_addresses_the_administrators_are_mailed(database: Database) -> None:
    account_id = make_account(database)
    _people(database, account_id, {BEN: Role.ADMIN, ANN: Role.ADMIN, "bill@contoso.example": Role.BILLING})

    make_notice(database, account_id)

    assert json.loads(only(database, account_id).recipients) == [ANN, BEN]


def test_the_recipients_of_many_accounts_are_read_together(database: Database, account_id: int) -> None:
    administered, nobodys = make_account(database), make_account(database)
    _people(database, administered, {BEN: Role.ADMIN})

    with database.reading() as session:
        found = notices.recipients_by_account(session, [account_id, administered, nobodys])

    assert found == {account_id: [ANN, BEN], administered: [BEN], nobodys: []}


def test_mail_to_nobody_is_kept_where_people_see_it(database: Database) -> None:
    account_id = make_account(database)

    make_notice(database, account_id)

    row = only(database, account_id)
    assert (row.status, row.failure, row.due_at) == ("FAILED", NOBODY, None)


def test_a_test_accounts_mail_leaves_at_once_wherever_its_clock_stands(database: Database) -> None:
    account_id = make_test_account(database, clock_at=NOW + 1000 * HOUR)
    mail_to(database, account_id, ANN)

    make_notice(database, account_id)

    assert only(database, account_id).created_at == NOW + 1000 * HOUR
    assert taken(database, account_id, NOW).addresses == [ANN]


def test_a_closed_account_is_told_nothing(database: Database, account_id: int) -> None:
    with database.transaction() as session:
        update_account(session, account_id=account_id, status=AccountStatus.CLOSED)

    make_notice(database, account_id)

    assert notices_of(database, account_id) == []


@pytest.mark.parametrize(("after", "found"), [(-1, 0), (0, 1), (1, 1)])
def test_a_notice_is_due_from_its_instant_on(database: Database, account_id: int, after: int, found: int) -> None:
    make_notice(database, account_id)

    with database.reading() as session:
        due_now = notices.notices_due(session, NOW + after)

    assert due_now == [(account_id, 1)][:found]
    assert (claim(database, account_id, NOW + after) is not None) is bool(found)


def test_the_longest_due_come_first_and_no_more_than_asked_for(database: Database, account_id: int) -> None:
    for minutes in (2, 0, 1):
        make_notice(database, account_id, now=NOW + minutes * MINUTE)

    with database.transaction() as session:
        session.execute("UPDATE notice SET due_at = ? WHERE notice_no = 3", NOW - 1)
        found = notices.notices_due(session, NOW + HOUR, limit=2)

    assert found[0] == (account_id, 3)
    assert len(found) == 2


def test_who_takes_a_notice_has_it_alone_until_the_lease_ends(database: Database, account_id: int) -> None:
    make_notice(database, account_id)
    first = taken(database, account_id)

    assert claim(database, account_id) is None
    assert claim(database, account_id, NOW + LEASE - 1) is None
    again = taken(database, account_id, NOW + LEASE)
    assert (first.attempts, again.attempts) == (1, 2)
    assert first.letter == again.letter


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_notice_that_another_worker_is_taking_is_passed_over(database: Database, account_id: int) -> None:
    make_notice(database, account_id)

    with database.transaction() as mine, database.transaction() as other:
        first = notices.claim_notice(mine, account_id, 1, NOW)
        second = notices.claim_notice(other, account_id, 1, NOW)

    assert first is not None
    assert second is None


def test_of_many_workers_at_once_one_takes_each_notice(database: Database, account_id: int) -> None:
    for _ in range(20):
        make_notice(database, account_id)
    got: list[int] = []

    def work() -> None:
        for notice_no in range(1, 21):
            with database.transaction() as session:
                if notices.claim_notice(session, account_id, notice_no, NOW):
                    got.append(notice_no)

    _at_once(work, 4)

    assert sorted(got) == list(range(1, 21))


def test_what_was_delivered_is_sent(database: Database, account_id: int) -> None:
    make_notice(database, account_id)

    deliver(database, taken(database, account_id), NOW + 5)

    row = only(database, account_id)
    assert (row.status, row.sent_at, row.due_at, row.undelivered) == ("SENT", NOW + 5, None, "[]")
    assert claim(database, account_id, NOW + 2 * LEASE) is None


def test_those_who_were_refused_are_tried_again_and_no_others(database: Database, account_id: int) -> None:
    make_notice(database, account_id)

    deliver(database, taken(database, account_id), ben="450 Busy")

    row = only(database, account_id)
    assert (row.status, row.failure, row.due_at) == ("QUEUED", f"{BEN}: 450 Busy", NOW + MINUTE)
    assert taken(database, account_id, NOW + MINUTE).addresses == [BEN]


def test_a_reason_is_forgotten_when_the_last_one_is_reached(database: Database, account_id: int) -> None:
    make_notice(database, account_id)
    deliver(database, taken(database, account_id), ben="450 Busy")

    deliver(database, taken(database, account_id, NOW + MINUTE), NOW + MINUTE)

    row = only(database, account_id)
    assert (row.status, row.failure, json.loads(row.recipients)) == ("SENT", None, [ANN, BEN])


def test_failures_wait_longer_each_time_and_are_given_up_after_the_last(database: Database, account_id: int) -> None:
    make_notice(database, account_id)
    now, waited = NOW, list[int]()

    for _ in range(len(WAITS)):
        fail(database, taken(database, account_id, now), now)
        next_at = only(database, account_id).due_at
        assert next_at is not None
        waited.append(next_at - now)
        now = next_at
    fail(database, taken(database, account_id, now), now)

    row = only(database, account_id)
    assert waited == [MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 12 * HOUR, 24 * HOUR]
    assert (row.status, row.failure, row.due_at, row.attempts) == ("FAILED", "421 Not now", None, 7)


def test_who_comes_late_with_a_failure_changes_nothing_for_the_next_one(database: Database, account_id: int) -> None:
    make_notice(database, account_id)
    slow = taken(database, account_id)
    quick = taken(database, account_id, NOW + LEASE)

    fail(database, slow, NOW + LEASE)

    assert only(database, account_id).due_at == NOW + 2 * LEASE
    deliver(database, quick, NOW + LEASE)
    fail(database, slow, NOW + LEASE)
    assert only(database, account_id).status == "SENT"


def test_who_comes_late_with_a_success_has_sent_it(database: Database, account_id: int) -> None:
    make_notice(database, account_id)
    slow = taken(database, account_id)
    quick = taken(database, account_id, NOW + LEASE)

    deliver(database, slow, NOW + LEASE)
    fail(database, quick, NOW + LEASE)

    assert only(database, account_id).status == "SENT"


def test_what_was_sent_goes_again_to_those_who_are_mailed_today(database: Database, account_id: int) -> None:
    make_notice(database, account_id)
    deliver(database, taken(database, account_id))
    mail_to(database, account_id, BEN, "cleo@contoso.example")

    send_again(database, account_id, NOW + HOUR)

    outgoing = taken(database, account_id, NOW + HOUR)
    assert outgoing.addresses == [BEN, "cleo@contoso.example"]
    assert (outgoing.round_no, outgoing.attempts) == (1, 1)


def test_what_was_given_up_goes_again_to_those_who_have_not_got_it(database: Database, account_id: int) -> None:
    make_notice(database, account_id)
    deliver(database, taken(database, account_id), ben="550 No such user")
    now = give_up(database, account_id)
    mail_to(database, account_id, ANN, "benjamin@contoso.example")

    send_again(database, account_id, now)

    assert taken(database, account_id, now).addresses == ["benjamin@contoso.example"]
    assert json.loads(only(database, account_id).recipients) == [ANN, "benjamin@contoso.example"]


def test_mail_to_nobody_goes_to_those_who_are_set_by_now(database: Database) -> None:
    account_id = make_account(database)
    make_notice(database, account_id)
    mail_to(database, account_id, ANN)

    send_again(database, account_id, NOW + 1)

    assert taken(database, account_id, NOW + 1).addresses == [ANN]


def test_a_notice_on_its_way_is_not_sent_again(database: Database, account_id: int) -> None:
    make_notice(database, account_id)
    before = notices_of(database, account_id)

    assert _refusal(lambda: send_again(database, account_id)) == (Code.CONFLICT, ("noticeId",))
    assert notices_of(database, account_id) == before


def test_with_nobody_to_mail_nothing_is_sent_again(database: Database) -> None:
    account_id = make_account(database)
    make_notice(database, account_id)

    assert _refusal(lambda: send_again(database, account_id)) == (Code.CONFLICT, ("noticeId",))
    assert only(database, account_id).status == "FAILED"


def test_a_notice_that_is_none_is_not_found(database: Database, account_id: int) -> None:
    assert _refusal(lambda: send_again(database, account_id)) == (Code.NOT_FOUND, ("noticeId",))


def test_two_who_ask_at_once_send_it_again_once(database: Database, account_id: int) -> None:
    make_notice(database, account_id)
    deliver(database, taken(database, account_id))
    outcomes: list[Any] = []

    def ask() -> None:
        try:
            send_again(database, account_id, NOW + 1)
            outcomes.append(None)
        except Refusal as refusal:
            outcomes.append(refusal.code)

    _at_once(ask, 2)

    assert sorted(outcomes, key=str) == [Code.CONFLICT, None]
    assert only(database, account_id).round_no == 1


@pytest.mark.parametrize(("threshold", "is_told"), [("99.999999", False), ("100", False), ("100.000001", True)])
def test_a_balance_that_is_low_already_counts_as_told(database: Database, threshold: str, is_told: bool) -> None:
    account_id = make_account(database)
    make_lot(database, account_id, 100)

    _set_low_balance(database, account_id, micros(threshold))

    assert _low_balance(database, account_id) == (micros(threshold), is_told)


def test_nought_switches_the_low_balance_notice_off(database: Database) -> None:
    account_id = make_account(database)
    _set_low_balance(database, account_id, micros(5))

    _set_low_balance(database, account_id, 0)

    assert _low_balance(database, account_id) == (None, False)


def test_a_low_balance_below_nought_is_refused(database: Database, account_id: int) -> None:
    assert _refusal(lambda: _set_low_balance(database, account_id, -1)) == (Code.INVALID, ("lowBalance",))
    assert _low_balance(database, account_id) == (None, False)


def _set_low_balance(database: Database, account_id: int, low_balance_micros: int) -> None:
    with database.transaction() as session:
        notices.set_low_balance(session, account_id=account_id, low_balance_micros=low_balance_micros, now=NOW)


def _low_balance(database: Database, account_id: int) -> tuple[int | None, bool]:
    with database.reading() as session:
        found = session.row("SELECT low_balance_micros, told_low FROM account WHERE account_id = ?", account_id)
    assert found is not None
    return found[0], bool(found[1])


def _refusal(act: Callable[[], object]) -> tuple[Code, tuple[str, ...]]:
    with pytest.raises(Refusal) as caught:
        act()
    return caught.value.code, caught.value.field


def _people(database: Database, account_id: int, roles: dict[str, Role]) -> None:
    with database.transaction() as session:
        for number, (email, role) in enumerate(roles.items(), 1):
            session.orm.add(Person(person_id=number, email=email, password_hash="", created_at=NOW))
            session.orm.flush()
            session.orm.add(Membership(account_id=account_id, person_id=number, role=role))
            session.orm.flush()


def _at_once(work: Callable[[], None], count: int) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
