"""Where checkpoints lie: files of a world's folder, named by their tick.

Called by `keeping` and `recovery`; knows nothing of what is in them.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

NAME = re.compile(r"checkpoint-(\d{18})-(\d{18})\.world")


class Shelf(Protocol):
    """Where checkpoints lie: a folder, or, in a simulation, memory."""

    def names(self) -> list[str]: ...
    def read(self, name: str) -> bytes: ...
    def write(self, name: str, chunks: Iterator[bytes | memoryview]) -> None: ...
    def remove(self, name: str) -> None: ...


class FolderShelf:
    """Checkpoints as files of a folder; a file is there whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        """All that are there, oldest first."""
        return sorted(path.name for path in self._folder.iterdir() if NAME.fullmatch(path.name))

    def read(self, name: str) -> bytes:
        """The whole file."""
        return (self._folder / name).read_bytes()

    def write(self, name: str, chunks: Iterator[bytes | memoryview]) -> None:
        """Write beside, sync, rename, sync the folder.

        Raises:
            OSError: it cannot be written; nothing of it is left.
        """
        beside = self._folder / f"{name}.part"
        try:
            with beside.open("wb") as file:
                for chunk in chunks:
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            beside.rename(self._folder / name)
        except OSError:
            beside.unlink(missing_ok=True)
            raise
        sync_folder(self._folder)

    def remove(self, name: str) -> None:
        """Take one away."""
        (self._folder / name).unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make names that were changed in a folder last."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def name_of(tick: int, commit: int) -> str:
    """The file of a checkpoint; names sort by age."""
    return f"checkpoint-{tick:018}-{commit:018}.world"


def tick_of(name: str) -> int:
    """The tick of a checkpoint, by its name."""
    found = NAME.fullmatch(name)
    assert found
    return int(found[1])


def prune(shelf: Shelf) -> None:
    """Keep the first checkpoint and the newest two."""
    for name in shelf.names()[1:-2]:
        shelf.remove(name)
