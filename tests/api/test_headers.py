"""Security headers stand on every answer, whatever it is."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.app import build_app
from api.settings import Settings
from db.session import Database
from tests.api.conftest import House
from web.assets import static

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@pytest.mark.parametrize("path", ["/sign-in", "/healthz", "/static/graphiql.js", "/graphql", "/static/missing.js"])
def test_every_answer_forbids_foreign_scripts_frames_and_sniffing(house: House, path: str) -> None:
    headers = house.client().get(path).headers

    assert headers["content-security-policy"] == POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert {"camera=()", "geolocation=()", "microphone=()"} <= set(headers["permissions-policy"].split(", "))


def test_graphiql_lives_under_the_same_policy(house: House) -> None:
    answer = house.signed_in().get("/graphql", headers={"Accept": "text/html"})

    assert answer.status_code == 200
    assert answer.headers["content-security-policy"] == POLICY


def test_pages_are_not_kept_by_browsers(house: House) -> None:
    assert house.client().get("/sign-in").headers["cache-control"] == "no-store"


def test_a_fingerprinted_file_is_kept_for_good(house: House) -> None:
    headers = house.client().get(static("graphiql.js")).headers

    assert headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("query", ["", "?v=", "?v=0123456789ab", f"?{'v' * 9}"])
def test_a_file_that_is_asked_for_by_another_fingerprint_or_none_is_not(house: House, query: str) -> None:
    answer = house.client().get(f"/static/graphiql.js{query}")

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["graphiql.js", "vendor/graphiql.min.js", "%2e%2e/assets.py", "vendor"])
def test_nothing_but_static_files_is_served_as_one(house: House, path: str) -> None:
    answer = house.client().get(f"/static/{path}")

    assert answer.status_code == (200 if path.endswith(".js") else 404)


def test_transport_security_is_asked_for_over_tls_only(house: House, tmp_path: Path, sqlite_database: Database) -> None:
    settings = Settings(
        data=tmp_path, database_url=sqlite_database.url, base_url="https://credits.example", worker=False
    )
    secure = TestClient(build_app(settings), base_url="https://credits.example").get("/sign-in")

    assert secure.headers["strict-transport-security"].startswith("max-age=")
    assert "secure" in secure.headers["set-cookie"].lower()
    assert secure.headers["set-cookie"].startswith("__Host-")
    assert "strict-transport-security" not in house.client().get("/sign-in").headers
