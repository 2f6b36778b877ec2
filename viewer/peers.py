"""Peers, a row each: who they are, what went to and fro, what they owe; and nodes kept apart.

Called by `charts.py` where a node tells of any. A row is of a city of ours and one elsewhere.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import pygame

from protocol.limits import MINOR_PER_COIN
from protocol.observe import Node, Peer
from viewer import layout, scales, sprites, text
from viewer.chart_matrix import rule
from viewer.charts_declared import Panel
from viewer.scene import Scene, heading, title_height
from viewer.theme import Colour, mix

APART_MAX = 6  # nodes kept apart that are listed: more are knocking than anybody lets in
ALMOST = 0.8  # of a credit: worth a warning


class Column(NamedTuple):
    """A figure of each row; `share` is its part of the width, which is fixed."""

    head: str
    share: float
    figure: Callable[[Peer], str]


def _count(value: int) -> str:
    return f"{value:,}" if value < 1_000_000 else scales.figure(value)


def _tariffs(peer: Peer) -> str:
    return scales.figure(peer.tariff_minor / MINOR_PER_COIN) if peer.tariff_minor else "0"


def _balance(peer: Peer) -> str:
    if peer.balance_minor is None:
        return "–"
    return scales.figure(peer.balance_minor / MINOR_PER_COIN)


COLUMNS = (
    Column("arrived", 0.075, lambda peer: _count(peer.arrived)),
    Column("departed", 0.075, lambda peer: _count(peer.departed)),
    Column("under way", 0.08, lambda peer: _count(peer.waiting)),
    Column("refused", 0.07, lambda peer: _count(peer.refused)),
    Column("tariffs", 0.07, _tariffs),
    Column("balance", 0.08, _balance),
)
CREDIT = 0.12  # of the width, for the bar of the credit that is used
OURS, THEIRS = 0.11, 0.18


def panels(scene: Scene, size: tuple[int, int]) -> list[Panel]:
    """The table of peers and, below it, the nodes kept apart."""
    whole, below = _places(scene, size)
    found = [Panel("peers", whole, functools.partial(_paint_peers, scene, whole, size))]
    if below.h:
        found.append(Panel("apart", below, functools.partial(_paint_apart, scene, below)))
    return found


def page(scene: Scene, size: tuple[int, int]) -> tuple[int, int]:
    """How many peers are shown, and the first of them."""
    whole, _ = _places(scene, size)
    peers = len(scene.snapshot.peers)
    fits = max(1, (whole.bottom - _top(scene, whole)) // _row(scene))
    first = min(scene.view.page, max(0, -(-peers // fits) - 1)) * fits
    return min(fits, peers - first), first


def _apart(scene: Scene) -> list[Node]:
    return [node for node in scene.snapshot.nodes if node.why_apart][-APART_MAX:]


def _places(scene: Scene, size: tuple[int, int]) -> tuple[pygame.Rect, pygame.Rect]:
    whole, apart = layout.content(size, scene.sizes), len(_apart(scene))
    if not apart:
        return whole, pygame.Rect(whole.x, whole.bottom, whole.w, 0)
    high = title_height(scene.sizes) + round(scene.sizes.sm * 0.9) + apart * _row(scene)
    below = pygame.Rect(whole.x, whole.bottom - high, whole.w, high)
    whole.h -= high + scene.sizes.row_gap
    return whole, below


def _row(scene: Scene) -> int:
    return round(scene.sizes.sm * 1.9)


def _top(scene: Scene, rect: pygame.Rect) -> int:
    """Where the rows begin: under the title and the heads."""
    return rect.y + title_height(scene.sizes) + round(scene.sizes.sm * 1.05) + 8


def _paint_peers(
    scene: Scene, rect: pygame.Rect, size: tuple[int, int], surface: pygame.Surface
) -> None:
    sizes, palette, snapshot = scene.sizes, scene.theme, scene.snapshot
    unit = "since the node started; balance: coins that came beyond those that went"
    at = f"reached at {snapshot.address}" if snapshot.address else ""
    heading(surface, scene, rect, "Peers", unit, at)
    top = _top(scene, rect)
    head_y = top - 8
    rule(surface, scene, rect, top - 1)
    if not snapshot.peers:
        said, y = "No city elsewhere has a road to ours yet.", top + _row(scene)
        text.draw(surface, said, rect.x, y, sizes.sm, palette.text3, width_max=rect.w)
        return
    state = rect.x + round(rect.w * (OURS + THEIRS))
    theirs = rect.x + round(rect.w * OURS) + 20
    for head, x in (("ours", rect.x + 20), ("peer", theirs), ("state", state)):
        text.draw(surface, head, x, head_y, sizes.xs, palette.text2)
    for column, right in zip(COLUMNS, _rights(rect), strict=True):
        head = text.fit(column.head, sizes.xs, column.share * rect.w - 4)
        text.draw(surface, head, right, head_y, sizes.xs, palette.text2, align="right")
    x = rect.right - round(rect.w * CREDIT) + 16
    text.draw(surface, "credit used", x, head_y, sizes.xs, palette.text2)
    shown, first = page(scene, size)
    for place, peer in enumerate(snapshot.peers[first : first + shown]):
        _paint_peer(surface, scene, rect, top + place * _row(scene), peer)


def _rights(rect: pygame.Rect) -> list[int]:
    """Right edges of the figures' columns."""
    x, found = rect.right - rect.w * (CREDIT + sum(column.share for column in COLUMNS)), []
    for column in COLUMNS:
        x += rect.w * column.share
        found.append(round(x))
    return found


def _paint_peer(
    surface: pygame.Surface, scene: Scene, rect: pygame.Rect, y: int, peer: Peer
) -> None:
    sizes, palette = scene.sizes, scene.theme
    middle = y + _row(scene) / 2
    baseline = round(middle + text.height(sizes.sm) / 2)
    own = next((c for c in scene.snapshot.cities if c.own and c.name == peer.city), None)
    x, wide = rect.x, round(rect.w * OURS) - 28
    _name(surface, scene, (x, middle), own.full_name if own else "", peer.city, wide)
    x, wide = rect.x + round(rect.w * OURS), round(rect.w * THEIRS) - 28
    _name(surface, scene, (x, middle), peer.name, peer.name, wide)
    x = rect.x + round(rect.w * (OURS + THEIRS))
    rights = _rights(rect)
    room = rights[0] - round(rect.w * COLUMNS[0].share) - x + 16
    said, ink = peer.why_closed or "open", palette.text3
    if peer.open:
        ink = palette.paused if peer.why_closed else palette.text2
        if peer.address and text.width(f"{said} · {peer.address}", sizes.sm) <= room:
            said = f"{said} · {peer.address}"
    text.draw(surface, said, x, baseline, sizes.sm, ink, width_max=room)
    for column, right in zip(COLUMNS, rights, strict=True):
        label = column.figure(peer)
        ink = palette.text3 if label in ("0", "–") else palette.text
        text.draw(surface, label, right, baseline, sizes.sm, ink, align="right")
    if peer.credit_minor:
        used = (peer.credit_used_minor or 0) / peer.credit_minor
        left = rect.right - round(rect.w * CREDIT) + 16
        _credit(surface, scene, pygame.Rect(left, y, rect.right - left, _row(scene)), used)


def _name(
    surface: pygame.Surface,
    scene: Scene,
    at: tuple[int, float],
    full_name: str,
    name: str,
    room: int,
) -> None:
    """A city's mark and name in its colour, where it is on the map; else the bare name."""
    x, middle = at
    size, ink = scene.sizes.sm, scene.theme.text2
    baseline = round(middle + text.height(size) / 2)
    if scene.city(full_name) is not None:
        ink = scene.label(full_name)
        sprites.mark(surface, scene.mark(full_name), x + 7, middle, 3.8, scene.ink(full_name))
    text.draw(surface, name, x + 20, baseline, size, ink, width_max=room)


def _credit(surface: pygame.Surface, scene: Scene, box: pygame.Rect, used: float) -> None:
    """How much of a credit is used: a bar in its frame, and the figure."""
    palette, size = scene.theme, scene.sizes.sm
    label = f"{used:.0%}"
    room = text.width("100%", size) + 8
    frame = pygame.Rect(box.x, 0, max(8, round(box.w - room)), 8)
    frame.centery = box.centery
    ink: Colour = palette.text2
    if used >= 1.0:
        ink = palette.error
    elif used >= ALMOST:
        ink = palette.paused
    surface.fill(mix(palette.rule, palette.background, 0.3), frame)
    surface.fill(ink, (frame.x, frame.y, round(frame.w * min(1.0, used)), frame.h))
    baseline = round(box.centery + text.height(size) / 2)
    text.draw(surface, label, box.right, baseline, size, palette.text, align="right")


def _paint_apart(scene: Scene, rect: pygame.Rect, surface: pygame.Surface) -> None:
    """Nodes that no road leads to, and why."""
    sizes, palette, nodes = scene.sizes, scene.theme, _apart(scene)
    every = sum(bool(node.why_apart) for node in scene.snapshot.nodes)
    more = f"{every - len(nodes)} more" if every > len(nodes) else ""
    heading(surface, scene, rect, "Kept apart", "nodes that no road leads to", more)
    top = rect.y + title_height(sizes) + round(sizes.sm * 0.4)
    rule(surface, scene, rect, top)
    for place, node in enumerate(nodes):
        middle = top + (place + 0.5) * _row(scene)
        baseline = round(middle + text.height(sizes.sm) / 2)
        sprites.mark(surface, "ring", rect.x + 7, middle, 3.8, palette.paused)
        name = f"{node.name} at {node.address}" if node.address else node.name
        wide = round(rect.w * (OURS + THEIRS)) - 28
        ink = palette.text2
        text.draw(surface, name, rect.x + 20, baseline, sizes.sm, ink, width_max=wide)
        x = rect.x + round(rect.w * (OURS + THEIRS))
        ink, room = palette.text, rect.right - x
        text.draw(surface, node.why_apart, x, baseline, sizes.sm, ink, width_max=room)
