"""The review page and its queue, as plain forms: typed, saved, decided, and never lost to somebody who was faster (R85)."""

import re

import pytest
from fastapi import FastAPI

from tests.api.conftest import Json, User, Worker
from tests.api.test_reviews import DATA, correct, extracted, fields_of, result_of
from tests.api.web.conftest import Browser


@pytest.fixture
async def desk(user: User, app: FastAPI, stranger: Browser) -> Browser:
    """The browser of the user who owns the documents."""
    await stranger.sign_in_as(app, user.id)
    return stranger


def value_in(page: str, path: str) -> str:
    """What the control of a field holds."""
    found = re.search(rf'name="value\.{re.escape(path)}"[^>]* value="([^"]*)"', page)
    assert found, f"no control for {path}"
    return found[1]


def sent_from(page: str) -> dict[str, str]:
    """Everything that a browser sends from the page's form when nothing was typed."""
    (revision,) = re.findall(r'name="revision" value="(\d+)"', page)
    values = re.findall(r'name="value\.([^"]+)"[^>]* value="([^"]*)"', page)
    return {"revision": revision} | {f"value.{path}": value for path, value in values}


async def test_a_correction_is_typed_and_saved_without_scripts(user: User, desk: Browser) -> None:
    document = await extracted(user)
    address = f"/dashboard/review/{document}"
    form = sent_from((await desk.get(address)).text)
    assert form["value.invoice_date"] == "2026-10-03"

    answer = await desk.post(address, **(form | {"value.total": "13.50", "action": "save"}))

    assert (answer.status_code, answer.headers["location"]) == (303, f"{address}?said=saved")
    result = await result_of(user, document)
    assert (result["revision"], result["data"]) == (1, DATA | {"total": "13.50"})
    page = (await desk.get(address)).text
    assert value_in(page, "total") == "13.50"
    assert "Set by a person; read as “12.50”" in page
    assert "Total: “12.50” corrected to “13.50”." in page


async def test_of_two_windows_the_second_loses_nothing_of_what_was_typed(user: User, desk: Browser) -> None:
    document = await extracted(user)
    address = f"/dashboard/review/{document}"
    form = sent_from((await desk.get(address)).text)
    await correct(user, document, 0, total="99.00", currency="USD")

    typed = {"value.total": "13.50", "value.iban": "DE89370400440532013000", "action": "approve"}
    answer = await desk.post(address, **(form | typed))

    assert answer.status_code == 409
    assert "Somebody changed this meanwhile" in answer.text
    assert value_in(answer.text, "total") == "13.50"
    assert "Now “99.00”" in answer.text
    assert value_in(answer.text, "iban") == "DE89370400440532013000"
    assert value_in(answer.text, "currency") == "USD", "what was not typed shows what is there now"
    assert (await result_of(user, document))["data"]["total"] == "99.00"

    again = await desk.post(address, **(sent_from(answer.text) | {"action": "save"}))

    assert again.status_code == 303
    assert (await result_of(user, document))["data"] == DATA | {
        "total": "13.50", "iban": "DE89370400440532013000", "currency": "USD",
    }  # fmt: skip


async def test_a_value_that_does_not_fit_is_said_beside_its_field_and_stays_typed(user: User, desk: Browser) -> None:
    document = await extracted(user)
    address = f"/dashboard/review/{document}"
    form = sent_from((await desk.get(address)).text)

    answer = await desk.post(
        address, **(form | {"value.total": "12,50 EUR", "value.currency": "USD", "action": "save"})
    )

    assert answer.status_code == 422
    assert value_in(answer.text, "total") == "12,50 EUR"
    assert value_in(answer.text, "currency") == "USD"
    assert 'id="field-total-error"' in answer.text
    assert 'href="#field-total-value"' in answer.text
    assert (await result_of(user, document))["revision"] == 0


async def test_a_decision_saves_what_was_typed_and_leads_to_the_next_that_waits(user: User, desk: Browser) -> None:
    calm = await extracted(user, iban="DE89370400440532013000")
    waiting, first = await extracted(user), await extracted(user)
    queue = (await desk.get("/dashboard/review")).text
    assert '<a href="/dashboard/review">2</a>' in (await desk.get("/dashboard")).text
    assert re.findall(r'class="name"><a href="/dashboard/review/([^"]+)"', queue) == [first, waiting]
    assert "a value is missing" in queue

    answer = await desk.post(f"/dashboard/review/{first}", revision="0", action="approve", **{"value.total": "13.50"})

    assert answer.headers["location"] == f"/dashboard/review/{waiting}?said=approved-next"
    result = await result_of(user, first)
    assert (result["review"], result["revision"], result["data"]["total"]) == ("approved", 2, "13.50")
    rejected = await desk.post(f"/dashboard/review/{waiting}", revision="0", action="reject")
    assert rejected.headers["location"] == f"/dashboard/review/{waiting}?said=rejected"
    assert "Nothing waits" in (await desk.get("/dashboard/review")).text
    listed = {item["id"]: item for item in (await user.get("/documents")).json()["items"]}
    assert [listed[key]["review"] for key in (calm, waiting, first)] == ["pending", "rejected", "approved"]
    for review, expected in (("needed", []), ("approved", [first]), ("rejected", [waiting])):
        found = (await user.get("/documents", params={"review": review})).json()["items"]
        assert [item["id"] for item in found] == expected


async def test_a_document_leaves_the_queue_when_its_last_concern_is_corrected(user: User) -> None:
    document = await extracted(user)
    assert (await user.get(f"/documents/{document}")).json()["concerns"] == ["missing_value"]

    await correct(user, document, 0, iban="DE89370400440532013000")

    assert (await user.get(f"/documents/{document}")).json()["concerns"] == []
    assert (await user.get("/documents", params={"review": "needed"})).json()["items"] == []


@pytest.mark.parametrize(
    ("changes", "concerns"),
    [
        ({"state": "unsupported", "confidence": 0.2}, ["unsupported_value"]),
        ({"confidence": 0.3}, ["low_confidence"]),
        ({"state": "not_found", "value": None}, []),
    ],
)
async def test_what_is_the_matter_with_a_result_is_said_with_the_document(
    user: User, changes: Json, concerns: list[str]
) -> None:
    document = (await user.document())["id"]
    await user.post(f"/documents/{document}/extract")
    fields = fields_of({"bic": "ABCDEFGH", "invoice_number": "1", "invoice_date": "2026-10-03"})
    fields += fields_of({"vendor_name": "A", "total_amount": "1.00"})
    fields[0] |= changes
    flags = [{"code": "hidden_text", "pages": [1]}, {"code": "instructions_not_applied"}]

    await Worker(user).complete(document, fields=fields, flags=flags)

    # Nobody named the BIC, and many good invoices have none.
    assert (await user.get(f"/documents/{document}")).json()["concerns"] == [*concerns, "hidden_text"]


async def test_another_users_document_cannot_be_reviewed_from_a_page(other: User, desk: Browser) -> None:
    document = await extracted(other)

    for action in ("save", "approve"):
        answer = await desk.post(
            f"/dashboard/review/{document}", revision="0", action=action, **{"value.total": "1.00"}
        )
        assert answer.status_code == 404
    assert (await result_of(other, document))["revision"] == 0
