"""Server-sent events: bytes as they come, events as they are whole."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """One event: what it is called, and its data."""

    name: str
    data: str


class EventReader:
    """Takes the pieces of a stream, cut anywhere, and remembers the id from which to go on after a break."""

    def __init__(self) -> None:
        self.last_id: str | None = None
        self._begin()

    def _begin(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._rest = ""
        self._name, self._data, self._id = "message", list[str](), self.last_id

    def broke(self) -> None:
        """The next piece is of another stream; half an event is none."""
        self._begin()

    def feed(self, piece: bytes) -> Iterator[Event]:
        """The events that this piece completes."""
        # Of the three line ends of the standard the service uses the one that everybody does.
        *lines, self._rest = (self._rest + self._decode(piece)).split("\n")
        for line in lines:
            if line:
                self._take(line)
                continue
            name, data = self._name, self._data
            self.last_id, self._name, self._data = self._id, "message", []
            if data:
                yield Event(name, "\n".join(data))

    def _take(self, line: str) -> None:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            self._name = value
        elif field == "data":
            self._data.append(value)
        elif field == "id":
            self._id = value
