"""Settings: environment variables `CREDITS_…`, each with a default that works. docs/settings.md lists them all."""

import os
import secrets
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from api.mail_server import SmtpServer, read_sender, read_smtp_url, usual_sender
from credits.instants import HOUR, SECOND
from credits.money import known_currency
from credits.refusals import Refusal
from credits.terms import Terms
from db.session import Database

MIB = 1024 * 1024
SECRET_KEY_FILE = "secret_key"
SHORTEST_SECRET = 32


def read_amounts(text: str) -> dict[str, int]:
    """Read "JPY=5000,*=50": an amount in whole units, by currency; * for every other one."""
    amounts = {}
    for part in filter(None, (each.strip() for each in text.split(","))):
        currency, equals, units = (each.strip() for each in part.partition("="))
        if not equals or not units.isdecimal() or int(units) < 1:
            raise ValueError(f"{part!r} is not of the form CURRENCY=WHOLE_UNITS")
        try:
            amounts[currency if currency == "*" else known_currency(currency)] = int(units)
        except Refusal as refusal:
            raise ValueError(str(refusal)) from None
    return amounts


def read_seller(text: str) -> tuple[str, ...]:
    """Read a name and address, its lines divided by | or by line ends."""
    return tuple(filter(None, (line.strip() for line in text.replace("|", "\n").splitlines())))


def _amounts(text: str) -> str:
    read_amounts(text)
    return text


def _address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/"):
        raise ValueError("must be of the form https://host or http://host:port")
    return f"{parts.scheme}://{parts.netloc}"


def _optional_address(text: str | None) -> str | None:
    return None if text is None else _address(text)


def _long_enough(secret: SecretStr | None) -> SecretStr | None:
    if secret is not None and len(secret.get_secret_value()) < SHORTEST_SECRET:
        raise ValueError(f"must have at least {SHORTEST_SECRET} characters")
    return secret


def _smtp(url: SecretStr | None) -> SecretStr | None:
    if url is not None:
        read_smtp_url(url.get_secret_value())
    return url


def _sender(text: str | None) -> str | None:
    return None if text is None else read_sender(text)


class Settings(BaseSettings):
    """What an operator may set. An unset or empty variable means its default."""

    model_config = SettingsConfigDict(env_prefix="CREDITS_", env_ignore_empty=True, frozen=True)

    data: Path = Path("data")
    database_url: str | None = None
    database_pool: int = Field(default=10, ge=1, le=200)
    secret_key: Annotated[SecretStr | None, AfterValidator(_long_enough)] = None
    base_url: Annotated[str, AfterValidator(_address)] = "http://127.0.0.1:8000"
    trusted_proxies: str = "127.0.0.1"
    lot_validity_months: int = Field(default=12, ge=1, le=1200)
    settlement_hours: int = Field(default=72, ge=0, le=24 * 365)
    clock_skew_seconds: int = Field(default=300, ge=0, le=86_400)
    reservation_seconds: int = Field(default=300, ge=1, le=86_400)
    minimum_recharge: Annotated[str, AfterValidator(_amounts)] = "*=50"
    invoice_days: int = Field(default=30, ge=0, le=365)
    invoice_limit: Annotated[str, AfterValidator(_amounts)] = ""
    seller: str = ""
    seller_tax_id: str = ""
    smtp_url: Annotated[SecretStr | None, AfterValidator(_smtp)] = None
    smtp_timeout_seconds: int = Field(default=30, ge=1, le=120)
    mail_from: Annotated[str | None, AfterValidator(_sender)] = None
    daily_recharges: int = Field(default=10, ge=1, le=1000)
    stripe_api_key: SecretStr | None = None
    stripe_webhook_secret: SecretStr | None = None
    stripe_api_base: Annotated[str | None, AfterValidator(_optional_address)] = None
    stripe_timeout_seconds: int = Field(default=30, ge=1, le=300)
    session_hours: int = Field(default=12, ge=1, le=24 * 30)
    request_limit_mib: int = Field(default=2, ge=1, le=1024)
    upload_limit_mib: int = Field(default=64, ge=1, le=1024)
    live_connections: int = Field(default=500, ge=1, le=100_000)
    live_connections_per_viewer: int = Field(default=20, ge=1, le=10_000)
    worker: bool = True
    worker_interval_seconds: int = Field(default=5, ge=1, le=3600)
    worker_lag_seconds: int = Field(default=300, ge=1, le=7 * 86_400)
    log_format: Literal["console", "json"] = "console"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @property
    def is_https(self) -> bool:
        """Whether people reach the pages over TLS, so that cookies are marked Secure."""
        return self.base_url.startswith("https:")

    @property
    def sqlite_file(self) -> Path:
        """The file of the default database."""
        return self.data / "credits.sqlite3"

    @property
    def smtp_server(self) -> SmtpServer | None:
        """The mail server, or None: mail is written into the data folder."""
        return None if self.smtp_url is None else read_smtp_url(self.smtp_url.get_secret_value())

    @property
    def sender(self) -> str:
        """Who mail comes from."""
        return self.mail_from or usual_sender(urlsplit(self.base_url).hostname or "localhost")

    @property
    def terms(self) -> Terms:
        """The house's terms, as the verbs know them."""
        minimums: Mapping[str, int] = read_amounts(self.minimum_recharge)
        limits: Mapping[str, int] = read_amounts(self.invoice_limit)
        return Terms(
            lot_validity_months=self.lot_validity_months,
            settlement_window=self.settlement_hours * HOUR,
            clock_skew=self.clock_skew_seconds * SECOND,
            reservation_ttl=self.reservation_seconds * SECOND,
            minimum_recharge_units={key: units for key, units in minimums.items() if key != "*"},
            usual_minimum_recharge_units=minimums.get("*", Terms().usual_minimum_recharge_units),
            invoice_days=self.invoice_days,
            invoice_limit_units={key: units for key, units in limits.items() if key != "*"},
            usual_invoice_limit_units=limits.get("*"),
            daily_recharges=self.daily_recharges,
            seller=read_seller(self.seller) or (urlsplit(self.base_url).hostname or "",),
            seller_tax_id=self.seller_tax_id.strip(),
        )

    @cached_property
    def signing_key(self) -> str:
        """The secret that signs sessions: the one that is set, or one made once and kept in the data folder."""
        if self.secret_key is not None:
            return self.secret_key.get_secret_value()
        return _kept_secret(self.data / SECRET_KEY_FILE)

    def open_database(self) -> Database:
        """The database that is set, or the SQLite file in the data folder."""
        if self.database_url is not None:
            return Database(self.database_url, pool_size=self.database_pool)
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        return Database(f"sqlite:///{self.sqlite_file.resolve()}")


def _kept_secret(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(48))
    try:
        os.link(fresh, path)  # of processes that start together, the first one's secret stays
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return path.read_text().strip()
