"""The chart of the balance, how long it lasts, and what is left of a lot or a pool of minutes."""

from decimal import Decimal

import pytest

from web.charts import PoolBar, balance_chart, column_chart, days_left, pool_bar, share


def day(number: int, closing: str, charged: str = "0.00") -> dict[str, object]:
    """A day of September."""
    money = {"closing": closing, "charged": charged}
    return {"day": f"2026-09-{number:02}", **{name: usd(amount) for name, amount in money.items()}}


def usd(amount: str) -> dict[str, str]:
    """An amount as the schema gives it."""
    return {"amount": amount, "currency": "USD"}


def test_a_balance_is_drawn_in_steps_from_edge_to_edge() -> None:
    chart = balance_chart([day(1, "100.00"), day(2, "50.00")])

    assert chart is not None
    assert chart.line == "M0 0.00V0.00H50.00V50.00H100.00"
    assert [mark.value for mark in chart.amounts] == ["0", "25", "50", "75", "100"]
    assert [mark.at for mark in chart.months] == ["0.00"]


def test_a_balance_below_zero_has_its_zero_in_the_picture() -> None:
    chart = balance_chart([day(1, "10.00"), day(2, "-10.00")])

    assert chart is not None
    assert chart.zero == "50.00"
    assert chart.below_zero


def test_nothing_is_drawn_before_there_were_funds() -> None:
    assert balance_chart([day(1, "0.00"), day(2, "0.00")]) is None
    assert balance_chart([]) is None


def test_the_time_before_the_first_funds_is_left_out_down_to_a_fortnight() -> None:
    days = [day(number, "0.00") for number in range(1, 29)]

    short = balance_chart([*days, day(29, "5.00")])
    long = balance_chart([*days[:5], *(day(number, "5.00") for number in range(6, 30))])

    assert short is not None
    assert short.days == 14
    assert long is not None
    assert long.days == 25


def test_the_balance_lasts_as_long_as_the_last_days_say() -> None:
    days = [day(number, "10.00", "2.00") for number in range(1, 11)]
    idle = [day(number, "10.00") for number in range(1, 11)]

    assert days_left(usd("100.00"), days, days) == 50
    assert days_left(usd("100.00"), idle, idle) is None
    assert days_left(usd("-5.00"), days, days) == 0
    assert days_left(usd("100.00"), [], []) is None
    assert days_left(usd("1000000000000.00"), days, days) is None


def test_the_pace_of_a_young_account_is_that_of_its_life_so_far() -> None:
    before = [day(number, "0.00") for number in range(1, 20)]
    life = [day(number, "90.00", "2.00") for number in range(20, 30)]

    assert days_left(usd("100.00"), before + life, before + life) == 50
    assert days_left(usd("100.00"), before + life[:1], before + life[:1]) == 350


def test_what_is_left_at_all_shows_and_what_is_whole_is_whole() -> None:
    assert [share(usd(left), usd("200.00")) for left in ("0.00", "0.01", "100.00", "200.00")] == [0, 1, 50, 100]


@pytest.mark.parametrize(
    ("total", "used", "promised", "bar"),
    [
        (120, 0, 0, PoolBar(0, 0, "")),
        (120, 60, 30, PoolBar(50, 25, "")),
        (120, 95, 0, PoolBar(79, 0, "")),
        (120, 96, 0, PoolBar(80, 0, "near")),
        (120, 119, 1, PoolBar(99, 1, "near")),
        (120, 120, 0, PoolBar(100, 0, "gone")),
        (120, 150, 10, PoolBar(100, 0, "gone")),
        (6000, 1, 1, PoolBar(1, 1, "")),
        (0, 5, 0, PoolBar(100, 0, "gone")),
        (0, 0, 0, PoolBar(0, 0, "")),
    ],
)
def test_a_pool_is_drawn_as_what_is_used_promised_and_left(total: int, used: int, promised: int, bar: PoolBar) -> None:
    assert pool_bar({"minutesTotal": total, "minutesUsed": used, "minutesPromised": promised}) == bar


def test_columns_stand_side_by_side_under_round_amounts() -> None:
    chart = column_chart([("2026-09-01", Decimal(30)), ("2026-09-02", Decimal(0)), ("2026-09-03", Decimal("40.00"))])

    assert chart is not None
    assert [mark.value for mark in chart.amounts] == ["0", "10", "20", "30", "40"]
    assert [(column.top, column.height) for column in chart.columns] == [
        ("25.00", "75.00"), ("100.00", "0.00"), ("0.00", "100.00"),
    ]  # fmt: skip
    assert [column.at for column in chart.columns] == ["4.167", "37.500", "70.833"]
    assert chart.most.day == "2026-09-03"


def test_below_many_columns_stand_a_few_days_only() -> None:
    chart = column_chart([(f"2026-09-{number:02}", Decimal(number)) for number in range(1, 31)])

    assert chart is not None
    assert [mark.value[-2:] for mark in chart.below] == ["01", "04", "07", "10", "13", "16", "19", "22", "25", "28"]


def test_no_columns_are_drawn_where_nothing_was_used() -> None:
    assert column_chart([("2026-09-01", Decimal(0))]) is None
    assert column_chart([]) is None
