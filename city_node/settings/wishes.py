"""What a user asks for, by flags and environment: of the world, and of one run of it.

Made by `cli`. Light to import, and checks nothing: `config` and `node` do.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Wishes:
    """What flags and environment say of the world; None: not said."""

    cities: tuple[str, ...] = ()
    config: Path | None = None
    seed: int | None = None
    device: str | None = None
    speed: str | None = None
    threads: int | None = None
    economy: str | None = None
    locals: int | None = None
    merchants: int | None = None
    evolution: bool | None = None
    node_name: str | None = None
    port: int | None = None
    node_port: int | None = None
    connect: tuple[str, ...] = ()
    legacy_bind: str | None = None
    discovery: bool | None = None
    interface: str | None = None
    observe_port: int | None = None
    observe_bind: str | None = None


@dataclass(frozen=True)
class Run:
    """What is asked of one run, beside the world.

    Attributes:
        ticks: how many more; None: until a signal.
        headless: no window.
        report: where the report goes at every clean end; None: nowhere.
        history: where every snapshot's series go; None: nowhere.
        log_json: log and status as JSON lines.
        data_dir: the world's folder; None: the cities' own.
        new: the world that lies there is put aside, and another founded.
        past: the world is one of the past: it stands still at first and speaks with no other.
        metrics_port, websocket_port: of the adapters on loopback; None: they are not served.
    """

    ticks: int | None = None
    headless: bool = False
    report: Path | None = None
    history: Path | None = None
    log_json: bool = False
    data_dir: Path | None = None
    new: bool = False
    past: bool = False
    metrics_port: int | None = None
    websocket_port: int | None = None
