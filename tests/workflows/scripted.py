"""A provider that plays a script, chosen by the document's own bytes: the whole pipeline around it is real."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from ingestio.domain.evidence import Evidence, FieldState
from ingestio.domain.fields import ExtractedField, Extraction, ModelUsage
from ingestio.extraction.base import Classification, ClassifyRequest, ExtractRequest

Play = Callable[[ExtractRequest, int], Awaitable[Extraction]]


def answer(document_type: str = "invoice", number: str = "INV-1") -> Extraction:
    """A plausible finished extraction."""
    place = Evidence(page=1, quote=number, box=(10.0, 20.0, 60.0, 32.0))
    return Extraction(
        document_type=document_type,
        provider="scripted",
        model="scripted-1",
        data={"invoice_number": number},
        fields=(ExtractedField("invoice_number", number, FieldState.SUPPORTED, 0.99, (place,)),),
        usage=ModelUsage(input_tokens=7, output_tokens=3, estimated_cost="0.002"),
    )


async def succeed(_request: ExtractRequest, _call: int) -> Extraction:
    """Answers at once."""
    return answer()


class Gate:
    """A document that is read for as long as the gate is shut."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()

    async def play(self, _request: ExtractRequest, _call: int) -> Extraction:
        self.reached.set()
        await self.opened.wait()
        return answer()


@dataclass
class ScriptedProvider:
    """Plays `plays[name]` for the document whose first line is `name`, else succeeds. Counts calls by name."""

    plays: dict[str, Play] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    requests: list[ExtractRequest] = field(default_factory=list)
    running: int = 0
    most_at_once: int = 0
    name: str = "scripted"
    model: str = "scripted-1"

    async def classify(self, request: ClassifyRequest) -> Classification:
        self.calls["classify"] += 1
        kind = (await asyncio.to_thread(request.path.read_text)).splitlines()[0]
        usage = ModelUsage(input_tokens=4, output_tokens=1, cached_tokens=2, thinking_tokens=1, estimated_cost="0.0005")
        return Classification("receipt" if "receipt" in kind else "invoice", 0.9, usage=usage)

    async def extract(self, request: ExtractRequest) -> Extraction:
        name = (await asyncio.to_thread(request.path.read_text)).splitlines()[0]
        self.calls[name] += 1
        self.requests.append(request)
        self.running += 1
        self.most_at_once = max(self.most_at_once, self.running)
        try:
            return await self.plays.get(name, succeed)(request, self.calls[name])
        finally:
            self.running -= 1
