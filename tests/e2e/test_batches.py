"""A batch that is steered while one looks at it (R64, R94)."""

import json
import time
from typing import Any

import httpx
from playwright.sync_api import expect

from tests.data.make_many import make_invoice_pdf
from tests.e2e.conftest import Visit
from tests.e2e.test_pages import SEEN
from tests.e2e.test_wizard import ends_as

MANY = 52  # more than fit on one page of the list


LONG_PROMPT = "Extract the invoice number, the total and everything else that a person would want to know. " * 4


def submit_many(visit: Visit, many: int = MANY, **fields: str) -> str:
    """A batch, by itself one that takes a while, posted in the name of the window's session; answers its page."""
    cookies = {item["name"]: item["value"] for item in visit.context.cookies() if "name" in item and "value" in item}
    files: list[tuple[str, Any]] = [
        ("files", (f"{index:03}.pdf", make_invoice_pdf(index, 1), "application/pdf")) for index in range(many)
    ]
    answer = httpx.post(
        f"{visit.address}/api/v1/batches",
        cookies=cookies,
        headers={"Origin": visit.address, "X-CSRF-Token": visit.token()},
        data={"name": "Steered", "prompt_strategy": "auto"} | fields,
        files=files,
        timeout=120,
    )
    assert answer.status_code == 202, answer.text
    return f"/dashboard/batches/{answer.json()['id']}"


def test_a_batch_is_paused_cancelled_retried_with_another_prompt_paused_again_and_resumed(visit: Visit) -> None:
    page = visit.go(submit_many(visit))
    other = visit.context.new_page()
    other.goto(page.url)
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#batch-opening .state")).to_have_text("Paused")
    expect(page.get_by_role("status").first).to_contain_text("Paused")
    ends_as(other, "Paused")  # the other tab follows by itself
    other.close()

    page.get_by_text("Cancel", exact=True).click()
    page.get_by_role("button", name="Cancel the batch").click()
    ends_as(page, "Cancelled")

    page.get_by_text("Retry", exact=True).click()
    page.get_by_label("Another prompt").fill("Extract the invoice number")
    page.get_by_role("button", name="Run them again").click()
    page.get_by_role("button", name="Pause").click()
    ends_as(page, "Paused")
    page.reload()  # what is paused waits for as long as nobody says otherwise
    ends_as(page, "Paused")
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("status").first).to_contain_text("The batch goes on.")
    page.get_by_role("button", name="Pause").focus()
    ends_as(page, "Completed")
    expect(page.locator("[data-announce]")).to_have_text("Steered: Completed")  # for those who do not see it change
    expect(page.locator("#batch-summary")).to_contain_text(f"{MANY}of {MANY}")
    expect(page.locator("#main")).to_be_focused()  # the button that was stood on is gone
    page.locator("select[name=status]").select_option("completed")
    page.wait_for_url("**status=completed**")
    expect(page.locator("#batch-documents tbody tr")).to_have_count(50)
    page.get_by_role("link", name="Next page").click()
    expect(page.locator("#batch-documents tbody tr")).to_have_count(MANY - 50)


def test_a_prompt_that_was_unfolded_stays_whole_while_the_page_follows(visit: Visit) -> None:
    """A list holds the beginning of a prompt; what the server sends again does not cut off what was fetched."""
    prompts = json.dumps([LONG_PROMPT, LONG_PROMPT])
    page = visit.go(submit_many(visit, 2, prompt_strategy="per_document", per_document_prompts=prompts))
    ends_as(page, "Completed")
    fold = page.locator("#batch-documents details").first
    page.context.route("**/api/v1/documents/*", lambda route: route.abort())
    with page.expect_event("requestfailed"):
        fold.locator("summary").click()
    page.context.unroute_all()
    fold.locator("summary").click()
    fold.locator("summary").click()  # once more, now that there is an answer
    whole = fold.locator(".prompt-text")
    expect(whole).to_have_text(LONG_PROMPT.strip())
    expect(fold.get_by_role("link", name="The whole prompt")).to_be_hidden()

    rows = page.locator("#batch-documents tbody tr")
    page.evaluate("document.querySelector('#batch-documents tbody tr:last-child').remove()")
    page.evaluate(SEEN, False)
    page.evaluate(SEEN, True)  # whoever comes back to a tab gets a fresh look
    expect(rows).to_have_count(2)
    expect(whole).to_have_text(LONG_PROMPT.strip())
    visit.watch.seen.clear()  # the browser writes down the request that we cut


MOVED = """async () => {
  const { adopt } = await import(document.querySelector('script[src$="/app.js"]').src.replace("app.js", "morph.js"));
  const list = (word, share) => {
    const body = document.createElement("div");
    body.innerHTML = `<svg class="progress"><rect class="done" width="${share}%"></rect></svg><table class="table ledger"><tbody>
      <tr data-key="1"><td><span class="state running"><svg class="icon"></svg>${word}</span></td></tr></tbody></table>`;
    return body;
  };
  const shown = list("Queued", 10);
  document.getElementById("main").append(shown);
  shown.getBoundingClientRect();
  for (const [word, share] of [["Processing", 20], ["Processing", 30]]) adopt(shown, list(word, share));
  shown.getBoundingClientRect();
  return document.getAnimations().length;
}"""


def test_a_row_that_moves_stands_out_for_a_moment_while_nothing_is_drawn_over_and_over(visit: Visit) -> None:
    """What slides, fades or turns beside a long list has it drawn anew for every frame, and clicks wait for it."""
    visit.stop_time()
    page = visit.go("/dashboard/batches")
    drawn = page.evaluate(MOVED)
    row = page.locator("tr[data-key='1']")

    assert drawn == 0
    expect(row).to_have_class("changed")  # the second look, which found nothing new about it, left it so
    page.clock.run_for(2000)
    expect(row).not_to_have_class("changed")


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
