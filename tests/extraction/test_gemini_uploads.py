"""A document that is too large for a request: the file store with an API key, a clear refusal on Vertex AI."""

import asyncio
import os
import time
from pathlib import Path

import pytest

from ingestio.errors import FailureCode, ModelError
from ingestio.extraction.gemini.documents import MAX_INLINE_BYTES
from tests.extraction import gemini_replies as replies
from tests.extraction.conftest import INVOICE_LINES, MakeProvider, pdf, to_classify, to_extract
from tests.extraction.gemini_stand_in import GeminiStandIn, Request

pytestmark = pytest.mark.usefixtures("bounded_pool")

PROMPT = "Extract the invoice number."


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An invoice with 17 MB of ballast after its end, which readers pass over."""
    path = tmp_path_factory.mktemp("large") / "a-name-that-must-not-travel.pdf"
    path.write_bytes(pdf(INVOICE_LINES) + b"\n%" + os.urandom(17_000_000).replace(b"/Encrypt", b"") + b"\n%%EOF\n")
    return path


def uploads(gemini: GeminiStandIn) -> list[Request]:
    return [request for request in gemini.requests if request.path.startswith("/upload/")]


def deleted(gemini: GeminiStandIn) -> list[str]:
    return [request.path for request in gemini.requests if request.method == "DELETE"]


async def test_it_is_uploaded_referred_to_and_deleted(
    make_provider: MakeProvider, gemini: GeminiStandIn, large: Path
) -> None:
    gemini.values = {"invoice_number": "INV-2041"}
    result = await make_provider().extract(to_extract(large, prompt=PROMPT))
    assert result.data == {"invoice_number": "INV-2041"}
    start, *chunks = uploads(gemini)
    assert b"".join(chunk.body for chunk in chunks) == large.read_bytes()
    assert start.headers["x-goog-upload-header-content-type"] == "application/pdf"
    (request,) = gemini.generated
    (file, *_) = request.parts
    assert any(value.startswith(f"{gemini.url}/v1beta/files/") for value in file["fileData"].values())
    assert gemini.files == {}
    assert len(deleted(gemini)) == 1
    for each in gemini.requests:
        assert "a-name-that-must-not-travel" not in f"{each.target} {dict(each.headers)}"


async def test_a_repair_turn_uses_the_same_upload(
    make_provider: MakeProvider, gemini: GeminiStandIn, large: Path
) -> None:
    gemini.file_states.extend(["PROCESSING", "PROCESSING"])

    async def script_after_upload() -> None:
        # The script answers every request in turn, so it may only begin once the chunks are through.
        while not any(request.method == "GET" for request in gemini.requests):
            await asyncio.sleep(0.005)
        gemini.script.extend([replies.generated("not JSON"), replies.answer({"invoice_number": "INV-2041"})])

    _, result = await asyncio.gather(script_after_upload(), make_provider().extract(to_extract(large, prompt=PROMPT)))
    assert result.data == {"invoice_number": "INV-2041"}
    first, second = gemini.generated
    assert first.parts[0] == second.parts[0]
    assert gemini.files == {}


async def test_a_file_that_is_still_processed_is_waited_for(
    make_provider: MakeProvider, gemini: GeminiStandIn, large: Path
) -> None:
    gemini.file_states.extend(["PROCESSING", "PROCESSING"])
    await make_provider().extract(to_extract(large, prompt=PROMPT))
    assert len([request for request in gemini.requests if request.method == "GET"]) == 2
    assert gemini.files == {}


async def test_a_file_that_the_service_cannot_take_is_rejected_and_deleted(
    make_provider: MakeProvider, gemini: GeminiStandIn, large: Path
) -> None:
    gemini.file_states.append("FAILED")
    with pytest.raises(ModelError) as caught:
        await make_provider().extract(to_extract(large, prompt=PROMPT))
    assert (caught.value.reason, caught.value.can_retry) == (FailureCode.MODEL_REJECTED, False)
    assert gemini.calls == 0
    assert gemini.files == {}


async def test_a_refused_chunk_is_typed_and_does_not_stop_the_event_loop(
    make_provider: MakeProvider, gemini: GeminiStandIn, large: Path
) -> None:
    gemini.script.append(replies.server_error(503, "UNAVAILABLE"))
    longest = 0.0

    async def beat() -> None:
        nonlocal longest
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.01)
            longest = max(longest, time.monotonic() - began)

    beating = asyncio.create_task(beat())
    with pytest.raises(ModelError) as caught:
        await make_provider().extract(to_extract(large, prompt=PROMPT))
    beating.cancel()
    assert (caught.value.reason, caught.value.can_retry) == (FailureCode.MODEL_UNAVAILABLE, True)
    # The library on its own sleeps 7 seconds in the event loop's thread.
    assert longest < 5.0


async def test_cancelling_deletes_the_upload(make_provider: MakeProvider, gemini: GeminiStandIn, large: Path) -> None:
    gemini.delay_seconds = 30
    task = asyncio.create_task(make_provider().extract(to_extract(large, prompt=PROMPT)))
    while not gemini.calls:
        await asyncio.sleep(0.01)
    assert len(gemini.files) == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert gemini.files == {}


async def test_vertex_says_that_it_is_too_large_before_anything_is_sent(
    make_provider: MakeProvider, gemini: GeminiStandIn, large: Path
) -> None:
    provider = make_provider("vertex")
    with pytest.raises(ModelError, match=r"has 17\.0 MB; Vertex AI takes at most 14\.6 MB") as caught:
        await provider.extract(to_extract(large, prompt=PROMPT))
    assert (caught.value.reason, caught.value.can_retry) == (FailureCode.MODEL_REJECTED, False)
    assert (await provider.classify(to_classify(large))).document_type == "other"
    assert gemini.requests == []


async def test_what_just_fits_travels_inside_the_request(
    make_provider: MakeProvider, gemini: GeminiStandIn, large: Path, tmp_path: Path
) -> None:
    path = tmp_path / "just"
    path.write_bytes(large.read_bytes()[:MAX_INLINE_BYTES])
    await make_provider("vertex").extract(to_extract(path, prompt=PROMPT))
    (request,) = gemini.generated
    assert len(request.body) < 20_000_000
    assert len(request.document) == MAX_INLINE_BYTES
