"""What one city is to be, of all that a file, flags and defaults say: checked field by field.

Called by `config`, which has merged file and defaults. Imports the engine's parameters, so only
after `kernel_cache.prepare`.
"""

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from city_node.laboratory import genomes, networks
from city_node.names import check_name
from city_node.settings import founders
from city_node.settings.fields import (
    check_fields,
    converted,
    table_in,
    tables_in,
    text_in,
    whole_number,
    wish_or,
    wished_or,
    yes_or_no,
)
from city_node.settings.wishes import Wishes
from engine.economy import Economy, load
from engine.goods import Good, check_goods
from merchants.mind import SPACES
from merchants.params import Parameters as MerchantParameters

LOCALS_USUAL = 20
"""Where neither the user nor the economy says how many: see `engine.economy`."""

LOCALS_MAX = 10_000_000
MERCHANTS_MAX = 5_000_000
"""A city a core can still tick; memory is about 300 bytes a local, 200 a merchant."""

MERCHANT_FIELDS = ("count", "genome", "network")
"""Of [merchants], beside their rules."""

CITY_FIELDS = ("economy", "locals", "evolution", "merchants", "goods", "recipes", "border")


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


def common_in(
    where: str,
    table: Mapping[str, Any],
    own: Mapping[str, Any],
    wishes: Wishes,
    installed: Collection[str],
) -> dict[str, Any]:
    """What of a city no economy has a say in, by the fields of CityConfig: checked before any is
    loaded, for that compiles kernels, and nobody waits for those to be told of a slip.

    Args:
        where: what precedes a field's name in an error, as "cities.Riverwood.".
        table: the city's own over what is for all, which may hold the parameters of others'
            economies.
        own: the city's own.
        installed: names of economies.

    Raises:
        ValueError: one line with field, value and limit.
    """
    economy = text_in(where + "economy", wish_or(wishes.economy, table.get("economy")))
    if economy not in installed:
        raise ValueError(f"economy = {economy!r}: must be one of {', '.join(installed)}")
    check_economy_tables(where, own, {economy}, installed)
    check_fields(where, own, (*CITY_FIELDS, economy))
    merchants = dict(table_in(where + "merchants", table.get("merchants", {})))
    fields = tuple(field.name for field in dataclasses.fields(MerchantParameters))
    check_fields(where + "merchants.", merchants, (*fields, *MERCHANT_FIELDS))
    count, genome = merchants["count"], merchants.get("genome")
    evolution = yes_or_no(where + "evolution", wishes.evolution, table["evolution"])
    rules = {key: value for key, value in merchants.items() if key not in MERCHANT_FIELDS}
    goods = {
        check_name("good", good): converted(f"{where}goods.{good}.", Good, fields)
        for good, fields in tables_in(table, "goods").items()
    }
    recipes = _recipes(where, tables_in(table, "recipes"))
    if not goods:
        why = "a file with goods or recipes for all cities has to name all of them"
        raise ValueError(f"{where}goods: there are none; {why}")
    try:
        check_goods(goods, recipes)
    except ValueError as error:
        raise ValueError(f"{where}{error}") from None
    return {
        "economy": economy,
        "merchants": wished_or(
            "merchants", wishes.merchants, where + "merchants.count", count, MERCHANTS_MAX
        ),
        "merchant_rules": _merchant_rules(where, rules, evolution),
        "evolution": evolution,
        "genomes": _genomes(f"{where}merchants.genome", genome, wishes.config),
        "goods": goods,
        "recipes": recipes,
    }


def city_in(
    name: str,
    table: Mapping[str, Any],
    common: Mapping[str, Any],
    wishes: Wishes,
    device: str,
) -> CityConfig:
    """One city; loads its economy.

    Args:
        table: as that of `common_in`.
        common: what it returned.

    Raises:
        ValueError: one line with field, value and limit.
    """
    where = f"cities.{name}."
    economy_name = common["economy"]
    economy = load(economy_name)
    parameters = converted(
        f"{where}{economy_name}.",
        economy.Parameters,
        table_in(where + economy_name, table.get(economy_name, {})),
    )
    folder = wishes.config.parent if wishes.config else Path()
    ancestors = founders.of(f"{where}{economy_name}.", parameters, folder)
    return CityConfig(
        name=name,
        locals=_locals(where, table, wishes, economy, parameters, ancestors),
        parameters=parameters,
        network=_network_file(
            f"{where}merchants.network",
            table["merchants"].get("network"),
            common["merchant_rules"].policy,
            wishes.config,
            learns=getattr(economy, "LEARNS", False),
        ),
        networks=_residents_networks(f"{where}{economy_name}.", economy, parameters, folder),
        founders=ancestors,
        device=device if getattr(economy, "KEEPS_DEVICE", False) else "cpu",
        **common,
    )


def check_economy_tables(
    where: str, table: Mapping[str, Any], economies: Collection[str], installed: Collection[str]
) -> None:
    """Refuse the table of an economy that is installed, where none of `economies` is that one."""
    for name in installed:
        if name in table and name not in economies:
            limit = f'goes with economy = "{name}", which is not asked for'
            raise ValueError(f"{where}{name} = {table[name]!r}: {limit}")


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
