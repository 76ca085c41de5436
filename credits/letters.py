"""Letters: notices as they are read. Pure: facts go in, and the finished words come out in the account's language.

What each kind says is in `credits.wordings`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from credits.accounts import AccountState
from credits.language import Language
from credits.wordings import DRAFTS, Desk, one_line
from db.kinds import AccountMode, NoticeKind


@dataclass(frozen=True, slots=True)
class Letter:
    """A finished letter. `figures` are labels with their values; `link` a label with a path on the pages."""

    subject: str
    paragraphs: list[str]
    figures: list[tuple[str, str]]
    link: tuple[str, str] | None
    greeting: str
    footer: str


def letter_of(kind: NoticeKind, facts: Mapping[str, Any], *, account: AccountState, language: Language) -> Letter:
    """The letter of a kind of notice about an account."""
    desk = Desk(facts, account, language)
    draft = DRAFTS[kind](desk)
    is_test = account.mode == AccountMode.TEST
    if is_test:
        draft.paragraphs.append(desk.say("This is a test account: no money was moved."))
    return Letter(
        subject=one_line(f"[TEST] {draft.subject}" if is_test else draft.subject),
        paragraphs=draft.paragraphs,
        figures=[(label, value) for label, value in draft.figures if value],
        link=None if draft.link is None else (draft.link[0], f"/accounts/{desk.account_id}{draft.link[1]}"),
        greeting=desk.say("Hello,"),
        footer=desk.say("You get this mail because you are set to get the notices of {account}."),
    )


def text_of(letter: Letter, base_url: str = "") -> str:
    """A letter as plain text; `base_url` is put before its link's path."""
    parts = [letter.greeting, *letter.paragraphs]
    if letter.figures:
        parts.append("\n".join(f"{label}: {value}" for label, value in letter.figures))
    if letter.link:
        label, path = letter.link
        parts.append(f"{label}:\n{base_url}{path}")
    return "\n\n".join([*parts, f"-- \n{letter.footer}"]) + "\n"


def written(letter: Letter) -> str:
    """A letter, but for its subject, as the text that its row keeps."""
    parts = [letter.greeting, letter.paragraphs, letter.figures, letter.link, letter.footer]
    return json.dumps(parts, ensure_ascii=False)


def read(subject: str, text: str) -> Letter:
    """The letter that `written` wrote."""
    greeting, paragraphs, figures, link, footer = json.loads(text)
    return Letter(
        subject=subject,
        paragraphs=paragraphs,
        figures=[(label, value) for label, value in figures],
        link=None if link is None else (link[0], link[1]),
        greeting=greeting,
        footer=footer,
    )
