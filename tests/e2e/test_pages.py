"""Every page for everybody: by keyboard, by screen reader, on a phone, in the dark (R95)."""

import re
import time
from pathlib import Path
from typing import Literal

import pytest
from PIL import Image
from playwright.sync_api import Page, Request, Route, expect

from tests.e2e.conftest import PATIENCE_MS, NewVisit, Visit, sample_paths
from tests.e2e.test_wizard import BATCHES, ends_as, upload

CHECKS = Path(__file__).with_name("accessibility.js").read_text()
PHONE = 390
LOOKS: tuple[tuple[Literal["light", "dark"], int], ...] = (("light", 1280), ("dark", 1280), ("light", PHONE))
SEEN = """(seen) => {
  Object.defineProperty(document, "hidden", { value: !seen, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
SETTLED = """() => Promise.allSettled(
  document.getAnimations().filter((moving) => moving instanceof CSSTransition).map((moving) => moving.finished)).then(() => null)"""
CONTROLS = """() => [...document.querySelectorAll("main a[href], main button, main summary, main input:not([type=hidden]), main select")]
    .filter((element) => element.checkVisibility({ visibilityProperty: true })).length"""


def complaints(page: Page) -> list[str]:
    """What the accessibility checks find on the page as it is now."""
    found: list[str] = page.evaluate(CHECKS)
    return [f"{page.url}: {item}" for item in found]


def pages_of(visit: Visit, nothing: Path) -> list[str]:
    """Every kind of page, with something on it: refused and completed documents, a draft at each step, a webhook that fails."""
    page = visit.go("/dashboard/webhooks")
    page.get_by_label("Address").fill("http://127.0.0.1:9/hooks")
    page.get_by_role("checkbox", name="export.completed").check()
    page.get_by_role("button", name="Add the endpoint").click()
    expect(page.get_by_text("The signing secret")).to_be_visible()
    webhook = page.locator("td.name a").first.get_attribute("href") or ""
    page = visit.go("/dashboard/batch-upload")
    Image.new("L", (200, 100), 255).save(nothing)
    upload(page, [*sample_paths("invoice-HP-104482.pdf", "payslip-2026-10.pdf"), nothing])
    draft = page.evaluate("location.pathname")
    page.get_by_role("link", name="Next: prompts").click()
    page.get_by_role("radio", name="Detect each type").check()
    page.get_by_role("button", name="Next: review").click()
    page.get_by_role("button", name="Submit 2 files").click()
    page.wait_for_url("**/dashboard/batches/*")
    ends_as(page, "Partially completed")
    batch = page.evaluate("location.pathname")
    document = page.locator("#batch-documents a", has_text="invoice-HP").get_attribute("href") or ""
    assert draft.rpartition("/")[2] == batch.rpartition("/")[2], "the draft became the batch"
    page.locator("#fold-export summary").click()
    page.get_by_role("button", name="Make the export").click()
    expect(page.locator("#exports .state", has_text="Ready")).to_be_visible()
    page = visit.go("/dashboard/batch-upload")
    upload(page, sample_paths("receipt-kettle-and-crumb.pdf"))
    draft = page.evaluate("location.pathname")
    steps = [f"{draft}?step={step}" for step in ("files", "prompts", "review")]
    names = [
        "batches", "batches?q=nothing", "documents", "documents?q=nothing", "documents/new", "review", "exports", "exports?status=failed",
        "webhooks", "usage", "settings", "batch-upload",
    ]  # fmt: skip
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while not visit.go(webhook).locator("#deliveries tbody tr").count():
        assert time.monotonic() < deadline, "nothing was delivered"
        page.wait_for_timeout(200)
    page.get_by_role("button", name="Switch off").click()  # nothing else is to be told
    expect(page.get_by_role("button", name="Switch on")).to_be_visible()
    return ["/dashboard", "/design", batch, document, webhook, *steps, *(f"/dashboard/{name}" for name in names)]


BAD_PAGE = """<main><h1>A</h1><h3>left out</h3><nav><a href="/x"></a></nav><button></button><input><img src="/favicon.ico">
<p id="twice" style="color: #999">pale</p><p id="twice">again</p><table><tr><th>head</th></tr></table>
<input aria-describedby="no" aria-label="x"></main>"""


def test_the_checks_would_notice(new_visit: NewVisit) -> None:
    window = new_visit()
    window.page.set_content(BAD_PAGE)
    found = "\n".join(complaints(window.page))
    window.watch.seen.clear()

    for complaint in (
        "names no language", "has no title", "a navigation without a name", "leaves out a level", "an id twice: twice",
        "a description that is not there", "a picture without words", "a head that belongs to no row", "contrast 2.85 instead of 4.5",
    ):  # fmt: skip
        assert complaint in found
    assert found.count("nothing says what this is") == 3


def test_every_page_is_named_labelled_and_readable_in_light_and_dark_and_fits_a_phone(
    new_visit: NewVisit, tmp_path: Path
) -> None:
    light = new_visit()
    light.watch.expected.update({415, 422})  # answers about refused files, by contract
    light.enter()
    paths = pages_of(light, tmp_path / "nothing.png")
    wrong: list[str] = []
    for path in [*paths, "/sign-in"]:
        page = light.go(path)
        for scheme, width in LOOKS:  # of one page as it is loaded: loading it anew for each would show the same
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 900})
            page.evaluate(SETTLED)  # a colour on its way to another is neither
            wrong += [f"{scheme}, {width} pixels: {item}" for item in complaints(page)]
        wide = page.evaluate("document.documentElement.scrollWidth")
        wrong += [f"{path}: {wide} pixels wide on a phone"] if wide > PHONE else []
    assert wrong == []


NARROW = 360
SHEETS = """() => [...document.querySelectorAll("main .folded")].map((fold) => {
  fold.open = true;
  const { left, right } = fold.querySelector(".sheet").getBoundingClientRect();
  fold.open = false;
  return [fold.querySelector("summary").textContent.trim(), left, right];
})"""


def test_long_names_wrap_on_a_narrow_phone_and_what_unfolds_stays_within_the_window(
    new_visit: NewVisit, tmp_path: Path
) -> None:
    window = new_visit(width=NARROW, height=740)
    window.enter()
    long = tmp_path / f"{'never_ending_' * 15}.pdf"
    long.write_bytes(b"%PDF-1.4 of nothing")
    good = tmp_path / f"{'without_spaces_' * 12}.pdf"
    good.write_bytes(sample_paths("receipt-kettle-and-crumb.pdf")[0].read_bytes())
    window.watch.expected.add(422)  # the answer about the file that is none, by contract
    page = window.go("/dashboard/batch-upload")
    upload(page, [long, good])
    wide = {"files": page.evaluate("document.documentElement.scrollWidth")}
    page.get_by_role("link", name="Next: prompts").click()
    page.get_by_role("radio", name="A prompt per document").check()
    wide["prompts"] = page.evaluate("document.documentElement.scrollWidth")
    page.get_by_label(good.name).fill("Extract the total. " * 30)
    page.get_by_role("button", name="Next: review").click()
    page.wait_for_url("**step=review")
    wide["review"] = page.evaluate("document.documentElement.scrollWidth")
    page.get_by_role("button", name="Submit 1 file").click()
    page.wait_for_url("**/dashboard/batches/*")
    ends_as(page, "Partially completed")
    wide["batch"] = page.evaluate("document.documentElement.scrollWidth")
    sheets = page.evaluate(SHEETS)
    page.get_by_role("link", name=good.name).click()
    page.wait_for_url("**/dashboard/review/*")
    wide["document"] = page.evaluate("document.documentElement.scrollWidth")
    sheets += page.evaluate(SHEETS)
    window.go("/dashboard/documents")
    sheets += page.evaluate(SHEETS)

    assert {name: pixels for name, pixels in wide.items() if pixels > NARROW} == {}
    assert {"Export", "Delete", "Extract again"} <= {name for name, _, _ in sheets}
    assert [each for each in sheets if each[1] < 0 or each[2] > NARROW] == []


def test_everything_can_be_reached_and_seen_by_keyboard(visit: Visit) -> None:
    page = visit.go("/dashboard/batches")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()

    everything = page.evaluate(CONTROLS)
    reached = []
    for _ in range(everything):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.outerHTML.slice(0, 200)"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid", reached[-1]
    assert len(set(reached)) == everything, reached


def tab_to(page: Page, what: str) -> None:
    """Press Tab until the focus is on what says so."""
    for _ in range(80):
        page.keyboard.press("Tab")
        said = "(here => here.labels?.[0]?.textContent ?? here.textContent)(document.activeElement)"
        if what in page.evaluate(said):
            return
    pytest.fail(f"Tab does not lead to {what}")


def test_the_wizard_is_walked_with_the_keyboard_alone(visit: Visit) -> None:
    page = visit.go("/dashboard/batch-upload")
    tab_to(page, "Add files")
    page.set_input_files("#files", sample_paths("invoice-HP-104482.pdf"))  # the dialog itself is the browser's
    expect(page.get_by_role("link", name="Next: prompts")).to_be_visible()
    tab_to(page, "Next: prompts")
    page.keyboard.press("Enter")
    page.wait_for_url("**step=prompts")
    tab_to(page, "One prompt for all")
    page.keyboard.press("ArrowUp")  # to the last of the three
    expect(page.get_by_role("radio", name="Detect each type")).to_be_checked()
    tab_to(page, "Next: review")
    page.keyboard.press("Enter")
    page.wait_for_url("**step=review")
    tab_to(page, "Submit 1 file")
    page.keyboard.press("Enter")
    page.wait_for_url("**/dashboard/batches/*")
    ends_as(page, "Completed")


def test_the_dark_appearance_stays_on_this_browser(visit: Visit) -> None:
    page = visit.go("/dashboard")
    light = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    page.get_by_role("button", name="Dark appearance").click()
    expect(page.get_by_role("button", name="Light appearance")).to_be_visible()

    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") != light
    assert page.evaluate("location.pathname") == "/dashboard"


def test_a_stream_that_was_refused_is_opened_again_and_closed_while_nobody_sees_the_page(visit: Visit) -> None:
    """A browser mends a lost line by itself, but takes a status such as 503 for the end; and it allows six connections to a host."""
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) == 1:
            route.fulfill(status=503, headers={"Retry-After": "1"})
        else:
            route.continue_()

    visit.watch.expected.add(503)
    visit.page.route("**/api/v1/events", answer)
    with visit.page.expect_response(lambda seen: seen.url.endswith("/api/v1/events") and seen.status == 200):
        visit.go("/dashboard/batches")

    assert len(asked) == 2
    with visit.page.expect_event("requestfailed", lambda seen: seen.url.endswith("/api/v1/events")):
        visit.page.evaluate(SEEN, False)  # another tab is in front: this one gives its connection back
    with visit.page.expect_response(lambda seen: seen.url.endswith("/api/v1/events") and seen.status == 200):
        visit.page.evaluate(SEEN, True)


CUT_OFF = "This page is cut off from the server"


def test_a_page_that_is_cut_off_says_so_until_it_follows_again(visit: Visit) -> None:
    page = visit.page
    visit.stop_time()
    visit.go("/dashboard/batches")
    said = page.locator(".toasts")
    with page.expect_event("requestfailed"):
        page.route("**/*", lambda route: route.abort())
        page.evaluate(SEEN, True)
    page.clock.run_for(1000)
    expect(said).to_be_empty()  # a line that is lost for a moment is nobody's business
    visit.ticks_until(said, CUT_OFF)
    page.clock.run_for(60_000)
    expect(said).to_contain_text("shows what it knew last")
    page.unroute("**/*")
    page.clock.resume()

    expect(said).to_be_empty()
    visit.watch.seen.clear()  # the browser writes down every request that we cut


NO_STREAMS = """Object.defineProperty(globalThis, "EventSource", { value: undefined })"""
SILENT = """globalThis.EventSource = class extends EventTarget { static OPEN = 1; static CLOSED = 2; readyState = 0; close() {} }"""


@pytest.mark.parametrize("streams", ["refused", "held up on the way", "unknown to the browser"])
def test_a_page_without_streams_asks_now_and_then_and_says_when_nobody_answers(visit: Visit, streams: str) -> None:
    page = visit.page
    visit.watch.expected.add(503)
    page.route("**/events", lambda route: route.fulfill(status=503, headers={"Retry-After": "1"}))
    if streams != "refused":
        page.add_init_script(SILENT if streams == "held up on the way" else NO_STREAMS)
    visit.stop_time()
    visit.go("/dashboard/batches")
    said = page.locator(".toasts")
    with page.expect_response(lambda seen: seen.request.resource_type == "fetch"):
        page.clock.run_for(60_000)
    expect(said).to_be_empty()  # it follows, if more slowly
    page.route("**/dashboard/batches", lambda route: route.abort())
    visit.ticks_until(said, CUT_OFF, step_ms=1000)
    page.unroute("**/dashboard/batches")
    page.clock.resume()
    page.clock.fast_forward(60_000)

    expect(said).to_be_empty()
    visit.watch.seen.clear()  # the browser writes down every request that we cut


def test_a_look_that_is_under_way_is_given_up_when_a_form_takes_its_subject_away(visit: Visit) -> None:
    page = visit.go("/dashboard/batch-upload")
    upload(page, sample_paths("receipt-kettle-and-crumb.pdf"))
    held: list[Route] = []

    def is_look(request: Request) -> bool:
        return request.resource_type == "fetch" and "/dashboard/batch-upload/" in request.url

    page.route(
        "**/dashboard/batch-upload/*", lambda route: held.append(route) if is_look(route.request) else route.fallback()
    )
    page.route("**/delete", lambda route: held.append(route))
    with page.expect_request(is_look):
        page.evaluate(SEEN, False)
        page.evaluate(SEEN, True)
    page.get_by_text("Discard", exact=True).click()
    with page.expect_request("**/delete"), page.expect_event("requestfailed", is_look):
        page.get_by_role("button", name="Discard the draft").click(no_wait_after=True)
    while len(held) < 2:  # it was sent; the route hears of it in a moment
        page.wait_for_timeout(20)
    held[-1].continue_()
    page.wait_for_url(BATCHES)


def test_signing_out_leaves_nothing_to_go_back_to(visit: Visit) -> None:
    page = visit.go("/dashboard/batches")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    page.go_back()
    page.wait_for_url("**/sign-in?next=*")


@pytest.mark.parametrize("path", ["/dashboard/batches/00000000-0000-0000-0000-000000000000", "/dashboard/nothing"])
def test_what_is_not_there_is_said_in_the_same_design(visit: Visit, path: str) -> None:
    visit.watch.expected.add(404)
    page = visit.go(path)

    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("code")).to_have_text(re.compile("^[0-9a-f]{32}$"))  # the trace id
    assert complaints(page) == []
    page.get_by_role("link", name="Go to the dashboard").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Dashboard")
