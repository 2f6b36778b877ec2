"""Two macro cities on one node and a bazaar on another trade over TCP, and all books agree."""

import merchants.advance_macro  # noqa: F401  (compiles what nodes then find in the cache)
from city_node.durability.audit import audited
from tests.nodes import check_balance, entered, free_port, running, until


def test_two_macro_cities_and_a_bazaar_trade_over_tcp_and_the_audit_balances(tmp_path):
    port, folders = free_port(2), [tmp_path / "one", tmp_path / "other"]
    slow = ("--seed", "3", "--no-discovery")
    macro = ("Riverwood", "Seaside", "--economy", "macro", "--locals", "300", "--merchants", "30")
    with (
        running(tmp_path, *macro, *slow, "--node-name", "atlas", "--port", str(port),
                "--data-dir", str(folders[0])) as atlas,
        running(tmp_path, "Portsville", *slow, "--node-name", "boreas",
                "--merchants", "30", "--connect", f"127.0.0.1:{port}",
                "--data-dir", str(folders[1])) as boreas,
    ):  # fmt: skip
        boreas.wait_for("Portsville: road to .* open")
        until(lambda: all(map(entered, folders)), "merchants both ways")
        there = boreas.stop()
        here = atlas.stop()
    for report in (here, there):
        check_balance(report)
    port_city = there["cities"][0]
    assert sum(port_city["arrivals"].values()) > 0
    assert sum(port_city["departures"].values()) > 0
    assert all(city["trades"] > 0 for city in here["cities"])
    books = audited(folders)
    assert books["balanced"], books
