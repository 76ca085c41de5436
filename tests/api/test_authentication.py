"""Strangers see nothing; programs come in with tokens, people with their session."""

import asyncio
from pathlib import Path

import pytest
from starlette.routing import Route

from api.identities import TOKEN_SECONDS, Credential, Identities
from credits.instants import MINUTE, SECOND
from credits.tokens import TokenState, create_token, find_token, revoke_token
from db.kinds import Scope
from db.session import Database
from tests.api.conftest import ALICE, House, ask, change_password_of, open_house
from tests.factories import NOW

HTML = {"Accept": "text/html,application/xhtml+xml"}
OPEN = {
    "/sign-in", "/sign-in/code", "/forgotten", "/link", "/new-password", "/join", "/healthz", "/readyz", "/metrics",
    "/preferences", "/webhooks/stripe",
}  # fmt: skip


def test_a_stranger_is_turned_away_from_every_page(house: House) -> None:
    closed = [route for route in house.app.routes if isinstance(route, Route) and route.path not in OPEN]
    client = house.client()

    for route in closed:
        for method in (route.methods or set()) - {"HEAD"}:
            answer = client.request(method, route.path)
            assert answer.status_code == 401, f"{method} {route.path}"
    assert len(closed) > 10


@pytest.mark.parametrize("path", ["/", "/accounts/acct_abc", "/nothing/here", "/graphql", "/static", "/healthz/more"])
def test_a_strangers_browser_is_sent_to_sign_in_whether_the_page_exists_or_not(house: House, path: str) -> None:
    answer = house.client().get(path, headers=HTML)

    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in")


def test_after_signing_in_one_lands_where_one_wanted_to_go(house: House) -> None:
    answer = house.client().get("/rates?search=44&page=2", headers=HTML)

    assert answer.headers["location"] == "/sign-in?next=/rates%3Fsearch%3D44%26page%3D2"


def test_a_fragment_for_somebody_whose_session_is_over_takes_the_whole_page_to_sign_in(house: House) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/accounts?search=x"}

    answer = house.client().get("/accounts/acct_abc/calls", headers=headers)

    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "/sign-in?next=/accounts%3Fsearch%3Dx"


def test_a_form_sent_after_the_session_is_over_leads_to_sign_in(house: House) -> None:
    answer = house.client().post("/sign-out", headers={**HTML, "Referer": "http://testserver/rates"})

    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/rates")


def test_a_program_asks_with_its_token_and_needs_no_cookie(house: House) -> None:
    answer = ask(house.client(), Authorization=f"Bearer {house.token(Scope.READ)}")

    assert answer.status_code == 200
    assert answer.json()["data"] == {"viewer": {"name": "Switch"}}


def test_a_token_sees_its_own_account_and_no_other(house: House) -> None:
    query = "{ viewer { accounts { nodes { name } } } }"

    own = ask(house.client(), query, Authorization=f"Bearer {house.token(Scope.READ)}").json()
    all_of_them = ask(house.client(), query, Authorization=f"bearer {house.token(Scope.READ, operator=True)}").json()

    assert own["data"]["viewer"]["accounts"]["nodes"] == [{"name": "Contoso"}]
    assert {"name": "Fabrikam"} in all_of_them["data"]["viewer"]["accounts"]["nodes"]


@pytest.mark.parametrize("header", ["Bearer ", "Bearer nonsense", "Bearer cct_AAAA"])
def test_a_token_that_nobody_made_is_turned_away(house: House, header: str) -> None:
    answer = ask(house.client(), Authorization=header)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


def test_a_bad_token_is_turned_away_even_beside_a_good_session(house: House) -> None:
    client = house.signed_in()

    assert ask(client, Authorization="Bearer nonsense").status_code == 401


@pytest.mark.parametrize("path", ["/", "/accounts", "/sign-in"])
def test_a_token_opens_no_pages(house: House, path: str) -> None:
    token = house.token(Scope.READ, operator=True)

    assert house.client().get(path, headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_a_revoked_token_is_turned_away_once_it_is_forgotten(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    header = f"Bearer {house.token(Scope.READ)}"
    ask(house.client(), Authorization=header)
    with house.database.transaction() as session:
        session.execute("UPDATE token SET revoked_at = ?", NOW)

    monkeypatch.setattr("api.clock.ticks", lambda: 1e9)

    assert ask(house.client(), Authorization=header).status_code == 401


def test_what_is_taken_back_in_one_process_is_worth_nothing_in_another_within_seconds(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = house.token(Scope.READ, Scope.ADMIN)
    elsewhere = Identities(house.database, house.app.state.running.sessions)
    ticks = iter([0.0, TOKEN_SECONDS - 0.001, TOKEN_SECONDS])
    monkeypatch.setattr("api.clock.ticks", lambda: next(ticks))
    looked = [asyncio.run(elsewhere.viewer(Credential(token)))]
    with house.database.transaction() as session:
        found = find_token(session, token, NOW)
        assert found is not None
        revoke_token(session, token_id=found.token_id, account_id=house.account_id, now=NOW)

    looked += [asyncio.run(elsewhere.viewer(Credential(token))) for _ in range(2)]

    assert [viewer is not None for viewer in looked] == [True, True, False]


def test_a_token_that_is_remembered_still_ends_at_its_instant(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = NOW + 1_000_000
    with house.database.transaction() as session:
        token = create_token(
            session, name="Switch", scopes=[Scope.READ], account_id=house.account_id, expires_at=ends, now=NOW
        )
    answers = []

    for at in (NOW, ends - 1, ends):
        monkeypatch.setattr("api.clock.now", lambda at=at: at)
        answers.append(ask(house.client(), Authorization=f"Bearer {token}").status_code)

    assert answers == [200, 200, 401]


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Uses of tokens are written down when the test says so."""
    monkeypatch.setattr("api.running.WRITE_USES_SECONDS", 3600.0)


@pytest.mark.usefixtures("by_hand")
def test_the_last_use_of_a_token_is_written_apart_from_requests_and_once_a_minute(
    any_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    header, written = f"Bearer {any_house.token(Scope.READ)}", []
    running = any_house.app.state.running

    for after in (0, 30, 60, 61):
        monkeypatch.setattr("api.clock.now", lambda after=after: NOW + after * SECOND)
        monkeypatch.setattr("api.clock.ticks", lambda after=after: 1e6 + after)
        assert ask(any_house.client(), Authorization=header).status_code == 200
        before = _used(any_house)
        count = running.identities.write_uses()
        written.append((count, before, _used(any_house)))

    assert written == [
        (1, None, NOW),
        (0, NOW, NOW),
        (1, NOW, NOW + MINUTE),
        (0, NOW + MINUTE, NOW + MINUTE),
    ]


def test_uses_that_were_not_written_yet_are_written_when_the_process_ends(
    sqlite_database: Database, tmp_path: Path
) -> None:
    with open_house(sqlite_database, tmp_path) as house:
        assert ask(house.client(), Authorization=f"Bearer {house.token(Scope.READ)}").status_code == 200

    assert _used(house) is not None


def _used(house: House) -> int | None:
    """When the one token was last used, as far as it is written down."""
    with house.database.reading() as session:
        ((used_at,),) = session.rows("SELECT used_at FROM token")
    assert used_at is None or isinstance(used_at, int)
    return used_at


def test_a_token_in_use_is_not_looked_up_for_every_request(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up = []
    find = Identities._find_token

    def counting(self: Identities, token: str) -> TokenState | None:
        looked_up.append(token)
        return find(self, token)

    monkeypatch.setattr(Identities, "_find_token", counting)
    header = f"Bearer {house.token(Scope.READ)}"

    for _ in range(5):
        assert ask(house.client(), Authorization=header).status_code == 200

    assert len(looked_up) == 1


def test_a_person_whose_role_was_taken_away_loses_sight_at_once(house: House) -> None:
    client = house.signed_in()
    page = f"/accounts/{house.account}"
    assert client.get(page).status_code == 200

    with house.database.transaction() as session:
        session.execute("DELETE FROM membership")

    assert client.get(page).status_code == 404


def test_a_new_password_signs_everybody_else_out(house: House) -> None:
    client = house.signed_in()

    change_password_of(house.database, ALICE)

    assert client.get("/", headers=HTML).headers["location"] == "/sign-in"
