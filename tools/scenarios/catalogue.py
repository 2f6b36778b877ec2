"""All scenarios, in the order of the chapters."""

from tools.scenarios import (
    coupled_goods,
    four_towns,
    inflation,
    many_goods,
    price_discovery,
    two_towns,
)

SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        price_discovery.SCENARIO,
        many_goods.SCENARIO,
        coupled_goods.SCENARIO,
        inflation.SCENARIO,
        two_towns.SCENARIO,
        four_towns.SCENARIO,
    )
}
