"""The viewer as a program: its feed on a real socket, its window without a screen, its films."""

import os
import socket
import threading
import time
from pathlib import Path

import numpy as np
import pygame
import pytest

from protocol.observe import Compiling, Hello, Pause, Refused, SetSpeed
from protocol.observe_lines import CommandReader, encode
from tests import made_up_snapshots as made_up
from viewer import app, gif
from viewer.__main__ import main
from viewer.feed import Feed, parse_address
from viewer.history import History
from viewer.record import NothingSeenError, record, screenshot, watched
from viewer.state import View

SNAPSHOTS = list(made_up.snapshots(points=40))


class MadeUpNode:
    """Says hello, then a snapshot every hundredth of a second, and keeps what it is asked."""

    def __init__(self, *, port=0, token=None, first=()):
        self.server = socket.create_server(("127.0.0.1", port))
        self.port = self.server.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.token, self.first = token, first
        self.asked = []
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        self.server.settimeout(0.05)
        while not self.ending.is_set():
            try:
                peer, _ = self.server.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            with peer:
                self.serve(peer)

    def serve(self, peer):
        reader = CommandReader(token=self.token)
        peer.settimeout(0.01)
        try:
            for message in (Hello(node="riverside", cities=["Riverwood"]), *self.first):
                peer.sendall(encode(message))
            place = 0
            while not self.ending.is_set():
                try:
                    data = peer.recv(4_096)
                    if not data:
                        return
                    commands, refusal = reader.receive(data)
                    self.asked += commands
                    if refusal is not None:
                        peer.sendall(encode(refusal))
                        return
                except TimeoutError:
                    pass
                if reader.greeted:
                    snapshot = SNAPSHOTS[min(place, len(SNAPSHOTS) - 1)]
                    snapshot.time_ms = int(time.time() * 1_000)
                    peer.sendall(encode(snapshot))
                    place += 1
        except OSError:
            pass

    def stop(self):
        self.ending.set()
        self.server.close()
        self.thread.join(2.0)


@pytest.fixture
def node():
    found = MadeUpNode()
    yield found
    found.stop()


def until(condition, *, seconds=5.0):
    """Waits for a condition, and says so when it never holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.005)


def feeding(address, **named):
    feed = Feed(address, **named)
    feed.start()
    return feed


# The feed.


def test_a_feed_brings_snapshots_and_takes_commands(node):
    feed, history = feeding(node.address), History()
    try:
        until(lambda: feed.link.phase == "live")
        for message, at_s in feed.drain():
            history.apply(message, at_s)
        assert history.hello.node == "riverside"
        assert history.latest.node == "riverside"
        assert 0 <= feed.link.latency_ms < 2_000
        assert feed.link.answer_after_s is not None
        assert feed.send(Pause(id=5))
        until(lambda: node.asked == [Pause(id=5)])
    finally:
        feed.stop()


def test_a_feed_outlives_its_node():
    feed = feeding("127.0.0.1:1")
    feed.stop()
    first = MadeUpNode()
    feed = feeding(first.address)
    try:
        until(lambda: feed.link.phase == "live")
        first.stop()
        until(lambda: feed.link.phase == "gone")
        assert not feed.send(Pause())
        assert feed.link.why
        assert feed.link.retry_at_s > 0
        second = MadeUpNode(port=first.port)
        feed.retry_now()
        until(lambda: feed.link.phase == "live")
        second.stop()
    finally:
        feed.stop()


def test_a_feed_waits_for_a_node_that_is_not_there_yet():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    feed = feeding(f"127.0.0.1:{port}")
    try:
        until(lambda: feed.link.why != "")
        assert feed.link.phase == "connecting"
        node = MadeUpNode(port=port, first=[Compiling(step=1, steps=3)])
        until(lambda: feed.link.phase == "live")
        node.stop()
    finally:
        feed.stop()


def test_a_feed_gives_its_token_and_says_when_it_is_not_the_one():
    node = MadeUpNode(token="open sesame")
    try:
        feed = feeding(node.address, token="open sesame")
        until(lambda: feed.link.phase == "live")
        feed.stop()
        feed = feeding(node.address, token="guess")
        until(lambda: feed.link.phase == "refused")
        assert "token" in feed.link.why
        assert any(isinstance(message, Refused) for message, _ in feed.drain())
        feed.stop()
    finally:
        node.stop()


@pytest.mark.parametrize("line", [b"SSH-2.0-OpenSSH_9.6\r\n", b"\xff\n", b"x" * 100_000 + b"\n"])
def test_a_feed_turns_away_from_what_is_no_node(line):
    with socket.create_server(("127.0.0.1", 0)) as server:
        feed = feeding(f"127.0.0.1:{server.getsockname()[1]}")
        peer, _ = server.accept()
        with peer:
            peer.sendall(line)
            until(lambda: feed.link.why != "")
        assert "\n" not in feed.link.why
        feed.stop()


@pytest.mark.parametrize(
    ("text", "expected"),
    [("127.0.0.1:5", ("127.0.0.1", 5)), ("[::1]:80", ("::1", 80)), ("node.local:65535", None)],
)
def test_addresses(text, expected):
    assert parse_address(text) == (expected or ("node.local", 65_535))


@pytest.mark.parametrize("text", ["", "x", "x:", ":5", "x:-1", "x:0", "x:65536", "x:٣", "x:1e3"])
def test_what_is_no_address_is_said_in_one_line(text):
    with pytest.raises(ValueError, match="HOST:PORT") as caught:
        parse_address(text)
    assert "\n" not in str(caught.value)


# The window.


def key(code, character=""):
    return pygame.event.Event(pygame.KEYDOWN, key=code, unicode=character)


def test_the_window_shows_steers_and_closes(node, monkeypatch, tmp_path):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.chdir(tmp_path)
    problems = []

    def user():
        try:
            until(lambda: pygame.display.get_surface() is not None)
            time.sleep(0.5)
            for event in (
                pygame.event.Event(
                    pygame.MOUSEMOTION, pos=(700, 200), rel=(0, 0), buttons=(0, 0, 0)
                ),
                key(pygame.K_SPACE, " "),
                key(pygame.K_PLUS, "+"),
                key(pygame.K_t, "T"),
                key(pygame.K_s, "s"),
                key(pygame.K_RIGHT),
                pygame.event.Event(pygame.MOUSEBUTTONDOWN, pos=(440, 20), button=1),
                key(pygame.K_2, "2"),
                key(pygame.K_QUESTION, "?"),
                pygame.event.Event(pygame.MOUSEBUTTONDOWN, pos=(120, 180), button=1),
                key(pygame.K_1, "1"),
                pygame.event.Event(pygame.MOUSEBUTTONDOWN, pos=(120, 180), button=1),
                pygame.event.Event(pygame.WINDOWLEAVE),
                pygame.event.Event(pygame.VIDEORESIZE, w=300, h=200, size=(300, 200)),
            ):
                pygame.event.post(event)
                time.sleep(0.06)
            until(lambda: len(node.asked) == 2)
        except BaseException as error:
            problems.append(error)
        pygame.event.post(pygame.event.Event(pygame.QUIT))

    thread = threading.Thread(target=user)
    thread.start()
    app.run(node.address)
    thread.join()
    assert problems == []
    assert node.asked == [Pause(), SetSpeed(12_000.0)]
    (saved,) = tmp_path.glob("riverside-*.png")
    assert pygame.image.load(str(saved)).get_size() == (1280, 800)


def test_screenshots_overwrite_nothing(tmp_path):
    history, surface = made_up.history(points=2, cities=1, own=1), pygame.Surface((8, 8))
    history.latest.node = "../a b"
    for _ in range(3):
        assert app.save_screenshot(surface, history, tmp_path).startswith("saved")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".._a_b-174240-2.png",
        ".._a_b-174240-3.png",
        ".._a_b-174240.png",
    ]
    assert app.save_screenshot(surface, history, tmp_path / "nowhere").startswith("not saved")


def test_without_a_display_one_line_says_what_to_do(monkeypatch, capsys):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    if os.name == "nt" or not Path("/proc").exists():
        pytest.skip("there is always a display")
    assert main(["127.0.0.1:5"]) == 1
    said = capsys.readouterr().err
    assert "--screenshot" in said
    assert said.count("\n") == 1


def test_a_bad_address_is_said_in_one_line(capsys):
    assert main(["nonsense"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


# Pictures and films.


def test_a_screenshot_and_a_film_of_a_running_node(node, tmp_path):
    screenshot(node.address, tmp_path / "a.png", seconds=0.3, size=(960, 600))
    picture = pygame.image.load(str(tmp_path / "a.png"))
    assert picture.get_size() == (960, 600)
    said = []
    record(node.address, tmp_path / "a.gif", seconds=0.4, size=(640, 420), progress=said.append)
    size, frames = read_gif((tmp_path / "a.gif").read_bytes())
    assert size == (640, 420)
    assert 3 <= len(frames) <= 8
    assert said[0].startswith("recorded")
    assert said[-2].startswith("wrote")


def test_nobody_to_watch_is_said(monkeypatch):
    monkeypatch.setattr("viewer.record.NOBODY_S", 0.1)
    with pytest.raises(NothingSeenError, match=r"127\.0\.0\.1:1"):
        list(watched("127.0.0.1:1", 1.0, view=View(), pause_s=0.02))


def read_gif(data):
    """A reader by the book, slow and without the writer's tricks: (size, frames as RGB)."""
    assert data[:6] == b"GIF89a"
    width, height = u16(data, 6), u16(data, 8)
    palette = np.frombuffer(data[13 : 13 + 768], np.uint8).reshape(256, 3)
    canvas, frames, clear = np.zeros((height, width, 3), np.uint8), [], None
    at = 13 + 768
    while data[at] != 0x3B:
        box = None
        if data[at] == 0x21:  # an extension
            clear = data[at + 6] if data[at + 1] == 0xF9 else clear
            at += 2
        else:
            assert data[at] == 0x2C
            box = [u16(data, at + k) for k in (1, 3, 5, 7)]
            at += 11
        packed = b""
        while data[at]:
            packed += data[at + 1 : at + 1 + data[at]]
            at += 1 + data[at]
        at += 1
        if box is not None:
            x, y, w, h = box
            part = np.frombuffer(unpack(packed), np.uint8).reshape(h, w)
            shown = part != clear
            canvas[y : y + h, x : x + w][shown] = palette[part[shown]]
            frames.append(canvas.copy())
    return (width, height), frames


def u16(data, at):
    return int.from_bytes(data[at : at + 2], "little")


def unpack(packed):
    """LZW codes of 8-bit symbols, least significant bit first."""
    bits = int.from_bytes(packed, "little")
    table = [bytes((k,)) for k in range(256)] + [b"", b""]
    width, at, before, found = 9, 0, None, []
    while True:
        code = bits >> at & (1 << width) - 1
        at += width
        if code == 257:
            return b"".join(found)
        if code == 256:
            table, width, before = table[:258], 9, None
            continue
        entry = table[code] if code < len(table) else before + before[:1]
        found.append(entry)
        if before is not None and len(table) < 4_096:
            table.append(before + entry[:1])
            if len(table) == 1 << width and width < 12:
                width += 1
        before = entry


def test_a_film_shows_what_was_drawn(tmp_path):
    random = np.random.default_rng(3)
    frames = [random.integers(0, 4, (90, 70, 3)).astype(np.uint8) * 64 for _ in range(3)]
    frames.append(frames[-1].copy())  # nothing changes
    frames.append(frames[-1].copy())
    frames[-1][10:30, 20:40] = 255
    gif.write(tmp_path / "a.gif", frames, frame_ms=80)
    data = (tmp_path / "a.gif").read_bytes()
    size, read = read_gif(data)
    assert size == (70, 90)
    assert len(read) == len(frames)
    # 64 colours fit the palette: what is read is what was written.
    for one, other in zip(frames, read, strict=True):
        assert (one == other).all()
    # SDL reads the first frame the same.
    loaded = pygame.surfarray.array3d(pygame.image.load(str(tmp_path / "a.gif")))
    assert (loaded.swapaxes(0, 1) == frames[0]).all()


@pytest.mark.parametrize("count", [1, 2, 255, 256, 257, 4_000, 70_000])
@pytest.mark.parametrize("kinds", [1, 2, 255])
def test_packing_loses_nothing(count, kinds):
    data = np.random.default_rng(count).integers(0, kinds, count).astype(np.uint8).tobytes()
    assert unpack(gif._compress(data)) == data
