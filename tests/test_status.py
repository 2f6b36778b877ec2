"""The live lines in a terminal: what they leave out where there is little room, and never cut."""

import pytest
from rich.console import Console

from city_node.observing.status import fitting, table

ROWS = [
    {
        "name": name,
        "locals": 20,
        "merchants": 7,
        "money": {"holdings": 37_632 * 10**8},
        "trades": 925,
        "prices": prices,
    }
    for name, prices in (
        ("Riverwood", {"wood": 3.82, "chair": 15.43, "thread": 4.5, "bed": 41.81}),
        ("Crucible", {"wood": 2.19, "bed": 42.57}),
    )
]


HEADINGS = "city tick ticks/s locals merchants money trades wood chair thread bed"


def shown(width: int) -> list[str]:
    console = Console(width=width)
    with console.capture() as caught:
        console.print(table(fitting(6_000, ROWS, "5,998 (100 ×)", width)))
    return caught.get().splitlines()


def test_where_there_is_room_everything_is_shown() -> None:
    head, riverwood, crucible = shown(100)
    assert head.split() == HEADINGS.split()
    assert riverwood.split()[1:5] == ["6,000", "5,998", "(100", "×)"]
    assert crucible.split()[-4:] == ["2.19", "–", "–", "42.57"]


@pytest.mark.parametrize(
    ("width", "missing"),
    [
        (93, []),
        (88, []),
        (87, ["locals"]),
        (80, ["locals"]),
        (79, ["locals", "trades"]),
        (71, ["locals", "trades", "bed"]),
        (50, ["locals", "trades", "bed", "thread", "chair"]),
    ],
)
def test_a_narrow_terminal_goes_without_columns_and_cuts_no_figure(width, missing) -> None:
    lines = shown(width)
    assert lines[0].split() == [heading for heading in HEADINGS.split() if heading not in missing]
    assert all(len(line) <= width and "…" not in line for line in lines)
