"""A batch that is steered while one looks at it (R64, R94)."""

import time
from typing import Any

import httpx
from playwright.sync_api import expect

from tests.data.make_many import make_invoice_pdf
from tests.e2e.conftest import PATIENCE_MS, Visit
from tests.e2e.test_wizard import ends_as

MANY = 52  # more than fit on one page of the list


def submit_many(visit: Visit) -> str:
    """A batch that takes a while, posted in the name of the window's session; answers its page."""
    cookies = {item["name"]: item["value"] for item in visit.context.cookies() if "name" in item and "value" in item}
    files: list[tuple[str, Any]] = [
        ("files", (f"{index:03}.pdf", make_invoice_pdf(index, 1), "application/pdf")) for index in range(MANY)
    ]
    answer = httpx.post(
        f"{visit.address}/api/v1/batches",
        cookies=cookies,
        headers={"Origin": visit.address, "X-CSRF-Token": visit.token()},
        data={"name": "Steered", "prompt_strategy": "auto"},
        files=files,
        timeout=120,
    )
    assert answer.status_code == 202, answer.text
    return f"/dashboard/batches/{answer.json()['id']}"


def test_a_batch_is_paused_cancelled_and_retried_with_another_prompt(visit: Visit) -> None:
    page = visit.go(submit_many(visit))
    other = visit.context.new_page()
    other.goto(page.url)
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#batch-opening .state")).to_have_text("Paused", timeout=PATIENCE_MS)
    expect(page.get_by_role("status").first).to_contain_text("Paused")
    ends_as(other, "Paused")  # the other tab follows by itself
    other.close()

    page.get_by_text("Cancel", exact=True).click()
    page.get_by_role("button", name="Cancel the batch").click()
    ends_as(page, "Cancelled")

    page.get_by_text("Retry", exact=True).click()
    page.get_by_label("Another prompt").fill("Extract the invoice number")
    page.get_by_role("button", name="Run them again").click()
    ends_as(page, "Completed")
    page.locator("select[name=status]").select_option("completed")
    page.wait_for_url("**status=completed**")
    expect(page.locator("#batch-documents tbody tr")).to_have_count(50)
    page.get_by_role("link", name="Next page").click()
    expect(page.locator("#batch-documents tbody tr")).to_have_count(MANY - 50)


def test_the_list_finds_a_batch_by_its_name(visit: Visit) -> None:
    name = f"Found {time.time_ns()}"
    page = visit.go("/dashboard/batches")
    made = page.evaluate(
        """async ([name, token]) => (await fetch("/api/v1/batches", {method: "POST", body: JSON.stringify({name, prompt_strategy: "auto"}),
           headers: {"Content-Type": "application/json", "X-CSRF-Token": token}})).status""",
        [name, visit.token()],
    )
    assert made == 201

    page.reload()
    page.get_by_label("Name").fill(name[3:])
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#batches tbody tr")).to_have_count(1)
    expect(page.locator("#batches tbody tr")).to_contain_text("Draft")
