"""The verbs that look at this machine: paths, doctor.

Called by `cli`; they need no running node, and name those that there are.
"""

import os
import shutil
import socket
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path

from platformdirs import user_cache_path

from city_node import kernel_cache
from city_node.identity.node_name import runtime_folder
from city_node.identity.trust import home_path
from city_node.observing.window import display_reason
from city_node.running import running_nodes


def print_paths() -> None:
    """Where the program keeps what it keeps, and the notes of nodes that run."""
    kernel_cache.prepare()
    from city_node.durability.folder import worlds_folder

    for what, path in (
        ("kernels", os.environ["NUMBA_CACHE_DIR"]),
        ("cache", str(user_cache_path("city-node"))),
        ("worlds", str(worlds_folder())),
        ("running nodes", str(runtime_folder())),
        ("trust", str(home_path())),
        ("defaults", str(Path(__file__).parents[1] / "defaults.toml")),
    ):
        print(f"{what:14}{path}")
    for running in running_nodes():
        token = f"  token {running.token_file}" if running.token_file else ""
        observers = f"observers {running.observe}{token}" if running.observe else "starting"
        print(f"{'node':14}{running.node or ' '.join(running.cities)}  {observers}")


@dataclass(frozen=True)
class Finding:
    """What the doctor found of one thing; `mend` is empty where nothing is wrong."""

    what: str
    found: str
    mend: str = ""


def examine() -> list[Finding]:
    """Look at all that has been seen to go wrong."""
    return [_display(), _cache(), _multicast(), _ports(), _packages()]


def print_examination() -> bool:
    """What the doctor found, a line each; whether all is well."""
    findings = examine()
    for finding in findings:
        print(f"{'ok ' if not finding.mend else 'MEND'}  {finding.what}: {finding.found}")
        if finding.mend:
            print(f"      {finding.mend}")
    return not any(finding.mend for finding in findings)


def _display() -> Finding:
    reason = display_reason()
    mend = "run with --headless, or `city-node watch --screenshot FILE.png`" if reason else ""
    return Finding("display", reason or "there is one", mend)


def _cache() -> Finding:
    kernel_cache.prepare()
    folder = Path(os.environ["NUMBA_CACHE_DIR"])
    if not os.access(folder, os.W_OK):
        return Finding("kernel cache", f"{folder} is not writable", "set XDG_CACHE_HOME elsewhere")
    free_mb = shutil.disk_usage(folder).free // 2**20
    mend = "free some space: compiled kernels take 20 MB" if free_mb < 50 else ""
    is_cold = next(folder.rglob("*.nbi"), None) is None
    state = "empty: the next start compiles for some seconds" if is_cold else "warm"
    return Finding("kernel cache", f"{folder}, {state}, {free_mb:,} MB free", mend)


def _multicast() -> Finding:
    group, port = "224.0.0.251", 5_353
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            loopback = socket.inet_aton("127.0.0.1")
            probe.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, loopback)
            probe.setsockopt(
                socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group) + loopback
            )
            probe.sendto(b"", (group, port))
    except OSError as error:
        return Finding(
            "multicast", f"not on this machine ({error.strerror})", "use --connect HOST:PORT"
        )
    return Finding("multicast", "works on this machine")


def _ports() -> Finding:
    first = 55_555
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", first))
        except OSError:
            nodes = (running.node or "one that starts" for running in running_nodes())
            users = ", ".join(nodes) or "another program"
            return Finding("ports", f"{first} is in use (running: {users}); the next free is taken")
    return Finding("ports", f"{first} is free")


def _packages() -> Finding:
    owners = packages_distributions()
    ours = ("city_node", "protocol", "merchants", "engine", "viewer")
    root = Path(__file__).parents[2]
    clashes = []
    for package in ours:
        spec = find_spec(package)
        if spec is None or not str(spec.origin).startswith(str(root)):
            where = spec.origin if spec else "nowhere"
            clashes.append(f"{package} is imported from {where}")
        others = sorted({name for name in owners.get(package, []) if name != "city-node"})
        clashes += [f"{package} is also in {name}" for name in others]
    if clashes:
        mend = "install city-node in a virtual environment of its own"
        return Finding("package names", "; ".join(clashes), mend)
    return Finding("package names", "no clash")
