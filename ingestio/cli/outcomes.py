"""What became of every file that was handed in: one row each, kept on disk so that ten thousand results need no memory."""

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from ingestio.cli.files import LocalFile
from ingestio.client import Ingestio
from ingestio.client.models import Batch, Document
from ingestio.exporters.rows import ExportRow

COMPLETED, REFUSED = "completed", "refused"


class Outcomes:
    """Rows in the order of the files, iterated as often as wanted. A context manager: the file behind it has no name and goes with it."""

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by __exit__
        self.counts: Counter[str] = Counter()
        """How many rows have which status."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[ExportRow]:
        self._file.seek(0)
        for line in iter(self._file.readline, b""):
            yield ExportRow.read(line)

    @property
    def completed(self) -> int:
        return self.counts[COMPLETED]

    @property
    def total(self) -> int:
        return self.counts.total()

    def add(self, row: ExportRow) -> None:
        """Put a row behind the others; not while they are iterated."""
        self._file.seek(0, 2)
        self._file.write(row.line())
        self.counts[row.status] += 1


def collect(client: Ingestio, batch: Batch, files: Sequence[LocalFile]) -> Iterator[ExportRow]:
    """A row for each of `files`, which were submitted in this order as `batch`, with the results of those that completed."""
    documents = {document.position: document for document in client.batches.documents(batch.id)}
    # Both lists are in the order of the files, so what is no document is the next refused file.
    refused = iter(batch.refused_files)
    for position, file in enumerate(files):
        if (document := documents.get(position)) is not None:
            yield _of_document(client, batch, document, file)
        elif (refusal := next(refused, None)) is not None:
            yield ExportRow(file.label, REFUSED, batch.id, error_code=refusal.code, error_message=refusal.message)
        else:
            yield ExportRow(file.label, "deleted", batch.id, error_code="not_found", error_message="Deleted meanwhile.")


def unreadable(file: LocalFile) -> ExportRow:
    """The row of a file that could not be sent at all."""
    return ExportRow(file.label, REFUSED, error_code="unreadable", error_message=f"The file {file.problem}.")


def _of_document(client: Ingestio, batch: Batch, document: Document, file: LocalFile) -> ExportRow:
    completed = document.status.value == COMPLETED
    return ExportRow(
        file.label,
        document.status.value,
        batch.id,
        document.id,
        document.document_type,
        document.page_count,
        document.pages_charged,
        None if document.error is None else document.error.code,
        None if document.error is None else document.error.message,
        client.documents.result(document.id).model_dump(mode="json") if completed else None,
    )
