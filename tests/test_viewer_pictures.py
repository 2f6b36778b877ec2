"""Pictures of the viewer: what must hold of every one of them, and that nothing seen breaks it.

Drawn on plain surfaces, no display; `python -m tools.viewer_gallery DIR` writes them to look at.
"""

import math
from dataclasses import replace

import msgspec
import numpy as np
import pygame
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from protocol.observe import Chart, City, Compiling, Event, Hello, Node, Road, Snapshot
from tests import made_up_snapshots as made_up
from viewer import charts, footer, peers, scales, sprites, text
from viewer.draw import Canvas, render
from viewer.history import History
from viewer.scene import scene
from viewer.state import Link, View
from viewer.tabs import tabs

SIZES = [(640, 420), (960, 600), (1280, 800), (1920, 1080)]
LIVE = Link(address="127.0.0.1:55555", phase="live", latency_ms=3.0)
NAME_64 = "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch-on-A."


def with_peers(**named):
    found, seen = made_up.history(points=20), History()
    seen.apply(made_up.with_peers(found.latest, **named), 0.0)
    return seen


@pytest.fixture(scope="module")
def worlds():
    """Histories by name, made once."""
    return {
        "one": made_up.history(cities=1, own=1, points=120),
        "two": made_up.history(cities=2, points=120),
        "four": made_up.history(points=240),
        "quiet": made_up.history(cities=2, merchants=False, points=120),
        "twenty": made_up.history(cities=20, goods=6, points=120),
        "own": made_up.history(cities=9, own=9, points=60),
        "forty goods": made_up.history(goods=40, points=40),
        "no goods": made_up.history(goods=0, points=40),
        "long names": made_up.history(
            points=60, names=[NAME_64[:63] + str(k) for k in range(4)], cities=4
        ),
        "first": made_up.history(points=1),
        "peers": with_peers(),
        "many peers": with_peers(peers=100, knocking=20),
    }


@pytest.fixture
def written(monkeypatch):
    """Every text drawn: (string, rectangle of its ink)."""
    found = []
    drawn = text.draw

    def draw(surface, string, *rest, **named):
        ink = drawn(surface, string, *rest, **named)
        if ink.w:
            found.append((string, ink.copy()))
        return ink

    monkeypatch.setattr(text, "draw", draw)
    return found


def picture(size, view, history, link=LIVE):
    surface = pygame.Surface(size)
    surface.fill((255, 0, 255))
    render(surface, view, history, link)
    return surface


def pixels(surface):
    return pygame.surfarray.array3d(surface)


def overlaps(written):
    """Pairs of texts of which one lies on the other."""
    boxes = [(string, ink.inflate(-2, -2)) for string, ink in written]
    return [
        (a, b)
        for k, (a, box) in enumerate(boxes)
        for b, other in boxes[k + 1 :]
        if box.colliderect(other)
    ]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(
    ("world", "tab"),
    [
        *(("four", tab) for tab in range(3)),
        *(("twenty", tab) for tab in range(3)),
        *((name, 0) for name in ("one", "two", "quiet", "own", "forty goods", "no goods", "first")),
        *(("long names", tab) for tab in range(3)),
        *(("peers", tab) for tab in (0, 3)),
        ("many peers", 3),
    ],
)
def test_texts_lie_within_the_window_and_apart(worlds, written, world, tab, size):
    theme = "dark" if (size[0] // 10 + tab) % 2 else "light"
    surface = picture(size, View(theme=theme, tab=tab), worlds[world])
    assert len(written) > 20
    outside = [entry for entry in written if not surface.get_rect().contains(entry[1])]
    assert outside == []
    assert overlaps(written) == []
    # The magenta it was filled with is gone: every pixel belongs to the picture.
    magenta = (pixels(surface) == (255, 0, 255)).all(axis=2)
    assert not magenta.any()


@pytest.mark.parametrize("world", ["four", "twenty", "long names"])
@pytest.mark.parametrize("tab", [0, 1, 2])
@pytest.mark.parametrize("size", SIZES[:3], ids=str)
def test_texts_lie_apart_when_a_city_is_focused(worlds, written, world, tab, size):
    focus = worlds[world].latest.cities[-1].full_name
    surface = picture(size, View(tab=tab, focus=focus), worlds[world])
    assert [entry for entry in written if not surface.get_rect().contains(entry[1])] == []
    assert overlaps(written) == []


def with_views(history, count):
    """The same world with so many views more, of one chart each."""
    titles = ["Trade and banks", "Merchants' way", "Merchants' trade", "Life", "Behaviour"]
    more = [Chart("line", "panels", "c", keys=["gdp"], view=titles[k % 5]) for k in range(count)]
    charts = {"macro": made_up.MACRO, **{f"e{k}": [chart] for k, chart in enumerate(more)}}
    found = History()
    found.apply(msgspec.structs.replace(history.latest, economies=charts), 0.0)
    return found, [tab.title for tab in tabs(found.latest)]


@pytest.mark.parametrize("tab", [0, 3, 6])
def test_every_view_is_named_in_the_header_as_far_as_there_is_room(worlds, written, tab):
    history, titles = with_views(worlds["two"], 5)
    assert len(titles) == 7
    canvas = Canvas()
    for size in SIZES:
        del written[:]
        canvas.paint(pygame.Surface(size), View(tab=tab), history, LIVE)
        head = [entry for entry in written if entry[1].top < 40]
        assert overlaps(head) == []
        said = [string for string, _ in head]
        assert titles[tab] in said or size[0] < 1_280
        if size[0] >= 1_280:  # Merchants' way and trade may share their first word
            ends = [title.rpartition("Merchants' ")[2] for title in titles]
            for title, end in zip(titles, ends, strict=True):
                assert any(s[:3] in (title[:3], end[:3]) for s in said)
            assert len(set(said)) == len(said)
        # Each title is clicked where it stands.
        for place in range(len(titles)):
            (at,) = [ink.center for string, ink in head if string == f"{place + 1}"]
            assert canvas.tab_at(at) == place


@pytest.mark.parametrize(("more", "keys"), [(0, "1 2"), (1, "1 2 3"), (5, "1 … 7")])
def test_the_footer_names_the_keys_of_the_views_there_are(worlds, written, more, keys):
    history, _ = with_views(worlds["two"], more)
    picture((1_920, 1_080), View(), history)
    assert keys in [string for string, _ in written]
    assert "1 … 9" in [key for key, _, _ in footer.keys(12)], "no key for a tenth"


def test_a_small_window_shows_all_charts_page_by_page(worlds, written):
    history = worlds["four"]
    titles = {chart.title for chart in made_up.MACRO}
    seen, page = set(), 0
    while not seen >= titles:
        del written[:]
        picture((900, 600), View(tab=1, page=page), history)
        said = {string for string, _ in written}
        assert any(f"of {len(titles)}, PgDn" in string for string in said)
        assert titles & said - seen, "a page shows what no other did"
        seen |= titles & said
        page += 1
    assert page == 2


def test_peers_are_listed_with_their_accounts_and_those_kept_apart(worlds, written):
    history = worlds["peers"]
    assert [tab.title for tab in tabs(history.latest)][-1] == "Peers"
    picture((1280, 800), View(tab=3), history)
    strings = [string for string, _ in written]
    for peer in history.latest.peers:
        assert peer.name in strings
        assert peer.why_closed in strings or peer.open
        assert (scales.figure(peer.tariff_minor / 1e8) if peer.tariff_minor else "0") in strings
        if peer.credit_minor:
            assert f"{peer.credit_used_minor / peer.credit_minor:.0%}" in strings
    assert "−2.5k" in strings  # coins
    assert "knocks; let it in with: city-node trust 5BL4BD3" in strings
    assert any(string.startswith("quarantined") for string in strings)


def test_more_peers_than_fit_are_turned_page_by_page(worlds, written):
    history = worlds["many peers"]
    at_hand = scene((960, 600), View(tab=3), history, history.latest)
    shown, first = peers.page(at_hand, (960, 600))
    assert (first, shown < 100) == (0, True)
    picture((960, 600), View(tab=3, page=99), history)
    strings = [string for string, _ in written]
    assert any(f"–100 of {100}, PgDn" in string for string in strings)
    assert "14 more" in strings  # nodes kept apart


def test_lines_of_one_city_say_whose_they_are(worlds, written):
    keys = ["gdp", "inflation"]
    chart = Chart("line", "panels", "Two lines", "% of output", keys=keys)
    history = History()
    history.apply(msgspec.structs.replace(worlds["two"].latest, economies={"e": [chart]}), 0.0)
    for focus, whose in ((None, "Riverwood"), ("Seaside@riverside", "Seaside")):
        del written[:]
        picture((1280, 800), View(tab=1, focus=focus), history)
        assert whose in [string for string, ink in written if ink.top > 50]
    at_hand = scene((1280, 800), View(), history, history.latest)
    ((_, _, paint),) = charts.panels(at_hand, (1280, 800), tabs(history.latest)[1])
    lines = paint(pygame.Surface((1280, 800)))
    assert not {course.ink for course in lines.courses} & set(at_hand.theme.cities)
    value = history.latest.cities[0].series["inflation"]
    assert f"{value:.1f}".replace("-", "−") in [string for string, _ in written] or value > 100


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("phase", ["connecting", "waiting", "compiling", "refused"])
def test_the_waiting_screen_says_what_it_waits_for(written, size, phase):
    history = History()
    link = Link("127.0.0.1:55555", "waiting" if phase == "compiling" else phase)
    link.why = "connection refused" if phase == "connecting" else "token: not the one"
    if phase in ("waiting", "compiling"):
        link.open_after_s, link.answer_after_s = 0.1, 0.4
        history.apply(Hello(node="n", cities=["Riverwood", NAME_64], goods=["wood", "bed"]), 0.0)
    if phase == "compiling":
        history.apply(Compiling(step=3, steps=7, what="market matching"), 0.0)
    surface = picture(size, View(), history, link)
    said = " ".join(string for string, _ in written)
    expected = {
        "connecting": "connection refused",
        "waiting": "first snapshot",
        "compiling": "compiling 3 of 7: market matching",
        "refused": "token: not the one",
    }
    assert expected[phase] in said
    assert [entry for entry in written if not surface.get_rect().contains(entry[1])] == []
    assert overlaps(written) == []


def test_a_node_that_is_gone_leaves_its_last_picture_veiled(worlds, written):
    gone = Link("127.0.0.1:55555", "gone", "connection reset", retry_at_s=15.0)
    surface = picture((1280, 800), View(now_s=12.0), worlds["four"], gone)
    said = " ".join(string for string, _ in written)
    assert "last snapshot 12 s ago at tick" in said
    assert "trying again in 3 s" in said
    assert "node gone" in said
    before = pixels(picture((1280, 800), View(now_s=12.0), worlds["four"])).astype(int)
    # Of what differs from the background, about half is left.
    content = np.s_[:, 60:760]
    ground = np.array((15, 20, 24))
    left = np.abs(pixels(surface)[content] - ground).sum()
    assert 0.4 < left / np.abs(before[content] - ground).sum() < 0.65


@pytest.mark.parametrize(
    "view", [View(), View(tab=1, theme="light"), View(focus="Seaside@riverside")]
)
def test_the_same_gives_the_same_pixels_with_and_without_caches(worlds, view):
    first = pixels(picture((1280, 800), view, worlds["four"]))
    for kept in (text._image, text._width, sprites._mark, sprites._box, sprites._icon):
        kept.cache_clear()
    assert (pixels(picture((1280, 800), view, worlds["four"])) == first).all()


@pytest.mark.parametrize("tab", [0, 1, 2])
def test_panel_by_panel_gives_the_same_picture_as_all_at_once(worlds, tab):
    view, canvas, surface = View(tab=tab), Canvas(), pygame.Surface((1280, 800))
    canvas.paint(surface, replace(view, log_prices=True), worlds["four"], LIVE)
    for _ in range(12):
        canvas.paint(surface, view, worlds["four"], LIVE)
    assert (pixels(surface) == pixels(picture((1280, 800), view, worlds["four"]))).all()


@pytest.mark.parametrize("world", ["four", "twenty", "long names"])
@pytest.mark.parametrize("tab", [0, 1, 2])
@pytest.mark.parametrize("size", [(960, 600), (1280, 800)], ids=str)
def test_a_panel_paints_nothing_outside_itself(worlds, world, tab, size):
    history = worlds[world]
    at_hand = scene(size, View(tab=tab), history, history.latest)
    for panel in charts.panels(at_hand, size, tabs(history.latest)[tab]):
        surface = pygame.Surface(size)
        surface.fill((255, 0, 255))
        panel.paint(surface)
        touched = (pixels(surface) != (255, 0, 255)).any(axis=2)
        touched[
            panel.rect.inflate(14, 14).left : panel.rect.inflate(14, 14).right,
            panel.rect.inflate(14, 14).top : panel.rect.inflate(14, 14).bottom,
        ] = False
        assert not touched.any(), panel.name


def test_hovering_shows_each_line_s_value_at_that_tick(worlds, written):
    history = worlds["four"]
    view = View(mouse=(690, 190))
    picture((1280, 800), view, history)
    strings = [string for string, _ in written]
    at = int(np.argmin(np.abs(history.ticks - float(strings[-1].replace(",", "")))))
    assert at > 0
    from viewer.history import Key
    from viewer.scales import figure

    for city in history.latest.cities:
        value = history.block([Key("price", city.full_name, "wood")], at)[0, 0]
        assert figure(float(value)) in strings


def with_course(history, chart, key, values):
    """A world of one city that declares a chart, and these values of its key in turn."""
    found = History()
    city = next(city for city in history.latest.cities if city.own)
    for tick, value in enumerate(values):
        seen = msgspec.structs.replace(
            history.latest,
            tick=100 * tick,
            cities=[msgspec.structs.replace(city, series=city.series | key | {"c": value})],
            economies={"e": [chart]},
        )
        found.apply(seen, float(tick))
    return found


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((0.0, 3_800.0, 35.0), {"4k%", "2k"}),  # 4,000% is wider than the gutter
        ((1e30, 3e33, 5.4e32), {"5.4e32"}),
    ],
)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_large_figures_are_whole(worlds, written, size, values, said):
    chart = Chart("line", "panels", "Large", unit="% of loans", keys=["c"])
    picture(size, View(tab=1), with_course(worlds["one"], chart, {}, values))
    found = {string for string, _ in written}
    assert not any("…" in string for string in found if string != "1 … 9")
    assert said <= found or size[0] == 1_920


def test_a_band_that_an_economy_declares_lies_within_its_chart(worlds):
    chart = Chart("band", "panels", "Gene", keys=["c", "low", "high"])
    history = with_course(worlds["one"], chart, {"low": 0.1, "high": 0.9}, (0.5, 0.51, 0.49))
    canvas = Canvas()
    canvas.paint(pygame.Surface((1_280, 800)), View(tab=1), history, LIVE, whole=True)
    (lines,) = canvas.lines.values()
    assert lines.values.low < 0.1
    assert lines.values.high > 0.9


def test_bands_and_log_scale_change_the_charts_alone(worlds):
    plain = pixels(picture((1280, 800), View(), worlds["four"]))
    for changed in (View(bands=False), View(log_prices=True)):
        other = pixels(picture((1280, 800), changed, worlds["four"]))
        differs = (plain != other).any(axis=2)
        assert differs[558:, 60:520].any()
        assert not differs[:550].any()


def test_merchants_walk_while_time_passes_and_stand_while_it_does_not(worlds):
    first = pixels(picture((1280, 800), View(), worlds["four"]))
    later = pixels(picture((1280, 800), View(walked_s=0.4), worlds["four"]))
    differs = (first != later).any(axis=2)
    assert differs[16:534, 60:485].any()
    differs[16:534, 60:485] = False
    assert not differs.any()


def test_cities_keep_apart_on_every_map():
    from viewer import map_places

    for own, others in ((1, 0), (2, 0), (3, 0), (20, 0), (1, 1), (2, 2), (3, 5), (2, 18), (8, 12)):
        towns = [
            map_places.Town(f"{k}", f"{k}", "a" if k < own else f"b{(k - own) // 3}", k < own, 26)
            for k in range(own + others)
        ]
        for size in ((374, 306), (518, 425), (800, 620)):
            found = map_places.places(size, tuple(towns), ())
            assert len(found.at) == own + others
            places = list(found.at.items())
            for k, (name, (x, y)) in enumerate(places):
                radius = found.radius[name]
                assert radius <= x <= size[0] - radius
                assert radius <= y <= size[1] - radius
                for other, at in places[k + 1 :]:
                    assert math.dist((x, y), at) >= radius + found.radius[other]


# Whatever a node may send.

odd = st.one_of(
    st.none(),
    st.sampled_from([0.0, -1.0, 1e-12, 1e12, -1e300, 1e300]),
    st.floats(-1e6, 1e6, allow_nan=False),
)
odd_names = st.sampled_from(["Riverwood", "a", NAME_64, "北京", "", " ", "x" * 400, "\u202e", "🙂"])
odd_goods = st.sampled_from(["wood", "bed", "salt", NAME_64, "", "🙂"])
odd_charts = st.builds(
    Chart,
    kind=st.sampled_from(
        ["line", "band", "scatter", "path", "matrix", "table", "lorenz", "ridge", "hologram"]
    ),
    slot=st.sampled_from(["market", "panels", "distributions", "nowhere"]),
    title=odd_names,
    unit=odd_names,
    keys=st.lists(st.sampled_from(["a", "b", "c"]), max_size=3),
    names=st.lists(odd_names, max_size=3),
    view=st.sampled_from(["", "One"]),
    log=st.sampled_from([None, True, False]),
    zero=st.booleans(),
    steps=st.booleans(),
    reference=odd,
    summary=st.sampled_from(["", "spread", "total", "mean", "reference"]),
    decimals=st.sampled_from([None, 0, 3]),
)
odd_cities = st.builds(
    City,
    name=odd_names,
    full_name=odd_names,
    node=st.sampled_from(["here", "there", NAME_64]),
    own=st.booleans(),
    locals=st.sampled_from([0, 1, 20, 151, 30_000_000]),
    merchants=st.sampled_from([0, 3]),
    money_minor=st.sampled_from([0, 10**18]),
    prices=st.dictionaries(odd_goods, odd, max_size=4),
    bands=st.dictionaries(odd_goods, st.tuples(odd, odd), max_size=3),
    cargo=st.dictionaries(odd_goods, st.integers(0, 10**6), max_size=3),
    series=st.dictionaries(st.sampled_from(["a", "b", "c"]), odd, max_size=3),
    samples=st.dictionaries(
        st.sampled_from(["a", "b", "money"]), st.lists(odd, max_size=20), max_size=3
    ),
)
odd_roads = st.builds(
    Road,
    origin=odd_names,
    destination=odd_names,
    network=st.booleans(),
    open=st.booleans(),
    why_closed=odd_names,
    retry_s=odd,
    travel_ticks=st.sampled_from([0, 1, 100]),
    latency_ms=odd,
    cost_coins=odd,
    count=st.dictionaries(odd_goods, st.integers(0, 100), max_size=3),
    walkers=st.dictionaries(odd_goods, st.lists(st.floats(-1, 2), max_size=5), max_size=3),
)
odd_snapshots = st.builds(
    Snapshot,
    node=odd_names,
    address=st.sampled_from(["", "x", "127.0.0.1:1", NAME_64]),
    tick=st.sampled_from([0, 1, 7, 10**15]),
    speed=st.sampled_from([1e-3, 60.0, 1e9, "max"]),
    ticks_per_s=odd,
    paused=st.booleans(),
    goods=st.lists(odd_goods, max_size=6, unique=True),
    economies=st.dictionaries(odd_names, st.lists(odd_charts, max_size=9), max_size=2),
    cities=st.lists(odd_cities, max_size=12, unique_by=lambda city: city.full_name),
    roads=st.lists(odd_roads, max_size=5),
    nodes=st.lists(st.builds(Node, name=odd_names, latency_ms=odd), max_size=3),
    series=st.dictionaries(st.sampled_from(["a", "b", "c"]), odd, max_size=3),
    events=st.lists(st.builds(Event, tick=st.integers(-5, 20), label=odd_names), max_size=4),
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # shrinking pictures takes minutes
)
@given(
    snapshots=st.lists(odd_snapshots, min_size=1, max_size=3),
    tab=st.integers(0, 9),
    theme=st.sampled_from(["dark", "light", "sepia"]),
    mouse=st.sampled_from([None, (100, 150), (300, 200), (450, 120)]),
    log=st.booleans(),
    focus=st.one_of(st.none(), odd_names),
)
def test_nothing_a_node_sends_stops_the_drawing(snapshots, tab, theme, mouse, log, focus):
    history = History()
    for snapshot in snapshots:
        line = msgspec.json.encode(snapshot)
        history.apply(msgspec.json.decode(line, type=Snapshot), 0.0)
    view = View(theme, tab, focus, log_prices=log, mouse=mouse, walked_s=0.3)
    picture((700, 460), view, history)


def test_not_a_number_is_a_gap():
    history = made_up.history(cities=2, points=30)
    latest = history.latest
    for point in range(40):
        gap = msgspec.structs.replace(latest, tick=latest.tick + 20 * (point + 1))
        gap.cities = [msgspec.structs.replace(city) for city in latest.cities]
        gap.cities[0].prices = {"wood": None if point < 20 else 3.0}
        history.apply(gap, 0.0)
    picture((1280, 800), View(), history)
    at_hand = scene((1280, 800), View(), history, history.latest)
    (panel, *_) = charts.panels(at_hand, (1280, 800), tabs(history.latest)[0])
    lines = panel.paint(pygame.Surface((1280, 800)))
    missing = np.flatnonzero(np.isnan(lines.mean[0]))
    assert 10 < len(missing) <= 21
    assert missing.max() - missing.min() == len(missing) - 1  # one gap, in the middle
    assert not np.isnan(lines.mean[0][-1])


@pytest.fixture
def fallback_font(monkeypatch):
    """As where the package with the font is not installed."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    kept = (text._font_files, text._font, text._image, text._width)
    for cache in kept:
        cache.cache_clear()
    yield
    for cache in kept:
        cache.cache_clear()


@pytest.mark.usefixtures("fallback_font")
@pytest.mark.parametrize("size", SIZES[1:], ids=str)
@pytest.mark.parametrize("tab", [0, 1, 2])
def test_the_font_of_the_pygame_wheel_does_as_well(worlds, written, tab, size):
    surface = picture(size, View(tab=tab), worlds["four"])
    assert [entry for entry in written if not surface.get_rect().contains(entry[1])] == []
    assert overlaps(written) == []
