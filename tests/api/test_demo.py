"""The demonstration: believable at the real present, sound, and open to whoever holds what it prints."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from api import clock
from api.demo import Demo, fill
from api.mail import mailer_of
from api.settings import Settings
from api.worker import Post
from credits.accounts import look_up
from credits.balances import balance_of
from credits.corrections import count_unrated, rate_later
from credits.decks import RateBook
from credits.instants import DAY, instant, month_of
from credits.minutes import pools_of_month
from credits.verify import verify
from db.migrations import upgrade
from db.session import Database

SOME_SUNDAY = datetime(2026, 11, 22, 3, tzinfo=UTC)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Database, Demo, int]]:
    """A filled database, what is in it, and the instant that it was filled at."""
    settings = Settings(data=tmp_path_factory.mktemp("demo"), database_url=None, minimum_recharge="JPY=5000,*=50")
    database, now = _filled(settings, clock.now())
    yield *database, now
    database[0].close()


def _filled(settings: Settings, now: int, post: Post | None = None) -> tuple[tuple[Database, Demo], int]:
    database = settings.open_database()
    upgrade(database)
    return (database, fill(database, now=now, terms=settings.terms, post=post)), now


def test_the_demonstrations_books_are_sound(demo: tuple[Database, Demo, int]) -> None:
    database, _, _ = demo

    with database.reading() as session:
        assert verify(session) == []


def test_it_has_what_a_visitor_should_see(demo: tuple[Database, Demo, int]) -> None:
    database, made, now = demo

    with database.reading() as session:
        lindgren, aozora = balance_of(session, made.lindgren_id, now), balance_of(session, made.aozora_id, now)
        calls = session.rows(
            "SELECT status, count(*), max(answered_at) FROM call WHERE account_id = ? GROUP BY status ORDER BY status",
            made.lindgren_id,
        )
        kinds = session.rows("SELECT DISTINCT kind FROM ledger_entry WHERE account_id = ?", made.lindgren_id)
        clocks = session.rows("SELECT clock_at FROM account WHERE mode = 'TEST'")
    assert lindgren.calls_allowed
    assert lindgren.next_expiry_at is not None
    assert 0 < lindgren.next_expiry_at - now < 7 * DAY
    assert 0 < aozora.current_micros < 1_000_000_000
    counts = {status: count for status, count, _ in calls}
    assert counts.pop("SETTLED") > 300
    assert counts == {"AUTHORIZED": 4, "EXPIRED": 1, "REFUSED": 1, "RELEASED": 1, "UNRATED": 2}
    assert max(at for _, _, at in calls) < now
    assert lindgren.reserved_micros > 0
    assert {kind for (kind,) in kinds} == {"FUNDS_ADDED", "CALL_CHARGE", "EXPIRY", "GRANT", "REVERSAL"}
    assert clocks == [(now,)]


def test_a_small_organisation_is_refused_for_lack_of_credit_and_a_test_accounts_call_goes_on(
    demo: tuple[Database, Demo, int],
) -> None:
    database, made, _ = demo

    with database.reading() as session:
        unsettled = session.rows(
            "SELECT account_id, status, refusal FROM call WHERE account_id <> ? AND status <> 'SETTLED'",
            made.lindgren_id,
        )
    assert sorted(unsettled) == sorted(
        [(made.aozora_id, "REFUSED", "INSUFFICIENT_CREDIT"), (made.test_id, "AUTHORIZED", None)]
    )


def test_its_audit_log_tells_who_did_what_when(demo: tuple[Database, Demo, int]) -> None:
    database, made, now = demo

    with database.reading() as session:
        of_lindgren, of_all = (
            {action: (actor, at) for action, actor, at in session.rows(f"{select} {rest} ORDER BY at", *given)}
            for select in ("SELECT action, actor, at FROM audit_event",)
            for rest, given in (("WHERE account_id = ?", [made.lindgren_id]), ("", []))
        )
        latest = session.row("SELECT max(at) FROM audit_event") or (0,)
        without = session.rows("SELECT 1 FROM audit_event WHERE subject = ''")
    assert set(of_lindgren) == {
        "createAccount", "addRole", "updateAccount", "addPaymentMethod", "recharge", "setAutoRecharge", "createUsers",
        "grantCredit", "reverseCall",
    }  # fmt: skip
    assert of_lindgren["setAutoRecharge"] == (made.admin, pytest.approx(now - 190 * DAY, abs=DAY))
    assert of_lindgren["grantCredit"][0] == made.operator
    assert set(of_all) - set(of_lindgren) == {
        "createPerson", "publishRateDeck", "advanceClock", "signIn", "signOut", "createToken",
    }  # fmt: skip
    assert latest == (now,)
    assert without == []


def test_of_its_calls_without_a_rate_one_can_be_rated(demo: tuple[Database, Demo, int]) -> None:
    database, made, now = demo

    with database.transaction() as session:
        rated = rate_later(session, rates=RateBook(), account_id=made.lindgren_id, call_ids=None, now=now)
        left = count_unrated(session, made.lindgren_id)

    assert ([call.call_id for call in rated], left) == (["lh-unrated-2"], 1)
    assert rated[0].charge_micros > 0


def test_its_users_share_minutes_spend_credit_and_are_limited(demo: tuple[Database, Demo, int]) -> None:
    database, made, now = demo

    with database.reading() as session:
        account = look_up(session, made.lindgren_id)
        present = month_of(now, account.time_zone)
        before = pools_of_month(session, account, month=present - 1, now=now)
        pools = pools_of_month(session, account, month=None, now=now)
        licences = session.rows("SELECT count(*) FROM license GROUP BY user_no")
        spent = session.rows("SELECT user_no FROM user_month WHERE spent_micros > 0")
    assert {pool.plan.code for pool in pools} == {"MCOPSTN2", "MCOPSTN5", "MCOPSTN6", "MCOPSTN8", "MCOMEETADD"}
    assert sum(pool.held_minutes for pool in pools) == 30
    assert sum(pool.used_minutes for pool in before) > 500
    assert len(licences) == 11
    assert len({user_no for (user_no,) in spent}) >= 3


def test_it_shows_automatic_recharge_at_work_and_standing_still(demo: tuple[Database, Demo, int]) -> None:
    database, made, _ = demo

    with database.reading() as session:
        decided, recharges = (
            {
                account_id: [
                    what for (what,) in session.rows(f"{select} WHERE account_id = ? ORDER BY {order}", account_id)
                ]
                for account_id in (made.lindgren_id, made.test_id)
            }
            for select, order in (
                ("SELECT outcome FROM recharge_decision", "decision_no"),
                ("SELECT trigger || ' ' || status FROM recharge", "recharge_no"),
            )
        )
        rules = session.rows("SELECT enabled, paused_reason FROM auto_recharge ORDER BY account_id")
        open_still = session.rows("SELECT 1 FROM recharge WHERE due_at IS NOT NULL")
    assert decided[made.lindgren_id].count("RECHARGED") >= 3
    assert decided[made.test_id] == ["RECHARGED", "PAUSED", "RECHARGED"]
    assert set(recharges[made.lindgren_id]) == {"MANUAL SUCCEEDED", "AUTOMATIC SUCCEEDED"}
    assert recharges[made.test_id] == ["MANUAL SUCCEEDED", "AUTOMATIC FAILED", "AUTOMATIC SUCCEEDED"]
    assert rules == [(True, None), (True, None)]
    assert open_still == []


def test_its_mail_was_sent_in_its_time(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, database_url=None, minimum_recharge="JPY=5000,*=50")
    post = Post(mailer_of(settings), settings.sender, settings.base_url)
    now = instant(SOME_SUNDAY)

    (database, made), _ = _filled(settings, now, post)

    with database.reading() as session:
        sent = session.rows(
            "SELECT kind, status FROM notice WHERE account_id IN (?, ?) AND sent_at = created_at",
            made.lindgren_id, made.aozora_id,
        )  # fmt: skip
        (test_mail,) = session.rows("SELECT count(*), min(sent_at), max(sent_at) FROM notice WHERE account_id = ?",
                                    made.test_id)  # fmt: skip
        (count,) = session.row("SELECT count(*) FROM notice") or (0,)
    database.close()
    assert {status for _, status in sent} == {"SENT"}
    assert {kind for kind, _ in sent} == {
        "RECHARGE_SUCCEEDED", "LOT_EXPIRING", "LOT_EXPIRED", "BALANCE_LOW", "POOL_80_PERCENT", "POOL_USED_UP",
    }  # fmt: skip
    assert test_mail[1:] == (now, now)
    assert len(sent) + test_mail[0] == count == len(list((tmp_path / "mail").glob("*.eml")))


@pytest.mark.parametrize("days", range(7))
def test_any_day_of_the_week_will_do(tmp_path: Path, days: int) -> None:
    settings = Settings(data=tmp_path, database_url=None, minimum_recharge="JPY=5000,*=50")
    now = instant(SOME_SUNDAY + timedelta(days=days, hours=5 * days))

    (database, made), _ = _filled(settings, now)

    with database.reading() as session:
        balance = balance_of(session, made.lindgren_id, now)
        forfeited = session.rows("SELECT 1 FROM ledger_entry WHERE kind = 'EXPIRY'")
    database.close()
    assert balance.next_expiry_at is not None
    assert balance.next_expiry_at - now < 7 * DAY
    assert len(forfeited) == 1


@dataclass(frozen=True)
class Screen:
    """What the first screen says."""

    address: str
    token: str
    operator_password: str
    account: str
    text: str


@contextmanager
def _running(*words: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], Screen]]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CREDITS_")}
    command = [sys.executable, "-c", "from api.cli import main; main()", "demo", *words]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**clean, **environment}
    )
    try:
        assert process.stdout is not None
        lines = []
        while (line := process.stdout.readline()) and '"variables"' not in line:
            lines.append(line)
        yield process, _read("".join(lines))
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)


def _read(text: str) -> Screen:
    def found(pattern: str) -> str:
        match = re.search(pattern, text)
        assert match, text
        return match.group(1)

    return Screen(
        found(r"(http://127\.0\.0\.1:\d+)"),
        found(r"(cct_[\w-]{43})"),
        found(r"operator@example\.com +(\S+)"),
        found(r"(acct_\w+)"),
        text,
    )


def test_it_starts_prints_how_to_get_in_and_serves(tmp_path: Path) -> None:
    real = tmp_path / "real.sqlite3"
    environment = {"CREDITS_DATABASE_URL": f"sqlite:///{real}", "TMPDIR": str(tmp_path)}

    with _running(**environment) as (process, screen):
        answer = httpx2.post(
            f"{screen.address}/graphql",
            json={
                "query": 'query($id: ID!) { quoteCall(accountId: $id, to: "+442079460123") { priced } }',
                "variables": {"id": screen.account},
            },
            headers={"Authorization": f"Bearer {screen.token}"},
            timeout=30,
        )
        page = httpx2.get(screen.address, headers={"Accept": "text/html"}, follow_redirects=True, timeout=30)

    assert answer.json()["data"]["quoteCall"]["priced"] is True
    assert page.status_code == 200
    assert 'name="password"' in page.text
    assert process.returncode == 0
    assert list(tmp_path.iterdir()) == [], "it leaves nothing behind, and touches no real database"


def test_with_a_folder_it_is_kept_and_not_filled_twice(tmp_path: Path) -> None:
    with _running("--data", str(tmp_path / "kept")) as (_, screen):
        assert "Kept in" in screen.text

    again = subprocess.run(
        [sys.executable, "-c", "from api.cli import main; main()", "demo", "--data", str(tmp_path / "kept")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert again.returncode == 1
    assert "holds a database already" in again.stderr
