"""The command line as a person uses it: what is printed where, and the exit code."""

import json
import os
import re
import stat
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from api import cli, clock
from api.commands.terminal import user_here
from api.settings import Settings
from credits.accounts import create_account
from credits.forgotten import find_reset
from credits.ids import public_id
from credits.instants import DAY
from credits.people import find_person
from credits.sessions import open_session, sessions_of
from credits.tokens import find_token
from db.kinds import Role, Scope
from db.session import Database
from schema.schema import sdl
from tests.factories import NOW

RATES = "prefix,destination,price\n44,United Kingdom,0.02\n81,Japan,0.05\n"
CALLS = (
    "call_id,to,answered_at,duration_seconds\n"
    "a,+442079460123,2026-10-01T09:00:00Z,61\n"
    "b,+81312345678,2026-10-01T09:05:00Z,30\n"
)
PUBLISH = ("rates", "publish", "--deck", "standard", "--currency", "USD", "--effective-from", "2026-01-01")


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[list[str]]:
        """What was printed, line by line, cut at tabs."""
        return [line.split("\t") for line in self.out.splitlines()]


Run = Callable[..., Ended]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of its own, an ordinary terminal, and the instant at which it all happens."""
    for name in [name for name in os.environ if name.startswith("CREDITS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CREDITS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("api.clock.now", lambda: NOW + DAY)
    return tmp_path / "data"


@pytest.fixture
def run(data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run one command line."""

    def run_command(*words: str | Path) -> Ended:
        monkeypatch.setattr(sys, "argv", ["credits", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = capsys.readouterr()
        return Ended(int(ended.value.code or 0), told.out, told.err)

    return run_command


@pytest.fixture
def account(run: Run, data: Path) -> str:
    """The id of an account in a database made by the commands themselves."""
    assert run("db", "upgrade").code == 0
    with _opened(data).transaction() as session:
        return public_id("acct", create_account(session, name="Contoso", currency="USD", now=NOW))


def _opened(path: Path) -> Database:
    return Database(f"sqlite:///{path if path.is_file() else path / 'credits.sqlite3'}")


def _written(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "words",
    [
        ("no-such-command",),
        ("token", "create"),
        ("token", "create", "x", "--operator"),
        ("token", "create", "x", "--scope", "everything", "--operator"),
        ("token", "create", "x", "--scope", "read"),
        ("token", "create", "x", "--scope", "read", "--operator", "--account", "acct_1"),
        ("token", "create", "x", "--scope", "read", "--account", "lot_1-1"),
        ("admin", "create", "a@example.com"),
        ("calls", "import", "missing.csv", "--account", "acct_1"),
        (*PUBLISH, "missing.csv"),
        ("serve", "--port", "http"),
        ("demo", "--port", "0"),
    ],
)
def test_a_command_used_wrongly_ends_with_two_and_says_so_on_stderr(run: Run, words: tuple[str, ...]) -> None:
    ended = run(*words)

    assert (ended.code, ended.out) == (2, "")
    assert ended.err


def test_a_wrong_setting_ends_with_two_and_names_the_variable(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDITS_SETTLEMENT_HOURS", "soon")

    ended = run("db", "check")

    assert ended.code == 2
    assert "CREDITS_SETTLEMENT_HOURS" in ended.err


def test_a_new_database_is_behind_until_it_is_upgraded(run: Run) -> None:
    before = run("db", "check")
    upgraded = run("db", "upgrade")
    after = run("db", "check")

    assert (before.code, upgraded.code, after.code) == (1, 0, 0)
    assert "version" in before.out


def test_token_create_prints_the_token_and_nothing_else(run: Run, account: str, data: Path) -> None:
    ended = run("token", "create", "Switch", "--scope", "calls", "--scope", "read", "--account", account)

    assert ended.code == 0
    assert re.fullmatch(r"cct_[\w-]{43}\n", ended.out)
    with _opened(data).reading() as session:
        found = find_token(session, ended.out.strip(), clock.now())
    assert found is not None
    assert found.scopes == {Scope.CALLS, Scope.READ}


def test_a_token_for_an_account_that_does_not_exist_is_refused(run: Run) -> None:
    ended = run("token", "create", "Switch", "--scope", "read", "--account", "acct_1")

    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "There is no such account.\n"


def test_an_admin_is_made_with_the_password_of_the_environment(
    run: Run, account: str, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDITS_PASSWORD", "correct horse")

    ended = run("admin", "create", "Alice@example.com", "--account", account, "--role", "billing")

    assert ended.code == 0
    assert "correct horse" not in ended.out + ended.err
    with _opened(data).reading() as session:
        person = find_person(session, "alice@example.com")
    assert person is not None
    assert list(person.roles.values()) == [Role.BILLING]


def test_a_password_that_is_too_short_is_refused(run: Run, account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDITS_PASSWORD", "short")

    assert run("admin", "create", "alice@example.com", "--operator").code == 1


def test_somebody_who_has_a_sign_in_is_given_one_more_role(
    run: Run, account: str, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDITS_PASSWORD", "correct horse")
    run("admin", "create", "olga@example.com", "--operator")
    monkeypatch.delenv("CREDITS_PASSWORD")

    given = run("admin", "create", "olga@example.com", "--account", account)
    again = run("admin", "create", "olga@example.com", "--operator")

    assert (given.code, again.code) == (0, 1)
    assert "has a sign-in already" in again.err
    with _opened(data).reading() as session:
        person = find_person(session, "olga@example.com")
    assert person is not None
    assert person.is_operator
    assert list(person.roles.values()) == [Role.ADMIN]


def test_commands_that_change_something_are_in_the_audit_log_under_the_name_of_who_ran_them(
    run: Run, account: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDITS_PASSWORD", "correct horse")
    monkeypatch.setattr("getpass.getuser", lambda: "olga")
    rates, calls = _written(tmp_path, "rates.csv", RATES), _written(tmp_path, "calls.csv", CALLS)
    for words in (
        ("admin", "create", "alice@example.com", "--account", account, "--role", "billing"),
        ("admin", "create", "alice@example.com", "--account", account),
        ("admin", "create", "olga@example.com", "--operator"),
        ("rates", "preview", rates, "--deck", "standard", "--currency", "USD"),
        (*PUBLISH, rates),
        ("calls", "import", calls, "--account", account),
        ("calls", "import", calls, "--account", account),
    ):
        assert run(*words).code == 0

    with _opened(data).reading() as session:
        found = session.rows(
            "SELECT actor_kind, actor, action, subject, account_id IS NULL, before, after FROM audit_event"
            " ORDER BY at, event_id"
        )
    assert {row[:2] for row in found} == {("COMMAND", "olga")}
    assert [(*row[2:4], bool(row[4]), row[5]) for row in found] == [
        ("createPerson", "alice@example.com", False, None),
        ("addRole", "alice@example.com", False, '{"role": "BILLING"}'),
        ("createPerson", "olga@example.com", True, None),
        ("publishRateDeck", "deck_1", True, None),
        ("importCalls", "calls.csv", False, None),
    ]
    assert json.loads(found[-1][6]) == {"calls": 2, "charged": "0.09 USD"}
    assert "correct horse" not in str(found)


def test_who_runs_a_command_without_a_name_is_known_by_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr("getpass.getuser", nobody)

    assert user_here() == f"uid {os.getuid()}"


def test_a_preview_prints_each_change_and_changes_nothing(run: Run, tmp_path: Path, data: Path) -> None:
    file = _written(tmp_path, "rates.csv", RATES)

    ended = run("rates", "preview", file, "--deck", "standard", "--currency", "USD")

    assert ended.code == 0
    assert ended.rows == [
        ["added", "USER_OUT", "44", "United Kingdom", "$0.02/min by 60s"],
        ["added", "USER_OUT", "81", "Japan", "$0.05/min by 60s"],
    ]
    with _opened(data).reading() as session:
        assert session.rows("SELECT 1 FROM rate_deck") == []


def test_a_publication_prints_old_and_new_prices(run: Run, tmp_path: Path) -> None:
    run(*PUBLISH, _written(tmp_path, "rates.csv", RATES))

    ended = run(*PUBLISH[:-1], "2026-06-01", _written(tmp_path, "later.csv", "prefix,destination,price\n44,UK,0.03\n"))

    assert ended.code == 0
    assert ["changed", "USER_OUT", "44", "UK", "$0.02/min by 60s -> $0.03/min by 60s"] in ended.rows
    assert ["withdrawn", "USER_OUT", "81", "Japan", "$0.05/min by 60s"] in ended.rows
    assert "1 changed, 1 withdrawn" in ended.err


def test_one_bad_row_publishes_nothing(run: Run, account: str, tmp_path: Path, data: Path) -> None:
    ended = run(*PUBLISH, _written(tmp_path, "rates.csv", RATES + "5.41144E+11,Argentina,0.1\n"))

    assert ended.code == 1
    assert ended.rows[0][:2] == ["bad", "row 4"]
    assert "--skip-bad-rows" in ended.err
    with _opened(data).reading() as session:
        assert session.rows("SELECT 1 FROM rate_deck") == []


def test_bad_rows_are_left_out_when_told_to(run: Run, tmp_path: Path) -> None:
    file = _written(tmp_path, "rates.csv", RATES + "5.41144E+11,Argentina,0.1\n82,South Korea,cheap\n")

    ended = run(*PUBLISH, "--skip-bad-rows", file)

    assert ended.code == 0
    assert [row[0] for row in ended.rows] == ["bad", "bad", "added", "added"]
    assert "Published 2 rates" in ended.err


def test_columns_are_mapped_by_hand(run: Run, tmp_path: Path) -> None:
    file = _written(tmp_path, "rates.csv", "alpha,beta,gamma\nUnited Kingdom,0.02,44\n")
    mapping = ("--map", "destination=alpha", "--map", "price=beta", "--map", "prefix=gamma")

    assert run("rates", "preview", file, "--deck", "d", "--currency", "USD", *mapping).rows == [
        ["added", "USER_OUT", "44", "United Kingdom", "$0.02/min by 60s"]
    ]
    assert run("rates", "preview", file, "--deck", "d", "--currency", "USD", "--map", "price").code == 2


def test_a_currency_that_does_not_exist_is_refused(run: Run, tmp_path: Path) -> None:
    ended = run("rates", "preview", _written(tmp_path, "rates.csv", RATES), "--deck", "standard", "--currency", "USX")

    assert (ended.code, ended.out) == (1, "")
    assert "ISO 4217" in ended.err


def test_an_import_charges_each_call_and_says_what_it_cost(run: Run, account: str, tmp_path: Path) -> None:
    run(*PUBLISH, _written(tmp_path, "rates.csv", RATES))

    ended = run("calls", "import", _written(tmp_path, "calls.csv", CALLS), "--account", account)

    assert ended.code == 0
    assert ended.rows == [["2", "charged", "a", "40000"], ["3", "charged", "b", "50000"]]
    assert "2 rows" in ended.err
    assert "2 charged" in ended.err
    assert "$0.09" in ended.err


def test_importing_the_same_file_again_charges_nothing(run: Run, account: str, tmp_path: Path, data: Path) -> None:
    run(*PUBLISH, _written(tmp_path, "rates.csv", RATES))
    file = _written(tmp_path, "calls.csv", CALLS)
    run("calls", "import", file, "--account", account)

    again = run("calls", "import", file, "--account", account)

    assert again.code == 0
    assert [row[1] for row in again.rows] == ["duplicate", "duplicate"]
    assert "Charged $0.00" in again.err
    with _opened(data).reading() as session:
        assert session.rows("SELECT count(*) FROM ledger_entry") == [(2,)]


def test_a_row_that_is_refused_spoils_no_other_and_ends_with_one(run: Run, account: str, tmp_path: Path) -> None:
    run(*PUBLISH, _written(tmp_path, "rates.csv", RATES))
    bad = CALLS + "c,not a number,2026-10-01T09:05:00Z,30\nd,+442079460123,2031-01-01T00:00:00Z,30\n"

    ended = run("calls", "import", _written(tmp_path, "calls.csv", bad), "--account", account)

    assert ended.code == 1
    assert sorted(row[1] for row in ended.rows) == ["charged", "charged", "refused", "refused"]
    assert "2 refused" in ended.err


def test_an_unknown_format_is_a_wrong_use(run: Run, account: str, tmp_path: Path) -> None:
    file = _written(tmp_path, "calls.csv", CALLS)

    assert run("calls", "import", file, "--account", account, "--format", "morse").code == 2


def test_an_export_reads_back_and_charges_nothing_again(run: Run, account: str, tmp_path: Path) -> None:
    run(*PUBLISH, _written(tmp_path, "rates.csv", RATES))
    run("calls", "import", _written(tmp_path, "calls.csv", CALLS), "--account", account)

    plain = run("calls", "export", tmp_path / "out.csv", "--account", account)
    packed = run("calls", "export", "--zip", tmp_path / "out.zip", "--account", account)
    again = run("calls", "import", tmp_path / "out.zip", "--account", account)

    assert (plain.code, packed.code, again.code) == (0, 0, 0)
    assert plain.err == "Wrote 2 calls.\n"
    lines = (tmp_path / "out.csv").read_bytes().split(b"\r\n")
    assert lines[0].startswith(b"UsageId,Call ID,")
    assert len(lines) == 4
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.namelist() == ["PSTN.calls.2026-10-01_2026-10-01.csv"]
    assert [row[1:3] for row in again.rows] == [["duplicate", "a"], ["duplicate", "b"]]


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (("--from", "2026-10-01", "--to", "2026-10-01"), 2),
        (("--from", "2026-10-02"), 0),
        (("--to", "2026-09-30"), 0),
        (("--from", "2026-10-01T09:00:01"), 1),
        (("--to", "2026-10-01T11:05:00+02:00"), 1),
    ],
)
def test_an_export_is_of_whole_days_or_between_instants(
    run: Run, account: str, tmp_path: Path, options: tuple[str, ...], count: int
) -> None:
    run(*PUBLISH, _written(tmp_path, "rates.csv", RATES))
    run("calls", "import", _written(tmp_path, "calls.csv", CALLS), "--account", account)

    ended = run("calls", "export", tmp_path / "out.csv", "--account", account, *options)

    assert ended.err == f"Wrote {count} calls.\n"


def test_an_export_overwrites_nothing(run: Run, account: str, tmp_path: Path) -> None:
    file = _written(tmp_path, "out.csv", "precious")

    ended = run("calls", "export", file, "--account", account)

    assert ended.code == 1
    assert file.read_text() == "precious"
    assert run("calls", "export", tmp_path / "new.csv", "--account", account, "--from", "soon").code == 2


def test_a_row_of_another_account_is_refused_and_a_column_of_no_accounts_is_told_of(
    run: Run, account: str, tmp_path: Path
) -> None:
    run(*PUBLISH, _written(tmp_path, "rates.csv", RATES))
    header, *rows = CALLS.splitlines()
    mixed = "\n".join([f"account,{header}", f"acct_9z9,{rows[0]}", f"{account},{rows[1]}"])
    foreign = "\n".join([f"account,{header}", *(f"site 7,{row}" for row in rows)])

    refused = run("calls", "import", _written(tmp_path, "mixed.csv", mixed), "--account", account)
    taken = run("calls", "import", _written(tmp_path, "foreign.csv", foreign), "--account", account)

    assert refused.code == 1
    assert sorted(row[1] for row in refused.rows) == ["charged", "refused"]
    assert f"of the account acct_9z9, and not of {account}" in refused.out
    assert sorted(row[1] for row in taken.rows) == ["charged", "duplicate"]
    assert "The column account names no accounts as they are known here (site 7)" in taken.err


def test_sound_books_are_verified(run: Run, account: str, tmp_path: Path) -> None:
    run(*PUBLISH, _written(tmp_path, "rates.csv", RATES))
    run("calls", "import", _written(tmp_path, "calls.csv", CALLS), "--account", account)

    whole, one = run("verify"), run("verify", "--account", account)

    assert (whole.code, one.code) == (0, 0)
    assert "rules hold" in whole.out
    assert "1 accounts" in whole.out


def test_a_broken_rule_ends_with_one_and_names_the_account(run: Run, account: str, tmp_path: Path, data: Path) -> None:
    run(*PUBLISH, _written(tmp_path, "rates.csv", RATES))
    run("calls", "import", _written(tmp_path, "calls.csv", CALLS), "--account", account)
    with _opened(data).transaction() as session:
        session.execute("UPDATE account SET book_balance_micros = book_balance_micros + 1")

    ended = run("verify")

    assert ended.code == 1
    assert [row[0] for row in ended.rows] == [account]


def test_a_backup_is_a_whole_database_and_overwrites_nothing(run: Run, account: str, tmp_path: Path) -> None:
    file = tmp_path / "copy.sqlite3"

    first = run("backup", file)
    second = run("backup", file)

    assert (first.code, second.code) == (0, 1)
    assert [path.name for path in tmp_path.iterdir() if "copy" in path.name] == ["copy.sqlite3"]
    with _opened(file).reading() as session:
        assert session.rows("SELECT name FROM account") == [("Contoso",)]


def test_the_schema_is_printed_as_clients_read_it(run: Run) -> None:
    ended = run("schema")

    assert ended.code == 0
    assert "type Query {" in ended.out
    assert ended.out == sdl()


def test_what_the_commands_make_is_their_owners_alone(run: Run, account: str, data: Path) -> None:
    assert Settings().signing_key
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert stat.S_IMODE((data / "secret_key").stat().st_mode) == 0o600


@pytest.fixture
def olga(run: Run, account: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """An operator."""
    monkeypatch.setenv("CREDITS_PASSWORD", "correct horse battery")
    assert run("admin", "create", "olga@example.com", "--operator").code == 0
    return "olga@example.com"


def test_a_link_for_a_new_password_is_printed_and_nothing_else(run: Run, data: Path, olga: str) -> None:
    ended = run("people", "link", olga.upper())

    assert ended.code == 0
    (line,) = ended.out.splitlines()
    address, _, code = line.partition("?code=")
    assert address == "http://127.0.0.1:8000/link"
    with _opened(data).reading() as session:
        assert find_reset(session, code, NOW + 2 * DAY - 1).email == olga
        told = session.rows("SELECT actor_kind, action, subject FROM audit_event")
    assert ("COMMAND", "makeResetLink", olga) in told
    assert code not in repr(told)


def test_a_lost_second_factor_is_asked_for_no_more(run: Run, data: Path, olga: str) -> None:
    with _opened(data).transaction() as session:
        session.execute("UPDATE person SET totp_secret = 'x', totp_since = ?", NOW)

    ended = run("people", "reset-second-factor", olga)

    assert ended.code == 0
    with _opened(data).reading() as session:
        person = find_person(session, olga)
        mailed = session.rows("SELECT email, due_at IS NOT NULL FROM invitation")
    assert person is not None
    assert not person.has_second_factor
    assert [(address, bool(is_due)) for address, is_due in mailed] == [(olga, True)]
    assert run("people", "reset-second-factor", olga).code == 1


def test_somebody_is_signed_out_everywhere(run: Run, data: Path, olga: str) -> None:
    with _opened(data).transaction() as session:
        person = find_person(session, olga)
        assert person is not None
        for _ in range(2):
            open_session(session, person=person, address="", agent="", now=NOW, lasts=2 * DAY)

    ended = run("people", "sign-out", olga)

    assert (ended.code, ended.err) == (0, "olga@example.com was signed out in 2 browsers.\n")
    with _opened(data).reading() as session:
        assert sessions_of(session, person.person_id, NOW + DAY) == []


@pytest.mark.parametrize("command", ["link", "reset-second-factor", "sign-out"])
def test_nobody_can_be_helped_who_has_no_sign_in(run: Run, account: str, command: str) -> None:
    ended = run("people", command, "nobody@example.com")

    assert (ended.code, ended.out) == (1, "")
    assert "nobody@example.com" in ended.err


def test_the_first_start_says_how_to_make_the_first_operator(
    run: Run, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.commands.serving.run_server", lambda *_, **__: None)

    assert "credits admin create EMAIL --operator" in run("serve").err


def test_a_later_start_says_nothing_of_it(run: Run, olga: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.commands.serving.run_server", lambda *_, **__: None)

    assert run("serve").err == ""


def test_a_token_is_made_with_an_end_listed_and_taken_back(run: Run, account: str, data: Path) -> None:
    bound = ("--account", account)
    run("token", "create", "Switch in Reno", "--scope", "read", "--scope", "calls", *bound, "--expires-in-days", "30")
    run("token", "create", "Old one", "--scope", "read", *bound, "--expires-at", "2999-01-01")

    listed = [line.split("\t") for line in run("token", "list", *bound).out.splitlines()]
    old, switch = sorted(listed, key=lambda columns: columns[1])
    revoked = run("token", "revoke", old[0])

    assert switch[1:4] == ["Switch in Reno", "read calls", "active"]
    assert (switch[5], switch[7]) == ("-", "-")
    assert old[6] == "2999-01-01T00:00:00Z"
    assert (revoked.code, revoked.err) == (0, f"Old one ({old[0]}) is revoked.\n")
    assert [line.split("\t")[1] for line in run("token", "list", *bound).out.splitlines()] == ["Switch in Reno"]
    assert "\trevoked\t" in run("token", "list", *bound, "--all").out
    with _opened(data).reading() as session:
        noted = session.rows("SELECT action, actor_kind, actor FROM audit_event ORDER BY action")
    assert noted == [(action, "COMMAND", user_here()) for action in ("createToken", "createToken", "revokeToken")]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("create", "S", "--scope", "read", "--operator", "--expires-in-days", "1", "--expires-at", "2999-01-01"), 2),
        (("create", "S", "--scope", "read", "--operator", "--expires-at", "tomorrow"), 2),
        (("create", "S", "--scope", "read", "--operator", "--expires-at", "2020-01-01"), 1),
        (("create", "S", "--scope", "read", "--operator", "--expires-in-days", "0"), 1),
        (("list", "--account", "acct_1"), 1),
        (("revoke", "acct_1"), 2),
        (("revoke", "tok_1"), 1),
    ],
)
def test_what_cannot_be_said_of_tokens_is_refused(run: Run, words: tuple[str, ...], code: int) -> None:
    ended = run("token", *words)

    assert (ended.code, ended.out) == (code, "")
    assert ended.err
