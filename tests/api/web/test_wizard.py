"""The wizard and the batch pages as forms: what is posted, what comes of it, what is said when it cannot be (R93, R94)."""

import html
import re

import httpx
import pytest

from tests.api.conftest import running
from tests.api.files import encrypted_pdf, pdf
from tests.api.web.conftest import ORIGIN, PAGE, Browser, NewApp, browser_of

START = "/dashboard/batch-upload"


async def draft_of(browser: Browser, *pages: int, **fields: str) -> str:
    """A draft with PDFs of so many pages; answers its id."""
    headers = {"Origin": ORIGIN, "X-CSRF-Token": await browser.token()}
    made = await browser.client.post("/api/v1/batches", headers=headers, json={"prompt_strategy": "auto"} | fields)
    batch_id: str = made.json()["id"]
    for index, count in enumerate(pages):
        path = f"/api/v1/batches/{batch_id}/files/f{index}?filename={index}.pdf"
        assert (await browser.client.put(path, headers=headers, content=pdf(count))).status_code == 201
    return batch_id


async def post_whole(
    browser: Browser, files: list[tuple[str, bytes]], *, origin: str = ORIGIN, token: str | None = "own", **fields: str
) -> httpx.Response:
    """The form that works without scripts."""
    if token == "own":
        token = await browser.token()
    first = {} if token is None else {"csrf_token": token}
    # A field that is given as a file without a name keeps the order in which a browser sends them.
    parts = [(name, (None, value.encode())) for name, value in (first | fields).items()]
    uploads = [("files", (name, content, "application/pdf")) for name, content in files]
    return await browser.client.post(START, headers=PAGE | {"Origin": origin}, files=[*parts, *uploads])


async def status_of(browser: Browser, batch_id: str) -> str:
    status: str = (await browser.client.get(f"/api/v1/batches/{batch_id}")).json()["status"]
    return status


async def test_one_form_uploads_and_submits_a_batch(browser: Browser) -> None:
    answer = await post_whole(
        browser, [("a.pdf", pdf()), ("b.pdf", encrypted_pdf())], prompt_strategy="auto", name="At once"
    )

    assert answer.status_code == 303, answer.text
    page = await browser.get(answer.headers["location"])
    assert "At once" in page.text
    assert "needs a password" in page.text
    assert "Submitted." in page.text


@pytest.mark.parametrize("token", [None, "", "0" * 64])
async def test_an_upload_without_the_forms_token_is_not_read(browser: Browser, token: str | None) -> None:
    before = (await browser.client.get("/api/v1/batches")).json()["items"]
    answer = await post_whole(browser, [("a.pdf", pdf())], token=token, prompt_strategy="auto")

    assert answer.status_code == 403
    assert (await browser.client.get("/api/v1/batches")).json()["items"] == before


async def test_an_upload_from_another_origin_is_refused(browser: Browser) -> None:
    answer = await post_whole(browser, [("a.pdf", pdf())], origin="http://evil.example", prompt_strategy="auto")

    assert answer.status_code == 403


async def test_what_is_wrong_with_the_form_is_said_beside_the_field(browser: Browser) -> None:
    answer = await post_whole(browser, [("a.pdf", pdf())], prompt_strategy="global", global_prompt="")

    assert answer.status_code == 422
    assert 'id="global_prompt-error"' in answer.text


async def test_a_plan_without_batches_is_told_so_instead_of_asked_for_files(stranger: Browser) -> None:
    await stranger.sign_in("sample-starter")
    page = await stranger.get(START)

    assert "Upgrade required" in page.text
    assert 'type="file"' not in page.text


async def test_the_review_shows_the_beginning_of_each_prompt_a_page_at_a_time(browser: Browser) -> None:
    many = 101
    batch_id = await draft_of(browser, *([1] * many))
    long = "Extract the total of number {}. " + "And nothing else. " * 500
    prompts = {f"prompt.f{index}": long.format(index) for index in range(many)}
    await browser.post(f"{START}/{batch_id}/prompts", prompt_strategy="per_document", **prompts)

    page = (await browser.get(f"{START}/{batch_id}?step=review")).text
    assert "Submit 101 files" in page
    assert page.count("data-whole-prompt") == 100
    assert "number 99" in page
    assert "number 100" not in page
    assert len(page) < 200_000, "whole prompts would be a megabyte"
    (following,) = re.findall(r'href="([^"]+)" rel="next"', page)
    page = (await browser.get(html.unescape(following))).text
    assert page.count("data-whole-prompt") == 1
    assert "number 100" in page


async def test_without_scripts_there_is_room_for_the_longest_prompt_of_every_document(browser: Browser) -> None:
    batch_id = await draft_of(browser, *([1] * 5))
    longest = "😀" * 20_000  # twelve bytes each, as a form sends them
    prompts = {f"prompt.f{index}": longest for index in range(5)}

    answer = await browser.post(f"{START}/{batch_id}/prompts", prompt_strategy="per_document", **prompts)

    assert answer.status_code == 303, answer.text[:500]
    for item in (await browser.client.get(f"/api/v1/batches/{batch_id}/documents")).json()["items"]:
        kept = (await browser.client.get(f"/api/v1/documents/{item['id']}")).json()["prompt"]
        assert kept == longest, item["client_id"]


async def test_without_scripts_there_is_a_field_for_each_of_a_thousand_documents(browser: Browser) -> None:
    batch_id = await draft_of(browser, 1)
    prompts = {f"prompt.f{index}": "Extract the total" for index in range(1000)}  # the others were removed meanwhile

    answer = await browser.post(f"{START}/{batch_id}/prompts", prompt_strategy="per_document", **prompts)

    assert answer.status_code == 303, answer.text[:500]


async def test_a_form_full_of_prompts_is_not_read_for_another_page(browser: Browser) -> None:
    batch_id = await draft_of(browser, 1)
    sent = {"prompt_strategy": "global", "global_prompt": "x", "spread": "😀" * 100_000}

    foreign = await browser.post(f"{START}/{batch_id}/prompts", origin="https://elsewhere.example", **sent)
    own = await browser.post(f"{START}/{batch_id}/remove", **sent)

    assert (foreign.status_code, own.status_code) == (403, 413)


async def test_what_is_wrong_with_a_submission_is_said_beside_the_whole_review(browser: Browser) -> None:
    batch_id = await draft_of(browser, *([1] * 101), prompt_strategy="per_document")
    answer = await browser.post(f"{START}/{batch_id}/submit")

    assert answer.status_code == 422
    (following,) = re.findall(r'href="([^"]+)" rel="next"', answer.text)
    assert "100.pdf" in (await browser.get(html.unescape(following))).text


async def test_prompts_are_kept_and_lead_to_the_review(browser: Browser) -> None:
    batch_id = await draft_of(browser, 1, 2)
    answer = await browser.post(
        f"{START}/{batch_id}/prompts",
        **{"prompt_strategy": "per_document", "name": "Mine", "prompt.f0": "the total", "prompt.f1": "the date"},
    )
    assert answer.headers["location"] == f"{START}/{batch_id}?step=review"

    found = (await browser.client.get(f"/api/v1/batches/{batch_id}/documents")).json()["items"]
    assert [item["prompt"] for item in found] == ["the total", "the date"]
    review = (await browser.get(f"{START}/{batch_id}?step=review")).text
    assert "Mine" in review
    assert "Submit 2 files" in review


async def test_a_text_for_all_empty_ones_leaves_the_others_alone(browser: Browser) -> None:
    batch_id = await draft_of(browser, 1, 1)
    answer = await browser.post(
        f"{START}/{batch_id}/prompts",
        **{"prompt_strategy": "per_document", "prompt.f0": "mine", "spread": "theirs", "apply": "empty"},
    )

    assert answer.headers["location"].startswith(f"{START}/{batch_id}?step=prompts")
    found = (await browser.client.get(f"/api/v1/batches/{batch_id}/documents")).json()["items"]
    assert [item["prompt"] for item in found] == ["mine", "theirs"]


@pytest.mark.parametrize(
    ("pattern", "prompts"), [("1.*", ["mine", "theirs"]), ("0.PDF", ["theirs", None]), ("*", ["theirs"] * 2)]
)
async def test_a_text_is_written_where_the_file_name_fits(
    browser: Browser, pattern: str, prompts: list[str | None]
) -> None:
    batch_id = await draft_of(browser, 1, 1)
    fields = {"prompt_strategy": "per_document", "prompt.f0": "mine", "spread": "theirs", "apply": "pattern"}

    await browser.post(f"{START}/{batch_id}/prompts", **fields, pattern=pattern)

    found = (await browser.client.get(f"/api/v1/batches/{batch_id}/documents")).json()["items"]
    assert [item["prompt"] for item in found] == prompts


async def test_a_text_that_fits_nowhere_is_said_beside_its_pattern(browser: Browser) -> None:
    batch_id = await draft_of(browser, 1)
    fields = {"prompt_strategy": "per_document", "spread": "theirs", "apply": "pattern", "pattern": "*.tif"}

    answer = await browser.post(f"{START}/{batch_id}/prompts", **fields)

    assert answer.status_code == 422
    assert 'id="pattern-error"' in answer.text
    assert ">theirs</textarea>" in answer.text


async def test_every_missing_prompt_is_said_beside_its_document(browser: Browser) -> None:
    batch_id = await draft_of(browser, 1, 1)
    answer = await browser.post(
        f"{START}/{batch_id}/prompts", **{"prompt_strategy": "per_document", "prompt.f0": "mine"}
    )

    assert answer.status_code == 422
    assert 'id="prompt.f1-error"' in answer.text
    assert 'id="prompt.f0-error"' not in answer.text
    assert ">mine</textarea>" in answer.text


async def test_a_prompt_that_is_too_long_changes_nothing(browser: Browser) -> None:
    batch_id = await draft_of(browser, 1, name="Before")
    answer = await browser.post(
        f"{START}/{batch_id}/prompts", prompt_strategy="global", name="After", global_prompt="x" * 20_001
    )

    assert answer.status_code == 422
    assert "at most 20,000" in answer.text
    assert (await browser.client.get(f"/api/v1/batches/{batch_id}")).json()["name"] == "Before"


async def test_going_back_to_the_files_keeps_what_was_written_so_far(browser: Browser) -> None:
    batch_id = await draft_of(browser, 1, 1)
    answer = await browser.post(
        f"{START}/{batch_id}/prompts",
        **{"prompt_strategy": "per_document", "name": "Half", "prompt.f0": "mine", "prompt.f1": "", "go": "files"},
    )

    assert (answer.status_code, answer.headers["location"]) == (303, f"{START}/{batch_id}")
    found = (await browser.client.get(f"/api/v1/batches/{batch_id}/documents")).json()["items"]
    assert [item["prompt"] for item in found] == ["mine", None]
    assert "Half" in (await browser.get(f"{START}/{batch_id}")).text


async def test_a_prompt_that_is_not_sent_stays_as_it_was(browser: Browser) -> None:
    batch_id = await draft_of(browser, 1, 1)
    path = f"{START}/{batch_id}/prompts"
    fields = {"prompt_strategy": "per_document"}
    await browser.post(path, **fields, **{"prompt.f0": "first", "prompt.f1": "second"})
    answer = await browser.post(path, **fields, **{"prompt.f1": "third"})
    assert answer.headers["location"].endswith("step=review")
    await browser.post(path, **fields, **{"prompt.f1": ""}, apply="empty", spread="fourth")

    found = (await browser.client.get(f"/api/v1/batches/{batch_id}/documents")).json()["items"]
    assert [item["prompt"] for item in found] == ["first", "fourth"]


async def test_prompts_of_another_strategy_do_not_speak_unseen(browser: Browser) -> None:
    """Under `auto` a document's own prompt would rule; the wizard does not show it there."""
    batch_id = await draft_of(browser, 1)
    path = f"{START}/{batch_id}/prompts"
    await browser.post(path, **{"prompt_strategy": "per_document", "prompt.f0": "mine"})
    await browser.post(path, **{"prompt_strategy": "auto", "prompt.f0": "mine"})

    (found,) = (await browser.client.get(f"/api/v1/batches/{batch_id}/documents")).json()["items"]
    assert found["prompt"] is None


async def test_text_that_looks_like_a_page_stays_text(browser: Browser) -> None:
    batch_id = await draft_of(browser, 1, name="<script>alert(1)</script>")
    headers = {"Origin": ORIGIN, "X-CSRF-Token": await browser.token()}
    path = f"/api/v1/batches/{batch_id}/files/x"
    await browser.client.put(
        path, params={"filename": '"><img src=x onerror=alert(1)>.pdf'}, headers=headers, content=pdf()
    )
    await browser.post(f"{START}/{batch_id}/prompts", prompt_strategy="global", global_prompt="</textarea><script>")

    for step in ("files", "prompts", "review"):
        page = (await browser.get(f"{START}/{batch_id}?step={step}")).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "</textarea><script>" not in page


async def test_a_draft_is_submitted_once_however_often_it_is_pressed(browser: Browser) -> None:
    batch_id = await draft_of(browser, 1)
    first = await browser.post(f"{START}/{batch_id}/submit")
    second = await browser.post(f"{START}/{batch_id}/submit")

    assert first.headers["location"] == f"/dashboard/batches/{batch_id}?said=submitted"
    assert second.headers["location"] == f"/dashboard/batches/{batch_id}"
    assert (await browser.get(f"{START}/{batch_id}")).headers["location"] == f"/dashboard/batches/{batch_id}"


async def test_a_submission_that_does_not_fit_says_so_and_keeps_the_draft(stranger: Browser) -> None:
    await stranger.sign_in("sample-plus")
    batch_id = await draft_of(stranger, 300)
    answer = await stranger.post(f"{START}/{batch_id}/submit")

    assert answer.status_code == 402
    assert "Page quota exceeded" in answer.text
    assert await status_of(stranger, batch_id) == "pending_upload"


async def test_a_file_is_taken_out_of_a_draft(browser: Browser) -> None:
    batch_id = await draft_of(browser, 1, 1)
    answer = await browser.post(f"{START}/{batch_id}/remove", client_id="f0")

    assert answer.status_code == 303
    page = (await browser.get(f"{START}/{batch_id}")).text
    assert ("0.pdf" in page, "1.pdf" in page) == (False, True)
    assert (await browser.post(f"{START}/{batch_id}/remove", client_id="f0")).status_code == 404


async def test_a_batch_is_steered_by_forms(browser: Browser) -> None:
    batch_id = await draft_of(browser, 1)
    await browser.post(f"{START}/{batch_id}/submit")
    path = f"/dashboard/batches/{batch_id}"

    assert (await browser.post(f"{path}/pause")).headers["location"] == f"{path}?said=paused"
    assert "Paused" in (await browser.get(path)).text
    assert (await browser.post(f"{path}/resume")).status_code == 303
    assert (await browser.post(f"{path}/retry")).status_code == 409, "nothing has ended yet"
    assert (await browser.post(f"{path}/delete")).status_code == 409
    assert (await browser.post(f"{path}/cancel")).status_code == 303
    assert "Cancelling" in (await browser.get(path)).text
    assert (await browser.post(f"{path}/explode")).status_code == 404


async def test_reloading_a_page_that_said_what_was_wrong_leads_back(browser: Browser) -> None:
    batch_id = await draft_of(browser, 1)

    assert (await browser.get(f"{START}/{batch_id}/prompts")).status_code == 303
    assert (await browser.get(f"/dashboard/batches/{batch_id}/pause")).status_code == 303


async def test_the_pages_of_others_are_not_found_and_their_forms_do_nothing(browser: Browser) -> None:
    batch_id = await draft_of(browser, 1)
    (document,) = (await browser.client.get(f"/api/v1/batches/{batch_id}/documents")).json()["items"]
    await browser.sign_in("sample-growth")

    for path in (f"{START}/{batch_id}", f"/dashboard/batches/{batch_id}", f"/dashboard/review/{document['id']}"):
        assert (await browser.get(path)).status_code == 404, path
    for path in (f"{START}/{batch_id}/submit", f"{START}/{batch_id}/remove", f"/dashboard/batches/{batch_id}/delete"):
        assert (await browser.post(path, client_id="f0")).status_code == 404, path
    await browser.sign_in()
    assert await status_of(browser, batch_id) == "pending_upload"


@pytest.mark.parametrize("query", ["sort=nothing", "cursor=x", "sort=-position&cursor=e30"])
async def test_a_wrong_address_of_a_list_is_a_page_that_says_so(browser: Browser, query: str) -> None:
    assert (await browser.get(f"/dashboard/batches?{query}")).status_code == 422


@pytest.mark.parametrize(
    "query", ["status=nothing", "q=%00", "q=" + "x" * 3000, "said=%3Cscript%3E", "step=other", "from=999"]
)
async def test_a_strange_address_is_read_as_far_as_it_makes_sense(browser: Browser, query: str) -> None:
    batch_id = await draft_of(browser, 1)
    (document,) = (await browser.client.get(f"/api/v1/batches/{batch_id}/documents")).json()["items"]

    for path in ("/dashboard/batches", f"{START}/{batch_id}", f"/dashboard/review/{document['id']}"):
        page = await browser.get(f"{path}?{query}")
        assert page.status_code == 200, path
        assert "<script>" not in page.text


async def test_operators_find_the_run_and_others_do_not(new_app: NewApp) -> None:
    app = new_app(TEMPORAL_UI_URL="http://localhost:1234/")
    async with running(app), browser_of(app) as browser:
        for user, finds in (("me", True), ("sample-growth", False)):
            await browser.sign_in(user)
            batch_id = await draft_of(browser, 1)
            await browser.post(f"{START}/{batch_id}/submit")
            page = (await browser.get(f"/dashboard/batches/{batch_id}")).text
            run = f'href="http://localhost:1234/namespaces/default/workflows/batch%2F{batch_id}"'
            assert (run in page) is finds, user
