"""Results corrected and judged: the machine's value stays, nobody overwrites what they have not seen (R85)."""

import asyncio

import pytest

from tests.api.conftest import Json, User, Worker, assert_problem

PROMPT = "Extract the total, the IBAN, the invoice date, the currency and the line items (description, amount)"
DATA: Json = {
    "total": "12.50",
    "iban": None,
    "invoice_date": "2026-10-03",
    "currency": "EUR",
    "line_items": [{"description": "Tea", "amount": "5.00"}, {"description": "Cake", "amount": "7.50"}],
}


def fields_of(data: Json) -> list[Json]:
    """As engines store them: a leaf each, with evidence where there is a value."""
    leaves = [(path, value) for path, value in data.items() if not isinstance(value, list)]
    for name, rows in data.items():
        if isinstance(rows, list):
            leaves += [(f"{name}[{i}].{key}", value) for i, row in enumerate(rows) for key, value in row.items()]
    return [
        {
            "path": path,
            "value": value,
            "state": "not_found" if value is None else "supported",
            "confidence": 0.0 if value is None else 0.98,
            "evidence": [] if value is None else [{"page": 1, "quote": value, "box": None}],
        }
        for path, value in leaves
    ]


async def extracted(user: User, document_id: str | None = None, **changes: object) -> str:
    """A completed document, or one more extraction of it; answers its id."""
    document_id = document_id or (await user.document())["id"]
    assert (await user.post(f"/documents/{document_id}/extract", json={"prompt": PROMPT})).status_code == 202
    data = DATA | changes
    await Worker(user).complete(document_id, data=data, fields=fields_of(data))
    return document_id


async def correct(user: User, document_id: str, revision: int, **changes: str | None) -> Json:
    """Correct fields whose names are plain."""
    body = {"revision": revision, "changes": [{"path": path, "value": value} for path, value in changes.items()]}
    answer = await user.ask("PATCH", f"/documents/{document_id}/fields", json=body)
    assert answer.status_code == 200, answer.text
    result: Json = answer.json()
    return result


async def result_of(user: User, document_id: str, values: str = "reviewed") -> Json:
    result: Json = (await user.get(f"/documents/{document_id}/result", params={"values": values})).json()
    return result


async def revisions_of(user: User, document_id: str) -> list[tuple[object, ...]]:
    """(revision, kind, path, before, after), in order."""
    items = (await user.get(f"/documents/{document_id}/revisions", params={"sort": "path"})).json()["items"]
    assert {item["by"] for item in items} <= {user.id}
    found = [tuple(item[name] for name in ("revision", "kind", "path", "before", "after")) for item in items]
    return sorted(found, key=lambda item: item[0])


def field(result: Json, path: str) -> Json:
    (found,) = [item for item in result["fields"] if item["path"] == path]
    return dict(found)


async def test_a_correction_is_laid_over_the_machines_value_which_stays(user: User) -> None:
    document = await extracted(user)
    before = await result_of(user, document)
    assert (before["revision"], before["review"]) == (0, "pending")

    after = await correct(user, document, 0, total="13.50", iban="DE89370400440532013000")

    assert after == await result_of(user, document)
    assert (after["revision"], after["data"]) == (1, DATA | {"total": "13.50", "iban": "DE89370400440532013000"})
    total = field(after, "total")
    assert (total["value"], total["machine_value"], total["reviewed"]) == ("13.50", "12.50", True)
    assert total["evidence"] == field(before, "total")["evidence"]
    assert [item["path"] for item in after["fields"]] == [item["path"] for item in before["fields"]]
    assert await result_of(user, document, "machine") == before | {"revision": 1}
    assert await revisions_of(user, document) == [
        (1, "correction", "iban", None, "DE89370400440532013000"),
        (1, "correction", "total", "12.50", "13.50"),
    ]


async def test_a_decision_is_a_revision_and_a_later_correction_opens_it_again(user: User) -> None:
    document = await extracted(user)
    review = f"/documents/{document}/review"

    approved = await user.post(review, json={"revision": 0, "decision": "approved"})

    assert (approved.status_code, approved.json()["review"], approved.json()["revision"]) == (200, "approved", 1)
    corrected = await correct(user, document, 1, total=None)
    assert (corrected["review"], corrected["data"]["total"]) == ("pending", None)
    await user.post(review, json={"revision": 2, "decision": "rejected"})
    assert (await result_of(user, document))["review"] == "rejected"
    assert await revisions_of(user, document) == [
        (1, "decision", None, "pending", "approved"),
        (2, "correction", "total", "12.50", None),
        (3, "decision", None, "pending", "rejected"),
    ]


async def test_of_two_who_change_the_same_revision_at_once_one_is_told_to_look_again(user: User) -> None:
    document = await extracted(user)
    bodies = [{"revision": 0, "changes": [{"path": "total", "value": value}]} for value in ("1.00", "2.00")]
    decision = {"revision": 0, "decision": "approved"}

    answers = await asyncio.gather(
        *(user.ask("PATCH", f"/documents/{document}/fields", json=body) for body in bodies),
        user.post(f"/documents/{document}/review", json=decision),
    )

    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    for answer in answers:
        if answer.status_code == 409:
            assert assert_problem(answer, 409, "revision_conflict")["current"] == 1
    assert len(await revisions_of(user, document)) == 1


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("total", "12,50"),
        ("total", "1,234.50"),
        ("total", "twelve"),
        ("invoice_date", "03.10.2026"),
        ("invoice_date", "2026-02-30"),
        ("currency", "€"),
        ("currency", "EUX"),
        ("iban", "DE89 3704"),
        ("line_items[0].amount", "5 EUR"),
        ("line_items[3].amount", "5.00"),
        ("line_items[0].colour", "red"),
        ("line_items[0]", "Tea"),
        ("line_items", "Tea"),
        ("total.net", "1.00"),
        ("vendor", "Somebody"),
        ("line_items[00].amount", "5.00"),
        ("][", "x"),
    ],
)
async def test_a_value_that_does_not_fit_its_field_is_refused_by_name_and_nothing_changes(
    user: User, path: str, value: str
) -> None:
    document = await extracted(user)
    changes = [{"path": "currency", "value": "USD"}, {"path": path, "value": value}]
    if path == "currency":
        changes = changes[1:]

    answer = await user.ask("PATCH", f"/documents/{document}/fields", json={"revision": 0, "changes": changes})

    problem = assert_problem(answer, 422, "invalid_request")
    assert [item["field"] for item in problem["errors"]] == [f"changes.{path}"]
    assert (await result_of(user, document))["data"] == DATA
    assert await revisions_of(user, document) == []


async def test_rows_are_added_at_the_end_of_a_list_and_values_keep_their_writing(user: User) -> None:
    document = await extracted(user)
    changes = {"line_items[2].description": "餅 🍡", "line_items[2].amount": "0.10", "line_items[0].amount": "5"}

    result = await correct(user, document, 0, **changes)

    assert result["data"]["line_items"] == [
        {"description": "Tea", "amount": "5"},
        DATA["line_items"][1],
        {"description": "餅 🍡", "amount": "0.10"},
    ]
    paths = [item["path"] for item in result["fields"]]
    assert paths[-2:] == ["line_items[2].amount", "line_items[2].description"]


async def test_a_list_that_was_not_found_can_be_begun(user: User) -> None:
    document = await extracted(user, line_items=None)

    result = await correct(user, document, 0, **{"line_items[0].amount": "5.00"})

    assert result["data"]["line_items"] == [{"amount": "5.00"}]
    assert "line_items" not in [item["path"] for item in result["fields"]]
    assert field(result, "line_items[0].amount")["reviewed"] is True


async def test_another_extraction_keeps_peoples_values_and_records_what_it_read_differently(user: User) -> None:
    document = await extracted(user)
    await correct(user, document, 0, total="13.50", **{"line_items[1].amount": "8.50"})
    await user.post(f"/documents/{document}/review", json={"revision": 1, "decision": "approved"})
    rows = [{"description": "Milk", "amount": "1.00"}, *DATA["line_items"]]

    await extracted(user, document, total="12.80", currency="USD", line_items=rows)

    result = await result_of(user, document)
    assert (result["revision"], result["review"]) == (3, "pending")
    assert (field(result, "total")["value"], field(result, "total")["machine_value"]) == ("13.50", "12.80")
    # Cake was read the same again, one row further down.
    assert [row["amount"] for row in result["data"]["line_items"]] == ["1.00", "5.00", "8.50"]
    machine = await result_of(user, document, "machine")
    assert (machine["data"]["total"], machine["data"]["line_items"]) == ("12.80", rows)
    latest = [item[1:] for item in await revisions_of(user, document) if item[0] == 3]
    assert ("kept", "total", "12.80", "13.50") in latest
    assert ("kept", "line_items[2].amount", "7.50", "8.50") in latest
    assert ("extraction", "currency", "EUR", "USD") in latest
    stale = {"revision": 2, "changes": [{"path": "total", "value": "1.00"}]}
    assert_problem(await user.ask("PATCH", f"/documents/{document}/fields", json=stale), 409, "revision_conflict")


async def test_without_a_result_there_is_nothing_to_review(user: User) -> None:
    document = (await user.document())["id"]
    change = {"revision": 0, "changes": [{"path": "total", "value": "1.00"}]}

    assert_problem(await user.ask("PATCH", f"/documents/{document}/fields", json=change), 409, "result_not_ready")
    decision = {"revision": 0, "decision": "approved"}
    assert_problem(await user.post(f"/documents/{document}/review", json=decision), 409, "result_not_ready")
    assert (await user.get(f"/documents/{document}/revisions")).json() == {"items": [], "next_cursor": None}


async def test_another_users_result_can_be_neither_corrected_nor_judged(user: User, other: User) -> None:
    document = await extracted(other)
    change = {"revision": 0, "changes": [{"path": "total", "value": "1.00"}]}

    assert_problem(await user.ask("PATCH", f"/documents/{document}/fields", json=change), 404, "not_found")
    decision = {"revision": 0, "decision": "approved"}
    assert_problem(await user.post(f"/documents/{document}/review", json=decision), 404, "not_found")
    assert_problem(await user.get(f"/documents/{document}/revisions"), 404, "not_found")
    assert (await result_of(other, document))["revision"] == 0


async def test_revisions_come_in_pages(user: User) -> None:
    document = await extracted(user)
    await correct(user, document, 0, total="1.00")
    await correct(user, document, 1, total="2.00")
    path = f"/documents/{document}/revisions"

    first = (await user.get(path, params={"limit": 1})).json()
    second = (await user.get(path, params={"limit": 1, "cursor": first["next_cursor"]})).json()

    assert [page["items"][0]["after"] for page in (first, second)] == ["2.00", "1.00"]
    assert second["next_cursor"] is None
