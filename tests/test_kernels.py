"""How kernels are compiled: ahead of their first call, without the lock, without reference counts.

What they compute is tested elsewhere.
"""

import ast
import importlib
import json
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher

import engine
import merchants
from engine.kernels import kernel
from engine.tables import kernel_type
from merchants.advance_bazaar import advance_ticks
from merchants.roster import Roster

ROOT = Path(engine.__file__).parents[1]


@numba.njit(numba.float64(kernel_type(Roster)), cache=True)
def counting_references(roster):
    """Takes arrays out of a table in a loop, compiled in numba's ordinary way."""
    total = 0.0
    for row in range(roster.size[0]):
        column = roster.rows.ask if row % 2 else roster.rows.expected_price[row, 0]
        total += column.sum()
    return total


@kernel(numba.int64(numba.int64[::1], numba.int64))
def kept(array, place):
    return array[place]


def modules(package) -> list:
    """A package and all modules in it."""
    found = pkgutil.walk_packages(package.__path__, package.__name__ + ".")
    return [package, *(importlib.import_module(module.name) for module in found)]


def all_kernels() -> dict[str, Dispatcher]:
    """Every function of engine and merchants that Python is meant to call compiled."""
    return {
        f"{module.__name__}.{name}": value
        for package in (engine, merchants)
        for module in modules(package)
        for name, value in vars(module).items()
        if isinstance(value, Dispatcher)
        and value.__module__ == module.__name__
        and value.targetoptions.get("nogil")
    }


def machine_code(function: Dispatcher) -> bytes:
    """What the cache keeps of a kernel: its machine code, with the names of all it calls."""
    folder = Path(function.stats.cache_path)
    files = list(folder.glob(f"*{function.__name__}-*.nbc"))
    assert files, f"{function.__name__} is not in the cache"
    return b"".join(file.read_bytes() for file in files)


def test_there_are_kernels():
    assert "merchants.advance_bazaar.advance_ticks" in all_kernels()


@pytest.mark.parametrize("function", all_kernels().values(), ids=all_kernels())
def test_kernels_are_compiled_as_they_are_imported_and_give_up_the_lock(function):
    assert len(function.signatures) == 1
    assert not function._can_compile, "or it would compile again, for other types, when called"
    assert function.targetoptions["nogil"]


@pytest.mark.parametrize("function", all_kernels().values(), ids=all_kernels())
def test_kernels_count_no_references(function):
    """Each array taken out of a table would cost two calls: a bazaar eight times slower."""
    assert b"NRT_incref" not in machine_code(function)


def test_counted_references_would_be_seen():
    roster = kernel_type(Roster)
    assert counting_references.nopython_signatures[0].args == (roster,)
    assert b"NRT_incref" in machine_code(counting_references)


def test_whoever_hands_over_another_type_is_refused():
    assert kept(np.array([3, 4]), 1) == 4
    with pytest.raises(TypeError, match="No matching definition"):
        kept(np.array([3.5]), 0)


def test_only_one_file_knows_how_to_compile():
    """All others take its decorators, so that none forgets an option."""
    for package in (engine, merchants):
        for source in Path(package.__path__[0]).rglob("*.py"):
            if source.name == "kernels.py":
                continue
            for node in ast.walk(ast.parse(source.read_text())):
                if isinstance(node, ast.ImportFrom) and node.module == "numba":
                    taken = {alias.name for alias in node.names}
                    assert not taken & {"njit", "jit", "vectorize", "guvectorize", "cfunc"}, source
                assert not (
                    isinstance(node, ast.Import) and any(a.name == "numba" for a in node.names)
                ), source


def test_a_second_process_finds_the_kernel_in_the_cache():
    """Closures and function arguments would be compiled anew by every process."""
    program = (
        "import json; from city_node.kernel_cache import prepare; prepare(); "
        "from merchants.advance_bazaar import advance_ticks as kernel; "
        "hits, misses = kernel.stats.cache_hits, kernel.stats.cache_misses; "
        "print(json.dumps([sum(hits.values()), sum(misses.values())]))"
    )
    found = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(found.stdout) == [1, 0]
    assert advance_ticks.stats.cache_path.startswith(os.environ["NUMBA_CACHE_DIR"])
