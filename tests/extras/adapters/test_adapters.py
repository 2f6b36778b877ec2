"""The observer stream by WebSocket, metrics for Prometheus, histories as Parquet: each by a client
of another library.

Run by CI with the extras `websocket`, `metrics`, `parquet` and the library websockets installed.
"""

import json
import time
import urllib.request

import pyarrow.parquet
import pytest
import trio
from prometheus_client.parser import text_string_to_metric_families
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from city_node.cities.report import report
from city_node.cities.world import found_world
from city_node.node import run_node
from city_node.observing.history import ParquetSink
from city_node.settings.config import resolve
from city_node.settings.wishes import Run, Wishes
from tests.nodes import free_port

GUARD_S = 60.0


@pytest.fixture(autouse=True)
def own_runtime_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def beside_a_node(client, **asked):
    """What a blocking client returns that runs in a thread beside a node; and the node's world."""
    config = resolve(Wishes(cities=("Riverwood", "Seaside"), seed=7, discovery=False))
    world = found_world(config)

    async def both():
        with trio.fail_after(GUARD_S):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(run_node, world, config, "adapted", Run(headless=True, **asked))
                returned = await trio.to_thread.run_sync(client)
                nursery.cancel_scope.cancel()
        return returned

    return trio.run(both), world


def when_it_listens(attempt):
    """Call until nobody refuses the connection."""
    for _ in range(500):
        try:
            return attempt()
        except OSError:
            time.sleep(0.02)
    raise AssertionError("nobody listens")


def test_snapshots_and_commands_by_websocket():
    port = free_port()

    def client():
        with when_it_listens(lambda: connect(f"ws://127.0.0.1:{port}")) as page:
            update = json.loads(page.recv())
            page.send(json.dumps({"type": "control", "command": "pause", "params": {}}))
            page.send(json.dumps({"type": "control", "command": "sing", "params": {}}))
            heard = {}
            while {"accepted", "refused"} - heard.keys():
                message = json.loads(page.recv())
                heard[message["type"]] = message
            while not update["data"].get("paused"):
                update = json.loads(page.recv())
        return update, heard["refused"]

    (update, refused), world = beside_a_node(client, websocket_port=port)
    assert update["type"] == "state_update"
    assert update["tick"] == update["data"]["tick"] == world.tick
    assert [city["name"] for city in update["data"]["cities"]] == ["Riverwood", "Seaside"]
    assert "sing" in refused["data"]["why"]


def test_a_page_from_elsewhere_is_not_let_in():
    port = free_port()

    def client():
        with when_it_listens(
            lambda: connect(f"ws://127.0.0.1:{port}", origin="http://localhost:3000")
        ) as page:
            page.recv()
        with pytest.raises(InvalidStatus) as refused:
            connect(f"ws://127.0.0.1:{port}", origin="http://pages.example")
        return refused.value.response.status_code

    assert beside_a_node(client, websocket_port=port)[0] == 403


def test_metrics_are_what_the_world_is():
    port = free_port()

    def client():
        while True:  # until the first window has been measured
            page = when_it_listens(
                lambda: urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
            )
            families = {each.name: each for each in text_string_to_metric_families(page)}
            if "city_node_money_coins" in families:
                return families

    families, _ = beside_a_node(client, metrics_port=port)
    money = {each.labels["city"]: each.value for each in families["city_node_money_coins"].samples}
    assert money.keys() == {"Riverwood", "Seaside"}
    goods = {each.labels["good"] for each in families["city_node_price_coins"].samples}
    assert goods == {"wood", "chair", "thread", "bed"}


def test_a_history_in_parquet_has_the_series_of_every_economy(tmp_path):
    sink = ParquetSink(tmp_path / "h.parquet")
    sink.write([{"city": "Ash", "gini": 0.5}, {"city": "Elm", "output": 9.0}])
    sink.close()
    assert pyarrow.parquet.read_table(tmp_path / "h.parquet").to_pylist() == [
        {"city": "Ash", "gini": 0.5, "output": None},
        {"city": "Elm", "gini": None, "output": 9.0},
    ]


def test_a_history_in_parquet_holds_what_the_report_says(tmp_path):
    path = tmp_path / "history.parquet"
    config = resolve(Wishes(cities=("Riverwood", "Seaside"), seed=7, discovery=False))
    world = found_world(config)
    trio.run(run_node, world, config, "kept", Run(ticks=1_000, headless=True, history=path))
    rows = pyarrow.parquet.read_table(path).to_pylist()
    assert {row["city"] for row in rows} == {"Riverwood", "Seaside"}
    said = {city["name"]: city for city in report(world, "kept", 0.0)["cities"]}
    for row in rows:
        if row["tick"] == 1_000:
            assert row["money_minor"] == said[row["city"]]["money"]["holdings"]
    assert all(row["money_minor"] > 0 for row in rows)
