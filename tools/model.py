"""Every state two nodes can get into: `python -m tools.model`.

Breadth first over the shipped `protocol.pairs`: merchants leave one city for another, and at every
point lines arrive or not, journals are written or not, connections are cut, nodes crash and recover
from what was written, offers are refused or given up. In every state nobody is in two cities or in
none, money is conserved, memory is what a recovery would find; where nothing more can happen,
nobody is under way. Then bugs are planted, one at a time, and each must be caught: a model that
finds nothing wrong with them would prove nothing.

The link between the nodes is two queues of lines, as the shipped encoder makes them; numbers of
credit and forgetting are made small so that both take part.
"""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple
from unittest.mock import patch

import typer
from msgspec.structs import replace as replaced
from rich.console import Console

from protocol import inbound, outbound, pairs
from protocol.migration import Contradiction, Offence, Step
from protocol.node_lines import decode, encode
from protocol.node_messages import Message, Offer, Welcome
from tools.model_nodes import BUGS, CITIES, Bug, Node, ReturnsAfterCommit, Violation


@dataclass
class World:
    """Two nodes and the lines between them; `lines[n]` are on their way to node n."""

    nodes: list[Node]
    lines: list[tuple[bytes, ...]] = field(default_factory=lambda: [(), ()])
    up: bool = False

    def clone(self) -> "World":
        """A copy that shares nothing that changes."""
        return World([node.clone() for node in self.nodes], list(self.lines), self.up)

    def key(self) -> tuple[Any, ...]:
        """Equal for equal states."""
        return (*(node.key() for node in self.nodes), *self.lines, self.up)

    def say(self, number: int, messages: list[Message]) -> None:
        """Put lines on their way, if there is one."""
        if self.up:
            self.lines[1 - number] += tuple(encode([message]) for message in messages)

    def cut(self) -> None:
        """Everything under way is lost."""
        self.up = False
        self.lines = [(), ()]
        for node in self.nodes:
            node.pairs.cut()
            node.greeted = False

    def hear(self, number: int, refuse: bool) -> None:
        """The next line for a node arrives."""
        line, *rest = self.lines[number]
        self.lines[number] = tuple(rest)
        node, message = self.nodes[number], decode(line)
        if isinstance(message, Welcome):
            if number == 0:
                self.greet(0)
            node.pairs.connect(message, 0.0)
        elif isinstance(message, Offer):
            records = node.pairs.to_judge(message)
            judged = [((2 ** int(r), r), "quota" if refuse else "") for r in records]
            node.pairs.hold(message, judged)
        else:
            node.pairs.receive(message)

    def greet(self, number: int) -> None:
        """A node says its welcome."""
        ours, theirs = CITIES[number], CITIES[1 - number]
        self.nodes[number].greeted = True
        self.nodes[number].pairs.greet(2, {ours}, {theirs})

    def check(self) -> None:
        """Raise `Violation` for what must always be true and is not."""
        sending, receiving = self.nodes
        if sending.here & receiving.here:
            raise Violation("a merchant is active in two cities")
        if sending.here & receiving.here_written or sending.here_written & receiving.here:
            raise Violation("a merchant would be active in two cities after a crash")
        transit = sum(
            row.money_minor
            for row in sending.rows.values()
            if row.state in ("PREPARED", "COMMITTED")
        )
        owned = sending.here_written | transit | receiving.here_written
        everybody = sum(sending.accounts.values())
        if owned != everybody:
            raise Violation("a merchant is in no city and on no road")
        a, b = sending.accounts, receiving.accounts
        if sum(b.values()) or a["transit"] != transit or a["city"] != sending.here_written:
            raise Violation("money was made or destroyed")
        if a["transit"] + a["peer"] + b["peer"] + b["escrow"] < 0:
            raise Violation("more money has arrived than was sent")
        for node in self.nodes:
            node.check_memory()

    def check_rest(self) -> None:
        """The same where nothing more can happen: nobody may be under way."""
        for node in self.nodes:
            for row in node.rows.values():
                if row.state in ("PREPARED", "COMMITTED", "HELD"):
                    raise Violation(f"number {row.xid} stays {row.state} for ever")


Action = tuple[str, Callable[[World], None]]


def actions(world: World, departures: int, bug: Bug) -> Iterator[tuple[bool, Action]]:
    """Everything that can happen next; with each whether it happens by itself."""
    sending, receiving = world.nodes
    out = sending.pairs.outbound.get(CITIES)
    for number, name in enumerate(("sending", "receiving")):
        if world.nodes[number].pairs._steps:
            yield True, (f"{name} side writes", _write(number))
        if world.lines[number]:
            line = world.lines[number][0].decode().strip()
            yield True, (f"{name} side hears {line}", _hear(number, refuse=False))
            if number == 1 and line.startswith('{"t":"offer"'):
                yield False, (f"{name} side refuses {line}", _hear(1, refuse=True))
        yield False, (f"{name} side crashes", _crash(number))
    if world.up:
        yield False, ("the link is cut", World.cut)
    else:
        yield True, ("a link is made", _link)
    if sending.here and (out is None or out.next < departures):
        merchant = sending.here.bit_length() - 1
        yield False, (f"merchant {merchant} departs", _depart(merchant))
    if out is not None:
        late = out.committed if bug.sending is ReturnsAfterCommit else ()
        for xid in (*out.prepared, *late):
            yield False, (f"number {xid} is given up", _give_up(xid))
    came = receiving.pairs.inbound.get((CITIES[1], CITIES[0]))
    for xid in came.held if came and bug.drops_escrow else ():
        yield False, (f"number {xid} is dropped", _drop(xid))


def _write(number: int) -> Callable[[World], None]:
    return lambda world: world.say(number, world.nodes[number].write())


def _hear(number: int, *, refuse: bool) -> Callable[[World], None]:
    return lambda world: world.hear(number, refuse)


def _crash(number: int) -> Callable[[World], None]:
    def crash(world: World) -> None:
        world.cut()
        world.nodes[number].recover()

    return crash


def _link(world: World) -> None:
    world.up = True
    world.greet(1)


def _depart(merchant: int) -> Callable[[World], None]:
    def depart(world: World) -> None:
        world.nodes[0].pairs.depart(*CITIES, [(2**merchant, b"%d" % merchant)], 0.0)

    return depart


def _give_up(xid: int) -> Callable[[World], None]:
    return lambda world: world.nodes[0].pairs.give_up(*CITIES, [xid])


def _drop(xid: int) -> Callable[[World], None]:
    def drop(world: World) -> None:
        books = world.nodes[1].pairs
        came = books.inbound[CITIES[1], CITIES[0]]
        record = came.held.pop(xid)
        came.ended[xid] = None
        books._add(Step([came.entered("DROPPED", xid, record)]))

    return drop


def after(world: World, action: Action, bug: Bug) -> World:
    """The world after something has happened."""
    new = world.clone()
    # A crash replaces the queue by an empty one; else steps are only taken in front, or added.
    before = [len(node.pairs._steps) for node in new.nodes]
    wrote = action[0].endswith("writes")
    action[1](new)
    for number, node in enumerate(new.nodes):
        queued = len(node.pairs._steps)
        if not wrote and queued > before[number]:
            node.note(before[number])
        if bug.speaks_early == number:
            for place, step in enumerate(node.pairs._steps):
                new.say(number, step.messages)
                node.pairs._steps[place] = replaced(step, messages=[])
    return new


# --- exploring -----------------------------------------------------------------------------


class Found(NamedTuple):
    """What exploring has found: how many states, and what was wrong and how one gets there."""

    states: int
    wrong: str
    trace: tuple[str, ...]


@contextmanager
def planted(bug: Bug, credit: int) -> Iterator[None]:
    """Small limits, so that every rule takes part, and a bug."""
    with ExitStack() as stack:
        for module, name, value in (
            (pairs, "GROUP_TRANSITIONS", 1),
            (pairs, "OFFERS_IN_FLIGHT_FIRST", credit),
            (inbound, "OFFERS_IN_FLIGHT_FIRST", credit),
            (inbound, "OFFERS_IN_FLIGHT_MAX", credit + 1),
            (outbound, "FORGET_EVERY", 1),
            (pairs, "Outbound", bug.sending),
            (pairs, "Inbound", bug.receiving),
        ):
            stack.enter_context(patch.object(module, name, value))
        yield


def explore(merchants: int, departures: int, credit: int, bug: Bug | None = None) -> Found:
    """Visit every state, until one is wrong.

    Args:
        merchants: in the sending city at first.
        departures: how often one of them leaves; who came back may leave again.
        credit: how many offers may be in flight at first; then one more.
        bug: planted in the nodes.
    """
    bug = bug or Bug()
    with planted(bug, credit):
        start = World([Node(0, merchants), Node(1, merchants)])
        came_from: dict[Any, tuple[Any, str]] = {start.key(): (None, "")}
        todo = deque([start])
        while todo:
            world = todo.popleft()
            key = world.key()
            rests = True
            for by_itself, action in actions(world, departures, bug):
                rests &= not by_itself
                try:
                    new = after(world, action, bug)
                    new_key = new.key()
                    if new_key not in came_from:
                        new.check()
                except (Violation, Contradiction, Offence, AssertionError) as error:
                    wrong = f"{type(error).__name__}: {error}"
                    return Found(len(came_from), wrong, _trace(came_from, key, action[0]))
                if new_key not in came_from:
                    came_from[new_key] = (key, action[0])
                    todo.append(new)
            try:
                if rests:
                    world.check_rest()
            except Violation as error:
                return Found(len(came_from), str(error), _trace(came_from, key, "nothing more"))
        return Found(len(came_from), "", ())


def _trace(came_from: dict[Any, tuple[Any, str]], key: Any, last: str) -> tuple[str, ...]:
    steps = [last]
    while came_from[key][0] is not None:
        key, said = came_from[key]
        steps.append(said)
    return tuple(reversed(steps))


app = typer.Typer(add_completion=False)


@app.command()
def main(
    merchants: Annotated[int, typer.Option(min=1, help="In the sending city.")] = 2,
    departures: Annotated[int, typer.Option(min=1, help="How often one of them leaves.")] = 2,
    credit: Annotated[int, typer.Option(min=1, help="Offers in flight at first.")] = 2,
    trace: Annotated[bool, typer.Option(help="How each bug was caught.")] = False,
) -> None:
    """Visit every state of two nodes; then see that planted bugs are caught."""
    console = Console(highlight=False)
    with console.status("exploring"):
        found = explore(merchants, departures, credit)
    console.print(f"{found.states:,} states: {found.wrong or 'nothing wrong'}")
    for line in found.trace:
        console.print(f"    {line}")
    missed = bool(found.wrong)
    for name, bug in BUGS.items():
        with console.status(name):
            found = explore(merchants, departures, credit, bug)
        missed |= not found.wrong
        verdict = f"caught after {found.states:,} states: {found.wrong}"
        console.print(f"{name}: {verdict if found.wrong else 'NOT CAUGHT'}")
        for line in found.trace if trace else ():
            console.print(f"    {line}")
    raise typer.Exit(int(missed))


if __name__ == "__main__":
    app()
