"""Public ids: they carry the account, read back to what was written, and anything else names nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credits.ids import public_id, read_any_id, read_id, read_id_within
from credits.refusals import Code, Refusal

NUMBERS = st.integers(0, 2**63 - 1)


@given(st.sampled_from(["lot", "ent", "rchg", "pm", "call", "rate"]), NUMBERS, NUMBERS)
def test_an_id_reads_back_to_its_numbers(kind: str, account_id: int, number: int) -> None:
    written = public_id(kind, account_id, number)

    assert read_id(kind, written) == (account_id, number)
    assert read_any_id(written).kind == kind


@given(NUMBERS, NUMBERS)
def test_two_things_never_share_an_id(one: int, other: int) -> None:
    assert (public_id("acct", one) == public_id("acct", other)) == (one == other)


def test_an_id_alone_leads_to_the_account() -> None:
    assert read_any_id(public_id("lot", 2**47 + 5, 3)).numbers == (2**47 + 5, 3)


@pytest.mark.parametrize(
    "text",
    [
        "", "lot", "lot_", "lot_1", "lot_1-", "lot_-1", "lot_1-2-3", "LOT_1-2", "lot_1-I", "lot_1-O", "lot_01-2",
        "lot_1-02", " lot_1-2", "lot_1-2 ", "lot_1-2\n", "lot_1-zzzzzzzzzzzzz", "lot_1-00000000000000", "acct_1-2",
        "nothing_1", "lot_1-١", "lot_1-L", "lot__1-2",
    ],
)  # fmt: skip
def test_what_is_not_exactly_an_id_names_nothing(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        read_any_id(text, "lotId")

    assert refused.value.code == Code.NOT_FOUND
    assert refused.value.field == ("lotId",)


def test_an_id_of_another_kind_names_nothing_here() -> None:
    with pytest.raises(Refusal) as refused:
        read_id("lot", public_id("ent", 1, 2), "lotId")

    assert refused.value.code == Code.NOT_FOUND


def test_an_id_of_another_account_names_nothing_here() -> None:
    assert read_id_within("lot", 1, public_id("lot", 1, 7), "lotId") == 7

    with pytest.raises(Refusal) as refused:
        read_id_within("lot", 2, public_id("lot", 1, 7), "lotId")
    assert refused.value.code == Code.NOT_FOUND
