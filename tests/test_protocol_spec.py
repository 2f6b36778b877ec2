"""protocol/SPEC.md holds for the code: every golden block is read out of it and run."""

import json
import re
from pathlib import Path

import msgspec
import pytest

from protocol.bulk import BulkDecoder
from protocol.checks import LineError
from protocol.connection import Connection
from protocol.events import Closed, Event, Greeted, Merchants, Ready, Refused, Returned, Send
from protocol.messages import Merchant, UnknownGoodError, decode_merchant

GOODS = ("bed", "chair", "thread", "wood")
SPEC = Path(__file__).parent.parent / "protocol" / "SPEC.md"
BLOCKS = re.findall(r"^```golden (?!node )(.+?)\n(.*?)^```", SPEC.read_text(), re.M | re.S)


def lines_of(kind: str) -> list[str]:
    blocks = [block for name, block in BLOCKS if name == kind]
    assert blocks, f"SPEC.md has no golden block {kind}"
    return "".join(blocks).splitlines()


def pairs_of(kind: str, mark: str) -> list[tuple[str, str]]:
    lines = lines_of(kind)
    assert all(answer.startswith(mark) for answer in lines[1::2])
    answers = [answer.removeprefix(mark) for answer in lines[1::2]]
    return list(zip(lines[::2], answers, strict=True))


def city(*, dialling: bool) -> Connection:
    return Connection("Riverwood", node="Atlas", goods=GOODS, dialling=dialling, now_s=0.0)


def said(event: Event) -> str:
    match event:
        case Send(data):
            return f"city {json.dumps(data.decode())}"
        case Greeted(name):
            return f"greeted {name}"
        case Ready():
            return "ready"
        case Merchants():
            return f"merchants {len(event)}"
        case Closed(reason):
            return f"closed {reason}"
    raise AssertionError(event)


def conversations() -> list[tuple[str, list[str]]]:
    return [
        (name.split()[1], block.splitlines())
        for name, block in BLOCKS
        if name.startswith("conversation")
    ]


@pytest.mark.parametrize(("role", "script"), conversations())
def test_conversation(role: str, script: list[str]) -> None:
    connection = city(dialling={"accepting": False, "dialling": True}[role])
    heard: list[str] = []
    now_s = 0.0
    for step in script:
        verb, _, rest = step.partition(" ")
        if verb == "peer":
            assert heard == []
            heard = [said(e) for e in connection.receive(json.loads(rest).encode(), now_s)]
        elif verb == "wait":
            assert heard == []
            milliseconds = int(rest.split()[0])
            assert connection.tick(now_s + (milliseconds - 1) / 1000) == []
            now_s += milliseconds / 1000
            heard = [said(e) for e in connection.tick(now_s)]
        else:
            assert heard.pop(0) == step
    assert heard == []


def test_every_golden_block_is_read() -> None:
    assert len(BLOCKS) == len(re.findall("^```golden (?!node )", SPEC.read_text(), re.M))
    kinds = {"accepted", "returned", "refused", "sent"}
    roles = {"conversation accepting", "conversation dialling"}
    assert {name for name, _ in BLOCKS} == kinds | roles


@pytest.mark.parametrize(("line", "merchant"), pairs_of("accepted", "= "))
def test_accepted(line: str, merchant: str) -> None:
    decoded = decode_merchant(line.encode(), GOODS).merchant
    assert decoded == msgspec.json.decode(merchant, type=Merchant)
    [event] = BulkDecoder(GOODS).decode(line.encode() + b"\n")
    assert isinstance(event, Merchants)
    assert list(event) == [decoded]


@pytest.mark.parametrize(("line", "reason"), pairs_of("returned", "! "))
def test_returned(line: str, reason: str) -> None:
    with pytest.raises(UnknownGoodError, match=re.escape(reason)):
        decode_merchant(line.encode(), GOODS)
    wire = line.encode() + b"\n"
    assert list(BulkDecoder(GOODS).decode(wire)) == [Returned(reason, wire)]


@pytest.mark.parametrize(("line", "reason"), pairs_of("refused", "! "))
def test_refused(line: str, reason: str) -> None:
    with pytest.raises(LineError, match=re.escape(reason)):
        decode_merchant(line.encode(), GOODS)
    assert list(BulkDecoder(GOODS).decode(line.encode() + b"\n")) == [Refused(reason)]


def test_sent() -> None:
    first, *rest = lines_of("sent")
    merchant = msgspec.json.decode(first.removeprefix("= "), type=Merchant)
    assert len(rest) == 4
    for peer, line in zip(rest[::2], rest[1::2], strict=True):
        match = re.fullmatch(r"to (.+), who has sent (.+)", peer)
        assert match
        name, sent = match.groups()
        connection = city(dialling=False)
        connection.receive(f"{name}\n".encode(), 0.0)
        if sent != "nothing yet":
            connection.receive(f"{sent}\n".encode(), 0.0)
        connection.tick(1.0)
        data, staying = connection.send_merchants([merchant])
        assert (data.decode() or "nothing\n") == f"{line}\n"
        assert staying == ([] if data else [merchant])
