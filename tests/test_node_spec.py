"""The part of protocol/SPEC.md about nodes holds for the code: every golden block is run."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from protocol.bulk import BulkDecoder
from protocol.checks import LineError
from protocol.events import Send
from protocol.messages import Merchant
from protocol.migration import Contradiction, Transition
from protocol.node_connection import Ended, Heard, Met, NodeConnection, Welcomed, hello_of
from protocol.node_lines import decode, encode
from protocol.node_messages import Offer
from protocol.offers import read
from protocol.pairs import Pairs

GOODS = ("bed", "chair", "thread", "wood")
SPEC = Path(__file__).parent.parent / "protocol" / "SPEC.md"
BLOCKS = re.findall(r"^```golden node (.+?)\n(.*?)^```", SPEC.read_text(), re.M | re.S)
OURS, THEIRS = "RIVERWOOD@ATLAS", "SEASIDE@BOREAS"


def lines_of(kind: str) -> list[str]:
    blocks = [block for name, block in BLOCKS if name == kind]
    assert blocks, f"SPEC.md has no golden block {kind}"
    return "".join(blocks).splitlines()


def test_every_golden_block_is_read() -> None:
    assert {name for name, _ in BLOCKS} == {"line", "refused", "merchant", "conversation"}


@pytest.mark.parametrize("line", lines_of("line"))
def test_lines_are_what_is_said(line: str) -> None:
    assert encode([decode(line.encode())]).decode() == line + "\n"


def test_every_kind_of_line_is_in_the_spec() -> None:
    kinds = {msgspec.json.decode(line)["t"] for line in lines_of("line")}
    _, _, ours = SPEC.read_text().partition("# Version 2")
    assert kinds == set(re.findall(r"^\| `([a-z]{2,})` \|", ours, re.M))


def decode_reason(line: str) -> str:
    with pytest.raises(LineError) as error:
        decode(line.encode())
    return str(error.value)


@pytest.mark.parametrize(
    ("line", "reason"), list(zip(lines_of("refused")[::2], lines_of("refused")[1::2], strict=True))
)
def test_refused(line: str, reason: str) -> None:
    assert f"! {decode_reason(line)}" == reason


@pytest.mark.parametrize(
    ("line", "outcome"),
    list(zip(lines_of("merchant")[::2], lines_of("merchant")[1::2], strict=True)),
)
def test_merchants(line: str, outcome: str) -> None:
    found = read(BulkDecoder(GOODS, in_minor=True), [line.encode()])
    if outcome.startswith("= "):
        [(start, came)] = found.columns
        assert start == 0
        assert list(came) == [msgspec.json.decode(outcome[2:], type=Merchant)]
        assert found.codes == [""]
        assert found.money_minor == list(came.money_minor)
    else:
        assert f"! {found.codes[0]}: {found.reasons[0]}" == outcome
        assert found.columns == []


class Atlas:
    """The node of the examples, and everything it has said and written and not been asked for."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, int], Transition] = {}
        self.now_s = 0.0
        self.heard: list[str] = []
        self.pairs = Pairs()
        self.crash()

    def crash(self) -> None:
        self.pairs = Pairs(self.rows.values())
        hello = hello_of("atlas", "a1", [(OURS, "")])
        self.connection = NodeConnection(hello, peer_id="boreas", dialling=False, now_s=self.now_s)
        self.act(self.connection.tick(self.now_s))

    def act(self, events: list[Any]) -> None:
        for event in events:
            match event:
                case Send(data):
                    self.heard += [f"node {line}" for line in data.decode().splitlines()]
                case Met(_, version):
                    self.heard.append(f"met version {version}")
                case Welcomed(welcome):
                    self.heard.append("welcomed")
                    self.pairs.connect(welcome, self.now_s)
                case Heard(messages):
                    for message in messages:
                        self.hear(message)
                case Ended(reason, offence):
                    self.heard.append(f"{'offence' if offence else 'ended'} {reason}")
        self.write()

    def hear(self, message: Any) -> None:
        if not isinstance(message, Offer):
            try:
                self.pairs.receive(message)
            except Contradiction as error:
                self.heard.append(f"contradiction {error}")
            return
        records = self.pairs.to_judge(message)
        found = read(BulkDecoder(GOODS, in_minor=True), records)
        held = zip(found.money_minor, records, strict=True)
        self.pairs.hold(message, zip(held, found.codes, strict=True))

    def write(self) -> None:
        while group := self.pairs.unwritten():
            for row in group.transitions:
                before = self.rows.get((row.side, row.xid), row)
                self.rows[row.side, row.xid] = msgspec.structs.replace(
                    row, merchant=before.merchant
                )
            written = [f"{t.side} {t.xid} {t.state} {t.money_minor}" for t in group.transitions]
            if written:
                self.heard.append("writes " + ", ".join(written))
            said = self.connection.send(self.pairs.written(), self.now_s).decode()
            self.heard += [f"node {line}" for line in said.splitlines()]

    def do(self, verb: str, rest: str) -> None:
        match verb:
            case "peer":
                self.act(self.connection.receive(rest.encode() + b"\n", self.now_s))
            case "wait":
                seconds = int(rest.split()[0])
                assert self.connection.tick(self.now_s + seconds - 0.001) == []
                self.now_s += seconds
                self.act(self.connection.tick(self.now_s))
            case "welcome":
                self.pairs.greet(self.connection.version, {OURS}, {THEIRS})
                self.write()
            case "depart":
                money_minor = msgspec.json.decode(rest)["MoneyMinor"]
                self.pairs.depart(OURS, THEIRS, [(money_minor, rest.encode())], self.now_s)
                self.write()
            case "crash":
                self.crash()


@pytest.mark.parametrize("script", [b for name, b in BLOCKS if name == "conversation"])
def test_conversation(script: str) -> None:
    atlas = Atlas()
    for step in script.splitlines():
        verb, _, rest = step.partition(" ")
        if verb in ("peer", "wait", "welcome", "depart", "crash"):
            assert atlas.heard == []
            atlas.do(verb, rest)
        else:
            assert atlas.heard.pop(0) == step
    assert atlas.heard == []
