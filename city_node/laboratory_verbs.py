"""The verbs that compute without running a node: evolve, train, reality.

Registered by `cli`. Light to import: what computes is loaded by the verb that needs it.
"""

from pathlib import Path
from typing import Annotated

import typer

from city_node import kernel_cache
from city_node.errors import ConfigError
from city_node.wishes import Wishes


def evolve(
    cities: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="The islands. Default: four, or those of --config."),
    ] = None,
    generations: Annotated[int, typer.Option(help="How many.")] = 60,
    every: Annotated[int, typer.Option(metavar="TICKS", help="A generation's life.")] = 10_000,
    population: Annotated[int, typer.Option(help="Merchants in all cities together.")] = 100,
    locals_: Annotated[
        int | None, typer.Option("--locals", help="Residents a city. Default: 100.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Default: a new one each time.")] = None,
    config: Annotated[Path | None, typer.Option(metavar="FILE.toml", help="Settings.")] = None,
    save: Annotated[Path, typer.Option(metavar="FILE.json", help="The ablest genomes.")] = Path(
        "genomes.json"
    ),
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Draw the history of the traits.")
    ] = None,
) -> None:
    """Breed merchants in a laboratory, and save the ablest.

    A file's `[merchants] genome` lets cities begin with them.
    """
    kernel_cache.prepare_aloud()
    from city_node import evolve as laboratory
    from city_node import evolve_run
    from city_node.fields import check_writable

    wishes = Wishes(cities=tuple(cities or ()), config=config, seed=seed, locals=locals_)
    asked = laboratory.laboratory(
        wishes, population=population, generations=generations, ticks=every
    )
    for field, path in (("save", save), ("picture", picture)):
        if path is not None:
            check_writable(field, path)
    evolve_run.run(asked, save, picture)


def train(
    who: Annotated[str, typer.Argument(metavar="merchants", help="Who is to learn.")],
    cities: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Of each world. Default: four, or --config's."),
    ] = None,
    steps: Annotated[int, typer.Option(help="Ticks of every world.")] = 100_000,
    worlds: Annotated[int, typer.Option(help="That run side by side.")] = 16,
    threads: Annotated[int, typer.Option(help="In which worlds run.")] = 2,
    device: Annotated[str, typer.Option(help="Of torch: cpu, cuda, ...")] = "cpu",
    seed: Annotated[int | None, typer.Option(help="Default: a new one each time.")] = None,
    config: Annotated[Path | None, typer.Option(metavar="FILE.toml", help="Settings.")] = None,
    save: Annotated[Path, typer.Option(metavar="FILE.npz", help="The network.")] = Path(
        "merchant.npz"
    ),
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the checkpoint beside --save.")
    ] = False,
    logs: Annotated[Path | None, typer.Option(metavar="DIR", help="For TensorBoard.")] = None,
) -> None:
    """Train the network of learned merchants.

    A file's `[merchants] policy = "learned"` lets it drive them, `network` says which.
    """
    if who != "merchants":
        raise ConfigError(f"train = {who!r}: must be merchants")
    kernel_cache.prepare_aloud()
    from city_node import train as school
    from city_node.fields import check_writable

    asked = school.training(
        Wishes(cities=tuple(cities or ()), config=config, seed=seed),
        steps=steps,
        worlds=worlds,
        threads=threads,
        device=device,
        save=save,
        resume=resume,
        logs=logs,
    )
    check_writable("save", save)
    school.run(asked)


def reality(
    grade: Annotated[
        Path | None,
        typer.Argument(metavar="DIR", help="Grade the series in this folder, run nothing."),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, max=10_000, help="How many runs.")] = 40,
    first_seed: Annotated[int, typer.Option(min=0, max=2**62, help="Of the first run.")] = 1,
    economy: Annotated[str, typer.Option(help="Which.")] = "macro",
    data: Annotated[
        Path | None,
        typer.Option(metavar="FRED-QD.csv", help="Measure the control of real data with it."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one line for programs.")] = False,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Draw it, beside the data if given.")
    ] = None,
    series: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the series as CSV, some 5 MB a run.")
    ] = None,
    balance_sheet: Annotated[
        bool, typer.Option("--balance-sheet", help="Print a month's accounts, and no score.")
    ] = False,
) -> None:
    """Grade an economy by statistics of the United States.

    Noise, random actions and, with --data, the real data are graded beside it.
    """
    kernel_cache.prepare_aloud()
    from city_node import reality as ruler
    from city_node.fields import check_writable

    if balance_sheet:
        raise typer.Exit(0 if ruler.show_accounts(economy, first_seed) else 1)
    if plot is not None:
        check_writable("plot", plot)
    ruler.show(ruler.Asked(seeds, first_seed, economy, data, grade, series, plot, json))
