"""What is sent: funds, payment methods, accounts, the clock, rate decks and call records."""

import pytest

from tests.web.conftest import Browser

FUNDS = "/accounts/{account}/funds"
METHODS = "/accounts/{account}/funds/methods"
DECK = b"Prefix,Destination,Rate\n49,Germany,0.07\n33,France,0.05\n"


def the_key_of(page: str) -> str:
    """The hidden idempotency key of a form."""
    return page.split('name="idempotency_key" value="')[1].split('"')[0]


def test_added_funds_show_at_once(ada: Browser) -> None:
    answer = ada.send(FUNDS, amount="75", idempotency_key="key-75")
    page = ada.see(answer.headers["location"]).text

    assert answer.status_code == 303
    assert "$75.00 was added." in page
    assert "$224" in page


def test_the_same_form_sent_twice_adds_once(ada: Browser) -> None:
    key = the_key_of(ada.see(f"{FUNDS}?amount=75").text)

    first, second = (ada.send(FUNDS, amount="75", idempotency_key=key) for _ in range(2))

    assert first.headers["location"] == second.headers["location"]
    assert ada.see("/accounts/{account}/funds.csv").text.count("75.00") == 1


@pytest.mark.parametrize("amount", ["", "abc", "1,5", "1e3", "NaN"])
def test_an_amount_that_is_none_stays_where_it_was_typed(ada: Browser, amount: str) -> None:
    answer = ada.see(f"{FUNDS}?amount={amount}")

    assert answer.status_code == 422
    assert f'value="{amount}"' in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert 'href="#amount"' in answer.text


def test_too_small_an_amount_is_refused_beside_its_field_and_adds_nothing(ada: Browser) -> None:
    answer = ada.send(FUNDS, amount="49.99", idempotency_key="key-49")

    assert answer.status_code == 422
    assert 'id="amount-wrong"' in answer.text
    assert 'value="49.99"' in answer.text
    assert "49.99" not in ada.see("/accounts/{account}/funds.csv").text


def test_amounts_are_read_as_people_type_them(ada: Browser) -> None:
    assert "Charge $1,250.00 to Visa" in ada.see(f"{FUNDS}?amount=1,250").text
    assert "Charge $1,250.00 to Visa" in ada.see(f"{FUNDS}?amount=１２５０").text


def test_a_declined_card_says_so_and_adds_nothing(ada: Browser) -> None:
    ada.send(METHODS, kind="CARD", token="tok_declined", make_default="yes")

    page = ada.see(ada.send(FUNDS, amount="60", idempotency_key="key-60").headers["location"]).text

    assert "was not added" in page
    assert "$149" in page


def test_a_payment_method_can_be_preferred_and_removed(ada: Browser) -> None:
    assert ada.send(METHODS, kind="INVOICE", purchase_order="4711").status_code == 303
    invoice = ada.account.replace("acct", "pm") + "-2"

    assert ada.send(f"{METHODS}/{invoice}/default", on=METHODS).status_code == 303
    assert "Invoice, PO 4711" in ada.see(FUNDS).text.split("selected>")[1][:20]
    assert ada.send(f"{METHODS}/{invoice}/remove", on=METHODS).status_code == 303
    assert "4711" not in ada.see(METHODS).text


def test_a_method_that_is_refused_keeps_what_was_typed(ada: Browser) -> None:
    answer = ada.send(METHODS, kind="INVOICE", purchase_order="", agreement_number="")

    assert answer.status_code == 422
    assert 'value="INVOICE" checked' in answer.text


def test_the_clock_moves_by_a_step_and_back_to_the_page_it_was_moved_from(ada: Browser) -> None:
    answer = ada.send("/accounts/{account}/clock", by="month", back=ada.path("/accounts/{account}/lots"))

    assert answer.headers["location"] == ada.path("/accounts/{account}/lots")
    assert "Nov 1, 2026" in ada.see("/accounts/{account}").text


def test_the_clock_never_moves_back(ada: Browser) -> None:
    answer = ada.send("/accounts/{account}/clock", to="2020-01-01T00:00")

    assert answer.status_code == 422
    assert 'value="2020-01-01T00:00"' in answer.text


def test_the_operator_opens_an_account(olga: Browser) -> None:
    typed = {"name": "Nuovo", "currency": "EUR", "time_zone": "Europe/Rome", "region": "IT", "locale": "en",
             "mode": "TEST", "clock": "2026-01-31T12:00", "rate_deck": "standard"}  # fmt: skip

    answer = olga.send("/accounts/new", **typed)
    page = olga.see(answer.headers["location"]).text

    assert answer.status_code == 303
    assert "Nuovo" in page
    assert "Jan 31, 2026" in page


def test_an_account_that_is_refused_keeps_what_was_typed(olga: Browser) -> None:
    typed = {
        "name": "Nuovo",
        "currency": "XXQ",
        "time_zone": "Mars/Base",
        "region": "IT",
        "locale": "en",
        "mode": "LIVE",
    }

    answer = olga.send("/accounts/new", **typed, rate_deck="standard")

    assert answer.status_code == 422
    assert 'value="Nuovo"' in answer.text
    assert 'value="XXQ"' in answer.text


def test_publishing_shows_first_what_would_change(olga: Browser) -> None:
    answer = olga.send(
        "/rates/publish", files={"file": ("list.csv", DECK)}, step="preview", name="standard", currency="USD"
    )

    assert answer.status_code == 200
    assert "1 added, 1 changed, 1 withdrawn." in answer.text
    assert "33" not in olga.see("/rates.csv").text


def test_what_the_preview_showed_is_published_without_the_file_being_sent_again(olga: Browser) -> None:
    terms = {"name": "standard", "currency": "USD"}
    preview = olga.send("/rates/publish", files={"file": ("list.csv", DECK)}, step="preview", **terms).text
    kept = preview.split('name="kept" value="')[1].split('"')[0]

    answer = olga.send("/rates/publish", step="publish", kept=kept, **terms)
    page = olga.see(answer.headers["location"]).text

    assert answer.status_code == 303
    assert "The deck is published." in page
    assert "France" in page


def test_a_bad_row_is_shown_with_its_number_and_publishes_nothing(olga: Browser) -> None:
    files = {"file": ("list.csv", DECK + b"5.41144E+11,Argentina,0.2\n")}

    answer = olga.send("/rates/publish", files=files, step="publish", name="standard", currency="USD")

    assert answer.status_code == 422
    assert "Bad rows are in the way" in answer.text
    assert "5.41144E+11" in answer.text
    assert '<td class="number" data-label="Row">4</td>' in answer.text
    assert "France" not in olga.see("/rates.csv").text


def test_bad_rows_are_left_out_when_told_to(olga: Browser) -> None:
    files = {"file": ("list.csv", DECK + b"5.41144E+11,Argentina,0.2\n")}

    answer = olga.send(
        "/rates/publish", files=files, step="publish", name="standard", currency="USD", skip_bad_rows="yes"
    )

    assert answer.status_code == 303


def test_a_column_can_be_named_by_hand(olga: Browser) -> None:
    files = {"file": ("list.csv", b"Prefix,Where,What,It costs\n33,France,x,0.05\n")}
    by_hand = {"column:price": "It costs", "column:destination": "Where"}

    answer = olga.send("/rates/publish", files=files, step="preview", name="standard", currency="USD", **by_hand)

    assert "1 added" in answer.text


@pytest.mark.parametrize("kept", ["", "not base64!", "bm90IHBhY2tlZA=="])
def test_publishing_needs_a_file(olga: Browser, kept: str) -> None:
    answer = olga.send("/rates/publish", step="publish", kept=kept, name="standard", currency="USD")

    assert answer.status_code == 422
    assert "Choose a file" in answer.text


def test_imported_calls_are_charged_once(ada: Browser) -> None:
    rows = "call_id,to,answered_at,duration_seconds", "x-1,+4930123,{at},60", "x-2,nonsense,{at},60"
    files = {"file": ("calls.csv", "\n".join(rows).format(at="2026-10-01T10:00:00Z").encode())}

    first, second = (ada.send("/accounts/{account}/calls/import", files=files, time_zone="UTC") for _ in range(2))

    assert "Calls charged: 1, $0.06 in all." in first.text
    assert "x-2" in first.text
    assert "Calls charged: 0" in second.text
    assert "Known already, and not charged again: 1." in second.text


@pytest.mark.parametrize(("skips", "status"), [({}, 422), ({"skip_bad_rows": "yes"}, 303)])
def test_a_rate_that_only_the_rules_refuse_is_a_bad_row_like_any_other(
    olga: Browser, skips: dict[str, str], status: int
) -> None:
    files = {"file": ("list.csv", DECK + b"34,Spain,9999999\n")}

    answer = olga.send("/rates/publish", files=files, step="publish", name="standard", currency="USD", **skips)

    assert answer.status_code == status
    assert ("France" in olga.see("/rates.csv").text) == (status == 303)
    assert "Spain" not in olga.see("/rates.csv").text
