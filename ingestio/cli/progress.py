"""Progress on standard error: bars on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from ingestio.cli.terminal import is_lively, talk

FIRST_LINE_SECONDS = 1.0


class Bar(Protocol):
    """One piece of work that grows towards its total."""

    def advance(self, count: int) -> None:
        """So much more is done; a negative number takes something back."""

    def to(self, done: int, note: str = "") -> None:
        """So much is done in all; `note` says what stands out."""


@contextmanager
def bar(text: str, total: int, *, in_bytes: bool = False, every_seconds: float = 5.0) -> Iterator[Bar]:
    """Show `text` with how much of `total` is done, until the block ends. `in_bytes`: the figures are bytes, shown with a unit.

    Off a terminal a line is written every `every_seconds` at most, the first one after a second, and one at the end.
    """
    console = talk()
    if not is_lively(console):
        plain = _PlainBar(console, text, total, in_bytes, every_seconds)
        yield plain
        plain.end()
        return
    figures: ProgressColumn = DownloadColumn() if in_bytes else MofNCompleteColumn()
    columns = (
        TextColumn("{task.description:<12}"),
        BarColumn(28),
        figures,
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console) as progress:
        yield _RichBar(progress, progress.add_task(text, total=total, note=""))


@contextmanager
def waiting(text: str) -> Iterator[None]:
    """Say that something is under way whose length nobody knows."""
    console = talk()
    if not is_lively(console):
        console.print(f"{text} ...")
        yield
        return
    columns = (SpinnerColumn("line"), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        progress.add_task(text, total=None)
        yield


class _RichBar:
    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress, self._task = progress, task

    def advance(self, count: int) -> None:
        self._progress.advance(self._task, count)

    def to(self, done: int, note: str = "") -> None:
        self._progress.update(self._task, completed=done, note=note)


class _PlainBar:
    def __init__(self, console: Console, text: str, total: int, in_bytes: bool, every_seconds: float) -> None:
        self._console, self._text, self._total, self._in_bytes = console, text, total, in_bytes
        self._every_seconds = every_seconds
        self._done, self._note = 0, ""
        self._said = ""
        self._said_at = time.monotonic() - every_seconds + min(FIRST_LINE_SECONDS, every_seconds)

    def advance(self, count: int) -> None:
        self.to(self._done + count, self._note)

    def to(self, done: int, note: str = "") -> None:
        self._done, self._note = done, note
        if time.monotonic() >= self._said_at + self._every_seconds:
            self._say()

    def end(self) -> None:
        self._say()

    def _say(self) -> None:
        line = (
            f"{self._text}: {self._figure(self._done)} of {self._figure(self._total)}{self._note and f', {self._note}'}"
        )
        if line != self._said:
            self._console.print(line)
        self._said, self._said_at = line, time.monotonic()

    def _figure(self, number: int) -> str:
        return decimal(number) if self._in_bytes else str(number)
