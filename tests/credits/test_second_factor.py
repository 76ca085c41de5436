"""The second factor: proved before it counts, near its half minute, and each code good for one use."""

import pyotp
import pytest

from credits.instants import SECOND
from credits.people import create_person, look_up_person
from credits.refusals import Refusal
from credits.second_factor import (
    STEP,
    address_of,
    confirm_second_factor,
    remove_second_factor,
    renew_recovery_codes,
    second_factor_of,
    start_second_factor,
    use_code,
)
from db.session import Database
from tests.factories import NOW
from tests.faults.at_once import Meeting, at_once

ALICE, SECRET = "alice@example.com", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
LATER = NOW + 10 * STEP


def _code(secret: str, at: int) -> str:
    """What an app shows at an instant."""
    return pyotp.TOTP(secret).at(at // SECOND)


def _make_person(database: Database) -> int:
    with database.transaction() as session:
        return create_person(session, email=ALICE, password="correct horse", is_operator=False, roles={}, now=NOW)


def _set_up(database: Database) -> tuple[int, str, list[str]]:
    """Somebody with a second factor: their number, its secret, and the recovery codes."""
    person_id = _make_person(database)
    with database.transaction() as session:
        secret = start_second_factor(session, person_id=person_id)
        codes = confirm_second_factor(session, person_id=person_id, code=_code(secret, NOW), now=NOW)
    assert codes is not None
    return person_id, secret, codes


def _use(database: Database, person_id: int, code: str, now: int = LATER) -> bool:
    with database.transaction() as session:
        return use_code(session, person_id=person_id, code=code, now=now) is not None


def _is_asked_for(database: Database, person_id: int) -> bool:
    with database.reading() as session:
        person = look_up_person(session, person_id)
    assert person is not None
    return person.has_second_factor


def test_a_secret_counts_once_a_code_has_proved_it(database: Database) -> None:
    person_id = _make_person(database)
    with database.transaction() as session:
        secret = start_second_factor(session, person_id=person_id)
    assert not _is_asked_for(database, person_id)
    assert not _use(database, person_id, _code(secret, LATER))

    with database.transaction() as session:
        assert confirm_second_factor(session, person_id=person_id, code=_code(secret, NOW), now=NOW)

    assert _is_asked_for(database, person_id)


def test_a_wrong_code_proves_nothing(database: Database) -> None:
    person_id = _make_person(database)
    with database.transaction() as session:
        secret = start_second_factor(session, person_id=person_id)

    with database.transaction() as session:
        assert confirm_second_factor(session, person_id=person_id, code=_code(secret, LATER), now=NOW) is None

    assert not _is_asked_for(database, person_id)


def test_without_a_secret_there_is_nothing_to_prove(database: Database) -> None:
    person_id = _make_person(database)

    with pytest.raises(Refusal), database.transaction() as session:
        confirm_second_factor(session, person_id=person_id, code="123456", now=NOW)


def test_a_second_factor_that_counts_is_not_replaced_by_whoever_comes(database: Database) -> None:
    person_id, secret, _ = _set_up(database)

    with pytest.raises(Refusal), database.transaction() as session:
        start_second_factor(session, person_id=person_id)

    assert _use(database, person_id, _code(secret, LATER))


@pytest.mark.parametrize(
    ("off", "is_right"), [(-2 * STEP, False), (-STEP, True), (0, True), (STEP, True), (2 * STEP, False)]
)
def test_a_clock_may_be_half_a_minute_off(database: Database, off: int, is_right: bool) -> None:
    person_id, secret, _ = _set_up(database)

    assert _use(database, person_id, _code(secret, LATER + off)) == is_right


def test_a_code_is_good_for_one_use(database: Database) -> None:
    person_id, secret, _ = _set_up(database)

    assert [_use(database, person_id, _code(secret, LATER)) for _ in range(2)] == [True, False]


def test_a_code_older_than_one_that_was_used_is_worth_nothing(database: Database) -> None:
    person_id, secret, _ = _set_up(database)
    assert _use(database, person_id, _code(secret, LATER))

    assert not _use(database, person_id, _code(secret, LATER - STEP))
    assert _use(database, person_id, _code(secret, LATER + STEP))


def test_the_code_that_proved_the_secret_is_used_too(database: Database) -> None:
    person_id, secret, _ = _set_up(database)

    assert not _use(database, person_id, _code(secret, NOW), NOW)


def test_of_two_who_use_a_code_at_once_one_is_let_in(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    person_id, secret, _ = _set_up(database)
    Meeting(monkeypatch, "credits.second_factor._step_of")

    came = at_once(*[lambda: _use(database, person_id, _code(secret, LATER))] * 2)

    assert sorted(came) == [False, True]


def test_spaces_in_a_code_do_not_matter(database: Database) -> None:
    person_id, secret, _ = _set_up(database)
    code = _code(secret, LATER)

    assert _use(database, person_id, f" {code[:3]} {code[3:]} ")


@pytest.mark.parametrize("code", ["", "0", "abcdef", "１２３４５６", "\N{SNOWMAN}" * 6, "x" * 10_000])
def test_what_is_no_code_is_wrong(database: Database, code: str) -> None:
    person_id, _, _ = _set_up(database)

    assert not _use(database, person_id, code)


def test_a_recovery_code_stands_in_once(database: Database) -> None:
    person_id, _, codes = _set_up(database)
    assert len(codes) == len(set(codes)) == 10

    assert [_use(database, person_id, codes[0].upper()) for _ in range(2)] == [True, False]
    assert _use(database, person_id, codes[1].replace("-", " "))
    with database.reading() as session:
        assert second_factor_of(session, person_id).recovery_codes_left == 8


def test_of_two_who_use_a_recovery_code_at_once_one_is_let_in(database: Database) -> None:
    person_id, _, codes = _set_up(database)

    assert sorted(at_once(*[lambda: _use(database, person_id, codes[0])] * 4)) == [False, False, False, True]


def test_new_recovery_codes_take_the_place_of_the_old(database: Database) -> None:
    person_id, _, codes = _set_up(database)

    with database.transaction() as session:
        fresh = renew_recovery_codes(session, person_id=person_id)

    assert not _use(database, person_id, codes[0])
    assert _use(database, person_id, fresh[0])


def test_no_recovery_code_is_stored(database: Database) -> None:
    _, _, codes = _set_up(database)

    with database.reading() as session:
        stored = repr(session.rows("SELECT * FROM recovery_code"))

    assert codes[0] not in stored
    assert codes[0].replace("-", "") not in stored


def test_what_is_removed_is_asked_for_no_more_and_can_be_set_up_anew(database: Database) -> None:
    person_id, secret, codes = _set_up(database)

    with database.transaction() as session:
        remove_second_factor(session, person_id=person_id)

    assert not _is_asked_for(database, person_id)
    assert not _use(database, person_id, codes[0])
    with database.transaction() as session:
        assert start_second_factor(session, person_id=person_id) != secret


def test_an_app_reads_secret_and_name_from_the_square_code() -> None:
    address = address_of(SECRET, ALICE)

    read = pyotp.parse_uri(address)
    assert (read.secret, read.name, read.issuer) == (SECRET, ALICE, "Communications Credits")
