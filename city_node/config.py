"""What a user means: flags, environment, file and defaults become one checked Config.

Flags and environment arrive as `Wishes` (typer has merged the two); the file is TOML with the keys
of `defaults.toml`, and a [cities.NAME] table overrides any of them for one city. A file that names
goods or recipes starts from none. Nothing unknown is passed over: every fault is a ConfigError of
one line that names field, value and limit. Imports the engine's parameters, so only after
`kernel_cache.prepare`.
"""

import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from city_node import founders, genomes, networks
from city_node.errors import ConfigError
from city_node.fields import (
    address_in,
    check_fields,
    converted,
    merged,
    read_toml,
    table_in,
    tables_in,
    text_in,
    whole_number,
    wish_or,
    wished_or,
    yes_or_no,
)
from city_node.names import check_name
from city_node.policy import Policy, policy_in
from engine.economy import DEVICES, Economy, UnknownEconomyError, load
from engine.goods import Good, check, check_goods
from merchants.mind import SPACES
from merchants.params import Parameters as MerchantParameters

LOCALS_USUAL = 20
"""Where neither the user nor the economy says how many: see `engine.economy`."""

LOCALS_MAX = 10_000_000
MERCHANTS_MAX = 5_000_000
"""A city a core can still tick; memory is about 300 bytes a local, 200 a merchant."""

SPEED_MIN, SPEED_MAX = 60, 600_000
CITIES_MAX = 64
"""In a process: a merchant's beliefs about all of them travel with him."""

SEED_MAX = 2**63 - 1
TRAVEL_TICKS_MAX = 1_000_000
TICKS_MAX = 10**15

TOP_FIELDS = (
    "seed", "speed", "threads", "device", "node_name", "observe_port", "observe_bind", "cities",
    "roads",
)  # fmt: skip
NETWORK_FIELDS = (
    "port",
    "node_port",
    "connect",
    "legacy_bind",
    "discovery",
    "interface",
)
CITY_FIELDS = ("economy", "locals", "evolution", "merchants", "goods", "recipes", "border")
ROAD_FIELDS = ("travel_ticks", "moving_cost")


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


@dataclass(frozen=True)
class CityConfig:
    """One city: who lives there, by which economy, with which goods and recipes.

    Attributes:
        evolution: whether able merchants found others and ruined ones retire.
        genomes: rows of `merchants.genome.TRAITS`, dealt out to its first merchants; none: they
            are neutral.
        network: the file of the trained network that drives its merchants; none: empty.
        networks: the files of those that drive kinds of its residents.
        founders: rows of the table that its economy names; None where a trait is drawn.
        device: what an economy computes on whose history depends on it; else cpu.
    """

    name: str
    economy: str
    locals: int
    merchants: int
    goods: Mapping[str, Good]
    recipes: Mapping[str, Mapping[str, int]]
    parameters: Any
    merchant_rules: MerchantParameters
    evolution: bool = True
    genomes: tuple[tuple[float, ...], ...] = ()
    network: bytes = b""
    networks: Mapping[str, bytes] = field(default_factory=dict)
    founders: tuple[tuple[float | None, ...], ...] = ()
    device: str = "cpu"


@dataclass(frozen=True)
class RoadConfig:
    """A road between two cities of the process, by their numbers, one way."""

    start: int
    to: int
    travel_ticks: int
    cost: float


@dataclass(frozen=True)
class Dialling:
    """An address to keep a road to, from one of our cities, by its number.

    Attributes:
        city: None: from all of them to a node of ours, from the first to anybody else.
    """

    city: int | None
    host: str
    port: int


@dataclass(frozen=True)
class NetworkConfig:
    """How the node meets others.

    Attributes:
        port: of the first city's listener, the others above it; None: the first free from
            PORT_FIRST upward.
        node_port: of the listener for other nodes; None: the first free one.
        legacy_bind: IP address that listeners are bound to.
        dial: addresses to connect to.
        discovery: whether to announce this node and look for others.
        interface: IP address of the interface to do that on; None: where the listeners are.
    """

    port: int | None
    node_port: int | None
    legacy_bind: str
    dial: tuple[Dialling, ...]
    discovery: bool
    interface: str | None


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
    device = _device(wish_or(wishes.device, shared["device"]))
    check_fields("", shared, (*TOP_FIELDS, *NETWORK_FIELDS, *CITY_FIELDS, *ROAD_FIELDS, *economies))
    for_all = _of_city(shared)
    checked = {
        name: _city(name, for_all, own.get(name.casefold(), {}), wishes, device)
        for name in (*names, *_not_among(names, tables_in(written, "cities")))
    }
    policies = {name: _policy(name, for_all, own.get(name.casefold(), {})) for name in checked}
    cities = tuple(checked[name] for name in names)
    _check_same_goods(cities)
    observe_port = wish_or(wishes.observe_port, shared["observe_port"])
    return Config(
        seed=_seed(wishes, shared),
        seed_asked=wish_or(wishes.seed, shared.get("seed")) is not None,
        speed_ticks_per_s=speed_of(wish_or(wishes.speed, shared.get("speed", "6000"))),
        threads=_threads(wishes.threads, shared),
        device=device,
        node_name=_node_name(wish_or(wishes.node_name, shared.get("node_name"))),
        cities=cities,
        policies=tuple(policies[name] for name in names),
        roads=_roads(shared, names),
        network=_network(wishes, shared, names),
        observe_port=whole_number("observe_port", observe_port, 65_535),
        observe_bind=address_in(
            "observe_bind", wish_or(wishes.observe_bind, shared["observe_bind"])
        ),
    )


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


def _city(
    name: str,
    for_all: Mapping[str, Any],
    own: Mapping[str, Any],
    wishes: Wishes,
    device: str,
) -> CityConfig:
    """One city; what is for all may hold the parameters of other cities' economies as well."""
    where = f"cities.{name}."
    table = merged(for_all, own)
    economy_name = text_in(where + "economy", wish_or(wishes.economy, table.get("economy")))
    economy = load(economy_name)
    check_fields(where, own, (*CITY_FIELDS, economy_name))
    merchants = dict(table_in(where + "merchants", table.get("merchants", {})))
    count = merchants.pop("count")
    evolution = yes_or_no(where + "evolution", wishes.evolution, table["evolution"])
    genome, network = (merchants.pop(key, None) for key in ("genome", "network"))
    rules = _merchant_rules(where, merchants, evolution)
    goods = {
        check_name("good", good): converted(f"{where}goods.{good}.", Good, fields)
        for good, fields in tables_in(table, "goods").items()
    }
    recipes = _recipes(where, tables_in(table, "recipes"))
    try:
        check_goods(goods, recipes)
    except ValueError as error:
        raise ValueError(f"{where}{error}") from None
    parameters = converted(
        f"{where}{economy_name}.",
        economy.Parameters,
        table_in(where + economy_name, table.get(economy_name, {})),
    )
    folder = wishes.config.parent if wishes.config else Path()
    ancestors = founders.of(f"{where}{economy_name}.", parameters, folder)
    return CityConfig(
        name=name,
        economy=economy_name,
        locals=_locals(where, table, wishes, economy, parameters, ancestors),
        merchants=wished_or(
            "merchants", wishes.merchants, where + "merchants.count", count, MERCHANTS_MAX
        ),
        goods=goods,
        recipes=recipes,
        parameters=parameters,
        merchant_rules=rules,
        evolution=evolution,
        genomes=_genomes(f"{where}merchants.genome", genome, wishes.config),
        network=_network_file(
            f"{where}merchants.network",
            network,
            rules.policy,
            wishes.config,
            learns=getattr(economy, "LEARNS", False),
        ),
        networks=_residents_networks(f"{where}{economy_name}.", economy, parameters, folder),
        founders=ancestors,
        device=device if getattr(economy, "KEEPS_DEVICE", False) else "cpu",
    )


def _merchant_rules(where: str, fields: Mapping[str, Any], evolution: bool) -> MerchantParameters:
    """The merchants' numbers. Where they evolve, what founds another is free of tax unless a limit
    is given: the tutorial's would keep nearly everybody below it."""
    rules: MerchantParameters = converted(f"{where}merchants.", MerchantParameters, fields)
    if evolution and "tax_free_money" not in fields:
        return replace(rules, tax_free_money=rules.founding_money)
    return rules


def _locals(
    where: str,
    table: Mapping[str, Any],
    wishes: Wishes,
    economy: Economy,
    parameters: Any,
    ancestors: founders.Table,
) -> int:
    """How many live there: as said, else as is usual in such an economy."""
    if hasattr(parameters, "population"):
        return founders.population(parameters, ancestors, wishes.locals)
    usual = table.get("locals", getattr(economy, "LOCALS_USUAL", LOCALS_USUAL))
    found = wished_or("locals", wishes.locals, where + "locals", usual, LOCALS_MAX)
    least = getattr(economy, "LOCALS_LEAST", 0)
    if found < least:
        field = "locals" if wishes.locals is not None else where + "locals"
        raise ValueError(f"{field} = {found}: must be at least {least} in this economy")
    return found


def _policy(name: str, for_all: Mapping[str, Any], own: Mapping[str, Any]) -> Policy:
    where = f"cities.{name}.border"
    return policy_in(f"{where}.", table_in(where, merged(for_all, own)["border"]))


def _genomes(field: str, path: Any, beside: Path | None) -> tuple[tuple[float, ...], ...]:
    """The genomes of a file; a path that is not absolute begins where the settings lie."""
    if path is None:
        return ()
    folder = beside.parent if beside else Path()
    return genomes.read(field, folder / text_in(field, path))


def _network_file(
    field: str, path: Any, policy: str, beside: Path | None, *, learns: bool
) -> bytes:
    """The file of the network of learned merchants, checked; a path begins as that of genomes."""
    if policy == "learned" and not learns:
        name = field.replace(".network", ".policy")
        raise ValueError(f"{name} = 'learned': must be rule or evolved in this economy")
    if policy != "learned":
        if path is not None:
            raise ValueError(f'{field} = {path!r}: goes with policy = "learned", not "{policy}"')
        return b""
    folder = beside.parent if beside else Path()
    data = networks.data_of(field, None if path is None else folder / text_in(field, path))
    networks.policy_in(field, data, SPACES)
    return data


def _residents_networks(
    where: str, economy: Economy, parameters: Any, folder: Path
) -> dict[str, bytes]:
    """The files of the networks of learned residents, by kind, checked."""
    found = {}
    for kind, spaces in getattr(economy, "RESIDENTS_LEARN", {}).items():
        agents = getattr(parameters, kind)
        if agents.policy == "learned":
            name = f"{where}{kind}.network"
            path = folder / agents.network if agents.network else None
            found[kind] = networks.data_of(name, path, kind)
            networks.policy_in(name, found[kind], spaces)
    return found


def _recipes(where: str, tables: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    for product, materials in tables.items():
        for material, units in materials.items():
            whole_number(f"{where}recipes.{product}.{material}", units, 10**6, least=1)
    return dict(tables)


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


def _roads(shared: Mapping[str, Any], names: tuple[str, ...]) -> tuple[RoadConfig, ...]:
    number = {name.casefold(): here for here, name in enumerate(names)}
    ticks, cost = shared["travel_ticks"], shared["moving_cost"]
    _road_numbers("", ticks, cost)
    if "roads" not in shared:
        pairs = [(a, b) for a in range(len(names)) for b in range(len(names)) if a != b]
        return tuple(RoadConfig(a, b, ticks, float(cost)) for a, b in pairs)
    if not isinstance(shared["roads"], list):
        raise ValueError(f"roads = {shared['roads']!r}: must be a list of tables, [[roads]]")
    roads: dict[tuple[int, int], RoadConfig] = {}
    for index, road in enumerate(shared["roads"]):
        where = f"roads[{index}]."
        check_fields(where, table_in(where[:-1], road), ("from", "to", "one_way", *ROAD_FIELDS))
        ends = []
        for end in ("from", "to"):
            name = road.get(end)
            if not isinstance(name, str) or name.casefold() not in number:
                raise ValueError(f"{where}{end} = {name!r}: must be one of {', '.join(names)}")
            ends.append(number[name.casefold()])
        if ends[0] == ends[1]:
            raise ValueError(f"{where}to = {road['to']!r}: must be another city")
        if not isinstance(road.get("one_way", False), bool):
            raise ValueError(f"{where}one_way = {road['one_way']!r}: must be true or false")
        own_ticks, own_cost = road.get("travel_ticks", ticks), road.get("moving_cost", cost)
        _road_numbers(where, own_ticks, own_cost)
        for a, b in [ends] if road.get("one_way") else [ends, ends[::-1]]:
            if (a, b) in roads:
                raise ValueError(f"{where}to = {road['to']!r}: there is such a road already")
            roads[a, b] = RoadConfig(a, b, own_ticks, float(own_cost))
    return tuple(roads.values())


def _road_numbers(where: str, ticks: Any, cost: Any) -> None:
    whole_number(where + "travel_ticks", ticks, TRAVEL_TICKS_MAX, least=1)
    if isinstance(cost, bool) or not isinstance(cost, int | float):
        raise ValueError(f"{where}moving_cost = {cost!r}: must be a number")
    check(where, "moving_cost", cost, 0.0, 1e9)


def _network(wishes: Wishes, shared: Mapping[str, Any], names: tuple[str, ...]) -> NetworkConfig:
    port = wish_or(wishes.port, shared.get("port"))
    if port is not None and not 1 <= whole_number("port", port, 65_535) <= 65_536 - len(names):
        raise ValueError(f"port = {port}: must be from 1 to {65_536 - len(names)}, one a city")
    node_port = wish_or(wishes.node_port, shared.get("node_port"))
    discovery = yes_or_no("discovery", wishes.discovery, shared["discovery"])
    written = shared.get("connect", [])
    if not isinstance(written, list):
        raise ValueError(f"connect = {written!r}: must be a list")
    interface = wish_or(wishes.interface, shared.get("interface"))
    return NetworkConfig(
        port=port,
        node_port=None
        if node_port is None
        else whole_number("node_port", node_port, 65_535, least=1),
        legacy_bind=address_in("legacy_bind", wish_or(wishes.legacy_bind, shared["legacy_bind"])),
        dial=tuple(dialling(text, names) for text in wishes.connect or written),
        discovery=discovery,
        interface=None if interface is None else address_in("interface", interface),
    )


def dialling(text: Any, names: tuple[str, ...]) -> Dialling:
    """[CITY=]HOST:PORT; a host that is an IPv6 address stands in brackets.

    Raises:
        ValueError: one line with field, value and limit.
    """
    city, _, address = str(text).rpartition("=")
    host, _, port = address.rpartition(":")
    numbers = {name.casefold(): number for number, name in enumerate(names)}
    if city and city.casefold() not in numbers:
        raise ValueError(f"connect = {text!r}: no city {city!r}, must be one of {', '.join(names)}")
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise ValueError(f"connect = {text!r}: must be [CITY=]HOST:PORT, port from 1 to 65535")
    return Dialling(numbers[city.casefold()] if city else None, host.strip("[]"), int(port))
