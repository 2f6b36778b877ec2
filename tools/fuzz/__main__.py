"""`python -m tools.fuzz`: rounds of a part's properties with seeds N, N+1, … until the time is over
or one fails. A failure is shrunk, printed, and comes back with the one command printed with it.
"""

import random
import time
import traceback
from collections.abc import Callable
from typing import Annotated, Any

import typer
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from city_node.kernel_cache import prepare

prepare()  # before anything imports numba

from tools.fuzz.identity import IDENTITY  # noqa: E402
from tools.fuzz.nodes import NODES  # noqa: E402
from tools.fuzz.wire import WIRE  # noqa: E402

EXAMPLES_A_ROUND = 200

app = typer.Typer(add_completion=False, help="Fuzz a part of the program until it breaks.")


Minutes = Annotated[float, typer.Option(min=0, help="How long; at least one round.")]
FirstSeed = Annotated[
    int | None, typer.Option("--seed", help="Of the first round; drawn when not given.")
]


@app.command()
def wire(minutes: Minutes = 1.0, first_seed: FirstSeed = None) -> None:
    """Framing and decoding of merchant lines."""
    _fuzz("wire", WIRE, minutes, first_seed)


@app.command()
def identity(minutes: Minutes = 1.0, first_seed: FirstSeed = None) -> None:
    """Ids, certificates and charters."""
    _fuzz("identity", IDENTITY, minutes, first_seed)


@app.command()
def nodes(minutes: Minutes = 1.0, first_seed: FirstSeed = None) -> None:
    """Lines between nodes, and the merchants in them."""
    _fuzz("nodes", NODES, minutes, first_seed)


def _fuzz(
    part: str,
    properties: dict[Callable[..., None], tuple[st.SearchStrategy[Any], ...]],
    minutes: float,
    first_seed: int | None,
) -> None:
    number = random.SystemRandom().randrange(10**9) if first_seed is None else first_seed
    console = Console()
    console.print(f"seed {number}")
    began_s = time.monotonic()
    rounds = 0
    columns = (SpinnerColumn(), *Progress.get_default_columns()[:-1], TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.fields[rounds]} rounds"), console=console) as bar:
        task = bar.add_task(part, total=minutes * 60, rounds=0)
        while rounds == 0 or time.monotonic() - began_s < minutes * 60:
            for check, strategies in properties.items():
                _run(part, check, strategies, number + rounds, console)
            rounds += 1
            bar.update(task, completed=time.monotonic() - began_s, rounds=rounds)
    examples = rounds * len(properties) * EXAMPLES_A_ROUND
    console.print(f"nothing found in {rounds} rounds, up to {examples:,} examples")


def _run(
    part: str,
    check: Callable[..., None],
    strategies: tuple[st.SearchStrategy[Any], ...],
    number: int,
    console: Console,
) -> None:
    test = given(*strategies)(check)
    test = settings(
        max_examples=EXAMPLES_A_ROUND,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )(test)
    try:
        seed(number)(test)()
    except Exception:
        console.print(f"[bold red]{check.__name__} fails with seed {number}")
        traceback.print_exc()
        console.print(f"again with: python -m tools.fuzz {part} --minutes 0 --seed {number}")
        raise typer.Exit(1) from None


if __name__ == "__main__":
    app()
