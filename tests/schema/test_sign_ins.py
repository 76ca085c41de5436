"""One's own sign-in through the API: the password, the second factor, and where one is signed in."""

from dataclasses import replace
from typing import Any

import pyotp
import pytest

from credits.ids import public_id
from credits.instants import HOUR, SECOND
from credits.passwords import verify_password
from credits.people import create_person, find_person
from credits.second_factor import STEP
from credits.sessions import open_session, sessions_of
from schema.access import Viewer
from tests.factories import NOW
from tests.schema.asking import EVERYTHING, Api

ALICE, PASSWORD = "alice@example.com", "correct horse battery"
SIGN_IN = "{ viewer { signIn { email secondFactorSince recoveryCodesLeft sessions { id address browser isThis } } } }"


@pytest.fixture
def alice(api: Api) -> Viewer:
    """Alice, who is signed in with Firefox."""
    with api.database.transaction() as session:
        person_id = create_person(session, email=ALICE, password=PASSWORD, is_operator=False, roles={}, now=NOW)
    return Viewer(ALICE, False, {}, EVERYTHING, number=person_id, session_id=_open(api, "Firefox"))


def _open(api: Api, browser: str) -> int:
    with api.database.transaction() as session:
        person = find_person(session, ALICE)
        assert person is not None
        opened = open_session(session, person=person, address="192.0.2.7", agent=browser, now=NOW, lasts=HOUR)
    assert opened is not None
    return opened


def _browsers(api: Api, viewer: Viewer) -> list[str]:
    assert viewer.number is not None
    with api.database.reading() as session:
        return sorted(each.agent for each in sessions_of(session, viewer.number, NOW))


def _codes(api: Api, viewer: Viewer, mutation: str, shape: str, **values: Any) -> Any:
    return api.change(mutation, shape, values, viewer=viewer)


def _set_up(api: Api, viewer: Viewer) -> tuple[str, list[str]]:
    """A second factor: its secret, and the recovery codes."""
    secret = api.change("startSecondFactor", "secret uri", {"password": PASSWORD}, viewer=viewer)["secret"]
    payload = api.change("confirmSecondFactor", "codes", {"code": _code(secret, api.now)}, viewer=viewer)
    assert payload["errors"] == []
    api.now += 10 * STEP
    return secret, payload["codes"]


def _code(secret: str, at: int) -> str:
    return pyotp.TOTP(secret).at(at // SECOND)


def _errors(payload: Any) -> list[tuple[str, list[str]]]:
    return [(error["code"], error["field"]) for error in payload["errors"]]


def _actions(api: Api) -> list[str]:
    with api.database.reading() as session:
        return [action for (action,) in session.rows("SELECT action FROM audit_event ORDER BY at")]


def test_one_sees_how_and_where_one_is_signed_in(api: Api, alice: Viewer) -> None:
    other = _open(api, "Safari")

    found = api.ask(SIGN_IN, viewer=alice)["viewer"]["signIn"]

    assert (found["email"], found["secondFactorSince"], found["recoveryCodesLeft"]) == (ALICE, None, 0)
    assert sorted(found["sessions"], key=lambda each: each["browser"]) == [
        {"id": public_id("sess", alice.session_id or 0), "address": "192.0.2.7", "browser": "Firefox", "isThis": True},
        {"id": public_id("sess", other), "address": "192.0.2.7", "browser": "Safari", "isThis": False},
    ]


def test_another_password_leaves_one_signed_in_here_alone(api: Api, alice: Viewer) -> None:
    _open(api, "Safari")

    payload = api.change(
        "changePassword", "signIn { email }", {"password": PASSWORD, "newPassword": "another password"}, viewer=alice
    )

    assert payload["errors"] == []
    assert _browsers(api, alice) == ["Firefox"]
    with api.database.reading() as session:
        person = find_person(session, ALICE)
    assert person is not None
    assert verify_password(person.password_hash, "another password")
    assert _actions(api) == ["changePassword"]


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({"password": "not the one", "newPassword": "another password"}, "password"),
        ({"password": PASSWORD, "newPassword": "short"}, "newPassword"),
    ],
)
def test_a_password_that_is_refused_changes_nothing(
    api: Api, alice: Viewer, values: dict[str, str], wrong: str
) -> None:
    _open(api, "Safari")

    payload = api.change("changePassword", "signIn { email }", values, viewer=alice)

    assert _errors(payload) == [("INVALID", ["input", wrong])]
    assert _browsers(api, alice) == ["Firefox", "Safari"]
    assert _actions(api) == []


def test_whoever_sits_at_an_open_browser_guesses_slowly(api: Api, alice: Viewer) -> None:
    values = {"password": "a guess", "newPassword": "another password"}
    for _ in range(3):
        api.change("changePassword", "", values, viewer=alice)

    payload = api.change("changePassword", "", values | {"password": PASSWORD}, viewer=alice)

    assert [error["code"] for error in payload["errors"]] == ["LIMIT_EXCEEDED"]


def test_a_second_factor_is_set_up_with_the_password_and_a_code(api: Api, alice: Viewer) -> None:
    _, codes = _set_up(api, alice)

    found = api.ask(SIGN_IN, viewer=alice)["viewer"]["signIn"]

    assert found["secondFactorSince"] is not None
    assert found["recoveryCodesLeft"] == len(codes) == 10
    assert _actions(api) == ["confirmSecondFactor"]


def test_a_second_factor_is_not_begun_without_the_password(api: Api, alice: Viewer) -> None:
    payload = api.change("startSecondFactor", "secret uri", {"password": "not the one"}, viewer=alice)

    assert payload["secret"] is None
    assert _errors(payload) == [("INVALID", ["input", "password"])]


def test_a_wrong_code_sets_nothing_up(api: Api, alice: Viewer) -> None:
    api.change("startSecondFactor", "secret", {"password": PASSWORD}, viewer=alice)

    payload = api.change("confirmSecondFactor", "codes", {"code": "000000"}, viewer=alice)

    assert payload["codes"] == []
    assert _errors(payload) == [("INVALID", ["input", "code"])]


@pytest.mark.parametrize("mutation", ["removeSecondFactor", "renewRecoveryCodes"])
def test_a_second_factor_is_changed_with_password_and_code_alone(api: Api, alice: Viewer, mutation: str) -> None:
    secret, _ = _set_up(api, alice)
    code = _code(secret, api.now)

    without_password = api.change(mutation, "", {"password": "not the one", "code": code}, viewer=alice)
    without_code = api.change(mutation, "", {"password": PASSWORD, "code": "000000"}, viewer=alice)

    assert _errors(without_password) == [("INVALID", ["input", "password"])]
    assert _errors(without_code) == [("INVALID", ["input", "code"])]
    assert api.ask(SIGN_IN, viewer=alice)["viewer"]["signIn"]["recoveryCodesLeft"] == 10


def test_a_second_factor_is_removed(api: Api, alice: Viewer) -> None:
    secret, _ = _set_up(api, alice)

    payload = api.change(
        "removeSecondFactor", "signIn { secondFactorSince }", {"password": PASSWORD, "code": _code(secret, api.now)},
        viewer=alice,
    )  # fmt: skip

    assert payload == {"signIn": {"secondFactorSince": None}, "errors": []}
    assert _actions(api) == ["confirmSecondFactor", "removeSecondFactor"]


def test_recovery_codes_are_made_anew(api: Api, alice: Viewer) -> None:
    _, codes = _set_up(api, alice)

    payload = api.change("renewRecoveryCodes", "codes", {"password": PASSWORD, "code": codes[0]}, viewer=alice)

    assert len(payload["codes"]) == 10
    assert not set(payload["codes"]) & set(codes)


def test_one_of_ones_own_sessions_is_ended(api: Api, alice: Viewer) -> None:
    other = _open(api, "Safari")

    payload = api.change("endSession", "", {"sessionId": public_id("sess", other)}, viewer=alice)

    assert payload["errors"] == []
    assert _browsers(api, alice) == ["Firefox"]
    assert _actions(api) == ["endSession"]


def test_a_session_of_somebody_else_does_not_exist(api: Api, alice: Viewer) -> None:
    bob = replace(alice, name="bob@example.com", number=7, session_id=8)

    payload = api.change("endSession", "", {"sessionId": public_id("sess", alice.session_id or 0)}, viewer=bob)

    assert _errors(payload) == [("NOT_FOUND", ["input", "sessionId"])]
    assert _browsers(api, alice) == ["Firefox"]


def test_all_other_sessions_are_ended(api: Api, alice: Viewer) -> None:
    _open(api, "Safari")
    _open(api, "Chrome")

    api.change("endOtherSessions", "", {}, viewer=alice)

    assert _browsers(api, alice) == ["Firefox"]


def test_another_session_than_the_one_that_asks_may_stay(api: Api, alice: Viewer) -> None:
    other = _open(api, "Safari")

    api.change("endOtherSessions", "", {"keepSessionId": public_id("sess", other)}, viewer=alice)

    assert _browsers(api, alice) == ["Safari"]


def test_a_session_that_is_none_of_ones_own_cannot_stay(api: Api, alice: Viewer) -> None:
    payload = api.change("endOtherSessions", "", {"keepSessionId": "sess_7"}, viewer=alice)

    assert _errors(payload) == [("NOT_FOUND", ["input", "keepSessionId"])]
    assert _browsers(api, alice) == ["Firefox"]
