"""Which files a command line means: files and folders become one list, each file once, in the order in which people count."""

import contextlib
import os
import re
import stat
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True, slots=True)
class LocalFile:
    """One file to hand in. `label` is what people call it: its name, or its place below the folder that was named.

    `problem` says why it cannot be read; it stays in the list, so that nothing gets lost from sight.
    """

    path: Path
    label: str
    problem: str | None = None


def find_files(paths: Sequence[Path], *, leave_out: Collection[Path] = ()) -> list[LocalFile]:
    """Every regular file below `paths`, whatever its suffix, in natural order; what is hidden inside a folder is skipped.

    Links to files and folders are followed, a folder that contains itself only once; a file that is reached twice counts once.
    Pipes, sockets and devices are no files. `leave_out` names files that are the command's own, such as its output.
    """
    walk = _Walk({path.resolve() for path in leave_out})
    found = [item for path in paths for item in walk.below(path)]
    counts: dict[str, int] = {}
    for item in found:
        counts[item.label] = counts.get(item.label, 0) + 1
    # Two files of different folders may be called the same; then both go by the path as it was typed.
    return [replace(item, label=shown_path(item.path)) if counts[item.label] > 1 else item for item in found]


def shown_path(path: Path) -> str:
    """A path as text, also where its bytes are no UTF-8."""
    return os.fsencode(path).decode("utf-8", "replace")


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Sorts `page 2` before `page 10`, and without regard to case."""
    parts = re.split(r"([0-9]+)", text.casefold())
    return tuple((0, int(part), "") if part.isdigit() and part.isascii() else (1, 0, part) for part in parts if part)


class _Walk:
    def __init__(self, seen: set[Path]) -> None:
        self._seen = seen
        self._folders: set[tuple[int, int]] = set()

    def below(self, path: Path) -> Iterator[LocalFile]:
        """The files of one argument, labelled below it."""
        if _is_folder(path):
            yield from self._folder(path, "")
        else:
            yield from self._file(path, shown_path(Path(path.name)))

    def _folder(self, folder: Path, prefix: str) -> Iterator[LocalFile]:
        try:
            state = folder.stat()
            entries = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
        except OSError as error:
            yield LocalFile(folder, prefix or shown_path(folder), f"cannot be read: {error.strerror}")
            return
        if (state.st_dev, state.st_ino) in self._folders:
            return
        self._folders.add((state.st_dev, state.st_ino))
        for entry in sorted(entries, key=lambda item: (natural_key(item.name), item.name)):
            label = prefix + shown_path(Path(entry.name))
            if _is_folder(entry):
                yield from self._folder(entry, f"{label}/")
            else:
                yield from self._file(entry, label)

    def _file(self, path: Path, label: str) -> Iterator[LocalFile]:
        problem = None
        try:
            place = path.resolve(strict=True)
            if place in self._seen or not stat.S_ISREG(place.stat().st_mode):
                return
            self._seen.add(place)
            with place.open("rb"):
                pass
        except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
            problem = f"cannot be read: {getattr(error, 'strerror', None) or 'its links lead in a circle'}"
        yield LocalFile(path, label, problem)


def _is_folder(path: Path) -> bool:
    with contextlib.suppress(OSError):  # in a folder that may be listed and not entered
        return path.is_dir()
    return False
