"""The mail that brings links: sent once, tried again, given up in the end, and never telling the code to a log."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage

import pytest
from structlog.testing import capture_logs

from api.link_mail import send_due_links
from api.mail import Away, NotTaken
from credits.attempts import Visitor
from credits.forgotten import request_reset
from credits.instants import HOUR, MINUTE
from credits.keys import Keys
from credits.links import LEASE, OTHER_SECRET, WAITS
from credits.people import create_person
from db.session import Database
from tests.factories import NOW
from tests.faults.at_once import Meeting, at_once

ALICE = "alice@example.com"
KEYS = Keys("k" * 48)


@dataclass
class Post:
    """Where mail goes in these tests; `trouble` is what happens instead."""

    trouble: Callable[[], Mapping[str, str]] = field(default=dict)
    taken: list[tuple[str, EmailMessage]] = field(default_factory=list)

    def send(self, message: EmailMessage, name: str) -> Mapping[str, str]:
        """Take a message, or not."""
        refused = self.trouble()
        if not refused:
            self.taken.append((name, message))
        return refused


@pytest.fixture
def asked(database: Database) -> Database:
    """A database in which Alice has asked for a new password."""
    with database.transaction() as session:
        create_person(session, email=ALICE, password="correct horse", is_operator=False, roles={}, now=NOW)
        request_reset(session, KEYS, email=ALICE, visitor=Visitor("192.0.2.7"), now=NOW)
    return database


def send(database: Database, post: Post, now: int = NOW, keys: Keys = KEYS) -> int:
    """Send what is due."""
    return send_due_links(
        database, post, keys, sender="credits@example.com", base_url="https://credits.example", now=lambda: now
    )


def state(database: Database) -> tuple[int | None, int, int | None, str | None]:
    """When its mail is due, how often it was tried, when it left, and why not."""
    with database.reading() as session:
        ((due_at, attempts, sent_at, failure),) = session.rows(
            "SELECT due_at, attempts, sent_at, failure FROM invitation"
        )
    return due_at, attempts, sent_at, failure


def _raises(trouble: Exception) -> Callable[[], Mapping[str, str]]:
    def happen() -> Mapping[str, str]:
        raise trouble

    return happen


def test_a_link_is_mailed_once(asked: Database) -> None:
    post = Post()

    assert [send(asked, post), send(asked, post, NOW + HOUR // 2)] == [1, 0]

    ((_, message),) = post.taken
    assert message["To"] == ALICE
    text = message.get_body(("plain",))
    assert text is not None
    assert "https://credits.example/link?code=" in text.get_content()
    assert state(asked) == (None, 1, NOW, None)


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (_raises(Away("nobody answers")), "nobody answers"),
        (_raises(NotTaken("554 spam")), "554 spam"),
        (lambda: {ALICE: "550 no such user"}, "550 no such user"),
    ],
)
def test_mail_that_does_not_leave_is_tried_again_with_the_same_link(
    asked: Database, trouble: Callable[[], Mapping[str, str]], said: str
) -> None:
    assert send(asked, Post(trouble)) == 0
    assert state(asked) == (NOW + WAITS[0], 1, None, said)
    post = Post()

    assert send(asked, post, NOW + WAITS[0] - 1) == 0
    assert send(asked, post, NOW + WAITS[0]) == 1


def test_mail_that_leaves_again_and_again_not_is_given_up(asked: Database) -> None:
    with asked.transaction() as session:
        session.execute("UPDATE invitation SET expires_at = ?", NOW + 100 * HOUR)
    at, post = NOW, Post(_raises(NotTaken("554 spam")))

    for wait in WAITS:
        send(asked, post, at)
        at += wait
    send(asked, post, at)

    assert state(asked) == (None, len(WAITS) + 1, None, "554 spam")


def test_mail_whose_sender_died_goes_again_when_its_time_is_over(asked: Database) -> None:
    with pytest.raises(KeyboardInterrupt):
        send(asked, Post(_dies))
    post = Post()

    assert send(asked, post, NOW + LEASE - 1) == 0
    assert send(asked, post, NOW + LEASE) == 1


def _dies() -> Mapping[str, str]:
    raise KeyboardInterrupt


def test_a_link_that_is_too_old_is_not_mailed(asked: Database) -> None:
    post = Post()

    assert send(asked, post, NOW + HOUR) == 0

    assert post.taken == []
    assert state(asked) == (None, 0, None, None)


def test_two_workers_mail_a_link_once(asked: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    post = Post()
    Meeting(monkeypatch, "credits.links.links_of")

    assert sum(at_once(*[lambda: send(asked, post)] * 2)) == 1

    assert len(post.taken) == 1


def test_a_worker_with_another_secret_leaves_the_link_to_others(asked: Database) -> None:
    post = Post()

    assert send(asked, post, keys=Keys("x" * 48)) == 0
    assert state(asked) == (NOW + MINUTE, 0, None, OTHER_SECRET)
    assert send(asked, post, NOW + MINUTE) == 1


def test_no_log_tells_the_code(asked: Database) -> None:
    with capture_logs() as logged:
        send(asked, Post(_raises(NotTaken("554 spam"))))
        post = Post()
        send(asked, post, NOW + HOUR // 2)
    text = post.taken[0][1].get_body(("plain",))
    assert text is not None
    code = text.get_content().split("code=")[1].split()[0]

    assert logged
    assert code not in repr(logged)
