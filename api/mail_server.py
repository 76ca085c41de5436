"""The mail server and the sender, as settings name them."""

from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from ipaddress import ip_address
from urllib.parse import parse_qs, unquote, urlsplit

SENDER = "Communications Credits"


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """A mail server as CREDITS_SMTP_URL names it."""

    host: str
    port: int
    user: str | None
    password: str | None = field(repr=False)
    tls: bool
    starttls: bool


def read_smtp_url(url: str) -> SmtpServer:
    """Read smtp://user:password@host:port?starttls=no or smtps://…; raises ValueError. STARTTLS is the rule where a
    password is sent."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # whose text would tell the password
        parts, port = urlsplit(""), None
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.path.strip("/") or parts.fragment:
        raise ValueError("must be of the form smtp://user:password@host:port or smtps://user:password@host")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not (user + password).isascii():
        raise ValueError("must have a user and a password of ASCII characters")
    asked = parse_qs(parts.query, keep_blank_values=True)
    if set(asked) - {"starttls"} or not set(asked.get("starttls", [])) <= {"yes", "no"}:
        raise ValueError("may end in ?starttls=yes or ?starttls=no, and in nothing else")
    tls = parts.scheme == "smtps"
    starttls = asked["starttls"][-1] == "yes" if "starttls" in asked else bool(user)
    return SmtpServer(
        host=parts.hostname,
        port=port or (465 if tls else 587),
        user=user or None,
        password=password if user else None,
        tls=tls,
        starttls=starttls and not tls,
    )


def read_sender(text: str) -> str:
    """A From header: an address, or a name and an address in angle brackets; raises ValueError."""
    message = EmailMessage(policy=SMTP)
    message["From"] = text
    senders = message["From"].addresses
    if message["From"].defects or len(senders) != 1 or not (senders[0].username and senders[0].domain):
        raise ValueError("must be an address, or of the form Name <address>")
    return text


def usual_sender(host: str) -> str:
    """The sender where none is set: credits@ the host of the pages."""
    try:
        ip_address(host)
    except ValueError:
        return f"{SENDER} <credits@{host}>"
    return f"{SENDER} <credits@localhost>"
