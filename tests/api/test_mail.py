"""Mail: what leaves for a real SMTP server, and what becomes of a notice whatever that server does."""

import email.policy
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from structlog.testing import capture_logs

from api.mail import NOT_IN_TIME, Folder, Mailer, Smtp, mailer_of, send_due_notices
from api.mail_server import SmtpServer, read_sender, read_smtp_url, usual_sender
from api.settings import Settings
from credits import notices
from credits.instants import HOUR, MINUTE
from credits.notices import LEASE, WAITS
from db.kinds import NoticeKind
from db.session import Database
from tests.factories import NOW, make_account
from tests.mail import ANN, BEN, mail_to, make_notice, notices_of
from tests.measured import growing

SENDER = "Communications Credits <credits@example.com>"
BASE_URL = "https://credits.example.com"
HOST = "127.0.0.1"


class Postbox:
    """What a mail server received; `refuse` and `answer` say how it treats recipients and messages."""

    def __init__(self) -> None:
        self.received: list[tuple[list[str], EmailMessage]] = []
        self.refuse: dict[str, str] = {}
        self.answer = "250 OK"
        self.hangs_up = False

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.answer.startswith("250"):
            message = BytesParser(policy=email.policy.default).parsebytes(envelope.content)
            assert isinstance(message, EmailMessage)
            self.received.append((list(envelope.rcpt_tos), message))
        if self.hangs_up:
            server.transport.abort()
        return self.answer


@contextmanager
def serving(postbox: Postbox, **options: Any) -> Iterator[SmtpServer]:
    """A mail server on a port of its own."""
    controller = Controller(postbox, hostname=HOST, port=free_port(), **options)
    controller.start()
    try:
        yield SmtpServer(HOST, controller.port, None, None, tls=False, starttls=False)
    finally:
        controller.stop()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listening:
        listening.bind((HOST, 0))
        port: int = listening.getsockname()[1]
        return port


@pytest.fixture
def postbox() -> Postbox:
    """A mail server's postbox, which takes everything unless told otherwise."""
    return Postbox()


@pytest.fixture
def smtp(postbox: Postbox) -> Iterator[Smtp]:
    """The way to that server."""
    with serving(postbox) as server:
        yield Smtp(server, timeout_seconds=5)


@pytest.fixture
def account_id(database: Database) -> int:
    """An account with a notice for Ann and Ben."""
    number = make_account(database)
    mail_to(database, number, ANN, BEN)
    make_notice(database, number)
    return number


def send(database: Database, mailer: Mailer, now: int = NOW, **options: Any) -> int:
    """Send what is due."""
    return send_due_notices(database, mailer, sender=SENDER, base_url=BASE_URL, now=lambda: now, **options)


def state_of(database: Database, account_id: int) -> tuple[str, str | None, int | None]:
    """The status, failure and next try of the account's first notice."""
    row = notices_of(database, account_id)[0]
    return row.status, row.failure, row.due_at


def test_a_notice_leaves_as_text_and_html_to_all_its_recipients(
    database: Database, account_id: int, postbox: Postbox, smtp: Smtp
) -> None:
    assert send(database, smtp) == 1

    ((recipients, message),) = postbox.received
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert recipients == [ANN, BEN]
    assert message["Subject"] == "Balance low, $8.12 left: Contoso"
    assert message["From"] == SENDER
    assert message["To"] == f"{ANN}, {BEN}"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime.timestamp() * 1_000_000 == NOW
    assert text is not None
    assert html is not None
    assert f"Add funds:\n{BASE_URL}/accounts/acct_" in text.get_content().replace("\r", "")
    assert f'href="{BASE_URL}/accounts/acct_' in html.get_content()
    assert '<html lang="en">' in html.get_content()
    assert state_of(database, account_id) == ("SENT", None, None)


def test_japanese_arrives_as_it_was_written(database: Database, postbox: Postbox, smtp: Smtp) -> None:
    account_id = make_account(database, name="株式会社コントソ", locale="ja")
    mail_to(database, account_id, ANN)
    make_notice(database, account_id, NoticeKind.RECHARGE_FAILED)

    send(database, smtp)

    ((_, message),) = postbox.received
    text = message.get_body(("plain",))
    assert message["Subject"] == "支払いに失敗しました: $50.00、株式会社コントソ"
    assert message["Content-Language"] == "ja"
    assert text is not None
    assert "理由: クレジット カードが拒否されました。" in text.get_content()


def test_markup_in_a_name_stays_text_and_no_line_of_it_becomes_a_header(
    database: Database, postbox: Postbox, smtp: Smtp
) -> None:
    account_id = make_account(database, name="<b>Contoso</b>\r\nBcc: eve@example.com")
    mail_to(database, account_id, ANN)
    make_notice(database, account_id)

    send(database, smtp)

    ((recipients, message),) = postbox.received
    html = message.get_body(("html",))
    assert (recipients, message["Bcc"]) == ([ANN], None)
    assert html is not None
    assert "<b>" not in html.get_content()
    assert "&lt;b&gt;Contoso" in html.get_content()


def test_the_mail_brings_everything_along(database: Database, account_id: int, postbox: Postbox, smtp: Smtp) -> None:
    send(database, smtp)

    html = postbox.received[0][1].get_body(("html",))
    assert html is not None
    assert [mark for mark in ("src=", "<script", "@import", "url(", "<link") if mark in html.get_content()] == []


def test_whom_the_server_refuses_is_tried_again_alone(
    database: Database, account_id: int, postbox: Postbox, smtp: Smtp
) -> None:
    postbox.refuse = {BEN: "450 4.2.1 Mailbox busy"}
    assert send(database, smtp) == 1
    assert state_of(database, account_id) == ("QUEUED", f"{BEN}: 450 4.2.1 Mailbox busy", NOW + MINUTE)

    postbox.refuse = {}
    send(database, smtp, NOW + MINUTE)

    assert [recipients for recipients, _ in postbox.received] == [[ANN], [BEN]]
    assert state_of(database, account_id) == ("SENT", None, None)


def test_when_everybody_is_refused_nobody_has_got_it(
    database: Database, account_id: int, postbox: Postbox, smtp: Smtp
) -> None:
    postbox.refuse = {ANN: "550 No such user", BEN: "550 No such user"}

    assert send(database, smtp) == 0

    assert postbox.received == []
    assert state_of(database, account_id) == (
        "QUEUED", f"{ANN}: 550 No such user; {BEN}: 550 No such user", NOW + MINUTE,
    )  # fmt: skip


@pytest.mark.parametrize("answer", ["451 4.3.0 Try later", "552 5.3.4 Too big", "554 5.7.1 Looks like spam"])
def test_a_message_that_the_server_refuses_is_tried_again_and_the_next_one_still_goes(
    database: Database, account_id: int, postbox: Postbox, smtp: Smtp, answer: str
) -> None:
    postbox.answer = answer
    make_notice(database, account_id, NoticeKind.LOT_EXPIRED)

    assert send(database, smtp) == 0

    assert [row.failure for row in notices_of(database, account_id)] == [answer, answer]
    postbox.answer = "250 OK"
    assert send(database, smtp, NOW + MINUTE) == 2


def test_a_server_that_is_closing_is_asked_no_more(
    database: Database, account_id: int, postbox: Postbox, smtp: Smtp
) -> None:
    postbox.answer = "421 Going down"
    make_notice(database, account_id)

    send(database, smtp)

    assert [row.attempts for row in notices_of(database, account_id)] == [1, 0]


def test_without_a_server_one_notice_waits_and_the_others_are_not_even_tried(
    database: Database, account_id: int
) -> None:
    make_notice(database, account_id)
    nowhere = Smtp(SmtpServer(HOST, free_port(), None, None, tls=False, starttls=False), timeout_seconds=5)

    assert send(database, nowhere) == 0

    assert [row.attempts for row in notices_of(database, account_id)] == [1, 0]
    assert "refused" in (state_of(database, account_id)[1] or "")


def test_mail_is_counted_by_what_became_of_it_each_time_it_was_tried(
    sqlite_database: Database, postbox: Postbox, smtp: Smtp
) -> None:
    for addresses in ([ANN, BEN], [BEN], [ANN]):
        account_id = make_account(sqlite_database)
        mail_to(sqlite_database, account_id, *addresses)
        make_notice(sqlite_database, account_id)
    postbox.refuse = {BEN: "550 No such user"}
    nowhere = Smtp(SmtpServer(HOST, free_port(), None, None, tls=False, starttls=False), timeout_seconds=5)

    with growing("mail") as grown:
        send(sqlite_database, smtp)
        send(sqlite_database, nowhere, NOW + MINUTE)
        postbox.answer = "554 5.7.1 Looks like spam"
        send(sqlite_database, smtp, NOW + 2 * HOUR)

    assert grown == {"mail_total sent": 2, "mail_total refused": 3, "mail_total away": 1}


def test_a_server_that_does_not_answer_is_not_waited_for(database: Database, account_id: int) -> None:
    with socket.socket() as silent:
        silent.bind((HOST, 0))
        silent.listen()
        server = SmtpServer(HOST, silent.getsockname()[1], None, None, tls=False, starttls=False)

        assert send(database, Smtp(server, timeout_seconds=0.2)) == 0

    assert state_of(database, account_id) == ("QUEUED", NOT_IN_TIME, NOW + MINUTE)


def test_mail_whose_answer_is_lost_goes_again_under_the_same_name(
    database: Database, account_id: int, postbox: Postbox, smtp: Smtp
) -> None:
    postbox.hangs_up = True
    assert send(database, smtp) == 0

    postbox.hangs_up = False
    assert send(database, smtp, NOW + MINUTE) == 1

    first, again = (message["Message-ID"] for _, message in postbox.received)
    assert first == again
    assert first.endswith("@example.com>")


def test_mail_whose_sender_died_before_writing_it_down_goes_again_under_the_same_name(
    database: Database, account_id: int, postbox: Postbox, smtp: Smtp, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: Any, **__: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(notices, "delivered", die)
        with pytest.raises(SystemExit):
            send(database, smtp)

    assert send(database, smtp, NOW + LEASE - 1) == 0
    assert send(database, smtp, NOW + LEASE) == 1
    first, again = (message["Message-ID"] for _, message in postbox.received)
    assert first == again


def test_what_a_person_sends_again_is_mail_of_another_name(
    database: Database, account_id: int, postbox: Postbox, smtp: Smtp
) -> None:
    send(database, smtp)
    with database.transaction() as session:
        notices.send_again(session, account_id=account_id, notice_no=1, now=NOW)

    send(database, smtp)

    assert len({message["Message-ID"] for _, message in postbox.received}) == 2


def test_one_notices_fault_stops_no_other(database: Database, account_id: int, postbox: Postbox, smtp: Smtp) -> None:
    make_notice(database, account_id, NoticeKind.LOT_EXPIRED)
    with database.transaction() as session:
        session.execute("UPDATE notice SET letter = 'spoiled' WHERE notice_no = 1")

    assert send(database, smtp) == 1

    assert [row.status for row in notices_of(database, account_id)] == ["QUEUED", "SENT"]


class Broken:
    """A mailer with a fault of its own."""

    def send(self, message: EmailMessage, name: str) -> dict[str, str]:
        """Fail in a way that nobody thought of."""
        raise RuntimeError("no such\nthing")


def sent_until_given_up(database: Database, account_id: int, mailer: Mailer) -> list[str]:
    """Send what is due each time that something is, until nothing will be; the names of what was logged."""
    with capture_logs() as logged:
        while due := [row.due_at for row in notices_of(database, account_id) if row.due_at is not None]:
            send(database, mailer, min(due))
    return [line["event"] for line in logged]


def test_a_notice_whose_sending_breaks_is_given_up_after_as_many_tries(database: Database, account_id: int) -> None:
    logged = sent_until_given_up(database, account_id, Broken())

    assert logged == ["notice_failed"] * (len(WAITS) + 1)
    assert state_of(database, account_id) == ("FAILED", "no such thing", None)


def test_a_letter_that_cannot_be_read_is_given_up_too(
    database: Database, account_id: int, postbox: Postbox, smtp: Smtp
) -> None:
    with database.transaction() as session:
        session.execute("UPDATE notice SET letter = '[]'")

    logged = sent_until_given_up(database, account_id, smtp)

    assert logged == ["notice_failed"] * (len(WAITS) + 1)
    assert (state_of(database, account_id)[0], postbox.received) == ("FAILED", [])


def test_several_workers_at_once_send_each_notice_once(
    database: Database, account_id: int, postbox: Postbox, smtp: Smtp
) -> None:
    for _ in range(11):
        make_notice(database, account_id)
    sent: list[int] = []

    at_once(lambda: sent.append(send(database, smtp)), 4)

    assert sum(sent) == len(postbox.received) == 12
    assert len({message["Message-ID"] for _, message in postbox.received}) == 12


def test_whoever_is_told_to_stop_finishes_the_notice_at_hand(
    database: Database, account_id: int, postbox: Postbox, smtp: Smtp
) -> None:
    make_notice(database, account_id)

    send(database, smtp, stop=lambda: bool(postbox.received))

    assert [row.status for row in notices_of(database, account_id)] == ["SENT", "QUEUED"]


def test_a_domain_of_other_letters_is_written_as_mail_servers_have_it(
    database: Database, postbox: Postbox, smtp: Smtp
) -> None:
    account_id = make_account(database)
    mail_to(database, account_id, "ann@münchen.example", "jürgen@contoso.example")
    make_notice(database, account_id)

    send(database, smtp)

    assert postbox.received[0][0] == ["ann@xn--mnchen-3ya.example"]
    assert state_of(database, account_id)[1] == "jürgen@contoso.example: mail servers do not take this address"


def test_an_address_with_a_comma_is_one_address(database: Database, postbox: Postbox, smtp: Smtp) -> None:
    account_id = make_account(database)
    mail_to(database, account_id, "a,eve@contoso.example")
    make_notice(database, account_id)

    send(database, smtp)

    assert postbox.received[0][0] == ['"a,eve"@contoso.example']


def test_a_password_is_sent_inside_tls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postbox: Postbox, sqlite_database: Database
) -> None:
    account_id = make_account(sqlite_database)
    mail_to(sqlite_database, account_id, ANN)
    make_notice(sqlite_database, account_id)
    certificate, key = a_certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    with serving(postbox, tls_context=context, auth_required=True, authenticator=let_in) as plain:
        server = SmtpServer(HOST, plain.port, "credits", "pass word/@", tls=False, starttls=True)
        sent = send(sqlite_database, Smtp(server, timeout_seconds=5))

    assert sent == 1
    assert [recipients for recipients, _ in postbox.received] == [[ANN]]


def test_a_server_without_tls_never_sees_the_password(postbox: Postbox, sqlite_database: Database) -> None:
    account_id = make_account(sqlite_database)
    mail_to(sqlite_database, account_id, ANN)
    make_notice(sqlite_database, account_id)

    with serving(postbox) as plain:
        server = read_smtp_url(f"smtp://credits:secret@{HOST}:{plain.port}")
        assert send(sqlite_database, Smtp(server, timeout_seconds=5)) == 0

    assert "STARTTLS" in (state_of(sqlite_database, account_id)[1] or "")


def test_a_server_with_a_certificate_of_its_own_making_is_not_believed(
    tmp_path: Path, postbox: Postbox, sqlite_database: Database
) -> None:
    account_id = make_account(sqlite_database)
    mail_to(sqlite_database, account_id, ANN)
    make_notice(sqlite_database, account_id)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*a_certificate(tmp_path))

    with serving(postbox, tls_context=context) as plain:
        server = SmtpServer(HOST, plain.port, None, None, tls=False, starttls=True)
        assert send(sqlite_database, Smtp(server, timeout_seconds=5)) == 0

    assert "certificate verify failed" in (state_of(sqlite_database, account_id)[1] or "")
    assert postbox.received == []


def test_without_a_server_mail_is_written_into_the_data_folder(
    database: Database, account_id: int, tmp_path: Path
) -> None:
    mailer = mailer_of(Settings(data=tmp_path))

    assert send(database, mailer) == 1

    (path,) = (tmp_path / "mail").iterdir()
    message = BytesParser(policy=email.policy.default).parsebytes(path.read_bytes())
    assert path.name.startswith("ntc_")
    assert path.suffix == ".eml"
    assert path.stat().st_mode & 0o077 == 0
    assert message["Subject"] == "Balance low, $8.12 left: Contoso"
    assert state_of(database, account_id)[0] == "SENT"


def test_a_folder_that_cannot_be_written_keeps_mail_queued(database: Database, account_id: int, tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("a file where the folder should be")

    assert send(database, Folder(tmp_path / "mail")) == 0

    assert state_of(database, account_id)[0] == "QUEUED"


def test_with_a_server_set_mail_goes_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDITS_SMTP_URL", "smtps://u:p@mail.example.com")

    mailer = mailer_of(Settings(data=tmp_path))

    assert isinstance(mailer, Smtp)
    assert mailer.server == SmtpServer("mail.example.com", 465, "u", "p", tls=True, starttls=False)


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://localhost", SmtpServer("localhost", 587, None, None, tls=False, starttls=False)),
        ("smtp://localhost:25?starttls=yes", SmtpServer("localhost", 25, None, None, tls=False, starttls=True)),
        ("smtp://a%40b:p%2Fw@mail.x", SmtpServer("mail.x", 587, "a@b", "p/w", tls=False, starttls=True)),
        ("smtp://a:b@mail.x?starttls=no", SmtpServer("mail.x", 587, "a", "b", tls=False, starttls=False)),
        ("smtps://a:b@mail.x", SmtpServer("mail.x", 465, "a", "b", tls=True, starttls=False)),
    ],
)
def test_a_mail_server_is_named_by_a_url(url: str, server: SmtpServer) -> None:
    assert read_smtp_url(url) == server


@pytest.mark.parametrize(
    "url",
    ["", "mail.example.com", "http://mail.x", "smtp://", "smtp://u:p#w@mail.x", "smtp://mail.x/box",
     "smtp://mail.x?starttls=maybe", "smtp://mail.x?tls=no", "smtp://mail.x:port",
     "smtp://u:p%C3%A4@mail.x", "smtp://mail.x:99999"],
)  # fmt: skip
def test_what_names_no_mail_server_is_refused_without_telling_the_password(url: str) -> None:
    with pytest.raises(ValueError, match=r"^must |^may ") as caught:
        read_smtp_url(url)

    assert "p#w" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "credits", "a@b.c, d@e.f", "Credits <a@b.c>\r\nBcc: eve@example.com", "A <>"])
def test_a_sender_is_one_address(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_sender(text)


@pytest.mark.parametrize(
    ("host", "address"),
    [("credits.example.com", "credits@credits.example.com"), ("127.0.0.1", "credits@localhost")],
)
def test_the_usual_sender_has_the_pages_host(host: str, address: str) -> None:
    assert usual_sender(host) == f"Communications Credits <{address}>"
    assert read_sender(usual_sender(host))


def let_in(server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
    """Let the right user in."""
    right = LoginPassword(b"credits", b"pass word/@")
    return AuthResult(success=given == right)


def a_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for the host of these tests, and its key."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", key, "-out", certificate, "-days", "1", "-subj", "/CN=mail",
         "-addext", f"subjectAltName=IP:{HOST}"],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


def at_once(work: Callable[[], object], count: int) -> None:
    """Do some work on several threads."""
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
