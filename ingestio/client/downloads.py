"""Answers that are files: written piece by piece, and in their place only when they are whole."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import httpx

from ingestio.client.asking import Core
from ingestio.client.plans import Call, Doing, Piece
from ingestio.errors import InvalidRequest


def save(core: Core, call: Call, path: str | os.PathLike[str]) -> Doing[Path]:
    """Write a call's answer to `path`, which is replaced at the end or left as it was. Raises InvalidRequest where it cannot be written."""
    target = Path(path)
    with _replacing(target) as file:

        def write(_answer: httpx.Response) -> Doing[None]:
            # A line that broke begins again from the start.
            file.seek(0)
            file.truncate()
            while (piece := (yield Piece())) is not None:
                file.write(piece)

        yield from core.ask(call, write)
    return target


@contextmanager
def _replacing(target: Path) -> Iterator[BinaryIO]:
    place = target.resolve()
    staging = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
    try:
        with staging.open("xb") as file:
            yield file
        staging.replace(place)
    except OSError as error:
        raise InvalidRequest(f"{target}: cannot be written ({error.strerror})") from error
    finally:
        staging.unlink(missing_ok=True)
