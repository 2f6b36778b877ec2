"""The verbs that compute without running a node: evolve, train, reality.

Registered by `cli`. Light to import: what computes is loaded by the verb that needs it.
"""

from pathlib import Path
from typing import Annotated

import typer

from city_node import kernel_cache
from city_node.errors import ConfigError
from city_node.settings.wishes import Wishes

WORKERS = Annotated[
    str, typer.Option(metavar="N|ray", help="Processes of this machine, or a Ray cluster's.")
]


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
    from city_node.laboratory import evolve as laboratory
    from city_node.laboratory import evolve_run
    from city_node.settings.fields import check_writable

    wishes = Wishes(cities=tuple(cities or ()), config=config, seed=seed, locals=locals_)
    asked = laboratory.laboratory(
        wishes, population=population, generations=generations, ticks=every
    )
    check_writable("save", save)
    if picture is not None:
        check_writable("picture", picture, ".png")
    evolve_run.run(asked, save, picture)


def train(
    who: Annotated[str, typer.Argument(metavar="merchants|macro", help="Who is to learn.")],
    cities: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Of each world. Default: four, or --config's."),
    ] = None,
    agents: Annotated[
        str, typer.Option(metavar="KIND,...", help="Of macro cities, those who learn.")
    ] = "firm,household,bank,central_bank",
    steps: Annotated[
        int | None,
        typer.Option(help="Of every world: ticks (400000), months of a macro city (6400)."),
    ] = None,
    worlds: Annotated[int, typer.Option(help="That run side by side.")] = 16,
    threads: Annotated[int, typer.Option(help="That run worlds and learn.")] = 2,
    workers: WORKERS = "1",
    device: Annotated[str, typer.Option(help="Of torch: cpu, cuda, ...")] = "cpu",
    seed: Annotated[int | None, typer.Option(help="Default: a new one each time.")] = None,
    config: Annotated[Path | None, typer.Option(metavar="FILE.toml", help="Settings.")] = None,
    save: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Of merchant.npz, or the folder of KIND.npz."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the checkpoint beside --save.")
    ] = False,
    logs: Annotated[Path | None, typer.Option(metavar="DIR", help="For TensorBoard.")] = None,
) -> None:
    """Train the networks of learned merchants, or of agents in macro cities.

    A file's `[merchants] policy = "learned"`, or `[macro.firm]` and so on, lets them drive,
    `network` says which.
    """
    if who not in ("merchants", "macro"):
        raise ConfigError(f"train = {who!r}: must be merchants or macro")
    kernel_cache.prepare_aloud()
    from city_node.laboratory import train as school
    from city_node.settings.fields import check_writable

    wishes = Wishes(cities=tuple(cities or ()), config=config, seed=seed)
    if who == "macro":
        from city_node.laboratory import train_macro  # compiles kernels that merchants do not need

        macro = train_macro.training(
            wishes,
            agents=agents,
            steps=train_macro.STEPS if steps is None else steps,
            worlds=worlds,
            threads=threads,
            device=device,
            save=save or Path(),
            resume=resume,
            logs=logs,
            workers=workers,
        )
        train_macro.run(macro)
        return
    asked = school.training(
        wishes,
        steps=school.STEPS if steps is None else steps,
        worlds=worlds,
        threads=threads,
        device=device,
        save=save or Path("merchant.npz"),
        resume=resume,
        logs=logs,
        workers=workers,
    )
    check_writable("save", asked.save)
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
    workers: WORKERS = "1",
    balance_sheet: Annotated[
        bool, typer.Option("--balance-sheet", help="Print a month's accounts, and no score.")
    ] = False,
) -> None:
    """Grade an economy by statistics of the United States.

    Noise, random actions and, with --data, the real data are graded beside it.
    """
    kernel_cache.prepare_aloud()
    from city_node.laboratory import reality as ruler
    from city_node.settings.fields import check_writable

    if balance_sheet:
        raise typer.Exit(0 if ruler.show_accounts(economy, first_seed) else 1)
    if plot is not None:
        check_writable("plot", plot, ".png")
    ruler.show(ruler.Asked(seeds, first_seed, economy, data, grade, series, plot, json, workers))
