"""A data set: a folder of documents with the true fields of each in JSON.

The truth about `a.pdf` is in `a.pdf.json` or `a.json`, beside it or in a folder `expected` of the data set; or in one line of a file
`*.jsonl` of the data set that names it: `{"file": "a.pdf", "expected": {...}}`. Documents without any are left out.

It is an object of values by field, nested or by path (`line_items[0].amount`), with `document_type` where that is known. Also taken: a
result as the service gives it, with the values in `data`; and `fields` with values by path, as the project's own samples have them.
A field of null, or an empty list, says that the document does not have it: a value found there counts as wrong.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingestio.errors import InvalidRequest
from ingestio.extraction.catalogue import DOCUMENT_TYPES
from ingestio.extraction.values import leaves

_TRUTH_FOLDER = "expected"


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of a document: its type where that was said, and values by path, None for what it does not have.

    `refused`: the document must be refused with this code.
    """

    document_type: str | None
    values: Mapping[str, Any]
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One document to read. `label` is its place below the data set."""

    path: Path
    label: str
    truth: Truth


def read_dataset(folder: Path) -> list[Case]:
    """The documents of `folder` whose truth is known, by name. Raises InvalidRequest for a truth that cannot be read, or none at all."""
    folder = folder.resolve()  # the children that read files stand elsewhere
    listed = _listed(folder)
    cases = []
    for path in sorted(folder.rglob("*")):
        label = path.relative_to(folder).as_posix()
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if hidden or path.suffix in (".json", ".jsonl") or not path.is_file():
            continue
        truth = listed.get(label) or _beside(path, folder)
        if truth is not None:
            cases.append(Case(path, label, truth))
    if not cases:
        raise InvalidRequest(f"{folder}: no document here has its expected fields in a JSON file beside it")
    return cases


def _beside(path: Path, folder: Path) -> Truth | None:
    for place in (path.parent, folder / _TRUTH_FOLDER):
        for name in (f"{path.name}.json", f"{path.stem}.json"):
            if (place / name).is_file():
                return _truth(_loaded((place / name).read_text("utf-8"), place / name), place / name)
    return None


def _listed(folder: Path) -> dict[str, Truth]:
    return {label: truth for file in sorted(folder.glob("*.jsonl")) for label, truth in _lines(file)}


def _lines(file: Path) -> Iterator[tuple[str, Truth]]:
    for line in filter(str.strip, file.read_text("utf-8").splitlines()):
        entry = _loaded(line, file)
        if isinstance(entry.get("file"), str) and isinstance(entry.get("expected"), dict):
            known = {"document_type": entry.get("document_type"), **entry["expected"]}
            yield entry["file"], _truth(known, file)


def _loaded(text: str, file: Path) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise InvalidRequest(f"{file}: not a JSON object of expected fields")
    return value


def _truth(written: dict[str, Any], file: Path) -> Truth:
    values = next((written[key] for key in ("fields", "data") if isinstance(written.get(key), dict)), written)
    document_type = written.get("document_type")
    if document_type is not None and document_type not in DOCUMENT_TYPES:
        raise InvalidRequest(f"{file}: document_type is none of {', '.join(DOCUMENT_TYPES)}")
    by_path = {
        path: None if value == [] else value
        for name, part in values.items()
        if name != "document_type"
        for path, value in ([(name, part)] if part == [] else leaves(name, part))
    }
    return Truth(document_type, by_path, written.get("refused"))
