"""The pages about who has access: tokens, members, operators."""

import csv
import io
import re
from typing import Any

import pytest
from structlog.testing import capture_logs

from credits.ids import public_id, read_id
from credits.people import create_person
from credits.tokens import find_token
from db.kinds import Scope
from db.session import Database
from tests.factories import NOW, make_lot
from tests.web.conftest import Browser
from tests.web.test_people import text

TOKENS = "/accounts/{account}/tokens"


def send(browser: Browser, path: str, on: str | None = None, **typed: Any) -> Any:
    """Send a form in which a name may stand several times."""
    token = browser.see(on or path).text.split('name="csrf_token" value="')[1].split('"')[0]
    return browser.client.post(browser.path(path), data={"csrf_token": token, **typed})


def secret_in(answer: Any) -> str:
    """The secret that a page shows."""
    (found,) = re.findall(r'<code id="secret">(cct_[\w-]{43})</code>', answer.text)
    return str(found)


def rows(browser: Browser, path: str) -> list[dict[str, str]]:
    """A list as CSV."""
    return list(csv.DictReader(io.StringIO(browser.see(path).text.removeprefix("\ufeff"))))


# ---- tokens ----


@pytest.mark.parametrize("place", [TOKENS, "/tokens"])
def test_a_new_tokens_secret_stands_in_the_one_answer_and_nowhere_else(
    olga: Browser, sqlite_database: Database, place: str
) -> None:
    with capture_logs() as logs:
        answer = send(olga, place, name="Switch in Reno", scope=["CALLS", "READ"], days="30", idempotency_key="k")
        later = [olga.see(path) for path in (place, f"{place}.csv", f"{place}?status=ACTIVE")]

    secret = secret_in(answer)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert "Copy it now: it is shown this once." in text(answer)
    assert answer.text.count(secret) == 1
    assert not any(secret in page.text for page in later)
    assert secret not in str(logs)
    with sqlite_database.reading() as session:
        found = find_token(session, secret, NOW)
    assert found is not None
    assert (found.name, found.account_id is None) == ("Switch in Reno", place == "/tokens")
    assert found.scopes == {Scope.CALLS, Scope.READ}
    assert found.created_by == "olga@example.com"
    assert found.expires_at is not None


def test_a_second_click_makes_no_second_token(ada: Browser) -> None:
    once, again = (send(ada, TOKENS, name="Switch", scope="CALLS", days="", idempotency_key="k") for _ in range(2))

    assert secret_in(once)
    assert again.status_code == 422
    assert "was made already" in text(again)
    assert [row["Name"] for row in rows(ada, f"{TOKENS}.csv")] == ["Switch"]


@pytest.mark.parametrize(
    ("typed", "field", "says"),
    [
        ({"name": " "}, "name", "A name has 1 to 200 characters."),
        ({"scope": []}, "scopes", "A token needs at least one scope."),
        ({"scope": ["RATES"]}, "scopes", "You cannot give what you do not have: rates."),
    ],
)
def test_a_token_that_is_refused_keeps_what_was_typed(
    ada: Browser, typed: dict[str, Any], field: str, says: str
) -> None:
    answer = send(ada, TOKENS, **{"name": "Typed", "scope": ["FUNDS"], "days": "90", **typed})

    assert answer.status_code == 422
    assert says in text(answer)
    assert f'id="{field}-wrong"' in answer.text
    assert '<option value="90" selected>' in answer.text
    assert ('value="FUNDS" checked' in answer.text) == ("scope" not in typed)
    assert rows(ada, f"{TOKENS}.csv") == []


def test_a_token_is_revoked_and_the_list_says_so(ada: Browser) -> None:
    send(ada, TOKENS, name="Switch <b>", scope="CALLS", days="")
    (token,) = rows(ada, f"{TOKENS}.csv")

    answer = send(ada, f"{TOKENS}/{token['Id']}/revocation", on=TOKENS)
    page = ada.client.get(answer.headers["location"])

    assert answer.status_code == 303
    assert "Switch <b> is revoked." in text(page)
    assert "/revocation" not in page.text
    assert [row["State"] for row in rows(ada, f"{TOKENS}.csv")] == ["Revoked"]
    assert rows(ada, f"{TOKENS}.csv?status=ACTIVE") == []
    assert "No token is like that." in text(ada.see(f"{TOKENS}?status=ACTIVE"))


def test_a_token_of_elsewhere_is_not_revoked(ada: Browser, olga: Browser) -> None:
    send(olga, "/tokens", name="Console", scope="READ", days="")
    (token,) = rows(olga, "/tokens.csv")

    answer = send(ada, f"{TOKENS}/{token['Id']}/revocation", on=TOKENS)

    assert answer.status_code == 422
    assert "There is no such token." in text(answer)
    assert [row["State"] for row in rows(olga, "/tokens.csv")] == ["Good"]


def test_who_does_not_administer_sees_no_tokens(vera: Browser, ada: Browser) -> None:
    assert vera.see(TOKENS).status_code == 403
    assert vera.see(f"{TOKENS}.csv").status_code == 403
    assert vera.path(TOKENS) not in vera.see("/accounts/{account}/notices").text
    assert ada.see("/tokens").status_code == 403
    assert ada.see("/accounts/{other}/tokens").status_code == 404


# ---- settings, suspending, closing ----

SETTINGS = "/accounts/{account}/settings"
CLOSING = "/accounts/{other}/settings/closing"


def test_the_settings_are_changed_and_what_is_refused_keeps_what_was_typed(ada: Browser) -> None:
    typed = {"name": "Contoso Ltd", "time_zone": "Europe/Berlin", "region": "DE", "locale": "ja", "rate_deck": "cheap"}

    refused = ada.send(SETTINGS, **{**typed, "time_zone": "Berlin"})
    saved = ada.send(SETTINGS, **typed)
    page = ada.client.get(saved.headers["location"])

    assert refused.status_code == 422
    assert "Berlin is not an IANA time zone." in text(refused)
    assert 'value="Contoso Ltd"' in refused.text
    assert "Saved." in text(page)
    for value in ("Contoso Ltd", "Europe/Berlin", "cheap"):
        assert f'value="{value}"' in page.text
    assert '<option value="DE" selected>' in page.text


def test_in_a_live_account_its_administrator_chooses_neither_prices_nor_standing(
    browsers: Any, sqlite_database: Database
) -> None:
    browser = browsers("ada@example.com")
    with sqlite_database.transaction() as session:
        session.execute("UPDATE account SET mode = 'LIVE', clock_at = NULL WHERE mode = 'TEST'")

    page = browser.see(SETTINGS)
    typed = {"name": "Mine", "time_zone": "UTC", "region": "US", "locale": "en", "rate_deck": "cheap"}
    saved = browser.send(SETTINGS, **typed)

    assert 'name="rate_deck"' not in page.text
    assert "/suspension" not in page.text
    assert browser.see(f"{SETTINGS}/closing").status_code == 403
    assert browser.send(f"{SETTINGS}/suspension", on=SETTINGS, suspension_reason="Why not").status_code == 403
    assert saved.status_code == 303
    assert "Rate deck standard" in text(browser.see(SETTINGS))


def test_who_only_looks_reads_the_settings(vera: Browser) -> None:
    page = vera.see(SETTINGS)

    assert "Time zone America/New_York Country United States" in text(page)
    assert 'name="time_zone"' not in page.text
    assert vera.send(SETTINGS, on=SETTINGS, name="Mine").status_code == 403


def test_an_account_is_suspended_and_reactivated_with_reasons_that_its_members_read(
    olga: Browser, vera: Browser
) -> None:
    refused = olga.send(f"{SETTINGS}/suspension", on=SETTINGS, suspension_reason=" ")
    suspended = olga.send(f"{SETTINGS}/suspension", on=SETTINGS, suspension_reason="Unpaid since May")
    said = text(olga.client.get(suspended.headers["location"]))
    overview, listed = text(vera.see("/accounts/{account}")), rows(olga, "/accounts.csv?status=SUSPENDED")
    olga.send(f"{SETTINGS}/reactivation", on=SETTINGS, reactivation_reason="Paid")

    assert refused.status_code == 422
    assert "Give a reason" in text(refused)
    assert "The account is suspended" in said
    assert "No calls that need credit: this account is suspended. Unpaid since May" in overview
    assert [row["Status"] for row in listed] == ["Suspended"]
    assert "State Active since" in text(olga.see(SETTINGS))


def test_an_account_is_closed_by_its_name_and_can_only_be_read_then(olga: Browser) -> None:
    asked = olga.see(CLOSING)
    refused = olga.send(CLOSING, name="Contoso", reason="Moved away")
    closed = olga.send(CLOSING, name="Fabrikam", reason="Moved away")
    page = olga.client.get(closed.headers["location"])

    assert "Type the account's name: Fabrikam" in text(asked)
    assert refused.status_code == 422
    assert "This is not the account's name." in text(refused)
    assert 'value="Moved away"' in refused.text
    assert "The account is closed. It can still be read." in text(page)
    assert "<form" not in page.text.split("<main")[1].split("</main>")[0]
    assert olga.see(CLOSING).headers["location"] == olga.path("/accounts/{other}/settings")
    assert "this account is closed, and can only be read. Moved away" in text(olga.see("/accounts/{other}"))


def test_what_a_closed_account_has_left_is_not_called_usable(olga: Browser, sqlite_database: Database) -> None:
    make_lot(sqlite_database, read_id("acct", olga.other)[0], 100)
    usable = text(olga.see("/accounts/{other}"))
    olga.send(CLOSING, name="Fabrikam", reason="Moved away")

    overview, lots = text(olga.see("/accounts/{other}")), text(olga.see("/accounts/{other}/lots"))

    assert "1 usable" in usable
    assert "1 with something left, which cannot be used" in overview
    assert "usable through" not in overview
    assert "Not usable: the account is closed" in lots
    assert [row["State"] for row in rows(olga, "/accounts/{other}/lots.csv")] == ["Not usable: the account is closed"]


# ---- the operator's list of accounts ----


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Contoso <& sons>", "Fabrikam"]),
        ("search=fabri", ["Fabrikam"]),
        ("mode=TEST", ["Contoso <& sons>"]),
        ("currency=usd&status=ACTIVE", ["Contoso <& sons>", "Fabrikam"]),
        ("currency=EUR", []),
        ("status=CLOSED", []),
        ("attention=yes", ["Fabrikam"]),
        ("mode=NONE&status=NONE", ["Contoso <& sons>", "Fabrikam"]),
    ],
)
def test_accounts_are_narrowed_by_the_address_and_so_is_their_csv(olga: Browser, query: str, found: list[str]) -> None:
    assert [row["Account"] for row in rows(olga, f"/accounts.csv?{query}")] == found
    assert ("No account is like that." in text(olga.see(f"/?{query}"))) == (not found)


def test_the_list_says_how_many_accounts_need_attention(olga: Browser) -> None:
    assert "1 account needs attention" in text(olga.see("/"))
    assert "needs attention" not in text(olga.see("/?attention=yes"))


def test_a_closed_account_offers_nothing_to_change_but_tokens_to_revoke(olga: Browser) -> None:
    place = "/accounts/{other}/tokens"
    send(olga, place, name="Switch", scope="CALLS", days="")
    olga.send(CLOSING, name="Fabrikam", reason="Moved away")

    pages = [olga.see(f"/accounts/{{other}}{path}").text for path in ("", "/funds", "/users", "/notices", "/settings")]
    tokens = olga.see(place).text
    (token,) = rows(olga, f"{place}.csv")
    revoked = olga.send(f"{place}/{token['Id']}/revocation", on=place)

    assert not any('method="post"' in page.split("<main")[1].split("</main>")[0] for page in pages)
    assert "This account is closed: no funds can be added to it." in pages[1]
    assert "Invite its first administrator below." not in olga.see("/accounts/{other}/people").text
    assert "Make the token" not in tokens
    assert revoked.status_code == 303


# ---- members and operators ----

PEOPLE = "/accounts/{account}/people"


def member_of(browser: Browser, email: str) -> str:
    """The id of a member of the account."""
    return {row["Mail address"]: row["Id"] for row in rows(browser, f"{PEOPLE}.csv")}[email]


def test_the_members_are_told_of_with_what_they_may_do(ada: Browser) -> None:
    page = text(ada.see(PEOPLE))

    assert "ada@example.com you Administrator" in page
    assert "vera@example.com Viewer" in page
    assert [row["Role"] for row in rows(ada, f"{PEOPLE}.csv?search=vera")] == ["Viewer"]
    assert "No member is like that." in text(ada.see(f"{PEOPLE}?search=nobody"))


def test_who_never_signed_in_was_never_seen(ada: Browser) -> None:
    page = text(ada.see(PEOPLE))

    assert "Second factor off Last seen never" in _cells(ada, "vera@example.com")
    assert "Last seen just now" in _cells(ada, "ada@example.com")
    assert page.count("never") == 1


def _cells(browser: Browser, email: str) -> str:
    """What stands beside somebody in the list, each value after the name of its column."""
    (row,) = re.findall(rf'<tr id="mbr_[^"]+">(?:(?!</tr>).)*{email}.*?</tr>', browser.see(PEOPLE).text, re.DOTALL)
    named = re.sub(r'<td data-label="([^"]+)">', r"<td>\1 ", row)
    return " ".join(re.sub(r"<[^>]+>", " ", named).split())


def test_somebody_is_invited_and_the_invitation_withdrawn(ada: Browser) -> None:
    answer = ada.send(PEOPLE, email="Eve@example.com", role="BILLING")
    page = ada.client.get(answer.headers["location"])
    (withdrawal,) = re.findall(r'action="([^"]+/withdrawal)"', page.text)
    withdrawn = ada.send(withdrawal, on=PEOPLE)

    assert answer.status_code == 303
    assert "eve@example.com is invited." in text(page)
    assert "eve@example.com: Billing invited" in text(page)
    assert "The invitation is withdrawn." in text(ada.client.get(withdrawn.headers["location"]))
    assert "eve@example.com" not in ada.see(PEOPLE).text


@pytest.mark.parametrize(
    ("email", "says"),
    [("nonsense", "nonsense is not a mail address."), ("vera@example.com", "belongs to this account already.")],
)
def test_who_cannot_be_invited_is_explained_and_what_was_typed_stays(ada: Browser, email: str, says: str) -> None:
    answer = ada.send(PEOPLE, email=email, role="ADMIN")

    assert answer.status_code == 422
    assert says in text(answer)
    assert 'id="email-wrong"' in answer.text
    assert f'value="{email}"' in answer.text
    assert 'value="ADMIN" checked' in answer.text


def test_a_role_is_changed_and_a_member_removed(ada: Browser, vera: Browser) -> None:
    member = member_of(ada, "vera@example.com")

    changed = ada.send(f"{PEOPLE}/{member}/role", on=PEOPLE, role="ADMIN")
    said, seen = text(ada.client.get(changed.headers["location"])), vera.see(PEOPLE).status_code
    removed = ada.send(f"{PEOPLE}/{member}/removal", on=PEOPLE)

    assert "vera@example.com is now: Administrator." in said
    assert seen == 200
    assert "Removed." in text(ada.client.get(removed.headers["location"]))
    assert vera.see(PEOPLE).status_code == 404


@pytest.mark.parametrize(("what", "typed"), [("removal", {}), ("role", {"role": "VIEWER"})])
def test_the_last_administrator_is_told_to_make_another_one_first(
    ada: Browser, olga: Browser, what: str, typed: dict[str, str]
) -> None:
    member = member_of(ada, "ada@example.com")

    refused = ada.send(f"{PEOPLE}/{member}/{what}", on=PEOPLE, own="yes", **typed)
    done = olga.send(f"{PEOPLE}/{member}/{what}", on=PEOPLE, **typed)

    assert refused.status_code == 422
    assert "ada@example.com is the last administrator of this account." in text(refused)
    assert done.status_code == 303


def test_who_takes_their_own_access_away_goes_to_what_is_left(ada: Browser, olga: Browser) -> None:
    vera, me = (member_of(ada, f"{name}@example.com") for name in ("vera", "ada"))
    ada.send(f"{PEOPLE}/{vera}/role", on=PEOPLE, role="ADMIN")

    demoted = ada.send(f"{PEOPLE}/{me}/role", on=PEOPLE, role="VIEWER", own="yes")
    olga.send(f"{PEOPLE}/{me}/role", on=PEOPLE, role="ADMIN")
    removed = ada.send(f"{PEOPLE}/{me}/removal", on=PEOPLE, own="yes")

    assert demoted.headers["location"] == ada.path("/accounts/{account}")
    assert removed.headers["location"] == "/"
    assert ada.see("/accounts/{account}").status_code == 404


def test_members_are_for_administrators_to_see(vera: Browser, ada: Browser) -> None:
    assert vera.see(PEOPLE).status_code == 403
    assert vera.send(PEOPLE, on="/accounts/{account}/notices", email="eve@example.com").status_code == 403
    assert ada.see("/people").status_code == 403


def test_operators_invite_and_remove_each_other_down_to_the_last(olga: Browser, sqlite_database: Database) -> None:
    with sqlite_database.transaction() as session:
        otto = create_person(
            session, email="otto@example.com", password="correct horse", is_operator=True, roles={}, now=NOW
        )

    invited = olga.send("/people", email="otis@example.com")
    page = olga.client.get(invited.headers["location"])
    (withdrawal,) = re.findall(r'action="([^"]+/withdrawal)"', page.text)
    olga.send(withdrawal, on="/people")
    removed = olga.send(f"/people/{public_id('opr', otto)}/removal", on="/people")
    alone = olga.client.get(removed.headers["location"])

    assert "otis@example.com is invited." in text(page)
    assert "They operate no more." in text(alone)
    assert "otto@example.com" not in alone.text
    assert "otis@example.com" not in alone.text
    assert "/removal" not in alone.text
    (mine,) = re.findall(r'<tr id="(opr_[^"]+)"', alone.text)
    last = olga.send(f"/people/{mine}/removal", on="/people", own="yes")
    assert "This is the last operator." in text(last)
    already = olga.send("/people", email="olga@example.com")
    assert "is an operator already." in text(already)
