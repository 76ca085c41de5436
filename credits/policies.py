"""Dial-out policies: what people call each, and which one a text means."""

from collections.abc import Mapping

from credits.language import LANGUAGES, Sentence, language, sentence
from credits.refusals import invalid
from db.kinds import ConferenceDialOut, UserDialOut

Policies = Mapping[str, Sentence]
CONFERENCE_POLICIES: Policies = {
    ConferenceDialOut.ANY.value: sentence("Any destination"),
    ConferenceDialOut.SAME_COUNTRY.value: sentence("The organiser's own country"),
    ConferenceDialOut.ZONE_A.value: sentence("Zone A only"),
    ConferenceDialOut.NONE.value: sentence("Nobody"),
}
USER_POLICIES: Policies = {
    UserDialOut.ANY.value: sentence("International and domestic"),
    UserDialOut.DOMESTIC.value: sentence("Domestic only"),
    UserDialOut.NONE.value: sentence("Nobody"),
}
# What stands for the policy of a user who has none of its own.
AS_THE_ACCOUNT = sentence("as the account")


def policy_meant(text: str, policies: Policies, field: str) -> str | None:
    """The policy that a text calls by a word of any language, or as the API does; None: the account's counts."""
    said = text.casefold()
    if not said or said in _spellings("", AS_THE_ACCOUNT):
        return None
    for name, word in policies.items():
        if said in _spellings(name, word):
            return name
    raise invalid(field, "{policy} is not a dial-out policy.", policy=text[:40])


def _spellings(name: str, word: Sentence) -> set[str]:
    return {name.casefold(), *(language(code).said(word).casefold() for code in LANGUAGES)}
