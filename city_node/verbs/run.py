"""The verb `run` as it is typed: its options, and what they ask for.

Registered by `cli`. Light to import: the node and its kernels are loaded when it is called. typer
has merged flag and environment; `config` merges what came of that with file and defaults.
"""

import os
from pathlib import Path
from typing import Annotated

import typer

from city_node import kernel_cache
from city_node.running import Running, noted
from city_node.settings.wishes import Run, Wishes

Cities = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME", help="Cities to run; default: those of --config."),
]
Headless = Annotated[
    bool, typer.Option("--headless", envvar="CITY_NODE_HEADLESS", help="No window.")
]
Speed = Annotated[
    str | None,
    typer.Option(
        envvar="CITY_NODE_SPEED",
        metavar="TICKS_PER_S|max",
        help="60 to 600000, or max. 60 is 1 x. Default: 6000.",
    ),
]
Ticks = Annotated[
    int | None, typer.Option(envvar="CITY_NODE_TICKS", help="Stop after so many more.")
]
Seed = Annotated[
    int | None,
    typer.Option(envvar="CITY_NODE_SEED", help="Default: the world's, a new one each time."),
]
Threads = Annotated[
    int | None, typer.Option(envvar="CITY_NODE_THREADS", help="Default: one a core.")
]
Device = Annotated[
    str | None,
    typer.Option(
        envvar="CITY_NODE_DEVICE",
        metavar="cpu|cuda|mps",
        help="For societies, and call auctions of a million orders (an extra). Default: cpu.",
    ),
]
Locals = Annotated[
    int | None,
    typer.Option(
        "--locals",
        envvar="CITY_NODE_LOCALS",
        help="Residents a city. Default: 20; macro: 2,000, society: 10,000.",
    ),
]
Economy = Annotated[
    str | None,
    typer.Option(envvar="CITY_NODE_ECONOMY", help="Of all: bazaar (default), macro, society."),
]
Merchants = Annotated[
    int | None, typer.Option(envvar="CITY_NODE_MERCHANTS", help="A city. Default: 10.")
]
NoEvolution = Annotated[
    bool,
    typer.Option(
        "--no-evolution",
        envvar="CITY_NODE_NO_EVOLUTION",
        help="Merchants found nobody and never retire.",
    ),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option(envvar="CITY_NODE_CONFIG", metavar="FILE.toml", help="Settings."),
]
NodeName = Annotated[
    str | None, typer.Option(envvar="CITY_NODE_NODE_NAME", help="Default: the host's name.")
]
Port = Annotated[
    int | None,
    typer.Option(
        envvar="CITY_NODE_PORT",
        help="Of the first city, the others above it. Default: the first free from 55555.",
    ),
]
NodePort = Annotated[
    int | None,
    typer.Option(
        envvar="CITY_NODE_NODE_PORT",
        help="Where other nodes come in. Default: the first free from 55500.",
    ),
]
Connect = Annotated[
    list[str] | None,
    typer.Option(
        envvar="CITY_NODE_CONNECT",
        metavar="[CITY=]HOST:PORT",
        help="Keep a road to an address, for CITY only or for all. May be repeated.",
    ),
]
LegacyBind = Annotated[
    str | None,
    typer.Option(
        envvar="CITY_NODE_LEGACY_BIND",
        metavar="ADDR",
        help="Let in whoever reaches this address, as 0.0.0.0. Default: 127.0.0.1.",
    ),
]
NoDiscovery = Annotated[
    bool,
    typer.Option("--no-discovery", envvar="CITY_NODE_NO_DISCOVERY", help="Do not look around."),
]
Interface = Annotated[
    str | None,
    typer.Option(
        envvar="CITY_NODE_INTERFACE", metavar="ADDR", help="Look around on this one only."
    ),
]
ObservePort = Annotated[
    int | None,
    typer.Option(envvar="CITY_NODE_OBSERVE_PORT", help="For observers. Default: any free one."),
]
ObserveBind = Annotated[
    str | None,
    typer.Option(
        envvar="CITY_NODE_OBSERVE_BIND",
        metavar="ADDR",
        help="Beyond 127.0.0.1, the default, observers need the token that `paths` names.",
    ),
]
LogJson = Annotated[
    bool,
    typer.Option("--log-json", envvar="CITY_NODE_LOG_JSON", help="Log and status for machines."),
]
MetricsPort = Annotated[
    int | None,
    typer.Option(envvar="CITY_NODE_METRICS_PORT", help="Serve Prometheus metrics (an extra)."),
]
WebsocketPort = Annotated[
    int | None,
    typer.Option(
        envvar="CITY_NODE_WEBSOCKET_PORT", help="Serve observers by WebSocket (an extra): 8765."
    ),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        envvar="CITY_NODE_DATA_DIR",
        metavar="DIR",
        help="The world's folder. Default: one for these cities among the user's data.",
    ),
]
New = Annotated[
    bool,
    typer.Option("--new", envvar="CITY_NODE_NEW", help="Start afresh; the old is put aside."),
]
History = Annotated[
    Path | None,
    typer.Option(
        envvar="CITY_NODE_HISTORY",
        metavar="FILE.csv|jsonl|sqlite|parquet",
        help="Write every city's series by tick.",
    ),
]
Report = Annotated[
    Path | None,
    typer.Option(
        envvar="CITY_NODE_REPORT", metavar="FILE.json", help="Written at every clean end."
    ),
]


def run(
    cities: Cities = None,
    headless: Headless = False,
    speed: Speed = None,
    ticks: Ticks = None,
    seed: Seed = None,
    threads: Threads = None,
    device: Device = None,
    locals_: Locals = None,
    economy: Economy = None,
    merchants: Merchants = None,
    no_evolution: NoEvolution = False,
    config: ConfigFile = None,
    node_name: NodeName = None,
    port: Port = None,
    node_port: NodePort = None,
    connect: Connect = None,
    legacy_bind: LegacyBind = None,
    no_discovery: NoDiscovery = False,
    interface: Interface = None,
    observe_port: ObservePort = None,
    observe_bind: ObserveBind = None,
    log_json: LogJson = False,
    metrics_port: MetricsPort = None,
    websocket_port: WebsocketPort = None,
    data_dir: DataDir = None,
    new: New = False,
    history: History = None,
    report: Report = None,
) -> None:
    """Run cities until Ctrl-C, or for so many ticks."""
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
    asked = Run(
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
    with noted(Running(node_name or "", os.getpid(), list(wishes.cities), observe="")):
        kernel_cache.prepare_aloud()
        from city_node import node

        node.run(wishes, asked)
