"""What the viewer computes before it draws: axes, columns, labels, histories, views and keys."""

import itertools
import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.observe import (
    Chart,
    City,
    Event,
    LogLine,
    Pause,
    Resume,
    Road,
    SetSpeed,
    Snapshot,
    Step,
)
from tests import made_up_snapshots as made_up
from viewer import history as seen
from viewer import scales, theme
from viewer.history import History, Key
from viewer.map_places import Town, places
from viewer.map_walkers import WALK_S, counts, parade
from viewer.scene import scene
from viewer.state import (
    View,
    advance_clock,
    next_speed,
    press,
    show_wanted,
    speed_bars,
    speed_label,
    widen_span,
)
from viewer.tabs import tabs

finite = st.floats(-1e9, 1e9, allow_nan=False)


# Axes.


@given(finite, finite, st.booleans(), st.booleans())
def test_an_axis_holds_its_data_and_has_round_ticks(one, other, log, zero):
    low, high = sorted((one, other))
    axis = scales.axis(low, high, 300.0, 20.0, log=log, zero=zero)
    assert axis.low < axis.high
    assert axis.low <= low
    assert axis.high >= high
    assert not zero or axis.log or axis.low <= 0 <= axis.high
    ticks = scales.ticks(axis, 5)
    assert all(
        axis.low - 1e-9 * abs(axis.low) <= tick <= axis.high + 1e-9 * abs(axis.high)
        for tick in ticks
    )
    assert 1 <= len(ticks) <= 10
    assert ticks == sorted(set(ticks))
    assert len(scales.tick_labels(ticks)) == len(ticks)


@given(st.floats(1e-6, 1e6), st.floats(1.001, 1e6), st.booleans(), st.floats(0, 1))
def test_the_value_under_a_pixel_lies_at_that_pixel(low, ratio, log, share):
    axis = scales.axis(low, low * ratio, 300.0, 20.0, log=log)
    pixel = 300.0 - 280.0 * share
    assert axis.pixel(axis.value(pixel)) == pytest.approx(pixel, abs=1e-3)


@pytest.mark.parametrize(("low", "high"), [(math.nan, math.nan), (3.0, 3.0), (0.0, 0.0), (5, 1)])
def test_an_axis_of_nothing_is_still_an_axis(low, high):
    axis = scales.axis(low, high, 100.0, 0.0, log=True, zero=True)
    assert axis.low < axis.high


@pytest.mark.parametrize(
    ("value", "decimals", "expected"),
    [
        (3.054, None, "3.05"),
        (99.996, None, "100.0"),
        (1_100, None, "1.1k"),
        (999_960, None, "1.0M"),
        (2_600_000, None, "2.6M"),
        (123_456, None, "123k"),
        (999.9e9, None, "1.0T"),
        (999e12, None, "999T"),
        (999.9e12, None, "1.0e15"),
        (-5.4e32, 1, "−5.4e32"),
        (-0.52, None, "−0.52"),
        (-0.001, None, "0.00"),
        (91.4, 0, "91"),
        (math.nan, None, "–"),
        (math.inf, None, "–"),
    ],
)
def test_figures_read_as_people_write_them(value, decimals, expected):
    assert scales.figure(value, decimals) == expected


def test_ticks_share_their_decimals_and_their_unit():
    assert scales.tick_labels([10.0, 12.5, 15.0]) == ["10.0", "12.5", "15.0"]
    assert scales.tick_labels([0.0, -2.5]) == ["0.0", "−2.5"]
    assert scales.tick_labels([1_000.0, 2_000.0]) == ["1,000", "2,000"]
    assert scales.tick_labels([0.0, 20_000.0]) == ["0", "20k"]
    assert scales.tick_labels([]) == []


def test_ticks_that_are_powers_apart_or_huge_are_said_each_by_itself():
    assert scales.tick_labels([10.0, 100.0, 1_000.0]) == ["10", "100", "1,000"]
    assert scales.tick_labels([100.0, 1_000.0, 10_000.0]) == ["100", "1k", "10k"]
    assert scales.tick_labels([1e-7, 1e3, 1e20]) == ["1e−7", "1k", "1e20"]
    assert scales.tick_labels([1e32, 1.5e32]) == ["1e32", "1.5e32"]


# Labels.


@given(
    st.lists(st.floats(0, 300), max_size=12),
    st.floats(5, 40),
)
def test_labels_keep_apart_in_order_and_inside(wanted, gap):
    placed = scales.keep_apart(wanted, gap, 10.0, 290.0)
    assert len(placed) == len(wanted)
    gap = min(gap, 280.0 / max(1, len(wanted) - 1))
    order = sorted(range(len(wanted)), key=lambda k: (wanted[k], k))
    ordered = [placed[k] for k in order]
    assert all(b - a >= gap - 1e-6 for a, b in itertools.pairwise(ordered))
    assert all(10.0 - 1e-6 <= place <= 290.0 + 1e-6 for place in placed)


def test_labels_that_do_not_collide_stay_and_those_that_do_meet_half_way():
    assert scales.keep_apart([20.0, 100.0], 15.0, 0.0, 200.0) == [20.0, 100.0]
    assert scales.keep_apart([52.0, 50.0], 10.0, 0.0, 200.0) == [56.0, 46.0]


# Columns.


@given(
    st.lists(st.integers(0, 500), min_size=1, max_size=200, unique=True),
    st.integers(1, 40),
    st.randoms(use_true_random=False),
)
def test_columns_are_what_a_plain_loop_finds(ticks, width, random):
    ticks = sorted(ticks)
    values = [random.choice([math.nan, random.uniform(-5, 5)]) for _ in ticks]
    axis = scales.Axis(float(ticks[0]), float(ticks[-1]) + 1.0, 0.0, float(width))
    columns = scales.columns(np.array(ticks, float), axis)
    block = np.array([values], np.float32)
    wide = (axis.high - axis.low) / width
    groups = [
        [place for place, _ in group]
        for _, group in itertools.groupby(
            enumerate(ticks), lambda entry: math.floor(entry[1] / wide)
        )
    ]
    assert [group[0] for group in groups] == columns.starts.tolist()
    for column, group in enumerate(groups):
        known = [float(block[0, place]) for place in group if not math.isnan(values[place])]
        mean = scales.means(block, columns.starts)[0, column]
        low = scales.lows(block, columns.starts)[0, column]
        high = scales.highs(block, columns.starts)[0, column]
        if not known:
            assert math.isnan(mean)
            assert math.isnan(low)
        else:
            assert mean == pytest.approx(sum(known) / len(known), abs=1e-5)
            assert (low, high) == (min(known), max(known))


def test_columns_do_not_shimmer_while_the_window_moves_on():
    ticks = np.arange(0.0, 5_000.0, 7.0)
    first = scales.columns(ticks[:500], scales.Axis(0.0, 1_000.0, 0.0, 100.0))
    later = scales.columns(ticks[:510], scales.Axis(33.0, 1_033.0, 0.0, 100.0))
    assert set(first.starts) <= set(later.starts)


# History.


def snapshot(tick, *, price=1.0, seed=1, **more):
    city = City(name="A", full_name="A@n", node="n", own=True, prices={"wood": price})
    return Snapshot(node="n", tick=tick, seed=seed, goods=["wood"], cities=[city], **more)


WOOD = Key("price", "A@n", "wood")


def test_a_series_is_what_was_seen():
    history = History()
    for tick in range(10):
        history.apply(snapshot(tick, price=None if tick == 4 else tick / 2), 0.0)
    assert history.ticks.tolist() == list(range(10))
    found = history.block([WOOD, Key("price", "B@n", "wood")], 2)
    assert found.shape == (2, 8)
    assert np.isnan(found[1]).all()
    assert np.isnan(found[0, 2])
    assert found[0, [0, 1, 7]].tolist() == [1.0, 1.5, 4.5]
    assert history.since(7) == 7
    assert history.since(99) == 10


def test_ten_thousand_points_are_kept_and_the_first_is_never_lost():
    history = History()
    count = 2 * seen.POINTS_MAX
    for tick in range(count):
        history.apply(snapshot(tick, price=float(tick)), 0.0)
    assert 10_000 <= len(history.ticks) <= seen.POINTS_MAX
    assert history.ticks[0] == 0
    assert history.ticks[-1] == count - 1
    assert (np.diff(history.ticks) > 0).all()
    # Thinning keeps tick and value together, and the newest points all there are.
    assert (history.block([WOOD])[0] == history.ticks.astype(np.float32)).all()
    assert (np.diff(history.ticks[-4_000:]) == 1).all()


def test_a_node_that_goes_back_takes_its_history_with_it():
    history = History()
    for tick in (1, 2, 3, 4):
        history.apply(snapshot(tick, price=1.0, events=[Event(3, "flood")]), 0.0)
    history.apply(snapshot(2, price=9.0), 0.0)
    assert history.ticks.tolist() == [1, 2]
    assert history.block([WOOD])[0].tolist() == [1.0, 9.0]
    assert history.events == []
    history.apply(snapshot(5, seed=2), 0.0)
    assert history.ticks.tolist() == [5]


def test_colours_stay_with_the_city_that_was_given_them():
    history = History()
    names = ["Oslo", "Seaside", "Bergen", "Riverwood"]
    for count in (2, 4):
        cities = [City(name=n, full_name=f"{n}@n", node="n") for n in names[:count]]
        history.apply(Snapshot(node="n", tick=count, cities=cities), 0.0)
    # Those of the pictures have theirs if it is free, all others the first that is.
    assert history.slots == {"Seaside@n": 1, "Oslo@n": 0, "Riverwood@n": 2, "Bergen@n": 3}


def test_log_lines_are_taken_once():
    history = History()
    history.apply(snapshot(1, log=[LogLine(0, 1, "a"), LogLine(1, 1, "b")]), 0.0)
    history.apply(snapshot(2, log=[LogLine(1, 1, "b"), LogLine(2, 2, "c")]), 0.0)
    assert [line.text for line in history.log] == ["a", "b", "c"]


def test_more_series_than_fit_are_left_out_not_fatal():
    history = History()
    city = City(name="A", full_name="A@n", node="n", series={f"s{k}": 1.0 for k in range(3_000)})
    history.apply(Snapshot(node="n", tick=1, cities=[city]), 0.0)
    assert np.isnan(history.block([Key("series", "A@n", "s2999")])).all()
    assert history.block([Key("series", "A@n", "s1")])[0, 0] == 1.0


# Merchants.


def walking(count, *, seconds=6):
    history = History()
    road = Road(origin="A@n", destination="B@n", travel_ticks=100, count=count)
    for k in range(seconds * 10):
        history.apply(snapshot(k * 600, roads=[road], ticks_per_s=6_000.0), k / 10)
    return history, road


def test_a_road_shows_as_many_as_walk_on_it_and_what_they_carry():
    history, road = walking({"wood": 6, "bed": 2, "": 4})
    shown = [parade(history, road, walked_s) for walked_s in np.arange(0.0, 9.0, 0.1)]
    assert {len(walkers) for walkers in shown} == {12}
    carried = [good for walkers in shown for good, _ in walkers]
    shares = {good: carried.count(good) / len(carried) for good in set(carried)}
    assert shares == pytest.approx({"wood": 0.5, "bed": 1 / 6, "": 1 / 3}, abs=0.06)
    assert all(0.0 <= along <= 1.0 for walkers in shown for _, along in walkers)


def test_nobody_changes_his_cargo_on_the_way():
    history, road = walking({"wood": 6, "bed": 2, "": 4})
    step_s = 0.02
    for walked_s in np.arange(0.0, 4.0, 0.5):
        before = parade(history, road, walked_s)
        after = parade(history, road, walked_s + step_s)
        moved = {(good, round(along + step_s / WALK_S, 6)) for good, along in before}
        stayed = {(good, round(along, 6)) for good, along in after}
        # All but who has arrived meanwhile, and who has set out in his place.
        assert len(moved - stayed) <= 2


def test_what_the_map_counts_are_those_it_shows():
    history, road = walking({"wood": 6, "bed": 2, "": 4})
    at_hand = scene((1280, 800), View(), history, history.latest)
    assert counts(at_hand, road) == {"wood": 6, "bed": 2, "": 4}
    nobody = msgspec.structs.replace(road, count={})
    # For a moment nobody is on a road that is walked sixty times a second.
    history.apply(snapshot(40_000, roads=[nobody], ticks_per_s=6_000.0), 6.3)
    at_hand = scene((1280, 800), View(), history, history.latest)
    shown = sum(counts(at_hand, nobody).values())
    assert 8 < shown < 12
    # Where a walk is shown as it is, so is the count.
    history.latest.ticks_per_s = 30.0
    assert counts(at_hand, road) == road.count


# Views.


def test_views_follow_from_what_economies_declare():
    latest = next(iter(made_up.snapshots(points=1)))
    assert [(tab.title, tab.slot) for tab in tabs(latest)] == [
        ("Market", "market"),
        ("Macro", "panels"),
        ("Society", "distributions"),
    ]
    assert [tab.title for tab in tabs(None)] == ["Market"]


def test_a_few_lines_and_a_few_shapes_share_a_view_and_many_take_several():
    line, shape = Chart("line", "panels", "l", keys=["a"]), Chart("ridge", "distributions", "r")
    table = Chart("table", "panels", "t")
    few = Snapshot(node="n", tick=1, economies={"bazaar": [line, shape, shape]})
    assert [(tab.title, tab.slot, len(tab.charts)) for tab in tabs(few)[1:]] == [
        ("Bazaar", "distributions", 3)
    ]
    many = Snapshot(node="n", tick=1, economies={"big": [line] * 8 + [table] * 3})
    assert [(tab.title, tab.slot, len(tab.charts)) for tab in tabs(many)[1:]] == [
        ("Big", "panels", 8),
        ("Big 2", "panels", 3),
    ]
    new = Chart("hologram", "panels", "h")
    assert len(tabs(Snapshot(node="n", tick=1, economies={"new": [new]}))) == 1


SOME = made_up.history(cities=3, points=1).latest


@pytest.mark.parametrize(
    ("wanted", "focus", "tab"),
    [
        ("", None, 0),
        ("Macro", None, 1),
        ("society", None, 2),
        ("3", None, 2),
        ("Seaside/Macro", "Seaside@riverside", 1),
        ("WINTERHOLD", "Winterhold@node B", 0),
        ("winterhold@node b / 2", "Winterhold@node B", 1),
        ("/Society", None, 2),
        ("Seaside/", "Seaside@riverside", 0),
    ],
)
def test_a_view_may_be_asked_for_by_name(wanted, focus, tab):
    view = View(wanted=wanted, page=3)
    show_wanted(view, SOME)
    assert (view.focus, view.tab, view.wanted) == (focus, tab, "")
    view.tab = 7
    show_wanted(view, SOME)  # the next snapshot changes nothing
    assert view.tab == 7


@pytest.mark.parametrize("wanted", ["Atlantis", "Seaside/Weather", "Atlantis/Macro", "0", "4"])
def test_what_is_no_view_is_said_with_those_there_are(wanted):
    with pytest.raises(ValueError, match=r"Riverwood, Seaside.*Market, Macro, Society") as caught:
        show_wanted(View(wanted=wanted), SOME)
    assert repr(wanted) in str(caught.value)
    assert "\n" not in str(caught.value)


# Keys.


def test_keys_change_the_view():
    history, view = made_up.history(cities=3, points=3), View()
    for key, field, value in (
        ("t", "theme", "light"),
        ("b", "bands", False),
        ("l", "log_prices", True),
        ("2", "tab", 1),
        ("tab", "tab", 2),
        ("tab", "tab", 0),
        ("9", "tab", 0),
        ("]", "span_ticks", 20_000),
        ("[", "span_ticks", 10_000),
        ("right", "focus", "Riverwood@riverside"),
        ("left", "focus", "Winterhold@node B"),
        ("escape", "focus", None),
        ("pagedown", "page", 1),
        ("pageup", "page", 0),
        ("pagedown", "page", 1),
        ("1", "page", 0),  # another view begins at its first page
        ("?", "help", True),
        ("b", "help", False),  # any key closes the help, and does nothing else
        ("b", "bands", True),
    ):
        assert press(view, history, key) is None
        assert getattr(view, field) == value, key
    assert press(view, history, "escape") == "quit"
    assert press(view, history, "s") == "screenshot"
    assert press(view, history, "r") == "retry"


def test_keys_steer_the_node():
    history, view = made_up.history(points=3), View()
    latest = history.latest
    latest.speed, latest.ticks_per_s, latest.paused = 6_000.0, 5_990.0, False
    assert press(view, history, "space") == Pause()
    assert press(view, history, ".") == Pause()
    assert press(view, history, "+") == SetSpeed(12_000.0)
    assert press(view, history, "-") == SetSpeed(3_000.0)
    latest.paused = True
    assert press(view, history, "space") == Resume()
    assert press(view, history, ".") == Step()
    assert press(view, History(), "space") is None


def test_speed_goes_by_powers_of_two_between_its_limits():
    assert next_speed(60.0, 60.0, up=False) == 60.0
    assert next_speed(600_000.0, 590_000.0, up=True) == "max"
    assert next_speed(400_000.0, 400_000.0, up=True) == 600_000.0
    assert next_speed("max", 100_000.0, up=True) == "max"
    # Down from where the node does not get: to what one can see.
    for asked in ("max", 600_000.0):
        slower = next_speed(asked, 100_000.0, up=False)
        assert 25_000 < slower < 75_001
    assert (speed_label(6_000.0), speed_bars(6_000.0)) == ("100×", 3)
    assert (speed_label("max"), speed_bars("max")) == ("max", 5)
    assert (speed_label(60.0), speed_bars(60.0)) == ("1×", 1)


def test_a_fast_node_lengthens_the_span_unless_the_user_chose_it():
    history = made_up.history(points=700, step=1_000, cities=1, goods=1, economies={})
    view = View()
    widen_span(view, history)
    assert view.span_ticks == 1_000_000
    press(view, history, "[")
    widen_span(view, history)
    assert view.span_ticks == 500_000


def test_time_passes_for_merchants_only_while_the_node_lives_and_runs():
    history, view = made_up.history(points=3), View()
    advance_clock(view, history, live=True, now_s=0.1)
    assert view.walked_s == pytest.approx(0.1)
    assert view.ticks_ahead == 20  # no further than from one snapshot to the next
    advance_clock(view, history, live=False, now_s=0.2)
    history.latest.paused = True
    advance_clock(view, history, live=True, now_s=0.3)
    assert view.walked_s == pytest.approx(0.1)
    assert view.ticks_ahead == 0
    history.latest.paused = False
    advance_clock(view, history, live=True, now_s=100.0)
    assert view.walked_s < 0.5


# Colours.


def oklab(colour):
    linear = [c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
    long, middle, short = (
        np.array(
            [
                [0.4122214708, 0.5363325363, 0.0514459929],
                [0.2119034982, 0.6806995451, 0.1073969566],
                [0.0883024619, 0.2817188376, 0.6299787005],
            ]
        )
        @ linear
    )
    roots = np.cbrt([long, middle, short])
    return (
        np.array(
            [
                [0.2104542553, 0.7936177850, -0.0040720468],
                [1.9779984951, -2.4285922050, 0.4505937099],
                [0.0259040371, 0.7827717662, -0.8086757660],
            ]
        )
        @ roots
    )


@pytest.mark.parametrize("palette", theme.THEMES.values(), ids=lambda palette: palette.name)
def test_cities_can_be_told_apart(palette):
    for one, other in itertools.combinations(palette.cities, 2):
        assert 100 * np.linalg.norm(oklab(one) - oklab(other)) > 9.4
    for colour in palette.cities:
        assert 100 * np.linalg.norm(oklab(colour) - oklab(palette.background)) > 25


@pytest.mark.parametrize("size", [(358, 300), (518, 425), (800, 650)])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 6, 8])
def test_a_nodes_area_ends_within_the_map(size, count):
    towns = tuple(Town(f"{k}@here", f"{k}", "here", True, 26) for k in range(count))
    (area,) = places(size, towns, ()).areas
    for x, y in area.points:
        assert area.reach <= min(x, y, size[0] - x, size[1] - y)
