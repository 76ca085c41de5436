"""Settings: their defaults, what is refused, the kept secret, and the terms they become."""

import os
import re
import stat
from pathlib import Path

import pytest
from pydantic import ValidationError

from api.settings import Settings
from credits.instants import HOUR, SECOND
from credits.money import MICROS

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "settings.md"


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("CREDITS_")]:
        monkeypatch.delenv(name)


def test_with_nothing_set_the_database_is_a_file_in_the_data_folder(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")

    database = settings.open_database()

    assert database.url == f"sqlite:///{tmp_path / 'data' / 'credits.sqlite3'}"
    database.close()


def test_the_data_folder_is_its_owners_alone(tmp_path: Path) -> None:
    Settings(data=tmp_path / "data").open_database().close()

    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_a_secret_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    first = Settings(data=tmp_path).signing_key
    again = Settings(data=tmp_path).signing_key

    assert first == again
    assert len(first) >= 32
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_a_secret_that_is_set_is_used_and_not_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDITS_SECRET_KEY", "s" * 32)

    assert Settings(data=tmp_path).signing_key == "s" * 32
    assert list(tmp_path.iterdir()) == []


def test_a_secret_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDITS_SECRET_KEY", "hush" * 10)

    assert "hush" not in repr(Settings())


def test_settings_become_the_terms_that_the_verbs_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDITS_LOT_VALIDITY_MONTHS", "6")
    monkeypatch.setenv("CREDITS_SETTLEMENT_HOURS", "24")
    monkeypatch.setenv("CREDITS_CLOCK_SKEW_SECONDS", "10")
    monkeypatch.setenv("CREDITS_MINIMUM_RECHARGE", "JPY=5000, KWD=10, *=20")

    terms = Settings().terms

    assert (terms.lot_validity_months, terms.settlement_window, terms.clock_skew) == (6, 24 * HOUR, 10 * SECOND)
    assert terms.minimum_recharge_micros("JPY") == 5000 * MICROS
    assert terms.minimum_recharge_micros("KWD") == 10 * MICROS
    assert terms.minimum_recharge_micros("USD") == 20 * MICROS


def test_the_seller_is_named_line_by_line_and_else_by_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDITS_BASE_URL", "https://credits.example:8443")
    assert Settings().terms.seller == ("credits.example",)

    monkeypatch.setenv("CREDITS_SELLER", " Example Ltd |1 High Street\n London|")
    monkeypatch.setenv("CREDITS_SELLER_TAX_ID", " GB 1 ")
    monkeypatch.setenv("CREDITS_INVOICE_DAYS", "14")

    terms = Settings().terms
    assert terms.seller == ("Example Ltd", "1 High Street", "London")
    assert (terms.seller_tax_id, terms.invoice_days) == ("GB 1", 14)


def test_a_limit_of_invoices_holds_by_currency_and_without_one_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().terms.invoice_limit_micros("USD") is None

    monkeypatch.setenv("CREDITS_INVOICE_LIMIT", "USD=5000")
    assert Settings().terms.invoice_limit_micros("USD") == 5000 * MICROS
    assert Settings().terms.invoice_limit_micros("JPY") is None

    monkeypatch.setenv("CREDITS_INVOICE_LIMIT", "USD=5000, *=1000")
    assert Settings().terms.invoice_limit_micros("JPY") == 1000 * MICROS


def test_a_minimum_for_one_currency_leaves_the_usual_one_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDITS_MINIMUM_RECHARGE", "JPY=5000")

    assert Settings().terms.minimum_recharge_micros("USD") == 50 * MICROS


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CREDITS_MINIMUM_RECHARGE", "JPY"),
        ("CREDITS_MINIMUM_RECHARGE", "YEN=5000"),
        ("CREDITS_MINIMUM_RECHARGE", "USD=0"),
        ("CREDITS_MINIMUM_RECHARGE", "USD=9.99"),
        ("CREDITS_INVOICE_LIMIT", "5000"),
        ("CREDITS_SECRET_KEY", "too short"),
        ("CREDITS_BASE_URL", "credits.example"),
        ("CREDITS_BASE_URL", "https://credits.example/below"),
        ("CREDITS_LOT_VALIDITY_MONTHS", "0"),
        ("CREDITS_SETTLEMENT_HOURS", "-1"),
        ("CREDITS_LOG_FORMAT", "xml"),
    ],
)
def test_a_value_that_cannot_be_right_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(ValidationError):
        Settings()


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDITS_SETTLEMENT_HOURS", "")

    assert Settings().settlement_hours == 72


def test_every_setting_is_documented_and_nothing_else_is() -> None:
    documented = set(re.findall(r"^\| `(CREDITS_\w+)`", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE))

    assert documented == {f"CREDITS_{name.upper()}" for name in Settings.model_fields} | {"CREDITS_PASSWORD"}
