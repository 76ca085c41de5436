"""The audit log: what is kept of a change."""

from credits.audit import Actor, record
from db.kinds import ActorKind
from db.session import Database
from tests.factories import NOW, make_account


def test_an_event_keeps_who_did_what_from_where_and_what_changed(database: Database) -> None:
    actor = Actor(ActorKind.PERSON, "alice@example.com", 7, "192.0.2.1", "r-1")
    account_id = make_account(database)
    with database.transaction() as session:
        record(session, actor, "updateUser", at=NOW, account_id=account_id, subject="user_1", after={"name": "Zoë"})

    with database.reading() as session:
        rows = session.rows(
            "SELECT account_id, at, actor_kind, actor_id, actor, action, subject, address, request_id, before, after"
            " FROM audit_event"
        )
    assert rows == [
        (account_id, NOW, "PERSON", 7, "alice@example.com", "updateUser", "user_1", "192.0.2.1", "r-1", None,
         '{"name": "Zoë"}')
    ]  # fmt: skip
