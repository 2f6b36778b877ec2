"""What decides over nodes under `kill -9`: the schedule of a seed, and who is stuck."""

from random import Random

import pytest

from tools.chaos import AWAY_S_MAX, LIVES_S_MAX, ChaosError, check_settled, drawn


def test_a_seed_is_a_schedule() -> None:
    chances = Random(7), Random(7), Random(8)
    one, same, other = ([drawn(chance, 3) for _ in range(50)] for chance in chances)
    assert one == same != other
    assert {kill.node for kill in one} == {0, 1, 2}
    assert {kill.early for kill in one} == {True, False}
    assert max(kill.after_s for kill in one) <= LIVES_S_MAX
    assert max(kill.away_s for kill in one) <= AWAY_S_MAX


def test_who_is_in_limbo_for_good_is_a_failure() -> None:
    """Not who has only just left as the nodes were stopped."""
    early, late = ({"dir": "a", "city": "Ash", "xid": xid} for xid in (3, 8))
    check_settled([early], [late])
    with pytest.raises(ChaosError, match=r"1 merchants are still in limbo, one is .*'xid': 3"):
        check_settled([early], [early, late])
