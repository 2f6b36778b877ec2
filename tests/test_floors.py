"""The house has floors: imports go down only. This walks every import and fails on one that climbs.

The arrows allowed are written out here; whoever needs another one changes the design first.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

FLOORS = {
    "engine": set(),
    "protocol": set(),
    "merchants": {"engine", "protocol"},
    "viewer": {"protocol"},
    "city_node": {"engine", "protocol", "merchants", "viewer"},
    "tools": {"engine", "protocol", "merchants", "viewer", "city_node", "tests"},
}
"""Which of our packages each may import, beside itself. Tests may import all."""

OTHERS = {
    "engine": {"numpy", "numba"},
    "protocol": {"msgspec"},
    "merchants": {"numpy", "numba"},
    "viewer": {"numpy", "pygame", "msgspec"},
}
"""Which packages of other people; who is not named here may use whatever is installed."""

CLOCKS_SOCKETS_AND_THREADS = {
    "concurrent",
    "datetime",
    "multiprocessing",
    "os",
    "random",
    "secrets",
    "select",
    "selectors",
    "signal",
    "socket",
    "socketserver",
    "ssl",
    "subprocess",
    "threading",
    "time",
    "uuid",
}
"""None of these is visible to a city, nor to a protocol that does no I/O."""

NOWHERE = {"asyncio"}

EXCEPTIONS = {"protocol/client.py": {"socket", "time", "ssl"}}
"""The one socket of the protocol: a small blocking client for other people's programs."""


@dataclass(frozen=True)
class Import:
    """One import: the top package it names, where it stands, and whether a function does it."""

    name: str
    line: int
    in_function: bool


def imports_of(source: str) -> Iterator[Import]:
    """Every import of a module, relative ones apart: those stay on their floor."""

    def walk(node: ast.AST, in_function: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield Import(alias.name.split(".")[0], child.lineno, in_function)
            elif isinstance(child, ast.ImportFrom) and child.level == 0:
                yield Import((child.module or "").split(".")[0], child.lineno, in_function)
            elif isinstance(child, ast.Call):
                yield from imported_by_call(child, in_function)
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from walk(child, in_function or inside)

    yield from walk(ast.parse(source), False)


def imported_by_call(call: ast.Call, in_function: bool) -> Iterator[Import]:
    """`import_module("name")` and `__import__("name")` are imports as well."""
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    first = call.args[0] if call.args else None
    if name in ("import_module", "__import__") and isinstance(first, ast.Constant):
        yield Import(str(first.value).split(".")[0], call.lineno, in_function)


def is_for_torch(path: str) -> bool:
    return path.endswith("_torch.py") or path.startswith("engine/learning/")


def fault(path: str, found: Import) -> str | None:
    """What is wrong with an import in the file at `path`, relative to the root; None: nothing."""
    floor, name = path.split("/")[0], found.name
    if name in NOWHERE:
        return "is used nowhere in this house"
    if name in EXCEPTIONS.get(path, ()):
        return None
    if name == "torch" and floor != "tests":
        if not is_for_torch(path):
            return "belongs into *_torch.py and engine/learning"
        return None if found.in_function else "must be imported by a function, not by a module"
    if floor in ("engine", "protocol", "merchants") and name in CLOCKS_SOCKETS_AND_THREADS:
        return "is a clock, a socket, a thread or chance: invisible here"
    if name in FLOORS:
        allowed = FLOORS.get(floor, FLOORS.keys()) | {floor}
        return None if name in allowed else f"climbs: {floor} may import {sorted(allowed)}"
    if name == "tests" and floor not in ("tests", "tools"):
        return "climbs"
    if floor in OTHERS and name not in OTHERS[floor] and name not in sys.stdlib_module_names:
        return f"is none of {sorted(OTHERS[floor])}"
    return None


def sources() -> list[Path]:
    """Every Python file of the repository that belongs to a floor."""
    return [
        file
        for floor in (*FLOORS, "tests")
        for file in sorted((ROOT / floor).rglob("*.py"))
        if "__pycache__" not in file.parts
    ]


def faults(root: Path, files: list[Path]) -> list[str]:
    found = []
    for file in files:
        path = file.relative_to(root).as_posix()
        for each in imports_of(file.read_text("utf-8")):
            wrong = fault(path, each)
            if wrong:
                found.append(f"{path}:{each.line}: {each.name} {wrong}")
    return found


def test_imports_go_down_only():
    files = sources()
    walked = {file.relative_to(ROOT).parts[0] for file in files}
    assert walked == {*FLOORS, "tests"}
    assert faults(ROOT, files) == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("engine/markets/haggle.py", "import protocol.limits"),
        ("engine/rng.py", "from merchants import roster"),
        ("engine/rng.py", "def now():\n    import time"),
        ("engine/rng.py", "if True:\n    from city_node.cities.world import advance"),
        ("engine/rng.py", "import trio"),
        ("engine/rng.py", "class A:\n    def f(self):\n        import city_node"),
        ("engine/rng.py", "x = importlib.import_module('city_node.cities.world')"),
        ("engine/rng.py", "x = __import__('viewer')"),
        ("engine/bazaar/step.py", "def f():\n    import torch"),
        ("engine/markets/call_auction_torch.py", "import torch"),
        ("engine/learning/ppo.py", "import torch.nn"),
        ("protocol/limits.py", "import engine"),
        ("protocol/limits.py", "import trio"),
        ("protocol/limits.py", "import numpy as np"),
        ("protocol/connection.py", "import socket"),
        ("protocol/client.py", "import trio"),
        ("merchants/step.py", "import city_node"),
        ("merchants/step.py", "import msgspec"),
        ("viewer/app.py", "from engine import money"),
        ("viewer/app.py", "import city_node.names"),
        ("viewer/app.py", "import numba"),
        ("city_node/cities/world.py", "from tools import bench"),
        ("city_node/cities/world.py", "import tests"),
        ("city_node/node.py", "import asyncio"),
        ("tests/test_node.py", "import asyncio.subprocess"),
    ],
)
def test_an_import_that_climbs_is_caught(tmp_path, path, source):
    file = tmp_path / path
    file.parent.mkdir(parents=True)
    file.write_text(source + "\n")
    assert len(faults(tmp_path, [file])) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("engine/rng.py", "import hashlib\nimport numpy as np\nfrom engine.kernels import inlined"),
        ("engine/markets/call_auction_torch.py", "def f():\n    import torch"),
        ("engine/learning/ppo.py", "def train():\n    from torch import nn"),
        ("protocol/client.py", "import socket"),
        ("merchants/step.py", "from engine import money\nfrom protocol import limits"),
        ("viewer/app.py", "import time\nimport pygame\nfrom protocol import observe"),
        ("city_node/node.py", "import trio, viewer\nfrom engine.bazaar import step"),
        ("tools/bench/__main__.py", "import city_node, merchants, engine"),
        ("tests/test_x.py", "import tools, viewer, engine, torch"),
        ("engine/economy.py", "from . import goods"),
    ],
)
def test_an_import_that_goes_down_is_allowed(tmp_path, path, source):
    file = tmp_path / path
    file.parent.mkdir(parents=True)
    file.write_text(source + "\n")
    assert faults(tmp_path, [file]) == []
