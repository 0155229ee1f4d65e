"""From files to results, as people do it (R93, R94)."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.data.make_many import make_invoice_pdf
from tests.e2e.conftest import PATIENCE_MS, NewVisit, Visit, sample_paths

LETTER_IN_POINTS = re.compile(r"^0 0 61[12][.]\d+ 79[12][.]\d+$")
STRATEGIES = {
    "global": "One prompt for all",
    "per_document": "A prompt per document",
    "auto": "Detect each type",
}


def upload(page: Page, paths: list[Path]) -> None:
    """Put files into the wizard and wait until the server has counted them all."""
    page.set_input_files("#files", paths)
    expect(page.locator("[data-uploads]")).to_be_hidden(timeout=PATIENCE_MS)
    expect(page.locator("#draft-files tr[data-key^=f-], #draft-files tr[data-key^=r-]")).to_have_count(
        len(paths), timeout=PATIENCE_MS
    )


def ends_as(page: Page, word: str) -> None:
    """Wait until the open batch page says so, without being loaded again."""
    expect(page.locator("#batch-opening .state")).to_have_text(word, timeout=PATIENCE_MS)


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


def test_a_refused_file_says_why_and_what_to_do_and_stays_out(visit: Visit) -> None:
    visit.watch.expected.add(422)  # the answer about a refused file, by contract
    page = visit.go("/dashboard/batch-upload")
    upload(page, sample_paths("payslip-2026-10.pdf", "receipt-kettle-and-crumb.pdf"))

    refused = page.locator("tr", has_text="payslip-2026-10.pdf")
    expect(refused).to_contain_text("needs a password")
    page.get_by_role("button", name="Remove payslip-2026-10.pdf").click()
    expect(refused).to_have_count(0)
    expect(page.get_by_role("link", name="Next: prompts")).to_be_visible()
    page.get_by_text("Discard", exact=True).click()
    page.get_by_role("button", name="Discard the draft").click()
    page.wait_for_url("**/dashboard/batches?*")


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
    page.wait_for_url("**/dashboard/batches?*")
    expect(page.get_by_role("status").first).to_contain_text("deleted")
