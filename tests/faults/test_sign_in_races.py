"""Signing in from several processes at once: what one counts, the other knows."""

import pytest

from credits.attempts import Visitor
from credits.instants import HOUR
from credits.keys import Keys
from credits.people import create_person
from credits.refusals import Code, Refusal
from credits.signing_in import sign_in
from db.session import Database
from tests.factories import NOW
from tests.faults.at_once import in_processes

EMAIL, GUESSES = "alice@example.com", 10


def guess(url: str) -> list[str]:
    """Guess a password again and again, in a process of its own; returns what each guess was answered."""
    database, answers = Database(url), []
    for number in range(GUESSES):
        try:
            sign_in(
                database, Keys("k" * 48), email=EMAIL, password=f"a guess, {number}", visitor=Visitor("192.0.2.7"),
                now=NOW, lasts=HOUR,
            )  # fmt: skip
        except Refusal as refusal:
            answers.append(refusal.code.value)
    database.close()
    return answers


@pytest.mark.parametrize("processes", [2])
def test_two_processes_that_guess_at_once_are_counted_together(database: Database, processes: int) -> None:
    with database.transaction() as session:
        create_person(session, email=EMAIL, password="correct horse", is_operator=False, roles={}, now=NOW)

    answers = [each for told in in_processes(guess, [(database.url,)] * processes) for each in told]

    assert answers.count(Code.INVALID) == 3
    assert answers.count(Code.LIMIT_EXCEEDED) == processes * GUESSES - 3
    with database.reading() as session:
        assert session.row("SELECT max(failures) FROM sign_in_failure") == (3,)
