"""The letters that bring links: an invitation, and a link to choose a new password."""

from credits.accounts import look_up
from credits.language import Language
from credits.letters import Letter
from credits.links import Link
from credits.wordings import one_line
from db.kinds import InvitationKind
from db.session import Session


def letter_of_link(session: Session, link: Link, code: str, language: Language) -> Letter:
    """The letter of a link, which names the code, and so goes to the address alone."""
    if link.kind == InvitationKind.RESET:
        return _reset(code, language)
    account = None if link.account_id is None else one_line(look_up(session, link.account_id).name)
    return _invitation(link, account, code, language)


def _reset(code: str, language: Language) -> Letter:
    say = language.say
    return Letter(
        subject=say("Choose a new password"),
        paragraphs=[
            say("Somebody asked for a new password for your sign-in. If it was you, choose one within an hour."),
            say("If it was not you, do nothing: your password stays as it is."),
        ],
        figures=[],
        link=(say("Choose a new password"), f"/link?code={code}"),
        greeting=say("Hello,"),
        footer=say("You get this mail because a new password was asked for at this address."),
    )


def _invitation(link: Link, account: str | None, code: str, language: Language) -> Letter:
    say = language.say
    by = one_line(link.invited_by)
    if account is None:
        subject = say("You are invited to operate Communications Credits")
        said = say("{inviter} invites you to be an operator: you will see and change every account.", inviter=by)
    else:
        subject = say("You are invited to {account}", account=account)
        said = say(
            "{inviter} invites you to the account {account}, its balance, its calls and what they cost.",
            inviter=by, account=account,
        )  # fmt: skip
    until = language.date_time(link.expires_at)
    return Letter(
        subject=one_line(subject),
        paragraphs=[said, say("The link is good for one use, until {instant} UTC.", instant=until)],
        figures=[],
        link=(say("Accept the invitation"), f"/link?code={code}"),
        greeting=say("Hello,"),
        footer=say("You get this mail because somebody entered this address. If you do not know why, do nothing."),
    )
