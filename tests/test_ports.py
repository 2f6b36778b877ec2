"""Ports are tried before a world is founded, and nobody is let in meanwhile."""

import socket

import pytest
import trio

from city_node import ports
from city_node.errors import ConfigError
from city_node.settings.config import Config, resolve
from city_node.settings.wishes import Run, Wishes
from tests.nodes import free_port


def config(port: int, node_port: int | None = None) -> Config:
    return resolve(Wishes(cities=("Ash",), port=port, node_port=node_port))


def test_a_port_that_is_in_use_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=f"^port = {port}: in use, wanted for Ash"):
            trio.run(ports.try_ports, config(port), Run())
    trio.run(ports.try_ports, config(port), Run())


def test_a_port_asked_for_twice_is_refused() -> None:
    port = free_port()
    with pytest.raises(ConfigError, match=f"^node_port = {port}: in use"):
        trio.run(ports.try_ports, config(port, port), Run())


def test_whoever_dials_meanwhile_is_refused_and_not_cut_off(monkeypatch) -> None:
    port, tried = free_port(), []

    async def dial(*_: object) -> None:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        tried.append(port)

    monkeypatch.setattr(ports, "open_listener", dial)
    trio.run(ports.try_ports, config(port), Run())
    assert tried == [port]
