"""What a user means: flags, environment, file and defaults become one checked Config.

Flags and environment arrive as `Wishes` (typer has merged the two); the file is TOML with the keys
of `defaults.toml`, and a [cities.NAME] table overrides any of them for one city. A file that names
goods or recipes starts from none. Nothing unknown is passed over: every fault is a ConfigError of
one line that names field, value and limit. What one city is to be stands in `city`, how the node
meets others in `network`. Imports the engine's parameters, so only after `kernel_cache.prepare`;
economies, whose kernels may have to be compiled, come last.
"""

import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any

from city_node.errors import ConfigError
from city_node.names import check_name
from city_node.network.policy import Policy, policy_in
from city_node.settings.city import (
    CITY_FIELDS,
    CityConfig,
    check_economy_tables,
    city_in,
    common_in,
)
from city_node.settings.fields import (
    address_in,
    check_fields,
    merged,
    read_toml,
    table_in,
    tables_in,
    text_in,
    whole_number,
    wish_or,
)
from city_node.settings.network import NETWORK_FIELDS, NetworkConfig, network_in
from city_node.settings.roads import ROAD_FIELDS, RoadConfig, roads_in
from city_node.settings.wishes import Wishes
from engine.economy import DEVICES, UnknownEconomyError
from engine.economy import names as economies_installed
from engine.goods import check

SPEED_MIN, SPEED_MAX = 60, 600_000
CITIES_MAX = 64
"""In a process: a merchant's beliefs about all of them travel with him."""

SEED_MAX = 2**63 - 1

TOP_FIELDS = (
    "seed", "speed", "threads", "device", "node_name", "observe_port", "observe_bind", "cities",
    "roads",
)  # fmt: skip


@dataclass(frozen=True)
class Config:
    """All of it.

    Attributes:
        speed_ticks_per_s: None: as fast as it goes.
        threads: that advance cities; None: one a core.
        device: of DEVICES, where large call auctions are cleared, and new societies live.
        node_name: None: the host's name.
        policies: of the cities' borders, in their order: no part of the world, so that a city may
            think better of whom it lets in.
        observe_port: of the listener for observers; 0: any free one.
        observe_bind: IP address it is bound to.
        seed_asked: whether anybody asked for the seed; it was drawn else.
        idle: cities that the file describes and nobody asked for: perhaps misspelt.
    """

    seed: int
    speed_ticks_per_s: int | None
    threads: int | None
    device: str
    node_name: str | None
    cities: tuple[CityConfig, ...]
    policies: tuple[Policy, ...]
    roads: tuple[RoadConfig, ...]
    network: NetworkConfig
    observe_port: int
    observe_bind: str
    seed_asked: bool = True
    idle: tuple[str, ...] = ()


def resolve(wishes: Wishes) -> Config:
    """The checked configuration.

    Raises:
        ConfigError: what is wrong, in one line.
    """
    try:
        return _resolve(wishes)
    except (ValueError, UnknownEconomyError) as error:
        raise ConfigError(str(error).replace("\n", "\\n")) from None


def _resolve(wishes: Wishes) -> Config:
    written = read_toml(wishes.config) if wishes.config else {}
    defaults = tomllib.loads(files("city_node").joinpath("defaults.toml").read_text("utf-8"))
    if "goods" in written or "recipes" in written:
        for key in ("goods", "recipes", "cities"):
            defaults.pop(key, None)
    names = wishes.cities or tuple(tables_in(written, "cities"))
    _check_names(names)
    shared = merged(defaults, written)
    shared.pop("cities", None)
    own = merged(_by_folded_name(defaults), _by_folded_name(written))
    economies = {str(table.get("economy", shared["economy"])) for table in [shared, *own.values()]}
    economies |= {wishes.economy} if wishes.economy else set()
    installed = economies_installed()
    check_economy_tables("", shared, economies, installed)
    check_fields("", shared, (*TOP_FIELDS, *NETWORK_FIELDS, *CITY_FIELDS, *ROAD_FIELDS, *economies))
    for_all = _of_city(shared)
    idle = _not_among(names, tables_in(written, "cities"))
    own_of = {name: own.get(name.casefold(), {}) for name in (*names, *idle)}
    tables = {name: merged(for_all, own_of[name]) for name in own_of}
    common = {
        name: common_in(f"cities.{name}.", table, own_of[name], wishes, installed)
        for name, table in tables.items()
    }
    policies = {name: _policy(name, table) for name, table in tables.items()}
    device = _device(wish_or(wishes.device, shared["device"]))
    observe_port = wish_or(wishes.observe_port, shared["observe_port"])
    config = Config(
        seed=_seed(wishes, shared),
        seed_asked=wish_or(wishes.seed, shared.get("seed")) is not None,
        idle=tuple(idle),
        speed_ticks_per_s=speed_of(wish_or(wishes.speed, shared["speed"])),
        threads=_threads(wishes.threads, shared),
        device=device,
        node_name=_node_name(wish_or(wishes.node_name, shared.get("node_name"))),
        cities=(),
        policies=tuple(policies[name] for name in names),
        roads=roads_in(shared, names),
        network=network_in(wishes, shared, names),
        observe_port=whole_number("observe_port", observe_port, 65_535),
        observe_bind=address_in(
            "observe_bind", wish_or(wishes.observe_bind, shared["observe_bind"])
        ),
    )
    checked = {
        name: city_in(name, table, common[name], wishes, device) for name, table in tables.items()
    }
    cities = tuple(checked[name] for name in names)
    _check_same_goods(cities)
    return replace(config, cities=cities)


def _of_city(shared: Mapping[str, Any]) -> dict[str, Any]:
    of_node = (*TOP_FIELDS, *NETWORK_FIELDS, *ROAD_FIELDS)
    return {key: value for key, value in shared.items() if key not in of_node}


def _by_folded_name(table: Mapping[str, Any]) -> dict[str, Any]:
    return {name.casefold(): own for name, own in tables_in(table, "cities").items()}


def _not_among(names: tuple[str, ...], tables: Mapping[str, Any]) -> list[str]:
    """Cities that a file describes but nobody asked for: they are checked all the same."""
    _check_unique(tuple(tables))
    asked_for = {name.casefold() for name in names}
    return [name for name in tables if name.casefold() not in asked_for]


def _check_same_goods(cities: tuple[CityConfig, ...]) -> None:
    goods = ", ".join(cities[0].goods)
    for city in cities:
        if list(city.goods) != list(cities[0].goods):
            raise ValueError(
                f"cities.{city.name}.goods = {', '.join(city.goods)}: "
                f"must be those of {cities[0].name}, in their order: {goods}"
            )


def _check_names(names: tuple[str, ...]) -> None:
    if not names:
        raise ValueError("cities: name at least one, as in `city-node Riverwood Seaside`")
    check("", "number of cities", len(names), 1, CITIES_MAX)
    _check_unique(names)


def _check_unique(names: tuple[str, ...]) -> None:
    seen: set[str] = set()
    for name in names:
        check_name("city", name)
        if name.casefold() in seen:
            raise ValueError(f"city = {name!r}: named twice (case is ignored)")
        seen.add(name.casefold())


def _policy(name: str, table: Mapping[str, Any]) -> Policy:
    where = f"cities.{name}.border"
    return policy_in(f"{where}.", table_in(where, table["border"]))


def _seed(wishes: Wishes, shared: Mapping[str, Any]) -> int:
    chosen = wish_or(wishes.seed, shared.get("seed"))
    return secrets.randbelow(2**31) if chosen is None else whole_number("seed", chosen, SEED_MAX)


def speed_of(value: Any) -> int | None:
    """A speed in ticks/s, None for max.

    Raises:
        ValueError: one line with field, value and limit.
    """
    if value == "max":
        return None
    try:
        speed = int(value) if isinstance(value, str) else whole_number("speed", value, SPEED_MAX)
        check("", "speed", speed, SPEED_MIN, SPEED_MAX)
    except ValueError:
        raise ValueError(
            f"speed = {value!r}: must be from {SPEED_MIN} to {SPEED_MAX} ticks/s, or max"
        ) from None
    return speed


def _device(name: Any) -> str:
    """A device, if it can be used here; only the others than the processor need torch."""
    if name not in DEVICES:
        raise ValueError(f"device = {name!r}: must be one of {', '.join(DEVICES)}")
    if name != "cpu":
        from engine.markets.call_auction_torch import missing

        if why := missing(name):
            raise ValueError(f"device = {name!r}: {why}; cpu is always there")
    return str(name)


def _threads(wish: int | None, shared: Mapping[str, Any]) -> int | None:
    threads = wish_or(wish, shared.get("threads"))
    return None if threads is None else whole_number("threads", threads, 256, least=1)


def _node_name(name: Any) -> str | None:
    return None if name is None else check_name("node_name", text_in("node_name", name))
