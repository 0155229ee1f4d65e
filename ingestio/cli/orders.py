"""Handing files in as batches and waiting for their end: what `extract` and `demo` have in common."""

import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import PurePath

from ingestio.auth.local_issuer import LocalIssuer
from ingestio.cli.files import LocalFile
from ingestio.cli.progress import bar, waiting
from ingestio.cli.service import Service, borrowed_service, running_service
from ingestio.client import Ingestio
from ingestio.client.models import Batch
from ingestio.config import Settings
from ingestio.domain.batches import PromptStrategy
from ingestio.domain.users import LOCAL_OWNER
from ingestio.errors import ConfigurationError

BATCH_FILES = 1000
POLL_SECONDS = 0.25
_TOKEN_SECONDS = 30 * 24 * 3600  # longer than anyone watches a batch; it never leaves this process


@dataclass(frozen=True)
class Order:
    """What one batch is made of: readable files in order, and the prompts that go with them, by position."""

    name: str
    files: Sequence[LocalFile]
    strategy: PromptStrategy
    prompt: str | None = None
    prompts: Mapping[int, str] = field(default_factory=dict)

    def parts(self, most: int = BATCH_FILES) -> list["Order"]:
        """The same as orders of at most `most` files."""
        if len(self.files) <= most:
            return [self]
        starts = range(0, len(self.files), most)
        return [
            replace(
                self,
                name=f"{self.name} ({number} of {len(starts)})",
                files=self.files[start : start + most],
                prompts={place - start: text for place, text in self.prompts.items() if start <= place < start + most},
            )
            for number, start in enumerate(starts, 1)
        ]


@dataclass
class Submitted:
    """An order that was accepted, and its batch as it was last seen."""

    order: Order
    batch: Batch


@contextmanager
def started_service(settings: Settings) -> Iterator[Service]:
    """The service of this data dir, with a word about its start when it must be started first.

    SIGTERM, and SIGHUP unless it is ignored, end the block as Ctrl-C does, so that what was started is stopped.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
    with ExitStack() as stack:
        if running_service(settings) is None:
            with waiting("Starting the database, Temporal, a worker and the API"):
                service = stack.enter_context(borrowed_service(settings))
        else:
            service = stack.enter_context(borrowed_service(settings))
        yield service


def as_local_owner(settings: Settings, service: Service) -> Ingestio:
    """A client that acts as the machine's owner. Raises ConfigurationError where the service does not know this user."""
    if settings.auth != "local":
        raise ConfigurationError(
            "INGESTIO_AUTH: this command acts as the local user, whom only local mode knows; use the HTTP interface with an API key"
        )
    return Ingestio(service.url, LocalIssuer(service.secret_key).issue(LOCAL_OWNER, ttl_seconds=_TOKEN_SECONDS))


def submit(client: Ingestio, orders: Sequence[Order]) -> Iterator[Submitted]:
    """Send the orders one after the other under one bar; each as soon as it is accepted. Bytes stream from the disk."""
    with bar("Uploading", sum(_size(file) for order in orders for file in order.files), in_bytes=True) as progress:
        for order in orders:
            batch = client.batches.submit(
                [(PurePath(file.label).name, file.path) for file in order.files],
                prompt=order.prompt,
                prompts=order.prompts if order.strategy is PromptStrategy.PER_DOCUMENT else None,
                name=order.name,
                on_bytes=progress.advance,
            )
            yield Submitted(order, batch)


def follow(client: Ingestio, submitted: Sequence[Submitted]) -> None:
    """Wait until every batch has ended, under one bar over their files; `submitted` holds them as they ended."""
    with bar("Extracting", sum(len(each.order.files) for each in submitted)) as progress:
        while True:
            progress.to(sum(_ended(each.batch) for each in submitted), _remark([each.batch for each in submitted]))
            open_ones = [each for each in submitted if not each.batch.has_ended]
            if not open_ones:
                return
            time.sleep(POLL_SECONDS)
            for each in open_ones:
                each.batch = client.batches.get(each.batch.id)


def _ended(batch: Batch) -> int:
    # Refused files are among the failed ones.
    return batch.completed_count + batch.failed_count + batch.cancelled_count


def _remark(batches: Sequence[Batch]) -> str:
    refused = sum(len(batch.refused_files) for batch in batches)
    failed = sum(batch.failed_count for batch in batches) - refused
    cancelled = sum(batch.cancelled_count for batch in batches)
    counts = {"refused": refused, "failed": failed, "cancelled": cancelled}
    remarks = [f"{number} {word}" for word, number in counts.items() if number]
    if any(batch.paused and not batch.has_ended for batch in batches):
        remarks.append("paused")
    return ", ".join(remarks)


def _size(file: LocalFile) -> int:
    try:
        return file.path.stat().st_size
    except OSError:
        return 0  # sending it says what is wrong
