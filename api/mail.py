"""Mail: notices become messages and leave by SMTP, or are written into the data folder where no server is set.

A notice is taken in a transaction of its own, sent outside of any, and marked in another. Who crashes between
sending and marking has it sent once more when the lease ends, under the same Message-ID, by which mail programs
see that it is the same mail.
"""

import os
import smtplib
import ssl
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from enum import Enum, auto
from pathlib import Path
from typing import Protocol

import structlog

from api.mail_server import SmtpServer
from api.measures import count_mail
from api.settings import Settings
from credits import letters, notices
from credits.ids import public_id
from credits.instants import moment
from credits.language import sentence
from credits.letters import Letter
from credits.notices import Outgoing
from db.session import Database
from web.letters import html_of

log = structlog.get_logger("credits.mail")

AT_A_TIME = 50
NOT_IN_TIME = sentence("The mail server did not answer in time.").message
_CLOSING = 421


class NotTaken(Exception):
    """The mail server refused a message, whoever it is for; the text says why."""


class Away(Exception):
    """The mail server cannot be talked to, for this message or any other; the text says why."""


class Mailer(Protocol):
    """Where mail goes. Raises `NotTaken` or `Away` when it went to nobody."""

    def send(self, message: EmailMessage, name: str) -> Mapping[str, str]:
        """Send a message, by a name of its own, to all in its To; returns those that were refused, with the reasons."""


class Smtp:
    """Sends over SMTP, one connection for each message; a time-out holds for each step of it."""

    def __init__(self, server: SmtpServer, *, timeout_seconds: float) -> None:
        self.server = server
        self.timeout_seconds = timeout_seconds

    def send(self, message: EmailMessage, name: str) -> Mapping[str, str]:
        """Send to every address at once; the server may refuse some, or all, of them."""
        connection = self._connect()
        sender, addresses = message["From"].addresses[0], [each.addr_spec for each in message["To"].addresses]
        try:
            answers = connection.sendmail(sender.addr_spec, addresses, message.as_bytes())
        except smtplib.SMTPRecipientsRefused as refusal:
            answers = refusal.recipients
        except smtplib.SMTPResponseException as refusal:
            raise (Away if refusal.smtp_code == _CLOSING else NotTaken)(reason_of(refusal)) from None
        except (smtplib.SMTPException, OSError) as trouble:
            raise Away(reason_of(trouble)) from None
        finally:
            with suppress(smtplib.SMTPException, OSError):  # what was sent was sent, however the server says goodbye
                connection.quit()
            connection.close()
        return {address: _said(*answer) for address, answer in answers.items()}

    def _connect(self) -> smtplib.SMTP:
        server = self.server
        try:
            if server.tls:
                context = ssl.create_default_context()
                connection: smtplib.SMTP = smtplib.SMTP_SSL(
                    server.host, server.port, timeout=self.timeout_seconds, context=context
                )
            else:
                connection = smtplib.SMTP(server.host, server.port, timeout=self.timeout_seconds)
        except (smtplib.SMTPException, OSError) as trouble:
            raise Away(reason_of(trouble)) from None
        try:
            if server.starttls:
                connection.starttls(context=ssl.create_default_context())
            if server.user is not None:
                connection.login(server.user, server.password or "")
        except (smtplib.SMTPException, OSError, ValueError) as trouble:
            connection.close()
            raise Away(reason_of(trouble)) from None
        return connection


class Folder:
    """Writes .eml files, for where no mail server is set."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def send(self, message: EmailMessage, name: str) -> Mapping[str, str]:
        """Write a message as a whole or not at all; written twice it is the same file."""
        unfinished = self.path / f".{name}.{os.getpid()}"
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(message.as_bytes())
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self.path / f"{name}.eml")
        except OSError as trouble:
            raise Away(reason_of(trouble)) from None
        return {}


def mailer_of(settings: Settings) -> Mailer:
    """The mail server that is set, or the folder `mail` in the data folder."""
    if settings.smtp_server is None:
        return Folder(settings.data / "mail")
    return Smtp(settings.smtp_server, timeout_seconds=settings.smtp_timeout_seconds)


def send_due_notices(
    database: Database,
    mailer: Mailer,
    *,
    sender: str,
    base_url: str,
    now: Callable[[], int],
    stop: Callable[[], bool] = lambda: False,
) -> int:
    """Send what is due, until nothing is or the mail server is away; returns how many notices it took.

    Any number of workers may do this at once: each notice is sent by one of them.
    """
    sent = 0
    while not stop():
        with database.reading() as session:
            due = notices.notices_due(session, now(), AT_A_TIME)
        outcomes = []
        for account_id, notice_no in due:
            if stop():
                break
            try:
                outcomes.append(_send_one(database, mailer, account_id, notice_no, sender, base_url, now))
            except Away:
                return sent + outcomes.count(_Outcome.SENT)
            except Exception:  # what became of it could not be written; it is tried again when its lease ends
                log.exception("notice_failed", account=account_id, notice=notice_no)
        sent += outcomes.count(_Outcome.SENT)
        if not set(outcomes) - {_Outcome.PASSED_OVER}:
            break
    return sent


def message_of(outgoing: Outgoing, to: Iterable[Address], *, sender: str, base_url: str, at: int) -> EmailMessage:
    """The message of a notice, as text and as HTML; `at` is its Date."""
    return composed(outgoing.letter, outgoing.locale, _name_of(outgoing), to, sender=sender, base_url=base_url, at=at)


def composed(
    letter: Letter, locale: str, name: str, to: Iterable[Address], *, sender: str, base_url: str, at: int
) -> EmailMessage:
    """The message of a letter, under a name of its own."""
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = list(to)
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(moment(at))
    message["Message-ID"] = f"<{name}@{message['From'].addresses[0].domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(letters.text_of(letter, base_url))
    message.add_alternative(html_of(letter, locale=locale, base_url=base_url), subtype="html")
    message["Content-Language"] = locale
    return message


class _Outcome(Enum):
    """What became of a notice that was due."""

    SENT = auto()
    REFUSED = auto()
    PASSED_OVER = auto()


def _send_one(
    database: Database,
    mailer: Mailer,
    account_id: int,
    notice_no: int,
    sender: str,
    base_url: str,
    now: Callable[[], int],
) -> _Outcome:
    """Take a notice, send it, and write down what became of it. Raises `Away` after that, when no other will go."""
    with database.transaction() as session:
        outgoing = notices.claim_notice(session, account_id, notice_no, now())
    if outgoing is None:
        return _Outcome.PASSED_OVER
    told = {"account": account_id, "notice": notice_no, "attempt": outgoing.attempts}
    wire, refused = on_the_wire(outgoing.addresses)
    try:
        if wire:
            message = message_of(outgoing, wire.values(), sender=sender, base_url=base_url, at=now())
            answers = mailer.send(message, _name_of(outgoing))
            refused |= {written: answers[each.addr_spec] for written, each in wire.items() if each.addr_spec in answers}
    except Exception as trouble:  # whatever it is: a notice that cannot be sent is given up in the end
        if isinstance(trouble, (Away, NotTaken)):
            log.warning("notice_not_sent", **told, reason=str(trouble))
        else:
            log.exception("notice_failed", **told)
        with database.transaction() as session:
            notices.not_delivered(session, outgoing, reason=reason_of(trouble), now=now())
        count_mail("away" if isinstance(trouble, Away) else "refused")
        if isinstance(trouble, Away):
            raise
        return _Outcome.REFUSED
    with database.transaction() as session:
        notices.delivered(session, outgoing, undelivered=refused, now=now())
    if refused:
        log.warning("notice_refused", **told, refused=len(refused), addresses=len(outgoing.addresses))
    outcome = _Outcome.REFUSED if len(refused) == len(outgoing.addresses) else _Outcome.SENT
    count_mail(outcome.name.lower())
    return outcome


def _name_of(outgoing: Outgoing) -> str:
    """One name for a notice's mail, however often it is tried; another each time that a person sends it again."""
    return f"{public_id('ntc', outgoing.account_id, outgoing.notice_no)}.{outgoing.round_no}"


def on_the_wire(addresses: Iterable[str]) -> tuple[dict[str, Address], dict[str, str]]:
    """Addresses as SMTP has them, by how they were written; and those that it cannot have, each with the reason."""
    wire, refused = dict[str, Address](), dict[str, str]()
    for written in addresses:
        local, _, domain = written.rpartition("@")
        try:
            local.encode("ascii")
            wire[written] = Address(username=local, domain=domain.encode("idna").decode())
        except ValueError:
            refused[written] = "mail servers do not take this address"
    return wire, refused


def _said(code: int, text: bytes | str) -> str:
    """A server's answer on one line."""
    words = text.decode(errors="replace") if isinstance(text, bytes) else text
    return " ".join(f"{code} {words}".split())


def reason_of(trouble: Exception) -> str:
    """Why something could not be sent, on one line."""
    if isinstance(trouble, smtplib.SMTPResponseException):
        return _said(trouble.smtp_code, trouble.smtp_error)
    if TimeoutError in (type(trouble), type(trouble.__context__)):
        return NOT_IN_TIME
    return " ".join(str(trouble).split()) or type(trouble).__name__
