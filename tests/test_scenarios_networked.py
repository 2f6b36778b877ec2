"""Scenarios 7 and 8 over TCP between real processes, one seed each.

Tolerances are from ten runs by `python -m tools.networked`, on a busy machine:

- 7: gap apart 31.7 ± 2.1 coins (28.0 … 34.4); joined, 0.12 ± 0.12 of it (0.00 … 0.37); 15,600 to
  23,600 merchants crossed. With the roads closed (no `--connect`) nobody crosses and the gap stays.
- 8: 159 to 188 merchants sent and as many came back; 0 to 2 more had left Riverwood as the road
  closed. 680 to 1,175 coins earned; as much was gone from Riverwood, but once 2,116 more, with two
  of its merchants who were on the wire at the end. Beds in stock 9.5 ± 1.9 (6.4 … 13.4); alone, 0.
  When nothing is trapped nothing is earned, and there are no beds.
"""

from tools.networked import beds, lending

SEED = 1

GAP_COINS_MIN = 20.0
CROSSED_MIN = 1_000

SENT_MIN = 50
LOST_SHARE_MAX = 0.05
EARNED_COINS_MIN = 300
BEDS_MIN, BEDS_ALONE_MAX = 2.0, 0.5


def test_seven_joined_cities_halve_the_gap_in_the_price_of_beds() -> None:
    apart, joined = beds(SEED, joined=False), beds(SEED, joined=True)
    assert apart.crossed == 0
    assert apart.gap >= GAP_COINS_MIN
    assert joined.crossed >= CROSSED_MIN
    assert joined.gap <= apart.gap / 2
    assert joined.portsville < apart.portsville
    assert joined.riverwood > apart.riverwood


def test_eight_furs_from_outside_become_beds_and_money_flows_out() -> None:
    run = lending(SEED)
    assert run.sent >= SENT_MIN
    assert abs(run.came - run.sent) <= LOST_SHARE_MAX * run.sent
    assert abs(run.departed - run.arrived) <= LOST_SHARE_MAX * run.arrived
    assert run.gone_minor >= run.chest_minor >= EARNED_COINS_MIN * 10**8
    assert run.beds_alone <= BEDS_ALONE_MAX
    assert run.beds >= BEDS_MIN
