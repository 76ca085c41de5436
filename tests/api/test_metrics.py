"""`/metrics` tells how far the work is behind, without naming anybody."""

import subprocess
import sys
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path

import pytest

from api import clock
from api.measures import count_sign_in
from api.metrics import COUNTS
from credits import recharging
from credits.ids import public_id
from credits.instants import MINUTE
from credits.providers import Providers
from credits.tokens import create_token
from db.kinds import AccountMode, Scope
from db.session import Database
from db.tables import NEVER
from tests.api.conftest import House, ask
from tests.factories import NOW, make_account, make_agreement, micros
from tests.live import served, streaming, talking
from tests.measured import counted, growing
from tests.serving import PATIENCE_SECONDS, answers, free_port, program, soon


def figures(house: House) -> dict[str, str]:
    """Every figure by its name and labels."""
    answer = house.client().get("/metrics")
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, "text/plain")
    return figures_in(answer.text)


def page(place: str, path: str) -> str:
    """What a program answers, on a connection of its own."""
    connection = HTTPConnection(place, timeout=PATIENCE_SECONDS)
    connection.request("GET", path)
    text = connection.getresponse().read().decode()
    connection.close()
    return text


def figures_in(text: str) -> dict[str, str]:
    """The same, of an answer."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return dict(line.rsplit(" ", 1) for line in lines)


def test_a_house_that_is_up_to_date_has_nothing_due(house: House) -> None:
    told = figures(house)

    assert told['credits_worker_due{kind="recharge"}'] == "0.0"
    assert told['credits_worker_lag_seconds{kind="recharge"}'] == "0.0"
    assert told["credits_notices_failed"] == "0.0"


def test_a_recharge_that_nobody_took_up_shows_since_when(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for mode in AccountMode:
        account_id = make_account(house.database, mode=mode)
        make_agreement(house.database, account_id)
        with monkeypatch.context() as patch:
            patch.setattr(recharging, "drive", lambda *_, **__: None)
            recharging.recharge(
                house.database, Providers(), account_id=account_id, amount_micros=micros(100),
                idempotency_key="k", now=clock.now() - 10 * MINUTE,
            )  # fmt: skip

    told = figures(house)

    assert told['credits_worker_due{kind="recharge"}'] == "1.0"
    assert 600 <= float(told['credits_worker_lag_seconds{kind="recharge"}']) < 660


def test_an_account_that_is_to_be_looked_at_again_is_due_and_has_no_age(house: House) -> None:
    account_id = make_account(house.database)
    with house.database.transaction() as session:
        session.execute("UPDATE account SET due_at = ?", NEVER)
        session.execute("UPDATE account SET due_at = 0 WHERE account_id = ?", account_id)

    told = figures(house)

    assert told['credits_worker_due{kind="account"}'] == "1.0"
    assert told['credits_worker_lag_seconds{kind="account"}'] == "0.0"


def test_notices_that_were_given_up_are_counted_by_an_index(sqlite_database: Database) -> None:
    _, query = COUNTS["credits_notices_failed"]

    with sqlite_database.reading() as session:
        plan = session.rows(f"EXPLAIN QUERY PLAN {query}")

    assert "ix_notice_failed" in plan[0][-1]


def test_the_process_itself_is_measured(house: House) -> None:
    told = figures(house)

    assert float(told["process_resident_memory_bytes"]) > 1_000_000
    assert not any("acct_" in name for name in told)


def test_requests_are_counted_by_address_as_it_was_defined_and_by_answer(house: House) -> None:
    client = house.signed_in()
    token = house.token(Scope.READ)

    with growing("http_request") as grown:
        client.get(f"/accounts/{house.account}/ledger", headers={"Accept": "text/html"})
        client.get(f"/accounts/{public_id('acct', house.other_id)}/ledger", headers={"Accept": "text/html"})
        client.get("/no/such/page")
        client.get("/sign-in", headers={"Accept": "text/html"})
        client.request("PROPFIND", "/healthz")
        ask(house.client(), Authorization=f"Bearer {token}")
        ask(house.client(), Authorization="Bearer cct_unknown")

    assert grown == {
        "http_request_seconds_count GET /accounts/{account}/ledger 200": 1,
        "http_request_seconds_count GET /accounts/{account}/ledger 404": 1,
        "http_request_seconds_count GET other 404": 1,
        "http_request_seconds_count GET /sign-in 303": 1,
        "http_request_seconds_count other other 403": 1,
        "http_request_seconds_count POST /graphql 200": 1,
        "http_request_seconds_count POST other 401": 1,
    }


def test_connections_that_last_are_counted_while_they_are_open_and_never_timed(house: House) -> None:
    token = house.token(Scope.READ)
    with served(house.app) as place, growing("live", "http_request") as grown:
        with ExitStack() as stack, growing("live") as opened:
            stack.enter_context(streaming(place, house.account, token=token)).available()
            stack.enter_context(talking(place, token=token)).greet()
        assert soon(lambda: house.app.state.running.seats.taken == 0)

    assert opened == {"live_connections WebSocket": 1, "live_connections event stream": 1}
    assert grown == {}


def test_connections_to_the_database_are_counted_while_they_are_in_use(any_house: House) -> None:
    database = any_house.app.state.running.database

    before = counted()["database_connections_in_use"]
    with database.reading(), database.reading():
        during = counted()["database_connections_in_use"]
    with pytest.raises(ZeroDivisionError), database.transaction():
        assert 1 / 0
    after = counted()["database_connections_in_use"]

    assert (during - before, after - before) == (2, 0)
    assert (
        figures(any_house)["credits_database_connections_limit"] == {True: "10.0", False: "5.0"}[database.is_postgresql]
    )


def test_attempts_to_sign_in_are_counted_by_what_came_of_them(house: House) -> None:
    with growing("sign_ins") as grown:
        count_sign_in("wrong")

    assert grown == {"sign_ins_total wrong": 1}
    assert 'credits_sign_ins_total{outcome="wrong"}' in figures(house)


def test_while_the_database_is_away_that_is_told_with_all_that_is_known_without_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("api.metrics.work_due", lambda *_: 1 / 0)
        away = figures(house)
    back = figures(house)

    assert (away["credits_database_up"], back["credits_database_up"]) == ("0.0", "1.0")
    assert "credits_worker_due" not in "".join(away)
    assert "process_resident_memory_bytes" in away


def test_processes_that_share_a_port_tell_the_figures_of_both(tmp_path: Path, sqlite_database: Database) -> None:
    place = f"127.0.0.1:{free_port()}"
    account = public_id("acct", make_account(sqlite_database))
    with sqlite_database.transaction() as session:
        token = create_token(session, name="Wall", scopes=[Scope.READ], account_id=None, now=NOW)

    def told(*names: str) -> list[set[str]]:
        """The values that some figures have in ten answers, of whichever process."""
        answers = [figures_in(page(place, "/metrics")) for _ in range(10)]
        return [{answer[name] for answer in answers} for name in names]

    def processes() -> int:
        return sum(name.startswith("process_resident_memory_bytes{") for name in figures_in(page(place, "/metrics")))

    words = ("serve", "--port", place.rpartition(":")[2], "--no-worker", "--workers", "2")
    with program(tmp_path, sqlite_database, *words):
        assert soon(lambda: answers(f"http://{place}") and processes() == 2)
        for _ in range(40):
            page(place, "/healthz")
        with streaming(place, account, token=token) as events:
            events.available()
            asked = 'credits_http_request_seconds_count{method="GET",route="/healthz",status="200"}'

            assert soon(lambda: told(asked, 'credits_live_connections{kind="event stream"}') == [{"40.0"}, {"1.0"}])


COUNTS_AND_STAYS_OR_DIES = """
import os, sys
from api.measures import count_job, live_connection

with live_connection("WebSocket"):
    count_job("notice", "done")
    print("counted", flush=True)
    if sys.argv[1] == "dies":
        os._exit(1)
    sys.stdin.read()
"""


def test_of_a_process_that_has_died_what_it_counted_is_kept_and_what_was_open_is_forgotten(
    tmp_path: Path, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "counts").mkdir()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "counts"))
    words = [sys.executable, "-c", COUNTS_AND_STAYS_OR_DIES]
    with subprocess.Popen([*words, "stays"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as living:
        assert living.stdout is not None
        assert living.stdout.readline() == b"counted\n"
        subprocess.run([*words, "dies"], check=False, stdout=subprocess.DEVNULL)

        told = figures(house)

        assert living.stdin is not None
        living.stdin.close()
    assert told['credits_worker_jobs_total{kind="notice",outcome="done"}'] == "2.0"
    assert told['credits_live_connections{kind="WebSocket"}'] == "1.0"
    assert [name for name in told if name.startswith("process_resident")] == [
        f'process_resident_memory_bytes{{pid="{living.pid}"}}'
    ]


def test_a_worker_alone_tells_its_figures_on_a_port_of_its_own(tmp_path: Path, sqlite_database: Database) -> None:
    port = free_port()

    with program(tmp_path, sqlite_database, "worker", "--metrics-port", str(port)) as process:
        assert soon(lambda: answers(f"http://127.0.0.1:{port}"))
        rounds = 'credits_worker_last_round_timestamp_seconds{loop="mail"}'
        assert soon(lambda: rounds in figures_in(page(f"127.0.0.1:{port}", "/")))

    assert process.returncode == 0
