"""The bazaar and its merchants once more, in plain Python: what the kernel is compared with.

Written from the rules, not from the kernel: people and offers are objects, rows are lists, numbers
are Python's own; whoever wants to know where he stands looks himself up. Slow, and meant to be read
from top to bottom. Knows no numpy and nothing of the engine; `test_bazaar_reference` turns arrays
into these objects and back.
"""

from dataclasses import dataclass, field
from math import inf, nextafter

BITS_64 = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15
COIN = 10**8
PROBES_MAX = 128


def mix(x: int) -> int:
    """The finaliser of SplitMix64."""
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & BITS_64
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB & BITS_64
    return x ^ (x >> 31)


def tick_key(key: int, tick: int) -> int:
    """The key of all draws of a tick."""
    return mix((key + tick * GOLDEN) & BITS_64)


@dataclass(frozen=True)
class Draws:
    """The random numbers of one agent in one tick, by number."""

    stream: int

    @classmethod
    def of(cls, key_of_tick: int, agent: int) -> "Draws":
        return cls(mix((key_of_tick + agent * 0xD1342543DE82EF95) & BITS_64))

    def bits(self, number: int) -> int:
        return mix((self.stream + number * GOLDEN) & BITS_64)

    def uniform(self, number: int) -> float:
        return (self.bits(number) >> 11) / 2**53

    def below(self, number: int, limit: int) -> int:
        return (self.bits(number) >> 32) * limit >> 32


def to_minor(coins: float) -> int:
    """Half-even, as Python rounds."""
    return round(coins * COIN)


@dataclass
class Good:
    half_value: float
    gathered: bool
    wear: float
    leisure: bool


@dataclass
class Recipe:
    product: int
    materials: list[tuple[int, int]]  # (good, units)


@dataclass(eq=False)
class Resident:
    money_minor: int
    owned: list[int]
    base_value: list[float]
    expected_price: list[float]
    waited: list[int]


@dataclass(eq=False)
class Merchant:
    birthplace: int
    number: int
    money_minor: int
    good: int
    owned: int
    capacity: int
    tick: int
    from_place: int
    to_place: int
    expected_price: list[list[float | None]]  # [good][place]; None: has not heard
    ask: float = inf


@dataclass(eq=False)
class Offer:
    seller: Resident | Merchant
    ask: float


@dataclass
class Road:
    place: int
    cost: float
    cost_back: float
    travel_ticks: int
    open: bool
    room: int
    carries: list[bool]


@dataclass
class City:
    """One city: everybody in it, the rows of sellers, and the rules."""

    key: int
    here: int
    goods: list[Good]
    recipes: list[Recipe]
    rules: object
    merchant_rules: object
    residents: list[Resident]
    merchants: list[Merchant]
    roads: list[Road]
    rows: list[list[Offer]]
    shocked: bool = False
    trades: int = 0
    made: list[int] = field(default_factory=list)
    used: list[int] = field(default_factory=list)
    worn: list[int] = field(default_factory=list)

    def tick(self, now: int, arrivals: list[Merchant]) -> list[Merchant]:
        """One tick; returns who left, in order. `arrivals` are those due now, in order."""
        key = tick_key(self.key, now)
        self.arrive(arrivals, now)
        if self.shocked:
            self.shocked = False
            for resident in self.residents:
                self.renew_offers(resident)
        for number, resident in enumerate(self.residents):
            draws = Draws.of(key, number)
            if draws.uniform(0) < self.rules.act_probability:
                self.resident_acts(resident, draws)
        departures: list[Merchant] = []
        for row in reversed(range(len(self.merchants))):
            draws = Draws.of(key, len(self.residents) + row)
            if draws.uniform(0) < self.merchant_rules.act_probability:
                self.merchant_acts(self.merchants[row], draws, now, departures)
        return departures

    # The residents.

    def resident_acts(self, resident: Resident, draws: Draws) -> None:
        self.wear(resident, draws)
        self.work(resident)
        for good in self.tradeable():
            self.market_turn(resident, good, draws, first_draw=1 + len(self.goods) + 3 * good)
        self.renew_offers(resident)

    def tradeable(self) -> list[int]:
        return [number for number, good in enumerate(self.goods) if not good.leisure]

    def value(self, resident: Resident, good: int, owned: int) -> float:
        fullness = owned / self.goods[good].half_value
        return resident.base_value[good] / (1.0 + fullness * fullness * fullness)

    def current(self, resident: Resident, good: int) -> float:
        return self.value(resident, good, resident.owned[good])

    def potential(self, resident: Resident, good: int) -> float:
        return self.value(resident, good, resident.owned[good] + 1)

    def worth_of_price(self, resident: Resident, good: int) -> float:
        u = self.rules.money_weight / (resident.money_minor / COIN + 1.0)
        return resident.expected_price[good] * u

    def volatility(self, resident: Resident, good: int) -> float:
        return self.rules.volatility_share * resident.base_value[good]

    def wear(self, resident: Resident, draws: Draws) -> None:
        for number, good in enumerate(self.goods):
            if resident.owned[number] > 0 and draws.uniform(1 + number) < good.wear:
                resident.owned[number] -= 1
                self.worn[number] += 1

    def work(self, resident: Resident) -> None:
        """The best of resting, gathering and crafting; the first of equals; never at a loss."""
        choices: list[tuple[float, int, list[tuple[int, int]]]] = []
        for number, good in enumerate(self.goods):
            potential = self.potential(resident, number)
            if good.leisure:
                choices.append((potential, number, []))
            elif good.gathered:
                choices.append((max(potential, self.worth_of_price(resident, number)), number, []))
        for recipe in self.recipes:
            if all(resident.owned[good] > units for good, units in recipe.materials):
                cost = 0.0
                for good, units in recipe.materials:
                    worth = self.worth_of_price(resident, good)
                    cost += units * max(self.current(resident, good), worth)
                worth = self.worth_of_price(resident, recipe.product)
                gain = max(self.potential(resident, recipe.product), worth) - cost
                choices.append((gain, recipe.product, recipe.materials))
        gain, product, materials = max(choices, key=lambda c: c[0], default=(0.0, 0, []))
        if gain <= 0.0:
            return
        for good, units in materials:
            resident.owned[good] -= units
            self.used[good] += units
        resident.owned[product] += 1
        if not self.goods[product].leisure:
            self.made[product] += 1
            for number, good in enumerate(self.goods):
                if good.leisure:
                    resident.owned[number] = 0

    def market_turn(self, resident: Resident, good: int, draws: Draws, first_draw: int) -> None:
        b = self.volatility(resident, good)
        if draws.uniform(first_draw) < self.rules.gossip_probability:
            other = self.residents[draws.below(first_draw + 1, len(self.residents))]
            difference = other.expected_price[good] - resident.expected_price[good]
            resident.expected_price[good] += min(max(difference, -b), b)
        price = resident.expected_price[good]
        seller = self.worth_of_price(resident, good) > self.current(resident, good)
        buyer = self.worth_of_price(resident, good) < self.potential(resident, good)
        can_pay = to_minor(price) <= resident.money_minor
        if (buyer and can_pay) or (seller and resident.owned[good] > 0):
            resident.waited[good] += 1
        if buyer and can_pay:
            offer = self.ask_around(good, draws.bits(first_draw + 2), price, resident, self.anybody)
            if offer is not None:
                self.sell(good, offer, resident)
                resident.owned[good] += 1
                resident.expected_price[good] -= b
                resident.waited[good] = 0
        if resident.waited[good] > self.rules.patience_turns:
            resident.waited[good] = 0
            if buyer:
                resident.expected_price[good] += b
            elif seller:
                resident.expected_price[good] -= b

    # The rows of sellers.

    def anybody(self, _seller: Resident | Merchant) -> bool:
        return True

    def is_resident(self, seller: Resident | Merchant) -> bool:
        return isinstance(seller, Resident)

    def ask_around(self, good, bits, price_max, buyer, may_sell) -> Offer | None:
        """The first in the row, from anyone on in a random odd stride, who asks little enough."""
        row = self.rows[good]
        if not row:
            return None
        length = 1 << (len(row) - 1).bit_length()
        start, stride = (bits >> 32) * len(row) >> 32, bits % 32 | 1
        for probe in range(min(length, PROBES_MAX)):
            place = (start + probe * stride) % length
            if place < len(row):
                offer = row[place]
                if offer.ask <= price_max and offer.seller is not buyer and may_sell(offer.seller):
                    return offer
        return None

    def sell(self, good: int, offer: Offer, buyer: Resident | Merchant) -> None:
        """Money and one unit change hands; the buyer books his unit himself."""
        price_minor, seller = to_minor(offer.ask), offer.seller
        buyer.money_minor -= price_minor
        seller.money_minor += price_minor
        self.trades += 1
        if isinstance(seller, Resident):
            seller.owned[good] -= 1
            seller.waited[good] = 0
            seller.expected_price[good] += self.volatility(seller, good)
            self.renew_offers(seller)
        else:
            seller.owned -= 1
            if seller.owned == 0:
                self.shut_stall(seller)

    def renew_offers(self, resident: Resident) -> None:
        for good in self.tradeable():
            worth = self.worth_of_price(resident, good)
            if resident.owned[good] > 0 and worth > self.current(resident, good):
                self.stand(good, resident, resident.expected_price[good])
            else:
                self.step_out(good, resident)

    def place_of(self, good: int, seller: Resident | Merchant) -> int:
        for place, offer in enumerate(self.rows[good]):
            if offer.seller is seller:
                return place
        return -1

    def stand(self, good: int, seller: Resident | Merchant, ask: float) -> None:
        place = self.place_of(good, seller)
        if place < 0:
            self.rows[good].append(Offer(seller, ask))
        else:
            self.rows[good][place].ask = ask

    def step_out(self, good: int, seller: Resident | Merchant) -> None:
        """The last of the row takes the place of one who leaves."""
        row, place = self.rows[good], self.place_of(good, seller)
        if place >= 0:
            row[place] = row[-1]
            row.pop()

    # The merchants.

    def arrive(self, arrivals: list[Merchant], now: int) -> None:
        free_minor = to_minor(self.merchant_rules.tax_free_money)
        taxes_minor = 0
        for merchant in arrivals:
            merchant.to_place, merchant.ask = self.here, inf
            excess_minor = merchant.money_minor - free_minor
            if excess_minor > 0 and self.residents:
                tax_minor = excess_minor // self.merchant_rules.tax_divisor
                merchant.money_minor -= tax_minor
                taxes_minor += tax_minor
            self.merchants.append(merchant)
        if self.residents:
            share, rest = divmod(taxes_minor, len(self.residents))
            for resident in self.residents:
                resident.money_minor += share
            for unit in range(rest):
                self.residents[(now + unit) % len(self.residents)].money_minor += 1

    def merchant_acts(
        self, merchant: Merchant, draws: Draws, now: int, departures: list[Merchant]
    ) -> None:
        self.hear(merchant, draws)
        _, best = self.deal(merchant, merchant.good)
        if best is not None:
            self.shut_stall(merchant)
            if merchant.owned < merchant.capacity:
                self.buy(merchant, best, draws)
        road = self.road_taken(merchant, best, draws)
        if road is not None:
            self.shut_stall(merchant)
            self.depart(merchant, road, now)
            departures.append(merchant)
        elif merchant.owned == 0:
            self.change_trade(merchant)
        elif best is None:
            own = merchant.expected_price[merchant.good][self.here]
            if own is not None and own >= 0.0:
                merchant.ask = own
                self.stand(merchant.good, merchant, own)

    def hear(self, merchant: Merchant, draws: Draws) -> None:
        if not self.residents:
            return
        resident = self.residents[draws.below(1, len(self.residents))]
        for good, price in enumerate(resident.expected_price):
            if price != price:  # nobody expects a price of leisure
                continue
            own = merchant.expected_price[good][self.here]
            if own is None:
                merchant.expected_price[good][self.here] = price
            else:
                step = self.merchant_rules.gossip_weight * (price - own)
                merchant.expected_price[good][self.here] = own + step

    def deal(self, merchant: Merchant, good: int) -> tuple[float, Road | None]:
        """What a unit gains at best, and by which road it is sold; None: here."""
        beliefs = merchant.expected_price[good]
        own = beliefs[self.here]
        if own is None:
            return 0.0, None
        ways = [
            (beliefs[road.place], road)
            for road in self.roads
            if road.open and road.carries[good] and beliefs[road.place] is not None
        ]
        sales = [(own, None), *((price - road.cost, road) for price, road in ways)]
        purchases = [own, *(price + road.cost_back for price, road in ways)]
        dearest, best = max(sales, key=lambda sale: sale[0])
        return dearest - min(purchases), best

    def buy(self, merchant: Merchant, best: Road, draws: Draws) -> None:
        """One unit from a resident, at most for what he expects here, less than there, or has."""
        beliefs = merchant.expected_price[merchant.good]
        there = beliefs[best.place]
        price_max = min(beliefs[self.here], nextafter(there, -inf), merchant.money_minor / COIN)
        offer = self.ask_around(merchant.good, draws.bits(2), price_max, merchant, self.is_resident)
        if offer is not None and to_minor(offer.ask) <= merchant.money_minor:
            self.sell(merchant.good, offer, merchant)
            merchant.owned += 1

    def road_taken(self, merchant: Merchant, best: Road | None, draws: Draws) -> Road | None:
        road = None
        if self.roads and draws.uniform(3) < self.merchant_rules.leave_probability:
            road = self.roads[draws.below(4, len(self.roads))]
        elif merchant.owned >= merchant.capacity:
            road = best
        if road and road.open and road.room > 0 and road.carries[merchant.good]:
            return road
        return None

    def depart(self, merchant: Merchant, road: Road, now: int) -> None:
        road.room -= 1
        merchant.tick = now + road.travel_ticks
        merchant.from_place, merchant.to_place = self.here, road.place
        row = self.merchants.index(merchant)
        self.merchants[row] = self.merchants[-1]
        self.merchants.pop()

    def change_trade(self, merchant: Merchant) -> None:
        gains = [self.deal(merchant, good)[0] for good in range(len(self.goods))]
        if max(gains) > gains[merchant.good]:
            merchant.good = gains.index(max(gains))

    def shut_stall(self, merchant: Merchant) -> None:
        merchant.ask = inf
        self.step_out(merchant.good, merchant)


@dataclass
class World:
    """Cities and who walks between them, in the order in which they set out."""

    cities: list[City]
    walking: list[Merchant]
    now: int = 0

    def tick(self) -> None:
        left: list[Merchant] = []
        for city in self.cities:
            due = [m for m in self.walking if m.to_place == city.here and m.tick <= self.now]
            self.walking = [m for m in self.walking if m not in due]
            due.sort(key=lambda merchant: (merchant.tick, merchant.from_place))
            left += city.tick(self.now, due)
        self.walking += left
        self.now += 1
