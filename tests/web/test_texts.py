"""The catalogues hold every sentence that the program can say, and nothing else."""

import re
from pathlib import Path

import pytest

from credits.language import LANGUAGES, LOCALES, language
from web.texts import bring_up_to_date, sentences, write

TRANSLATED = [code for code in LANGUAGES if code != "en"]


@pytest.fixture(scope="module")
def all_sentences() -> dict[str, str]:
    """Every sentence that is said somewhere; to find them, the whole program is read."""
    return sentences()


def placeholders(text: str) -> list[str]:
    """The names in braces, each as often as it stands there."""
    return sorted(re.findall(r"\{(\w+)\}", text))


@pytest.mark.parametrize("code", TRANSLATED)
def test_every_sentence_is_translated_with_its_placeholders(code: str) -> None:
    translated = {str(message.id): str(message.string or "") for message in bring_up_to_date(code) if message.id}

    assert [said for said, there in translated.items() if not there] == [], "translate them: python -m web.texts"
    assert [said for said, there in translated.items() if placeholders(said) != placeholders(there)] == []


@pytest.mark.parametrize("code", TRANSLATED)
def test_the_catalogue_is_up_to_date(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = (LOCALES / f"{code}.po").read_text()
    catalogue = bring_up_to_date(code)
    monkeypatch.setattr("web.texts.LOCALES", tmp_path)

    write(code, catalogue)

    assert (tmp_path / f"{code}.po").read_text() == kept, "run: python -m web.texts"


@pytest.mark.parametrize(
    "sentence",
    [
        "Add funds",  # a template
        "Charge {amount} to {method} now? Available is then {total}.",  # a template, with values
        "A clock only moves forward.",  # a refusal
        "1 step of {seconds} s at {price} a minute: {cost}.",  # a row of a table of sentences
        "The card was declined.",  # a reason
        "There is no such thing.",  # what a function says by default
        "just now",  # said by a page's own code
    ],
)
def test_sentences_are_found_wherever_they_are_said(all_sentences: dict[str, str], sentence: str) -> None:
    assert sentence in all_sentences


def test_a_sentence_is_said_in_the_readers_language() -> None:
    assert language("ja").say("Add funds") == "残高を追加"
    assert language("ja").say("Add {amount}", amount="$5.00") == "$5.00 を追加"
