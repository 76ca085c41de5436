"""How many connections may last: each limit at its boundary, and none that is given back twice."""

import pytest

from api.seats import STRANGERS, NoSeat, Seats


def test_a_caller_has_as_many_as_are_allowed_and_others_are_not_concerned() -> None:
    seats = Seats(10, 2)

    with seats.take("a"), seats.take("a"):
        with pytest.raises(NoSeat) as refused, seats.take("a"):
            pass
        with seats.take("b"):
            assert seats.taken == 3

    assert not refused.value.is_full
    assert seats.taken == 0


def test_there_are_as_many_as_are_allowed_in_all() -> None:
    seats = Seats(2, 2)

    with seats.take("a"), seats.take("b"), pytest.raises(NoSeat) as refused, seats.take("c"):
        pass

    assert refused.value.is_full


@pytest.mark.parametrize(("most", "of_strangers"), [(1, 1), (19, 1), (20, 2)])
def test_strangers_share_a_tenth_and_at_least_one(most: int, of_strangers: int) -> None:
    seats = Seats(most, most)
    taken = [seats.take(STRANGERS) for _ in range(of_strangers + 1)]

    for each in taken[:of_strangers]:
        each.__enter__()
    with pytest.raises(NoSeat) as refused:
        taken[of_strangers].__enter__()

    assert refused.value.is_full


def test_a_stranger_who_says_who_they_are_makes_room_for_another() -> None:
    seats = Seats(10, 1)

    with seats.take(STRANGERS) as seat:
        seats.hand_over(seat, "a")
        with seats.take(STRANGERS) as second, pytest.raises(NoSeat):
            seats.hand_over(second, "a")
        assert seats.taken == 1

    assert seats.taken == 0
    with seats.take("a"):
        pass


def test_nobody_gets_one_when_the_process_ends() -> None:
    seats = Seats(10, 10)

    seats.end()

    with pytest.raises(NoSeat), seats.take("a"):
        pass
