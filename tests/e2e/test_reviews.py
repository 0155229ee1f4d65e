"""Results looked at, corrected and judged in a browser (R85)."""

import io
import time
from collections.abc import Callable
from typing import Any

import httpx
import pypdf
import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

from tests.data.make_many import make_invoice_pdf
from tests.e2e.conftest import PATIENCE_MS, NewVisit, Visit

PROMPT = "Extract the invoice number, the invoice date, the total and the delivery note number"


def ask(visit: Visit, method: str, path: str, **options: Any) -> Any:
    """A request in the name of the window's session; answers its JSON."""
    cookies = {item["name"]: item["value"] for item in visit.context.cookies() if "name" in item and "value" in item}
    headers = {"Origin": visit.address}
    if method != "GET":
        headers["X-CSRF-Token"] = visit.token()
    answer = httpx.request(
        method, f"{visit.address}/api/v1{path}", cookies=cookies, headers=headers, timeout=60, **options
    )
    assert answer.is_success, answer.text
    return answer.json()


def read_document(visit: Visit, number: int) -> str:
    """A document that was read, with a field that it does not have; answers its id."""
    file = (f"review-{number}.pdf", make_invoice_pdf(number, 1), "application/pdf")
    document: str = ask(visit, "POST", "/documents", files={"file": file})["id"]
    ask(visit, "POST", f"/documents/{document}/extract", json={"prompt": PROMPT})
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while (now := ask(visit, "GET", f"/documents/{document}"))["status"] != "completed":
        assert time.monotonic() < deadline, now
        time.sleep(0.05)
    return document


def result_of(visit: Visit, document: str) -> Any:
    return ask(visit, "GET", f"/documents/{document}/result")


def landscape() -> bytes:
    target = io.BytesIO()
    document = pypdf.PdfWriter(io.BytesIO(make_invoice_pdf(1, 1)))
    document.pages[0].rotate(90)
    document.write(target)
    return target.getvalue()


def photograph() -> bytes:
    """A receipt, held upright; the camera lay on its side."""
    target, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.new("L", (1200, 400), "grey").save(target, "JPEG", exif=exif)
    return target.getvalue()


@pytest.mark.parametrize(("make", "shape"), [(landscape, 210 / 297), (photograph, 3.0)])
def test_a_page_keeps_its_place_until_its_picture_is_there(
    visit: Visit, make: Callable[[], bytes], shape: float
) -> None:
    document = ask(visit, "POST", "/documents", files={"file": ("page", make())})["id"]
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    visit.page.route("**/pages/1.png", hold)
    page = visit.page
    with page.expect_request("**/pages/1.png"):
        page.goto(f"{visit.address}/dashboard/review/{document}", wait_until="domcontentloaded")
    picture = page.get_by_role("img", name="Page 1")
    place = picture.bounding_box()
    assert place is not None
    assert place["height"] / place["width"] == pytest.approx(shape, rel=0.02)

    while not held:  # it was asked for; the route hears of it in a moment
        page.wait_for_timeout(20)
    held[0].continue_()
    page.wait_for_function("() => document.querySelector('.page img').naturalWidth > 0")

    assert picture.bounding_box() == pytest.approx(place, abs=2)


def total(page: Page) -> Any:
    return page.get_by_label("Total", exact=True)


def test_a_value_is_corrected_and_the_result_approved_without_leaving_the_keyboard(visit: Visit) -> None:
    waiting, document = read_document(visit, 1), read_document(visit, 2)
    page = visit.go(f"/dashboard/review/{document}")
    total(page).focus()
    expect(page.locator("rect.pointed").first).to_be_attached()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("13.50")
    page.keyboard.press("Enter")
    page.wait_for_url("**/dashboard/review/*")
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_text("Set by a person; read as")).to_be_visible()

    page.keyboard.press("ControlOrMeta+Enter")

    page.wait_for_url(f"**/dashboard/review/{waiting}**")
    expect(page.get_by_text("Approved. This is the next")).to_be_visible()
    result = result_of(visit, document)
    assert (result["review"], result["revision"], result["data"]["total"]) == ("approved", 2, "13.50")


@pytest.mark.parametrize("scripts", [True, False])
def test_of_two_windows_on_one_result_the_second_is_told_and_keeps_what_was_typed(
    new_visit: NewVisit, scripts: bool
) -> None:
    visit = new_visit(scripts=scripts)
    visit.watch.expected.add(409)
    visit.sign_in()
    document = read_document(visit, 3)
    first, second = visit.page, visit.context.new_page()
    for page in (first, second):
        page.goto(f"{visit.address}/dashboard/review/{document}")
    total(first).fill("1.00")
    first.get_by_role("button", name="Save").click()
    expect(first.get_by_text("Saved.")).to_be_visible()

    total(second).fill("2.00")
    second.get_by_label("Delivery note number").fill("DN-7")
    second.get_by_role("button", name="Approve").click()

    expect(second.get_by_role("alert")).to_contain_text("Somebody changed this meanwhile")
    expect(total(second)).to_have_value("2.00")
    expect(second.get_by_text("Now “1.00”")).to_be_visible()
    second.get_by_role("button", name="Save").click()
    expect(second.get_by_text("Saved.")).to_be_visible()
    data = result_of(visit, document)["data"]
    assert (data["total"], data["delivery_note_number"]) == ("2.00", "DN-7")


def test_one_document_is_uploaded_asked_and_read_by_somebody_without_batches(new_visit: NewVisit) -> None:
    visit = new_visit()
    page = visit.sign_in("sample-starter")
    page.get_by_role("link", name="Documents", exact=True).click()
    page.get_by_role("link", name="New document").click()
    page.set_input_files("#file", {"name": "lone.pdf", "mimeType": "application/pdf", "buffer": make_invoice_pdf(4, 1)})
    page.get_by_role("button", name="Upload").click()
    page.get_by_label("What to extract").fill("x" * 16_001)
    expect(page.get_by_text("16,001 of 20,000 characters")).to_be_visible()
    page.get_by_label("What to extract").fill(PROMPT)
    expect(page.get_by_text("of 20,000 characters")).to_be_hidden()
    page.get_by_role("button", name="Extract 1 page").click()

    expect(total(page)).to_be_visible(timeout=PATIENCE_MS)

    assert total(page).input_value()
    expect(page.locator('.marks [data-path="total"]')).to_be_visible()  # without being loaded again
    page.get_by_role("link", name="Documents", exact=True).click()
    page.get_by_label("Name, type or value").fill("lone")
    page.keyboard.press("Enter")
    expect(page.locator("#document-list tbody tr")).to_have_count(1)
    page.get_by_label("Choose lone.pdf").check()
    page.locator("#fold-export-many summary").click()
    page.get_by_label("Format").select_option("csv")
    page.get_by_role("button", name="Export what is ticked").click()
    expect(page.locator("#exports")).to_contain_text("1 document")

    page.get_by_role("link", name="Documents", exact=True).click()
    page.get_by_label("Choose lone.pdf").check()
    page.get_by_text("Delete", exact=True).click()
    page.get_by_role("button", name="Delete what is ticked").click()
    expect(page.get_by_text("Deleted, with files and results.")).to_be_visible()
