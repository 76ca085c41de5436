"""What the doors leave behind is swept away once nobody can need it, and not before."""

import pytest

from credits.instants import DAY, HOUR
from credits.leftovers import sweep, tables_to_sweep
from db.kinds import InvitationKind
from db.session import Database, Session
from tests.factories import NOW


def _leave(session: Session) -> None:
    """A wrong try, two sessions and a link, all of which are over at NOW."""
    session.execute(
        "INSERT INTO person (person_id, email, password_hash, is_operator, created_at) VALUES (7, 'a@b', '', ?, 0)",
        False,
    )
    session.execute("INSERT INTO sign_in_failure (who, failures, until, failed_at) VALUES ('x', 1, 0, ?)", NOW)
    columns = ("session_id", "person_id", "opened_at", "seen_at", "until", "address", "agent")
    session.insert("web_session", columns, [(1, 7, NOW - HOUR, NOW, NOW, "", ""), (2, 7, NOW - 1, NOW, NOW, "", "")])
    row = {
        "invitation_id": 1, "kind": InvitationKind.RESET.value, "email": "a@b", "to_operators": False, "code_hash": "x",
        "invited_by": "", "created_at": NOW - HOUR, "expires_at": NOW, "locale": "en",
    }  # fmt: skip
    session.insert("invitation", list(row), [list(row.values())])


@pytest.mark.parametrize(
    ("at", "swept"),
    [
        (NOW + DAY - 1, []),
        (NOW + DAY, ["sign_in_failure"]),
        (NOW + 30 * DAY - 1, ["sign_in_failure"]),
        (NOW + 30 * DAY, ["sign_in_failure", "web_session", "invitation"]),
    ],
)
def test_each_kind_is_swept_when_its_time_has_come(database: Database, at: int, swept: list[str]) -> None:
    with database.transaction() as session:
        _leave(session)

    with database.transaction() as session:
        found = tables_to_sweep(session, at, 100)
        counts = [sweep(session, table, at) for table in found]

    assert found == swept
    assert counts == [1] * len(swept)
    with database.reading() as session:
        assert tables_to_sweep(session, at, 100) == []


def test_it_stays_known_when_somebody_was_last_there(database: Database) -> None:
    with database.transaction() as session:
        _leave(session)

    with database.transaction() as session:
        sweep(session, "web_session", NOW + 400 * DAY)

    with database.reading() as session:
        assert session.rows("SELECT session_id, seen_at FROM web_session") == [(2, NOW)]
