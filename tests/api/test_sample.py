"""The sample list: real prefixes, no clashes, the same every time."""

import pytest

from api.sample import NANOS_PER_MILL, sample_rates
from credits.publishing import check_drafts


@pytest.mark.parametrize("currency", NANOS_PER_MILL)
def test_the_list_can_be_published(currency: str) -> None:
    assert check_drafts(sample_rates(currency)) == []


def test_the_list_is_the_same_every_time() -> None:
    assert sample_rates("USD") == sample_rates("USD")


@pytest.mark.parametrize(
    ("prefix", "destination", "country"),
    [("44", "United Kingdom", "GB"), ("1416", "Canada", "CA"), ("1876", "Jamaica", "JM"), ("77", "Kazakhstan", "KZ"),
     ("4477", "United Kingdom mobile", "GB"), ("8190", "Japan mobile", "JP")],
)  # fmt: skip
def test_prefixes_lead_where_they_really_lead(prefix: str, destination: str, country: str) -> None:
    (rate,) = (rate for rate in sample_rates("USD") if (rate.service, rate.prefix) == ("USER_OUT", prefix))

    assert (rate.destination, rate.country) == (destination, country)


def test_a_later_list_makes_mobiles_dearer_and_nothing_else() -> None:
    before, after = sample_rates("USD"), sample_rates("USD", dearer_percent=8)
    changed = {old.destination for old, new in zip(before, after, strict=True) if old != new}

    assert changed
    assert all(destination.endswith(" mobile") for destination in changed)
