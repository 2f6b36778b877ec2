"""Two macro cities on one node and a bazaar on another trade over TCP, and all books agree."""

import json
import time

import merchants.advance_macro  # noqa: F401  (compiles what nodes then find in the cache)
from tests.nodes import check_balance, free_port, run_to_end, running


def test_two_macro_cities_and_a_bazaar_trade_over_tcp_and_the_audit_balances(tmp_path):
    port = free_port(2)
    slow = ("--seed", "3", "--no-discovery")
    macro = ("Riverwood", "Seaside", "--economy", "macro", "--locals", "300", "--merchants", "30")
    with (
        running(tmp_path, *macro, *slow, "--node-name", "atlas", "--port", str(port)) as atlas,
        running(tmp_path, "Portsville", *slow, "--node-name", "boreas",
                "--merchants", "30", "--connect", f"127.0.0.1:{port}") as boreas,
    ):  # fmt: skip
        boreas.wait_for("Portsville: road to .* open")
        time.sleep(4.0)
        there = boreas.stop()
        here = atlas.stop()
    for report in (here, there):
        check_balance(report)
    port_city = there["cities"][0]
    assert sum(port_city["arrivals"].values()) > 0
    assert sum(port_city["departures"].values()) > 0
    assert all(city["trades"] > 0 for city in here["cities"])
    audited = run_to_end(tmp_path, "audit", "--json")
    assert audited.returncode == 0, audited.stdout + audited.stderr
    json.loads(audited.stdout)
