"""multipart/form-data as a stream of parts, in whatever order they come (RFC 7578)."""

from collections import deque
from collections.abc import AsyncIterator, Callable

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from ingestio.errors import BatchTooLarge, FieldError, InvalidRequest

_HEADER_BYTES = 8192
_HEADERS_PER_PART = 16


class Part:
    """One part. `filename` None is an ordinary field; "" is a file without a name. Read it before asking for the next part."""

    def __init__(self, reader: "_Reader", name: str, filename: str | None) -> None:
        self._reader = reader
        self.name = name
        self.filename = filename

    async def chunks(self) -> AsyncIterator[bytes]:
        """The content as it arrives; a second iteration goes on where the first one stopped."""
        while (chunk := await self._reader.part_data()) is not None:
            yield chunk

    async def text(self, limit_bytes: int) -> str:
        """The whole content as UTF-8. Raises InvalidRequest when it is longer than `limit_bytes` or no text."""
        content = bytearray()
        async for chunk in self.chunks():
            content += chunk
            if len(content) > limit_bytes:
                raise _wrong(self.name, f"at most {limit_bytes:,} bytes are allowed")
        try:
            return content.decode()
        except UnicodeDecodeError:
            raise _wrong(self.name, "must be UTF-8 text") from None


Admit = Callable[[AsyncIterator[Part]], AsyncIterator[Part]]
"""Looks at the parts of a form before they are read, and may keep some or raise."""


async def form_parts(
    content_type: str, body: AsyncIterator[bytes], *, most_parts: int, most_bytes: int | None
) -> AsyncIterator[Part]:
    """The parts of a form, each before its content has arrived. What was not read of one is passed over.

    Raises InvalidRequest for a body that is malformed, cut off or has too many parts, BatchTooLarge beyond `most_bytes` in all.
    """
    boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
    if not boundary:
        raise _wrong("Content-Type", "multipart/form-data needs a boundary")
    reader = _Reader(boundary, body, most_bytes)
    count = 0
    while (header := await reader.next_part()) is not None:
        count += 1
        if count > most_parts:
            raise _wrong("body", f"at most {most_parts:,} parts are allowed")
        yield Part(reader, *header)


class _Reader:
    """Turns the parser's callbacks into events that are waited for: what one chunk held is queued until it is asked for."""

    def __init__(self, boundary: bytes, body: AsyncIterator[bytes], most_bytes: int | None) -> None:
        self._body = body
        self._most_bytes = most_bytes
        self._taken = 0
        self._events: deque[bytes | tuple[str, str | None] | None] = deque()
        self._in_part = False
        self._complete = False
        self._field = bytearray()
        self._value = bytearray()
        self._disposition: bytes | None = None
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin_part,
                    "on_header_field": self._add_field,
                    "on_header_value": self._add_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._begin_content,
                    "on_part_data": self._add_content,
                    "on_part_end": self._end_part,
                    "on_end": self._end,
                },
                max_header_count=_HEADERS_PER_PART,
                max_header_size=_HEADER_BYTES,
            )
        except FormParserError:
            raise _wrong("Content-Type", "the boundary is too long") from None

    async def next_part(self) -> tuple[str, str | None] | None:
        """Name and file name of the next part, None after the last one."""
        while self._in_part:
            await self.part_data()
        while not self._events:
            if not await self._read():
                return None
        event = self._events.popleft()
        assert isinstance(event, tuple)
        self._in_part = True
        return event

    async def part_data(self) -> bytes | None:
        """More of the present part, None at its end."""
        while self._in_part:
            while not self._events:
                if not await self._read():
                    raise _cut_off()
            event = self._events.popleft()
            assert not isinstance(event, tuple)
            self._in_part = event is not None
            return event
        return None

    async def _read(self) -> bool:
        """Take one more chunk of the body; False at its end."""
        chunk = await anext(self._body, None)
        if chunk is None:
            if not self._complete:
                raise _cut_off()
            return False
        self._taken += len(chunk)
        if self._most_bytes is not None and self._taken > self._most_bytes:
            raise BatchTooLarge(
                f"An upload holds at most {self._most_bytes:,} bytes on this plan. Split it into several."
            )
        try:
            self._parser.write(chunk)
        except FormParserError:
            raise _wrong("body", "is not well-formed multipart/form-data") from None
        return True

    def _begin_part(self) -> None:
        self._disposition = None

    def _add_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._field.clear()
        self._value.clear()

    def _begin_content(self) -> None:
        kind, options = parse_options_header(self._disposition)
        name = options.get(b"name")
        if kind != b"form-data" or name is None:
            raise _wrong("body", "each part needs `Content-Disposition: form-data` with a name")
        filename = options.get(b"filename")
        self._events.append((name.decode(errors="replace"), None if filename is None else _unescaped(filename)))

    def _add_content(self, data: bytes, start: int, end: int) -> None:
        self._events.append(data[start:end])

    def _end_part(self) -> None:
        self._events.append(None)

    def _end(self) -> None:
        self._complete = True


def _unescaped(filename: bytes) -> str:
    """The name as it was, where a browser or curl had to escape it: quotes and line ends, and nothing else (HTML, multipart encoding)."""
    return filename.replace(b"%22", b'"').replace(b"%0D", b"\r").replace(b"%0A", b"\n").decode(errors="replace")


def _cut_off() -> InvalidRequest:
    return _wrong("body", "ends before its closing boundary")


def _wrong(field: str, message: str) -> InvalidRequest:
    return InvalidRequest("The form could not be read.", [FieldError(field, message)])
