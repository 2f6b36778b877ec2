"""What a user types. `city-node NAME [NAME ...]` is `city-node run NAME ...`.

Here are the program and the verbs that look at worlds and running nodes; others are imported, each
a function whose signature is its options. Light to import: the engine, its kernels and the viewer
are loaded by the verb that needs them. Every fault of the user is one line on stderr and exit
status 2.
"""

import difflib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from city_node.errors import ConfigError
from city_node.verbs.laboratory import evolve, reality, train
from city_node.verbs.run import run
from city_node.verbs.trust import distrust, own_id, pending, rotate, trust

UsageError: type[Exception] = typer.BadParameter.__bases__[0]
"""Typer names the class of its own only through this child."""

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog="A first try: city-node Riverwood Seaside",
)


@app.callback()
def verbs() -> None:
    """Sovereign city economies that trade with each other across machines.

    `city-node NAME ...` is `city-node run NAME ...`; see `city-node run --help` for its options.
    """


ADDRESS = Annotated[
    str | None, typer.Argument(metavar="HOST:PORT", help="Default: the node that runs here.")
]
NODE = Annotated[
    str | None, typer.Option("--node", metavar="NAME", help="Which, if several run here.")
]
TOKEN_FILE = Annotated[
    Path | None, typer.Option(metavar="FILE", help="For a node that asks observers for a token.")
]


def watch(
    address: ADDRESS = None,
    node: NODE = None,
    token_file: TOKEN_FILE = None,
    json: Annotated[bool, typer.Option("--json", help="Print snapshots, open no window.")] = False,
    once: Annotated[bool, typer.Option("--once", help="Print one snapshot.")] = False,
    screenshot: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Draw a picture, without a display.")
    ] = None,
    record: Annotated[
        Path | None, typer.Option(metavar="FILE.gif", help="Record for --seconds N.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0.1, max=600.0, help="Watched before the picture is made.")
    ] = None,
    size: Annotated[str, typer.Option(metavar="WxH", help="Of window or picture.")] = "1280x800",
    theme: Annotated[str, typer.Option(metavar="dark|light")] = "dark",
    view: Annotated[
        str,
        typer.Option(metavar="CITY/VIEW", help="What to begin with: a city, a view's title, both."),
    ] = "",
) -> None:
    """Open the viewer on a node that runs, or print or draw it."""
    from city_node.verbs import look as verbs

    watched = verbs.watched(address, node, token_file)
    if json or once:
        verbs.print_snapshots(watched, once=once)
    else:
        shown = verbs.shown(size, theme, view)
        verbs.view(watched, screenshot, record, seconds=seconds, shown=shown)


def peers(address: ADDRESS = None, node: NODE = None, token_file: TOKEN_FILE = None) -> None:
    """List the roads of a node to others: state, traffic, accounts.

    Before them nodes that no road leads to: who knocks, who is quarantined.
    """
    from city_node.verbs import look as verbs

    verbs.print_peers(verbs.watched(address, node, token_file))


FOLDERS = Annotated[
    list[Path] | None,
    typer.Argument(metavar="DIR", help="Folders of worlds. Default: all of this user's."),
]
AS_JSON = Annotated[bool, typer.Option("--json", help="For machines; money in minor units.")]


def audit(dirs: FOLDERS = None, json: AS_JSON = False) -> None:
    """Add up the money of worlds, whether they run or not.

    Of one, or of the whole network. Exit status 1 where it does not balance.
    """
    from city_node import kernel_cache

    kernel_cache.prepare()
    from city_node.durability import audit as books

    raise typer.Exit(0 if books.print_audit(dirs or (), as_json=json) else 1)


def limbo(dirs: FOLDERS = None, json: AS_JSON = False) -> None:
    """List merchants in doubt: sent, and not known to have arrived."""
    from city_node import kernel_cache

    kernel_cache.prepare()
    from city_node.durability import audit as books

    books.print_limbo(dirs or (), as_json=json)


def replay(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A world's folder.")],
    to: Annotated[int, typer.Option(metavar="TICK", help="From 0 to where the world is.")],
    view: Annotated[bool, typer.Option("--view", help="Open the window on it.")] = False,
) -> None:
    """Rebuild a world as it was at a tick, and print its report."""
    from city_node import kernel_cache

    kernel_cache.prepare()
    from city_node.verbs import replay as history

    history.replay(folder, to, view=view)


def paths() -> None:
    """Say where caches, notes of running nodes and tokens lie."""
    from city_node.verbs.doctor import print_paths

    print_paths()


def doctor() -> None:
    """Say what is wrong here, and how to mend it.

    Looks at display, kernel cache, network, ports and packages.
    """
    from city_node.verbs.doctor import print_examination

    raise typer.Exit(0 if print_examination() else 1)


VERBS: dict[str, Callable[..., None]] = {
    "run": run,
    "evolve": evolve,
    "train": train,
    "reality": reality,
    "watch": watch,
    "peers": peers,
    "audit": audit,
    "limbo": limbo,
    "replay": replay,
    "id": own_id,
    "pending": pending,
    "trust": trust,
    "distrust": distrust,
    "rotate": rotate,
    "paths": paths,
    "doctor": doctor,
}
"""In the order of the help. A city called like one of them needs `run` before its name."""

for name, verb in VERBS.items():
    app.command(name)(verb)


def main(arguments: list[str] | None = None) -> Any:
    """The program. Exits with 2 on a user's fault, having printed it in one line."""
    given = sys.argv[1:] if arguments is None else arguments
    if not given or given[0] not in [*VERBS, "--help"]:
        note_verb(*given[:1])
        given = ["run", *given]
    try:
        sys.exit(app(given, standalone_mode=False, prog_name="city-node"))
    except UsageError as error:
        fail(error.format_message())  # type: ignore[attr-defined]
    except ConfigError as error:
        fail(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


def note_verb(city: str = "") -> None:
    """A city may have any name, also one that is nearly a verb: it runs, but that is said."""
    for verb in difflib.get_close_matches(city.casefold(), VERBS, n=1, cutoff=0.8):
        said = f"{city!r} is run as a city; did you mean `city-node {verb}`?"
        print(f"city-node: {said}", file=sys.stderr, flush=True)


def fail(line: str) -> None:
    """Print one line on stderr and exit with 2."""
    print("city-node: " + " ".join(line.split()), file=sys.stderr)
    sys.exit(2)
