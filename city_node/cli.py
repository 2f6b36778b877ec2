"""What a user types. `city-node NAME [NAME ...]` is `city-node run NAME ...`.

Light to import: the engine, its kernels and the viewer are loaded by the verb that needs them.
Every fault of the user is one line on stderr and exit status 2.
"""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from city_node.errors import ConfigError

UsageError: type[Exception] = typer.BadParameter.__bases__[0]
"""Typer names the class of its own only through this child."""

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Sovereign city economies that trade with each other across machines.",
    epilog="A first try: city-node Riverwood Seaside",
)


@app.callback()
def verbs() -> None:
    """Sovereign city economies that trade with each other across machines.

    `city-node NAME ...` is `city-node run NAME ...`; see `city-node run --help` for its options.
    """


@app.command()
def run(
    cities: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME...", help="Cities to run; default: those of --config."),
    ] = None,
    headless: Annotated[
        bool, typer.Option("--headless", envvar="CITY_NODE_HEADLESS", help="No window.")
    ] = False,
    speed: Annotated[
        str | None,
        typer.Option(
            envvar="CITY_NODE_SPEED",
            metavar="TICKS_PER_S|max",
            help="60 to 600000, or max. 60 is 1 x. Default: 6000.",
        ),
    ] = None,
    ticks: Annotated[
        int | None, typer.Option(envvar="CITY_NODE_TICKS", help="Stop after so many more.")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(envvar="CITY_NODE_SEED", help="Default: the world's, a new one each time."),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(envvar="CITY_NODE_THREADS", help="Default: one a core.")
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            envvar="CITY_NODE_DEVICE",
            metavar="cpu|cuda|mps",
            help="For societies, and call auctions of a million orders (an extra). Default: cpu.",
        ),
    ] = None,
    locals_: Annotated[
        int | None,
        typer.Option(
            "--locals",
            envvar="CITY_NODE_LOCALS",
            help="Residents a city. Default: 20; macro: 2,000, society: 10,000.",
        ),
    ] = None,
    economy: Annotated[
        str | None,
        typer.Option(envvar="CITY_NODE_ECONOMY", help="Of all: bazaar (default), macro, society."),
    ] = None,
    merchants: Annotated[
        int | None, typer.Option(envvar="CITY_NODE_MERCHANTS", help="A city. Default: 10.")
    ] = None,
    no_evolution: Annotated[
        bool,
        typer.Option(
            "--no-evolution",
            envvar="CITY_NODE_NO_EVOLUTION",
            help="Merchants found nobody and never retire.",
        ),
    ] = False,
    config: Annotated[
        Path | None,
        typer.Option(envvar="CITY_NODE_CONFIG", metavar="FILE.toml", help="Settings."),
    ] = None,
    node_name: Annotated[
        str | None, typer.Option(envvar="CITY_NODE_NODE_NAME", help="Default: the host's name.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            envvar="CITY_NODE_PORT",
            help="Of the first city, the others above it. Default: the first free from 55555.",
        ),
    ] = None,
    node_port: Annotated[
        int | None,
        typer.Option(
            envvar="CITY_NODE_NODE_PORT",
            help="Where other nodes come in. Default: the first free from 55500.",
        ),
    ] = None,
    connect: Annotated[
        list[str] | None,
        typer.Option(
            envvar="CITY_NODE_CONNECT",
            metavar="[CITY=]HOST:PORT",
            help="Keep a road to an address, from CITY or the first. May be repeated.",
        ),
    ] = None,
    legacy_bind: Annotated[
        str | None,
        typer.Option(
            envvar="CITY_NODE_LEGACY_BIND",
            metavar="ADDR",
            help="Let in whoever reaches this address, as 0.0.0.0. Default: 127.0.0.1.",
        ),
    ] = None,
    no_discovery: Annotated[
        bool,
        typer.Option("--no-discovery", envvar="CITY_NODE_NO_DISCOVERY", help="Do not look around."),
    ] = False,
    interface: Annotated[
        str | None,
        typer.Option(
            envvar="CITY_NODE_INTERFACE", metavar="ADDR", help="Look around on this one only."
        ),
    ] = None,
    observe_port: Annotated[
        int | None,
        typer.Option(envvar="CITY_NODE_OBSERVE_PORT", help="For observers. Default: any free one."),
    ] = None,
    observe_bind: Annotated[
        str | None,
        typer.Option(
            envvar="CITY_NODE_OBSERVE_BIND",
            metavar="ADDR",
            help="Beyond 127.0.0.1, the default, observers need the token that `paths` names.",
        ),
    ] = None,
    log_json: Annotated[
        bool,
        typer.Option(
            "--log-json", envvar="CITY_NODE_LOG_JSON", help="Log and status for machines."
        ),
    ] = False,
    metrics_port: Annotated[
        int | None,
        typer.Option(envvar="CITY_NODE_METRICS_PORT", help="Serve Prometheus metrics (an extra)."),
    ] = None,
    websocket_port: Annotated[
        int | None,
        typer.Option(
            envvar="CITY_NODE_WEBSOCKET_PORT", help="Serve observers by WebSocket (an extra): 8765."
        ),
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            envvar="CITY_NODE_DATA_DIR",
            metavar="DIR",
            help="The world's folder. Default: one for these cities among the user's data.",
        ),
    ] = None,
    new: Annotated[
        bool,
        typer.Option("--new", envvar="CITY_NODE_NEW", help="Start afresh; the old is put aside."),
    ] = False,
    history: Annotated[
        Path | None,
        typer.Option(
            envvar="CITY_NODE_HISTORY",
            metavar="FILE.csv|jsonl|sqlite|parquet",
            help="Write every city's series by tick.",
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            envvar="CITY_NODE_REPORT", metavar="FILE.json", help="Written at every clean end."
        ),
    ] = None,
) -> None:
    """Run cities until Ctrl-C, or for so many ticks."""
    from city_node import kernel_cache

    kernel_cache.prepare()
    kernel_cache.when_compiling(say_compiling)
    from city_node import node
    from city_node.config import Wishes

    wishes = Wishes(
        cities=tuple(cities or ()),
        config=config,
        seed=seed,
        speed=speed,
        threads=threads,
        device=device,
        economy=economy,
        locals=locals_,
        merchants=merchants,
        evolution=False if no_evolution else None,
        node_name=node_name,
        port=port,
        node_port=node_port,
        connect=tuple(connect or ()),
        legacy_bind=legacy_bind,
        discovery=False if no_discovery else None,
        interface=interface,
        observe_port=observe_port,
        observe_bind=observe_bind,
    )
    asked = node.Run(
        ticks=ticks,
        headless=headless,
        report=report,
        history=history,
        log_json=log_json,
        data_dir=data_dir,
        new=new,
        metrics_port=metrics_port,
        websocket_port=websocket_port,
    )
    node.run(wishes, asked)


@app.command()
def evolve(
    cities: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME...", help="The islands. Default: four, or those of --config."),
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
    """Breed merchants in a laboratory of cities, and save the ablest for `[merchants] genome`."""
    from city_node import kernel_cache

    kernel_cache.prepare()
    kernel_cache.when_compiling(say_compiling)
    from city_node import evolve as laboratory
    from city_node import evolve_run
    from city_node.config import Wishes
    from city_node.node import check_writable

    wishes = Wishes(cities=tuple(cities or ()), config=config, seed=seed, locals=locals_)
    asked = laboratory.laboratory(
        wishes, population=population, generations=generations, ticks=every
    )
    for field, path in (("save", save), ("picture", picture)):
        if path is not None:
            check_writable(field, path)
    evolve_run.run(asked, save, picture)


WORKERS = Annotated[
    str, typer.Option(metavar="N|ray", help="Processes of this machine, or a Ray cluster's.")
]


@app.command()
def train(
    who: Annotated[str, typer.Argument(metavar="merchants|macro", help="Who is to learn.")],
    cities: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME...", help="Of each world. Default: four, or --config's."),
    ] = None,
    agents: Annotated[
        str, typer.Option(metavar="KIND,...", help="Of macro cities, those who learn.")
    ] = "firm,household,bank,central_bank",
    steps: Annotated[
        int | None,
        typer.Option(help="Of every world: ticks (100000), months of a macro city (1600)."),
    ] = None,
    worlds: Annotated[int, typer.Option(help="That run side by side.")] = 16,
    threads: Annotated[int, typer.Option(help="In which worlds run.")] = 2,
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
    """Train the networks of learned merchants, or of agents in macro cities."""
    if who not in ("merchants", "macro"):
        raise ConfigError(f"train = {who!r}: must be merchants or macro")
    from city_node import kernel_cache

    kernel_cache.prepare()
    kernel_cache.when_compiling(say_compiling)
    from city_node import train as school
    from city_node.config import Wishes
    from city_node.node import check_writable

    wishes = Wishes(cities=tuple(cities or ()), config=config, seed=seed)
    if who == "macro":
        if workers != "1":
            raise ConfigError(f"workers = '{workers}': must be 1 for macro, which has --threads")
        from city_node import train_macro  # compiles kernels that merchants do not need

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
        )
        train_macro.run(macro)
        return
    asked = school.training(
        wishes,
        steps=100_000 if steps is None else steps,
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


@app.command()
def reality(
    grade: Annotated[
        Path | None,
        typer.Argument(metavar="[DIR]", help="Grade the series in this folder, run nothing."),
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
    """Grade an economy by the statistics of the United States, beside noise and real data."""
    from city_node import kernel_cache

    kernel_cache.prepare()
    kernel_cache.when_compiling(say_compiling)
    from city_node import reality as ruler
    from city_node.node import check_writable

    if balance_sheet:
        raise typer.Exit(0 if ruler.show_accounts(economy, first_seed) else 1)
    if plot is not None:
        check_writable("plot", plot)
    ruler.show(ruler.Asked(seeds, first_seed, economy, data, grade, series, plot, json, workers))


ADDRESS = Annotated[
    str | None, typer.Argument(metavar="[HOST:PORT]", help="Default: the node that runs here.")
]
NODE = Annotated[
    str | None, typer.Option("--node", metavar="NAME", help="Which, if several run here.")
]
TOKEN_FILE = Annotated[
    Path | None, typer.Option(metavar="FILE", help="For a node that asks observers for a token.")
]


@app.command()
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
) -> None:
    """Open the viewer on a node that runs, or print or draw what it shows."""
    from city_node import verbs

    watched = verbs.watched(address, node, token_file)
    if json or once:
        verbs.print_snapshots(watched, once=once)
    else:
        verbs.view(watched, screenshot, record, seconds=seconds, size=size, theme=theme)


@app.command()
def peers(address: ADDRESS = None, node: NODE = None, token_file: TOKEN_FILE = None) -> None:
    """List the roads of a node to others: state, traffic, refusals."""
    from city_node import verbs

    verbs.print_peers(verbs.watched(address, node, token_file))


FOLDERS = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[DIR...]", help="Folders of worlds. Default: all of this user's."),
]
AS_JSON = Annotated[bool, typer.Option("--json", help="For machines; money in minor units.")]


@app.command()
def audit(dirs: FOLDERS = None, json: AS_JSON = False) -> None:
    """Add up the money of worlds, of one or of the whole network, whether they run or not.

    Exit status 1 where it does not balance.
    """
    from city_node import kernel_cache

    kernel_cache.prepare()
    from city_node import audit as books

    raise typer.Exit(0 if books.print_audit(dirs or (), as_json=json) else 1)


@app.command()
def limbo(dirs: FOLDERS = None, json: AS_JSON = False) -> None:
    """List merchants in doubt: sent for good, and not known to have arrived."""
    from city_node import kernel_cache

    kernel_cache.prepare()
    from city_node import audit as books

    books.print_limbo(dirs or (), as_json=json)


@app.command()
def replay(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A world's folder.")],
    to: Annotated[int, typer.Option(metavar="TICK", help="From 0 to where the world is.")],
    view: Annotated[bool, typer.Option("--view", help="Open the window on it.")] = False,
) -> None:
    """Rebuild a world as it was at a tick, and print its report."""
    from city_node import kernel_cache

    kernel_cache.prepare()
    from city_node import replay as history

    history.replay(folder, to, view=view)


@app.command("id")
def own_id() -> None:
    """Show the ids of your own nodes, for others to trust."""
    from city_node import trust_verbs

    trust_verbs.print_own()


@app.command()
def pending() -> None:
    """List the nodes that have knocked."""
    from city_node import trust_verbs

    trust_verbs.print_pending()


@app.command()
def trust(
    node_id: Annotated[
        str | None,
        typer.Argument(metavar="[ID]", help="All of it, or the beginning of one that knocked."),
    ] = None,
) -> None:
    """Let a node in; without ID, list those you let in."""
    from city_node import trust_verbs

    if node_id is None:
        trust_verbs.print_trusted()
    else:
        trust_verbs.trust(node_id)


@app.command()
def distrust(
    node_id: Annotated[
        str, typer.Argument(metavar="ID", help="All of it, or the beginning of one you trust.")
    ],
) -> None:
    """Let a node in no more; running nodes drop it at once."""
    from city_node import trust_verbs

    trust_verbs.distrust(node_id)


@app.command()
def paths() -> None:
    """Say where caches, notes of running nodes and tokens lie."""
    from city_node import verbs

    verbs.print_paths()


@app.command()
def doctor() -> None:
    """Examine display, cache, network, ports and packages, and say how to mend what is wrong."""
    from city_node import verbs

    raise typer.Exit(0 if verbs.print_examination() else 1)


def say_compiling() -> None:
    """Say why nothing is seen for a while."""
    typer.echo("compiling kernels … (seconds, and only the first time)", err=True)


def verb_names() -> list[str]:
    """The verbs; a city called like one of them needs `run` before its name."""
    return [str(command.name or command.callback.__name__) for command in app.registered_commands]  # type: ignore[union-attr]


def main(arguments: list[str] | None = None) -> Any:
    """The program. Exits with 2 on a user's fault, having printed it in one line."""
    given = sys.argv[1:] if arguments is None else arguments
    if not given or given[0] not in [*verb_names(), "--help"]:
        given = ["run", *given]
    try:
        sys.exit(app(given, standalone_mode=False, prog_name="city-node"))
    except UsageError as error:
        fail(error.format_message())  # type: ignore[attr-defined]
    except ConfigError as error:
        fail(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


def fail(line: str) -> None:
    """Print one line on stderr and exit with 2."""
    print("city-node: " + " ".join(line.split()), file=sys.stderr)
    sys.exit(2)
