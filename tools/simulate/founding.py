"""The nodes of a simulated network before they live: worlds, addresses, who dials whom.

Called by `simulation`. All of it follows from the chance it is handed.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from city_node.identity.keys import Identity, certificate_of, id_of_certificate
from city_node.network.linking import Own
from city_node.network.meeting import NODE_PORT_FIRST, PORT_FIRST
from city_node.network.policy import Policy
from city_node.settings.config import Config, resolve
from city_node.settings.network import Dialling
from city_node.settings.wishes import Wishes
from engine.macro.city import LOCALS_LEAST
from engine.macro.city import Parameters as MacroParameters
from engine.society.params import Parameters as SocietyParameters
from tools.simulate.disk import Disk
from tools.simulate.internet import Internet
from tools.simulate.nodes import Node
from tools.simulate.streams import Host

TICKS_PER_S = 1
"""So that a run of half an hour is 1,800 windows a node."""

CITIES_MAX = 2
PARAMETERS = {
    "bazaar": None,
    "society": SocietyParameters(pulse_ticks=10, capacity=256, storehouse=10_000, settles=0.001),
    "macro": MacroParameters(step_ticks=60),
}
"""Of a society a pulse every ten seconds, and now and then somebody settles; of a macro economy a
month every minute. None: as the economy has them."""

ECONOMIES = ("bazaar", "society", "bazaar", "macro")
"""Of nodes in turn, where nobody asks for others; a macro city costs most."""

LOCALS_MAX, MERCHANTS_MIN, MERCHANTS_MAX = 6, 5, 30
"""Small worlds: what is tested happens between them."""

LEAVE_PROBABILITY, ACT_PROBABILITY = 0.05, 0.3
"""Merchants who wander more than they should."""

TARIFF_BP = 150
"""Of the second node; the third takes twice as much, and so on."""

DIALLED_MAX = 3
"""By one node, of those before it."""

BOTH_SHARE, SOME_CITIES_SHARE = 0.5, 0.5
"""Of the pairs of nodes: who dial each other. Of those who dial: who do it for each of some cities
of theirs, and not for all."""

NO_HOME = Path("/nonexistent/city-node")
"""Nobody is trusted by name: every city is open."""


def found_nodes(
    count: int,
    internet: Internet,
    random: Random,
    economies: Sequence[str],
) -> list[Node]:
    """So many nodes that know each other's addresses, none of them started.

    Args:
        economies: of the first, the second and so on, in turn.
    """
    cities = [random.randint(1, CITIES_MAX) for _ in range(count)]
    dials: list[list[Dialling]] = [[] for _ in range(count)]

    def told(here: int, there: int) -> None:
        wished: list[int | None] = [None]
        if random.random() < SOME_CITIES_SHARE:
            wished = [*random.sample(range(cities[here]), random.randint(1, cities[here]))]
        for city in wished:
            port = random.choice([PORT_FIRST, NODE_PORT_FIRST])
            dials[here].append(Dialling(city, address_of(there), port))

    for here in range(1, count):
        for there in random.sample(range(here), min(here, DIALLED_MAX)):
            told(here, there)
            if random.random() < BOTH_SHARE:
                told(there, here)
    return [
        founded(
            number,
            economies[number % len(economies)],
            cities[number],
            dials[number],
            internet,
            random,
        )
        for number in range(count)
    ]


def founded(
    number: int,
    economy: str,
    cities: int,
    dials: list[Dialling],
    internet: Internet,
    random: Random,
) -> Node:
    """One node, not started."""
    of = configured(number, economy, cities, dials, random)
    host = Host(address_of(number))
    internet.hosts[host.address] = host
    chances = [Random(random.getrandbits(64)) for _ in range(2)]
    own = Own(identity_of(random.randbytes(32)), NO_HOME)
    return Node(f"node{number}", of, own, host, internet, Disk(chances[0]), chances[1])


def identity_of(secret: bytes) -> Identity:
    """A node's identity, made of 32 bytes."""
    key = Ed25519PrivateKey.from_private_bytes(secret)
    certificate = certificate_of(key.public_key()).public_bytes(Encoding.DER)
    return Identity(id_of_certificate(certificate), certificate, NO_HOME / "identity.key", key)


def address_of(number: int) -> str:
    """The IP address of a node's host."""
    return f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"


def configured(
    number: int, economy: str, cities: int, dials: list[Dialling], random: Random
) -> Config:
    """What a node is told on its command line."""
    locals_ = random.randint(2, LOCALS_MAX)
    config = resolve(
        Wishes(
            economy=economy,
            cities=tuple(f"Town {number}-{city}" for city in range(cities)),
            seed=random.getrandbits(31),
            locals=LOCALS_LEAST if economy == "macro" else locals_,
            merchants=random.randint(MERCHANTS_MIN, MERCHANTS_MAX),
            threads=1,
            discovery=False,
            legacy_bind=address_of(number),
        )
    )
    return replace(
        config,
        speed_ticks_per_s=TICKS_PER_S,
        policies=tuple(Policy("open", tariff_bp=TARIFF_BP * number) for _ in config.cities),
        network=replace(
            config.network,
            dial=tuple(dials),
        ),
        cities=tuple(
            replace(
                city,
                parameters=PARAMETERS[economy] or city.parameters,
                merchant_rules=replace(
                    city.merchant_rules,
                    leave_probability=LEAVE_PROBABILITY,
                    act_probability=ACT_PROBABILITY,
                ),
            )
            for city in config.cities
        ),
    )
