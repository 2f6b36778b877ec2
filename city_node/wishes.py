"""What a user asks for: flags and environment, as `cli` got them and `config` reads them.

Light to import, and checks nothing.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Wishes:
    """Flags and environment; None: not said."""

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
