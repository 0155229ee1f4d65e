"""From files to results, as people do it (R93, R94)."""

import re
from collections import Counter
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from playwright.sync_api import Dialog, Page, Request, Route, expect

from tests.data.make_many import make_invoice_pdf
from tests.e2e.conftest import PATIENCE_MS, NewVisit, Visit, sample_paths

LETTER_IN_POINTS = re.compile(r"^0 0 61[12][.]\d+ 79[12][.]\d+$")
PLUS_FILES = 25
TRIES = 4  # of an upload, before it waits for somebody
BATCHES = re.compile(
    r"/dashboard/batches(\?.*)?$"
)  # with what the redirect says, until a script takes it out of the address
STRATEGIES = {
    "global": "One prompt for all",
    "per_document": "A prompt per document",
    "auto": "Detect each type",
}


def invoices(folder: Path, count: int) -> list[Path]:
    """Write so many of one page each, `00.pdf` and on."""
    paths = [folder / f"{number:02}.pdf" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(make_invoice_pdf(number, 1))
    return paths


def upload(page: Page, paths: list[Path]) -> None:
    """Put files into the wizard and wait until the server has counted them all."""
    page.set_input_files("#files", paths)
    expect(page.locator("[data-uploads]")).to_be_hidden(timeout=PATIENCE_MS)
    expect(page.locator("#draft-files tr[data-key^=f-], #draft-files tr[data-key^=r-]")).to_have_count(
        len(paths), timeout=PATIENCE_MS
    )


def ends_as(page: Page, word: str) -> None:
    """Wait until the open batch page says so, without being loaded again."""
    expect(page.locator("#batch-opening .state")).to_have_text(word)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_files_become_values_with_their_evidence(visit: Visit, strategy: str) -> None:
    page = visit.go("/dashboard/batch-upload")
    upload(page, sample_paths("Rechnung_RE-2026-0417.pdf", "invoice-HP-104482.pdf"))
    page.get_by_role("link", name="Next: prompts").click()

    page.get_by_label("Name of the batch").fill(f"By {strategy}")
    page.get_by_role("radio", name=STRATEGIES[strategy]).check()
    if strategy == "global":
        page.get_by_role("button", name="Use").first.click()
    elif strategy == "per_document":
        page.get_by_label("invoice-HP-104482.pdf").fill("Extract the invoice number and the total")
        page.get_by_label("One text for several documents").fill("Extract the invoice date and the total")
        page.get_by_role("button", name="Apply to all empty").click()
        expect(page.get_by_label("Rechnung_RE-2026-0417.pdf")).to_have_value("Extract the invoice date and the total")
        expect(page.get_by_label("invoice-HP-104482.pdf")).to_have_value("Extract the invoice number and the total")
    page.get_by_role("button", name="Next: review").click()

    expect(page.get_by_role("definition").filter(has_text=re.compile("^2$")).first).to_be_visible()
    expect(page.locator(".facts")).to_contain_text(STRATEGIES[strategy])
    if strategy == "per_document":
        expect(page.locator("tr", has_text="HP-104482")).to_contain_text("Extract the invoice number and the total")
    page.get_by_role("button", name="Submit 2 files").click()
    page.wait_for_url("**/dashboard/batches/*")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"By {strategy}")
    ends_as(page, "Completed")
    expect(page.locator("#batch-summary")).to_contain_text("2")

    page.get_by_role("link", name="invoice-HP-104482.pdf").click()
    expect(page.get_by_label("Invoice number", exact=True)).to_have_value("HP-104482")
    marks = page.locator('.marks rect[data-path="invoice_number"]')
    expect(marks).to_have_count(1)
    page.locator('tr[data-path="invoice_number"]').hover()
    expect(marks).to_have_class("pointed")
    expect(page.locator(".marks")).to_have_attribute("viewBox", LETTER_IN_POINTS)


def test_a_refused_file_says_why_and_what_to_do_and_stays_out_on_a_phone_too(new_visit: NewVisit) -> None:
    visit = new_visit(width=390, height=780)
    visit.enter()
    visit.watch.expected.add(422)  # the answer about a refused file, by contract
    page = visit.go("/dashboard/batch-upload")
    upload(page, sample_paths("payslip-2026-10.pdf", "receipt-kettle-and-crumb.pdf"))

    refused = page.locator("tr", has_text="payslip-2026-10.pdf")
    expect(refused).to_contain_text("needs a password")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    expect(page.locator("[data-announce]")).to_have_text("All files have arrived.")
    page.get_by_role("button", name="Remove payslip-2026-10.pdf").press("Enter")
    expect(refused).to_have_count(0)
    expect(page.get_by_role("link", name="Next: prompts")).to_be_visible()
    page.get_by_text("Discard", exact=True).click()
    page.get_by_role("button", name="Discard the draft").click()
    page.wait_for_url(BATCHES)


def test_next_waits_for_the_first_good_file(visit: Visit) -> None:
    visit.watch.expected.add(422)  # the answer about a refused file, by contract
    page = visit.go("/dashboard/batch-upload")
    upload(page, sample_paths("terms-of-delivery.pdf"))

    expect(page.get_by_role("button", name="Next: prompts")).to_be_disabled()


def test_a_reload_in_mid_upload_finds_the_draft_and_says_what_is_missing(visit: Visit) -> None:
    paths = sample_paths("receipt-kettle-and-crumb.pdf", "PO-4500017832.pdf")
    page = visit.go("/dashboard/batch-upload")
    held = page.context
    held.route("**/files/*PO-4500017832*", lambda _: None)  # never answered
    page.set_input_files("#files", paths)
    expect(page.locator("#draft-files")).to_contain_text("receipt-kettle-and-crumb.pdf")
    expect(page.locator("[data-uploads-list] li")).to_have_count(1)
    page.reload()
    held.unroute_all()

    expect(page.locator("#draft-files")).to_contain_text("receipt-kettle-and-crumb.pdf")
    expect(page.locator("[data-lost]")).to_contain_text(
        "One file was not finished when the page was left: PO-4500017832.pdf"
    )
    upload(page, paths)


DROP = """([names, kind]) => {
  const carried = new DataTransfer();
  for (const name of names) carried.items.add(new File([`%PDF-1.4 ${name}`], name, { type: "application/pdf", lastModified: 1 }));
  const paste = kind === "paste";
  dispatchEvent(paste ? new ClipboardEvent(kind, { clipboardData: carried }) : new DragEvent(kind, { dataTransfer: carried }));
}"""
MORE_THAN_A_BROWSER_READS_AT_ONCE = 101
MARKUP = '<img src=x onerror="document.title=1">.pdf'


def test_one_upload_is_paused_and_continued_while_others_are_dropped_pasted_and_taken_out(visit: Visit) -> None:
    visit.watch.expected.add(422)  # the answers about what is no document, by contract
    page = visit.go("/dashboard/batch-upload")
    page.context.route("**/files/*PO-4500017832*", lambda _: None)  # on its way for as long as the test likes
    page.set_input_files("#files", sample_paths("PO-4500017832.pdf"))
    row = page.locator("[data-uploads-list] li", has_text="PO-4500017832.pdf")
    row.get_by_role("button", name="Pause").click()
    expect(row).to_contain_text("Paused")
    page.context.unroute_all()

    for kind, name in (("drop", MARKUP), ("paste", "pasted.pdf")):
        page.evaluate(DROP, [[name], kind])
        expect(page.locator("#draft-files tr", has_text=name)).to_contain_text("Refused")
    assert "1" not in page.title(), "a name is text, whatever is in it"
    row.get_by_role("button", name="Continue").click()

    expect(page.locator("#draft-files tr", has_text="PO-4500017832.pdf")).to_contain_text("PDF")
    expect(page.locator("[data-uploads]")).to_be_hidden()


def drop_from_the_desktop(page: Page, path: Path) -> None:
    """Drop a file or a folder on the drop zone as a file manager does: the browser itself opens what lies at the path."""
    box = page.locator("[data-drop]").bounding_box()
    assert box is not None
    at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    carried = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    hand = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        hand.send("Input.dispatchDragEvent", {"type": kind, "data": carried, **at})
        if kind == "dragOver":
            expect(page.locator("[data-drop]")).to_have_class(re.compile(r"\bover\b"))
    hand.detach()


def test_a_folder_that_is_dropped_gives_every_file_below_it_and_nothing_hidden(visit: Visit, tmp_path: Path) -> None:
    folder = tmp_path / "счета 2026"
    (folder / "November" / "late").mkdir(parents=True)
    many = folder / "December"
    many.mkdir()
    (folder / "first.pdf").write_bytes(make_invoice_pdf(1, 1))
    (folder / "November" / "first.pdf").write_bytes(make_invoice_pdf(2, 2))  # the same name elsewhere is another file
    (folder / "November" / "late" / "請求書.pdf").write_bytes(make_invoice_pdf(3, 3))
    (folder / ".DS_Store").write_bytes(b"what systems put beside files")
    for number in range(MORE_THAN_A_BROWSER_READS_AT_ONCE):
        (many / f"{number:03}.pdf").write_bytes(make_invoice_pdf(number, 1))
    page = visit.go("/dashboard/batch-upload")

    drop_from_the_desktop(page, folder)

    expect(page.locator("[data-drop]")).not_to_have_class(re.compile(r"\bover\b"))
    expect(page.locator("#draft-files")).to_have_attribute("data-documents", "104", timeout=2 * PATIENCE_MS)
    expect(page.locator("[data-uploads]")).to_be_hidden()
    draft = page.evaluate("location.pathname").rpartition("/")[2]
    answer = visit.context.request.get(f"{visit.address}/api/v1/batches/{draft}/documents?limit=200")
    found = Counter((item["filename"], item["page_count"]) for item in answer.json()["items"])
    named = Counter([("first.pdf", 1), ("first.pdf", 2), ("請求書.pdf", 3)])
    assert found == named + Counter((f"{number:03}.pdf", 1) for number in range(MORE_THAN_A_BROWSER_READS_AT_ONCE))


def test_what_was_paused_stays_so_although_it_was_about_to_be_tried_again(visit: Visit) -> None:
    """Between two tries a file waits: that is no pause, and who says pause then is not overruled by the clock."""
    visit.watch.expected.add(503)
    page = visit.page
    visit.stop_time()
    asked: list[str] = []

    def busy(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(
            status=503, content_type="application/problem+json", body='{"detail": "Busy.", "code": "unavailable"}'
        )

    page.context.route("**/files/*PO-4500017832*", busy)
    visit.go("/dashboard/batch-upload")
    page.set_input_files("#files", sample_paths("PO-4500017832.pdf"))
    row = page.locator("[data-uploads-list] li", has_text="PO-4500017832.pdf")
    visit.ticks_until(row, "Trying again: Busy.")
    page.get_by_role("button", name="Pause all").click()
    page.clock.run_for(60_000)

    visit.ticks_until(row, "Paused")
    assert len(asked) == 1
    page.context.unroute_all()
    row.get_by_role("button", name="Continue").click()
    page.clock.resume()
    expect(page.locator("#draft-files tr", has_text="PO-4500017832.pdf")).to_contain_text("PDF")


def test_what_a_lost_connection_stopped_goes_on_by_itself_when_it_is_back(visit: Visit) -> None:
    page = visit.page
    visit.stop_time()
    cut: list[Request] = []
    page.on("requestfailed", lambda request: cut.append(request))
    page.context.route("**/files/*PO-4500017832*", lambda route: route.abort())
    visit.go("/dashboard/batch-upload")
    page.set_input_files("#files", sample_paths("PO-4500017832.pdf"))
    row = page.locator("[data-uploads-list] li", has_text="PO-4500017832.pdf")
    visit.ticks_until(row, "Trying again: The connection was lost.")
    visit.ticks_until(row, "Stopped: The connection was lost.", step_ms=500)
    assert len(cut) == TRIES
    page.context.unroute_all()
    page.evaluate("dispatchEvent(new Event('online'))")
    page.clock.resume()

    expect(page.locator("#draft-files tr", has_text="PO-4500017832.pdf")).to_contain_text("PDF")
    visit.watch.seen.clear()  # the browser writes down every request that we cut


ENDED = re.compile("The session has ended. Nothing here is lost")


def holds_one_of_two(visit: Visit) -> tuple[Page, list[Route]]:
    """The wizard with one file at the server and another on its way, for as long as the test likes; answers what holds it."""
    visit.watch.expected.add(401)
    held: list[Route] = []
    page = visit.go("/dashboard/batch-upload")
    page.context.route("**/files/*PO-4500017832*", lambda route: held.append(route))
    page.set_input_files("#files", sample_paths("receipt-kettle-and-crumb.pdf", "PO-4500017832.pdf"))
    expect(page.locator("#draft-files")).to_contain_text("receipt-kettle-and-crumb.pdf")
    expect(page.locator("[data-uploads-list] li")).to_have_attribute("data-state", "sending")
    return page, held


def test_uploads_wait_for_a_session_that_ended_and_go_on_when_it_is_back(visit: Visit) -> None:
    page, held = holds_one_of_two(visit)
    page.context.clear_cookies()
    held[0].continue_()
    page.context.unroute_all()
    row = page.locator("[data-uploads-list] li")
    expect(row.locator(".note")).to_have_text("Waiting until you are signed in again")
    expect(page.locator(".toast")).to_contain_text(ENDED)
    page.get_by_role("button", name="Pause all").click()
    page.get_by_role("button", name="Continue all").click()
    expect(row.locator(".note")).to_have_text("Waiting until you are signed in again")

    with page.expect_popup() as opened:
        page.get_by_role("link", name="Sign in").click()
    opened.value.locator('button[value="me"]').click()
    opened.value.wait_for_url(page.url)

    expect(page.locator("#draft-files tr", has_text="PO-4500017832.pdf")).to_contain_text("PDF")
    expect(page.locator("#draft-files tr", has_text="receipt-kettle-and-crumb.pdf")).to_have_count(1)
    expect(page.locator("[data-uploads]")).to_be_hidden()
    expect(page.locator(".toast")).to_have_count(0)
    opened.value.close()
    page.get_by_role("button", name="Remove PO-4500017832.pdf").click()  # in the name of the new session
    expect(page.locator("#draft-files tr", has_text="PO-4500017832.pdf")).to_have_count(0)


def test_a_server_that_hangs_up_on_somebody_who_is_signed_out_is_no_lost_connection(visit: Visit) -> None:
    """A large file is not heard out first."""
    page, held = holds_one_of_two(visit)
    page.context.clear_cookies()
    held[0].abort()
    page.context.unroute_all()
    expect(page.locator(".toast")).to_contain_text(ENDED)
    expect(page.locator("[data-uploads-list] .note")).to_contain_text("Waiting until you are signed in again")
    visit.enter()

    expect(page.locator("#draft-files tr", has_text="PO-4500017832.pdf")).to_contain_text("PDF")
    visit.watch.seen.clear()  # the browser writes down the request that we cut


def test_whoever_signs_in_in_the_same_tab_comes_back_to_the_draft_and_hears_what_is_missing(visit: Visit) -> None:
    page, held = holds_one_of_two(visit)
    page.context.clear_cookies()
    held[0].continue_()
    page.context.unroute_all()
    expect(page.locator(".toast")).to_contain_text(ENDED)
    page.reload()
    page.locator('button[value="me"]').click()

    expect(page.locator("[data-lost]")).to_contain_text(
        "One file was not finished when the page was left: PO-4500017832.pdf"
    )
    expect(page.locator("#draft-files")).to_contain_text("receipt-kettle-and-crumb.pdf")


def test_the_first_file_waits_too_when_the_session_ended_before_there_is_a_draft(visit: Visit) -> None:
    visit.watch.expected.add(401)
    page = visit.go("/dashboard/batch-upload")
    page.context.clear_cookies()
    page.set_input_files("#files", sample_paths("PO-4500017832.pdf"))
    expect(page.locator("[data-uploads-list] .note")).to_have_text("Waiting until you are signed in again")
    visit.enter()

    expect(page.locator("#draft-files tr", has_text="PO-4500017832.pdf")).to_contain_text("PDF")


def test_what_was_typed_stays_when_the_session_ends_and_nobody_else_may_send_it(visit: Visit) -> None:
    page = visit.go("/dashboard/batch-upload")
    upload(page, sample_paths("receipt-kettle-and-crumb.pdf"))
    page.get_by_role("link", name="Next: prompts").click()
    page.get_by_label("The prompt for all").fill("Extract the total")
    visit.watch.expected.add(401)  # the stream's
    page.context.clear_cookies()
    page.evaluate(
        "document.dispatchEvent(new Event('visibilitychange'))"
    )  # whoever comes back to a tab gets a fresh look
    expect(page.locator(".toast")).to_contain_text(ENDED)
    page.get_by_role("button", name="Next: review").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_focused()

    visit.enter("sample-plus")
    expect(page.locator(".toast")).to_contain_text("Somebody else is signed in now")
    visit.enter()
    expect(page.locator(".toast")).to_have_count(0)
    expect(page.get_by_label("The prompt for all")).to_have_value("Extract the total")
    page.get_by_role("button", name="Next: review").click()
    expect(page.locator(".facts")).to_contain_text("Extract the total")


def test_of_many_prompts_only_those_that_were_touched_are_sent_and_none_is_lost(visit: Visit, tmp_path: Path) -> None:
    long = ("Extract the total. " * 1050).strip()
    page = visit.go("/dashboard/batch-upload")
    upload(page, invoices(tmp_path, 4))
    page.get_by_role("link", name="Next: prompts").click()
    page.get_by_role("radio", name="A prompt per document").check()
    page.get_by_label("One text for several documents").fill(long)
    page.get_by_role("button", name="Apply to all empty").click()
    expect(page.get_by_label("03.pdf")).to_have_value(long)
    page.get_by_label("01.pdf").fill("Extract the number")
    with page.expect_request("**/prompts") as sent:
        page.get_by_role("button", name="Next: review").click()
    page.wait_for_url("**step=review")

    own = [value for name, value in parse_qsl(sent.value.post_data or "") if name.startswith("prompt.")]
    assert own == ["Extract the number"]
    page.get_by_role("link", name="Previous: prompts").click()
    expect(page.get_by_label("01.pdf")).to_have_value("Extract the number")
    expect(page.get_by_label("02.pdf")).to_have_value(long)


def test_what_is_wrong_with_a_prompt_is_mended_without_losing_what_was_typed_into_another(visit: Visit) -> None:
    page = visit.go("/dashboard/batch-upload")
    upload(page, sample_paths("receipt-kettle-and-crumb.pdf", "PO-4500017832.pdf"))
    page.get_by_role("link", name="Next: prompts").click()
    page.get_by_role("radio", name="A prompt per document").check()
    page.get_by_label("receipt-kettle-and-crumb.pdf").fill("Extract the merchant")
    page.get_by_label("PO-4500017832.pdf").fill("x" * 20_001)
    visit.watch.expected.add(422)
    page.get_by_role("button", name="Next: review").click()
    page.get_by_label("PO-4500017832.pdf").fill("Extract the number")
    page.get_by_role("button", name="Next: review").click()
    page.wait_for_url("**step=review")
    page.get_by_role("link", name="Previous: prompts").click()

    expect(page.get_by_label("receipt-kettle-and-crumb.pdf")).to_have_value("Extract the merchant")


def test_a_folder_is_chosen_as_well_as_dropped(visit: Visit, tmp_path: Path) -> None:
    folder = tmp_path / "month"
    (folder / "deep").mkdir(parents=True)
    (good,) = sample_paths("receipt-kettle-and-crumb.pdf")
    (folder / "deep" / "receipt.pdf").write_bytes(good.read_bytes())
    (folder / ".DS_Store").write_bytes(b"what systems put beside files")
    page = visit.go("/dashboard/batch-upload")
    page.get_by_label("Choose a folder").set_input_files(folder)

    expect(page.locator("#draft-files tr", has_text="receipt.pdf")).to_contain_text("PDF")
    expect(page.locator("[data-uploads]")).to_be_hidden()
    assert page.locator("#draft-files tr[data-key^=r-]").count() == 0


def test_a_folder_is_offered_where_there_is_a_mouse_and_not_to_fingers_alone(new_visit: NewVisit) -> None:
    for touch in (False, True):
        window = new_visit(touch=touch)
        window.enter()
        page = window.go("/dashboard/batch-upload")
        assert page.get_by_text("Choose a folder").is_visible() is not touch
        assert page.get_by_text("drop them here").is_visible() is not touch
        expect(page.locator("#files")).to_be_visible()


def test_what_a_batch_has_no_room_for_is_named_and_added_when_there_is_room(
    new_visit: NewVisit, tmp_path: Path
) -> None:
    visit = new_visit()
    visit.enter("sample-plus")
    paths = invoices(tmp_path, PLUS_FILES + 2)
    page = visit.go("/dashboard/batch-upload")
    page.set_input_files("#files", paths[:3])
    page.set_input_files("#files", paths[3:])  # while the first ones are on their way
    rows = page.locator("#draft-files tr[data-key^=f-] .name")

    kept = [path.name for path in paths[:PLUS_FILES]]
    expect(rows).to_have_text(kept)
    expect(page.locator("[data-uploads]")).to_be_hidden()
    surplus = page.get_by_role("region", name="2 files are left out")
    expect(page.get_by_role("heading", name="2 files are left out")).to_be_visible()
    expect(surplus).to_contain_text(f"A batch has {PLUS_FILES} files at most on this plan. The first ones stay")
    surplus.get_by_text("Which ones").click()
    expect(surplus.get_by_role("listitem")).to_have_text(["25.pdf", "26.pdf"])
    expect(surplus.get_by_role("button", name="Add the next")).to_be_hidden()

    page.get_by_role("button", name="Remove 03.pdf").click()
    surplus.get_by_role("button", name="Add the next one").click()
    expect(rows).to_have_text([name for name in kept if name != "03.pdf"] + ["25.pdf"])
    surplus = page.get_by_role("region", name="One file is left out")
    expect(surplus.get_by_role("listitem")).to_have_text(["26.pdf"])
    surplus.get_by_role("button", name="Forget them").click()
    expect(surplus).to_have_count(0)


def test_a_reload_still_says_which_files_had_no_room(new_visit: NewVisit, tmp_path: Path) -> None:
    visit = new_visit()
    visit.enter("sample-plus")
    paths = invoices(tmp_path, PLUS_FILES + 2)
    page = visit.go("/dashboard/batch-upload")
    page.set_input_files("#files", paths)
    expect(page.locator("#draft-files tr[data-key^=f-]")).to_have_count(PLUS_FILES)
    page.get_by_role("link", name="Next: prompts").click()
    page.get_by_role("button", name="Previous: files").click()

    said = page.locator("[data-lost]")
    expect(said).to_have_text(
        "2 files had no room in this batch: 25.pdf, 26.pdf. Put them into another batch, or add them again when there is room."
    )
    page.reload()
    expect(said).to_be_hidden()  # said once


def test_a_file_for_which_another_tab_left_no_room_is_left_out_and_not_refused(visit: Visit) -> None:
    visit.watch.expected.add(413)
    page = visit.go("/dashboard/batch-upload")
    full = '{"detail": "A batch holds at most 25 documents.", "code": "batch_too_large"}'
    page.context.route(
        "**/files/*", lambda route: route.fulfill(status=413, content_type="application/problem+json", body=full)
    )
    page.set_input_files("#files", sample_paths("PO-4500017832.pdf"))

    expect(page.get_by_role("region", name="One file is left out")).to_be_visible()
    expect(page.locator("[data-uploads]")).to_be_hidden()
    page.context.unroute_all()
    page.get_by_role("button", name="Add the next one").click()
    expect(page.locator("#draft-files tr", has_text="PO-4500017832.pdf")).to_contain_text("PDF")


def test_adding_a_full_batch_once_more_refuses_nothing(new_visit: NewVisit, tmp_path: Path) -> None:
    """Files that have arrived are no excess: that is how a broken upload is continued."""
    visit = new_visit()
    visit.enter("sample-plus")
    paths = invoices(tmp_path, PLUS_FILES)
    page = visit.go("/dashboard/batch-upload")
    upload(page, paths)
    again: list[int] = []
    page.on("response", lambda answer: again.append(answer.status) if answer.request.method == "PUT" else None)
    with page.expect_event("response", lambda answer: answer.request.method == "PUT"):
        page.set_input_files("#files", paths)

    expect(page.locator("[data-uploads]")).to_be_hidden()
    assert len(again) == PLUS_FILES
    assert set(again) == {201}


BEHIND = """() => {
  const [here, foot] = [document.activeElement, document.querySelector(".steps-foot")];
  return !foot.contains(here) && here.getBoundingClientRect().bottom > foot.getBoundingClientRect().top;
}"""


def test_the_way_on_stays_in_sight_and_hides_nothing_that_is_reached_by_keyboard(
    new_visit: NewVisit, tmp_path: Path
) -> None:
    visit = new_visit(height=560)
    visit.enter()
    paths = invoices(tmp_path, 8)
    page = visit.go("/dashboard/batch-upload")
    upload(page, paths)
    expect(page.get_by_role("link", name="Next: prompts")).to_be_in_viewport()
    page.locator("#files").focus()
    for _ in range(len(paths) + 1):  # the folder, then each file's way out
        page.keyboard.press("Tab")
        assert not page.evaluate(BEHIND), page.evaluate("document.activeElement.outerHTML")
    expect(page.get_by_role("button", name="Remove 07.pdf")).to_be_focused()


def test_what_was_typed_is_kept_by_whoever_goes_back_to_the_files(visit: Visit) -> None:
    page = visit.go("/dashboard/batch-upload")
    upload(page, sample_paths("receipt-kettle-and-crumb.pdf"))
    for way in ("Previous: files", "Files", "Review"):
        page.goto(f"{page.url.partition('?')[0]}?step=prompts")
        page.get_by_label("Name of the batch").fill(f"Before {way}")
        page.get_by_label("The prompt for all").fill("Extract the total" if way == "Review" else "")
        page.locator("main").get_by_text(way, exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Before {way}")
    assert page.url.endswith("step=review")


def test_whoever_leaves_with_a_prompt_half_written_is_asked(visit: Visit) -> None:
    page = visit.go("/dashboard/batch-upload")
    upload(page, sample_paths("receipt-kettle-and-crumb.pdf"))
    page.get_by_role("link", name="Next: prompts").click()
    page.get_by_label("The prompt for all").press_sequentially("Extract")
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.once("dialog", stay)
    with page.expect_event("dialog"):
        page.get_by_role("link", name="Batches").click(no_wait_after=True)

    assert asked == ["beforeunload"]
    expect(page.get_by_label("The prompt for all")).to_have_value("Extract")
    page.get_by_text("Discard", exact=True).click()
    page.get_by_role("button", name="Discard the draft").click()  # nobody is asked twice
    page.wait_for_url(BATCHES)


def test_an_empty_prompt_is_said_beside_its_field_and_what_was_written_stays(visit: Visit) -> None:
    page = visit.go("/dashboard/batch-upload")
    upload(page, sample_paths("receipt-kettle-and-crumb.pdf"))
    page.get_by_role("link", name="Next: prompts").click()
    page.get_by_label("Name of the batch").fill("Kept")
    visit.watch.expected.add(422)
    with page.expect_response("**/prompts") as answer:
        page.get_by_role("button", name="Next: review").click()

    assert answer.value.status == 422
    expect(page.locator("#global_prompt-error")).to_contain_text("Write what to extract")
    expect(page.get_by_label("Name of the batch")).to_have_value("Kept")
    expect(page.get_by_label("The prompt for all")).to_have_attribute(
        "aria-describedby", re.compile("global_prompt-error")
    )


def test_what_does_not_fit_is_said_before_it_is_submitted(new_visit: NewVisit, tmp_path: Path) -> None:
    paths = [tmp_path / "long.pdf", tmp_path / "short.pdf"]
    paths[0].write_bytes(make_invoice_pdf(1, 251))
    paths[1].write_bytes(make_invoice_pdf(2, 1))
    window = new_visit()
    window.enter("sample-plus")
    page = window.go("/dashboard/batch-upload")
    upload(page, paths)

    huge = tmp_path / "huge.pdf"
    with huge.open("wb") as stream:
        stream.truncate(101 << 20)
    page.set_input_files("#files", huge)
    row = page.locator("[data-uploads-list] li")
    expect(row).to_contain_text("Refused: The file is larger than 100 MB")  # before a byte of it is sent
    row.get_by_role("button", name="Remove huge.pdf").click()
    expect(page.locator("[data-uploads]")).to_be_hidden()
    expect(page.locator("#draft-files")).to_contain_text("1 of 2 files fit")
    page.get_by_role("link", name="Next: prompts").click()
    page.get_by_role("radio", name="Detect each type").check()
    page.get_by_role("button", name="Next: review").click()
    expect(page.locator("tr", has_text="long.pdf")).to_contain_text("not enough pages")
    expect(page.locator("tr", has_text="short.pdf")).to_contain_text("Yes")
    page.get_by_role("button", name="Submit 2 files").click()
    page.wait_for_url("**/dashboard/batches/*")
    ends_as(page, "Partially completed")
    expect(page.locator("#batch-documents tr", has_text="long.pdf")).to_contain_text(
        "retry when the next period begins"
    )


def test_a_plan_without_batches_says_so_and_where_to_go(new_visit: NewVisit) -> None:
    window = new_visit()
    window.enter("sample-starter")
    page = window.go("/dashboard/batch-upload")

    expect(page.get_by_role("heading", level=2)).to_have_text("Upgrade required")
    expect(page.locator(".facts")).to_contain_text("1,000 documents in a batch, 5,000 pages a period")
    page.get_by_role("link", name="See the plans").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Usage and billing")


def test_without_scripts_one_form_submits_a_batch(new_visit: NewVisit) -> None:
    window = new_visit(scripts=False)
    window.enter()
    page = window.go("/dashboard/batch-upload")
    page.set_input_files("#files", sample_paths("invoice-HP-104482.pdf", "receipt-kettle-and-crumb.pdf"))
    page.get_by_label("Name", exact=True).fill("Without scripts")
    page.get_by_role("button", name="Upload and submit").click()
    page.wait_for_url("**/dashboard/batches/*")
    expect(page.get_by_role("heading", level=1)).to_have_text("Without scripts")

    for _ in range(120):
        if "Completed" in page.locator("#batch-opening .state").inner_text():
            break
        page.wait_for_timeout(500)
        page.reload()
    expect(page.locator("#batch-opening .state")).to_have_text("Completed")
    page.get_by_text("Delete", exact=True).click()
    page.get_by_role("button", name="Delete the batch").click()
    page.wait_for_url(BATCHES)
    expect(page.get_by_role("status").first).to_contain_text("deleted")
