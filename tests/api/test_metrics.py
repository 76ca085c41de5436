"""`/metrics` tells how far the work is behind, without naming anybody."""

import pytest

from api import clock
from api.metrics import COUNTS
from credits import recharging
from credits.instants import MINUTE
from credits.providers import Providers
from db.kinds import AccountMode
from db.session import Database
from db.tables import NEVER
from tests.api.conftest import House
from tests.factories import make_account, make_agreement, micros


def figures(house: House) -> dict[str, str]:
    """Every figure by its name and labels."""
    answer = house.client().get("/metrics")
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, "text/plain")
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
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
