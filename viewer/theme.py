"""Colours of the two themes, marks of cities and goods, and sizes by window class.

Everything that draws reads from here; nothing here draws. Colours are (red, green, blue). The
palettes were chosen so that the smallest distance between two cities in OKLab stays the same under
normal, deutan, protan and tritan sight; marks repeat what colours say.
"""

import functools
from typing import NamedTuple

Colour = tuple[int, int, int]


def _hex(text: str) -> Colour:
    return int(text[0:2], 16), int(text[2:4], 16), int(text[4:6], 16)


def _row(text: str) -> tuple[Colour, ...]:
    return tuple(_hex(word) for word in text.split())


class Theme(NamedTuple):
    """A palette; `text`, `text2`, `text3` go from what is read first to what is read last;
    `keys` are lines that are no city's."""

    name: str
    background: Colour
    map: Colour
    area: Colour
    area_edge: Colour
    road: Colour
    text: Colour
    text2: Colour
    text3: Colour
    rule: Colour
    grid: Colour
    paused: Colour
    error: Colour
    context: Colour
    cities: tuple[Colour, ...]
    goods: tuple[Colour, ...]
    keys: tuple[Colour, ...]
    empty: Colour
    label_share: float  # how far the ink of a label leans from its colour to the text colour
    band_alpha: float  # 0: depends on brightness, see `band_opacity`

    def label(self, colour: Colour) -> Colour:
        """The ink in which a name of that colour is written."""
        return mix(colour, self.text, self.label_share)

    def band_opacity(self, colour: Colour, lines: int) -> float:
        """0…1, for a band between lowest and highest belief, among so many lines."""
        # Bright colours glow on dark ground, so they are given less.
        alpha = self.band_alpha or 0.20 * (1.18 - 0.62 * brightness(colour))
        return alpha * (0.8 if lines >= 3 else 1.0)


DARK = Theme(
    name="dark",
    background=_hex("0F1418"),
    map=_hex("141B21"),
    area=_hex("1A232A"),
    area_edge=_hex("2A3640"),
    road=_hex("2C3842"),
    text=_hex("E8ECEF"),
    text2=_hex("A3AEB8"),
    text3=_hex("7A8793"),
    rule=_hex("26303A"),
    grid=_hex("1C252C"),
    paused=_hex("FFB454"),
    error=_hex("FF7A6B"),
    context=_hex("4A5763"),
    cities=_row("5AA140 2BADFF ECEFF2 B4415F FDD349 9468C6 34DBEB E67694"),
    goods=_row("B5844F F0D080 F29BC1 A79BF5 7FC9B0 9FB0C0"),
    keys=_row("F0D080 A79BF5 7FC9B0 F29BC1 B5844F 9FB0C0"),
    empty=_hex("7A8793"),
    label_share=0.18,
    band_alpha=0.0,
)
LIGHT = Theme(
    name="light",
    background=_hex("FBFAF7"),
    map=_hex("F5F3ED"),
    area=_hex("EDEAE1"),
    area_edge=_hex("D3CEC1"),
    road=_hex("D6D1C6"),
    text=_hex("1A2026"),
    text2=_hex("55606A"),
    text3=_hex("737C85"),
    rule=_hex("DBD7CD"),
    grid=_hex("ECE9E1"),
    paused=_hex("B36200"),
    error=_hex("C2321F"),
    context=_hex("BDBAB0"),
    cities=_row("1D711A 478ED9 9B9DA0 681A2D AA871E 8849C0 5B8170 963886"),
    goods=_row("8A5A2B CF9A12 D95C98 6D5BD0 2F8F74 667788"),
    keys=_row("CF9A12 6D5BD0 2F8F74 D95C98 8A5A2B 667788"),
    empty=_hex("737C85"),
    label_share=0.34,
    band_alpha=0.17,
)
THEMES = {"dark": DARK, "light": LIGHT}

CITY_MARKS = ("disc", "square", "triangle", "diamond", "down", "hexagon", "plus", "bar")
# These four keep the colour they have in every picture, whoever is seen first.
CITY_SLOTS = {"Riverwood": 0, "Seaside": 1, "Winterhold": 2, "Portsville": 3}
GOOD_MARKS = ("square", "triangle", "diamond", "disc", "hexagon", "bar", "down", "plus")
GOOD_SLOTS = {"wood": 0, "chair": 1, "thread": 2, "bed": 3, "fur": 4, "iron": 5}


def city_colour(theme: Theme, slot: int) -> Colour:
    """From the ninth city on all are grey: more hues could not be told apart."""
    return theme.cities[slot] if slot < len(theme.cities) else theme.context


def city_mark(slot: int) -> str:
    return CITY_MARKS[slot % len(CITY_MARKS)]


def good_colour(theme: Theme, slot: int) -> Colour:
    """Six hues, then the same ones a third of the way to grey and on, with other marks."""
    rounds, hue = divmod(slot, len(theme.goods))
    return mix(theme.goods[hue], theme.text3, min(0.33 * rounds, 0.8))


def good_mark(slot: int) -> str:
    return GOOD_MARKS[slot % len(GOOD_MARKS)]


@functools.lru_cache(4_096)
def mix(colour: Colour, other: Colour, share: float) -> Colour:
    """The way from `colour` to `other`, 0…1."""
    return (
        round(colour[0] + (other[0] - colour[0]) * share),
        round(colour[1] + (other[1] - colour[1]) * share),
        round(colour[2] + (other[2] - colour[2]) * share),
    )


def brightness(colour: Colour) -> float:
    """Perceived, 0…1."""
    red, green, blue = colour
    return (0.299 * red + 0.587 * green + 0.114 * blue) / 255.0


class Sizes(NamedTuple):
    """Lengths in pixels for one window class, and the five sizes of type."""

    name: str
    margin: int
    gutter: int
    row_gap: int
    header: int
    footer: int
    axis: int  # left gutter of a chart, where its figures stand
    xs: int
    sm: int
    md: int
    lg: int
    xl: int

    @property
    def line(self) -> int:
        """Height of a line of labels."""
        return round(self.sm * 1.16)


SMALL = Sizes("small", 12, 16, 12, 42, 24, 34, 12, 12, 14, 16, 20)
NORMAL = Sizes("normal", 16, 24, 18, 52, 30, 34, 12, 13, 15, 18, 24)
LARGE = Sizes("large", 24, 32, 18, 60, 34, 42, 14, 15, 17, 22, 30)


def sizes(width: int, height: int) -> Sizes:
    """The class of a window of that size."""
    if width < 1120 or height < 700:
        return SMALL
    return LARGE if width >= 1700 and height >= 950 else NORMAL
