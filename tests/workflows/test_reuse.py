"""The same question about the same bytes by the same user is answered once, and charged once (R83)."""

from typing import Any
from uuid import UUID

import pytest

from ingestio.db.session import service_session
from ingestio.domain.fields import Extraction
from ingestio.errors import DocumentFailed, FailureCode
from ingestio.extraction.base import ExtractRequest
from ingestio.services.documents import extract_lone, register_lone
from tests.workflows.conftest import House
from tests.workflows.lone import in_order, run_lone

PROMPT = "Extract the invoice number"


async def upload(house: House, name: str = "twice", pages: int = 3) -> UUID:
    received = await house.store(name, pages, 0, None)
    async with service_session(house.deps.engine) as session:
        document_id, _ = await register_lone(session, house.user_id, received)
    return document_id


async def extract(house: House, document_id: UUID, prompt: str | None = PROMPT, **options: Any) -> dict[str, Any]:
    """The newest result, and the charge that belongs to it."""
    async with service_session(house.deps.engine) as session:
        job = await extract_lone(
            session,
            house.user_id,
            document_id,
            prompt=prompt,
            options=options,
            book=house.deps.book,
            now=house.deps.clock(),
        )
    await run_lone(house, document_id, job)
    await house.client.get_workflow_handle(f"document/{document_id}/{job.attempt}").result()
    await in_order(house)
    return house.one(
        "SELECT result.data, result.pages, result.reused_from, result.input_tokens, result.estimated_cost, "
        "charge.state, charge.pages AS charged, charge.reused_from AS charged_from FROM extracted_data AS result "
        "JOIN page_ledger AS charge ON charge.job_id = result.extraction_job_id WHERE result.extraction_job_id = %s",
        job.job_id,
    )


async def test_a_second_document_of_the_same_bytes_takes_the_first_one_s_result(house: House) -> None:
    first = await upload(house)
    paid = await extract(house, first)
    free = await extract(house, await upload(house))

    assert (paid["pages"], paid["reused_from"], paid["input_tokens"]) == (3, None, 7)
    assert [str(each["estimated_cost"]) for each in (paid, free)] == ["0.002", "0"]
    assert free["data"] == paid["data"]
    assert (free["pages"], free["charged"], free["state"], free["input_tokens"]) == (0, 0, "committed", 0)
    assert free["reused_from"] == free["charged_from"] == first
    assert house.provider.calls["twice"] == 1
    assert house.usage() == (3, 0)


async def test_what_was_taken_over_is_no_source_itself(house: House) -> None:
    first = await upload(house)
    await extract(house, first)
    await extract(house, await upload(house))
    again = await extract(house, first)

    assert again["reused_from"] == first
    assert house.provider.calls["twice"] == 1
    assert house.usage() == (3, 0)
    assert house.one("SELECT pages_charged FROM documents WHERE id = %s", first)["pages_charged"] == 3


@pytest.mark.parametrize(
    "second",
    [
        {"reuse": False},
        {"prompt": f"{PROMPT} and the total"},
        {"custom_instructions": "Read the stamp too"},
        {"name": "other"},
    ],
    ids=["not wanted", "another prompt", "other instructions", "other bytes"],
)
async def test_another_question_is_asked_and_charged(house: House, second: dict[str, Any]) -> None:
    await extract(house, await upload(house))
    result = await extract(house, await upload(house, second.pop("name", "twice")), **second)

    assert (result["reused_from"], result["pages"], result["charged"]) == (None, 3, 3)
    assert house.provider.calls.total() == 2
    assert house.usage() == (6, 0)


async def test_another_model_is_asked(house: House) -> None:
    await extract(house, await upload(house))
    house.provider.model = "scripted-2"
    assert (await extract(house, await upload(house)))["reused_from"] is None


async def test_a_result_that_somebody_rejected_is_not_handed_on(house: House) -> None:
    await extract(house, await upload(house))
    house.superuser.execute("UPDATE extracted_data SET review = 'rejected'")
    assert (await extract(house, await upload(house)))["reused_from"] is None


async def test_another_user_s_result_is_not_handed_on(house: House) -> None:
    await extract(house, await upload(house))
    house.user_id = f"{house.user_id}-2"
    await house.open()
    assert (await extract(house, await upload(house)))["reused_from"] is None


async def test_a_stored_answer_that_is_gone_is_asked_for_again(house: House) -> None:
    await extract(house, await upload(house))
    await house.deps.store.delete_prefix(f"{house.user_id}/jobs", house.user_id)
    assert (await extract(house, await upload(house)))["reused_from"] is None


async def test_the_documents_of_a_batch_cost_what_was_quoted(house: House) -> None:
    for _ in range(2):
        batch_id = await house.submit(["same", "same"], pages=2)
        assert (await house.finished(batch_id))["completed_count"] == 2
    assert house.usage() == (8, 0)
    assert house.provider.calls["same"] == 4


async def test_a_failure_is_not_reused(house: House) -> None:
    async def fail(_request: ExtractRequest, call: int) -> Extraction:
        raise DocumentFailed(FailureCode.NO_TEXT)

    document_id = await upload(house, "blank")
    house.provider.plays["blank"] = fail
    async with service_session(house.deps.engine) as session:
        job = await extract_lone(
            session, house.user_id, document_id, prompt=PROMPT, options={}, book=house.deps.book, now=house.deps.clock()
        )
    await run_lone(house, document_id, job)
    await house.client.get_workflow_handle(f"document/{document_id}/1").result()
    del house.provider.plays["blank"]
    assert (await extract(house, document_id))["reused_from"] is None
    assert house.usage() == (3, 0)
