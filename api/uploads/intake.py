"""Taking files in: each is streamed, hashed and sniffed while it arrives; its pages are counted while the next one arrives (R42)."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from uuid import uuid4

from api.removal import remove_objects
from ingestio.domain.media import MediaType
from ingestio.domain.submissions import FileMark, ReceivedFile, RefusedUpload
from ingestio.errors import FileRefused, PlanLimit, RefusalCode, Unavailable
from ingestio.media.counting import MediaLimits, PageCount, Refusal, count_pages
from ingestio.media.sniff import HEAD_BYTES, sniff
from ingestio.storage.keys import original_key
from ingestio.storage.objects import ObjectStore
from ingestio.storage.staging import Stage

# Files whose bytes are here and whose pages are not known yet: enough to keep the counting children busy, few enough to bound open files.
_BEHIND = 8


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is known of a file once its last byte came. Too large a file is not read to the end: `sha256` is then empty."""

    document_id: str
    client_id: str
    position: int
    filename: str
    size_bytes: int
    sha256: str
    media_type: MediaType | None
    too_large: bool

    @property
    def mark(self) -> FileMark:
        return FileMark(self.position, self.filename, self.sha256, self.size_bytes)

    def refused(self, refusal: Refusal) -> RefusedUpload:
        return RefusedUpload(self.client_id, self.position, self.filename, refusal.code, refusal.message)


class Intake:
    """Takes the files of one request. Leaving the context removes every object that was not handed over to a row.

    Files are settled in the background, a few at a time; `settled` waits for all and answers them in order.
    """

    def __init__(self, store: ObjectStore, user_id: str, limit: PlanLimit) -> None:
        self._store = store
        self._user_id = user_id
        self._limit = limit
        self._file_bytes = file_bytes(limit)
        self._open: set[AsyncExitStack] = set()
        self._tasks: list[asyncio.Task[ReceivedFile | RefusedUpload]] = []
        self._turns = asyncio.Semaphore(_BEHIND)
        self._kept: dict[str, str] = {}
        self._failure: Exception | None = None
        self.arrivals: list[Arrival] = []

    async def take(self, chunks: AsyncIterator[bytes], *, client_id: str, position: int, filename: str) -> None:
        """Read one file to its end and begin to settle it. Raises what an earlier file failed with: an outage, never a refusal."""
        if self._failure is not None:
            raise self._failure
        await self._turns.acquire()
        settling = False
        stack = AsyncExitStack()
        self._open.add(stack)
        try:
            document_id = str(uuid4())
            key = original_key(self._user_id, document_id)
            stage = await stack.enter_async_context(self._store.stage(key, self._user_id))
            size, head, too_large = await self._fill(stage, chunks)
            arrival = Arrival(
                document_id=document_id,
                client_id=client_id,
                position=position,
                filename=filename,
                size_bytes=size,
                sha256="" if too_large else stage.sha256,
                media_type=sniff(head),
                too_large=too_large,
            )
            self.arrivals.append(arrival)
            self._tasks.append(asyncio.create_task(self._settle(arrival, stage, key, stack)))
            settling = True
        finally:
            if not settling:
                await self._close(stack)

    async def settled(self) -> list[ReceivedFile | RefusedUpload]:
        """Every file that was taken, kept in storage or refused, in order."""
        return list(await asyncio.gather(*self._tasks))

    def hand_over(self, document_ids: Iterable[str]) -> None:
        """These documents have rows now; their objects stay."""
        for document_id in document_ids:
            self._kept.pop(document_id, None)

    @contextmanager
    def committing(self, document_ids: Iterable[str]) -> Iterator[None]:
        """Around the transaction that makes their rows. A connection lost in its commit leaves open whether they were made, so the
        objects stay and the sweep of orphans judges."""
        try:
            yield
        except Unavailable:
            self.hand_over(document_ids)
            raise

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for stack in list(self._open):
            await self._close(stack)
        await remove_objects(self._store, self._user_id, self._kept.values())

    async def _fill(self, stage: Stage, chunks: AsyncIterator[bytes]) -> tuple[int, bytes, bool]:
        """Size, first bytes, and whether the file is beyond the plan's limit: then the rest of it is only read away."""
        size, head, too_large = 0, b"", False
        async for chunk in chunks:
            size += len(chunk)
            if too_large:
                continue
            if self._file_bytes is not None and size > self._file_bytes:
                too_large = True
                await stage.discard()
                continue
            if len(head) < HEAD_BYTES:
                head += chunk[: HEAD_BYTES - len(head)]
            await stage.write(chunk)
        return size, head, too_large

    async def _settle(
        self, arrival: Arrival, stage: Stage, key: str, stack: AsyncExitStack
    ) -> ReceivedFile | RefusedUpload:
        try:
            outcome = await self._judge(arrival, stage)
            if isinstance(outcome, RefusedUpload):
                return outcome
            self._kept[arrival.document_id] = key
            await stage.keep()
        except Exception as error:
            self._failure = error
            raise
        else:
            return outcome
        finally:
            await self._close(stack)

    async def _judge(self, arrival: Arrival, stage: Stage) -> ReceivedFile | RefusedUpload:
        if arrival.too_large:
            return arrival.refused(too_large(self._limit))
        if arrival.size_bytes == 0:
            return arrival.refused(Refusal(RefusalCode.CORRUPT, "The file is empty."))
        if arrival.media_type is None:
            return arrival.refused(
                Refusal(
                    RefusalCode.UNSUPPORTED_TYPE,
                    "The content is none of PDF, PNG, JPEG, TIFF, WebP and HEIC, whatever the name says.",
                )
            )
        answer = await count_pages(stage.path, arrival.media_type, MediaLimits())
        if isinstance(answer, Refusal):
            return arrival.refused(answer)
        return _received(arrival, answer, arrival.media_type, original_key(self._user_id, arrival.document_id))

    async def _close(self, stack: AsyncExitStack) -> None:
        if stack in self._open:
            self._open.discard(stack)
            self._turns.release()
            await stack.aclose()


def _received(arrival: Arrival, counted: PageCount, media_type: MediaType, key: str) -> ReceivedFile:
    return ReceivedFile(
        document_id=arrival.document_id,
        client_id=arrival.client_id,
        position=arrival.position,
        filename=arrival.filename,
        mime_type=media_type.mime_type,
        size_bytes=arrival.size_bytes,
        sha256=arrival.sha256,
        page_count=counted.pages,
        page_shapes=counted.shapes,
        storage_path=key,
    )


def file_bytes(limit: PlanLimit) -> int | None:
    """The limit called `file_mb` in bytes; None is unlimited."""
    return None if limit.value is None else limit.value << 20


def too_large(limit: PlanLimit) -> Refusal:
    """The refusal of a file beyond the plan's limit."""
    lifted = "" if limit.lifted_by is None else f" The {limit.lifted_by} plan takes larger ones."
    return Refusal(
        RefusalCode.FILE_TOO_LARGE,
        f"The file is larger than {limit.value} MB, the limit of the {limit.plan} plan.{lifted}",
    )


def refused(item: RefusedUpload, limit: PlanLimit) -> FileRefused:
    """A refused file as an error; with the limit when that was the reason."""
    reason = RefusalCode(item.code)
    return FileRefused(reason, item.message, limit=limit if reason is RefusalCode.FILE_TOO_LARGE else None)
