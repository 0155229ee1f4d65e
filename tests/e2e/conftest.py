"""A real instance and a real browser in front of it. Whatever a page loads, says on the console or breaks is judged after each test."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request, expect, sync_playwright

from ingestio.samples import samples

CHROMIUM = Path("/usr/bin/chromium")
START_SECONDS = 120
PATIENCE_MS = 60_000
# Its own measure is five seconds, which are none on a machine that does other things too.
expect.set_options(timeout=PATIENCE_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            if not CHROMIUM.exists():
                item.add_marker(pytest.mark.skip(reason=f"{CHROMIUM} is missing: apt-get install chromium"))


@pytest.fixture(scope="session")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an instance of its own, started as a newcomer does; webhooks may go to this machine, where nobody listens."""
    data_dir = tmp_path_factory.mktemp("e2e") / "data"
    command = [sys.executable, "-m", "ingestio.cli", "up", "--port", "0", "--data-dir", str(data_dir)]
    environment = os.environ | {"INGESTIO_WEBHOOK_NETWORKS": "127.0.0.0/8"}
    with (data_dir.parent / "up.log").open("w") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line.startswith("ready http://"), f"up said {line!r}"
        yield line.removeprefix("ready ").strip()
    finally:
        process.terminate()
        process.wait(START_SECONDS)
        process.stdout.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's browser. Never longer than a module: while it runs so does an event loop, and no asynchronous test could start its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Watch:
    """What a browser did that it should not have done."""

    host: str
    seen: list[str] = field(default_factory=list)
    expected: set[int] = field(default_factory=set)
    """Statuses of answers that the test provokes: the browser writes each down as an error, at a moment of its own."""

    def on_request(self, request: Request) -> None:
        if request.url.startswith(("http", "ws")) and urlsplit(request.url).netloc != self.host:
            self.seen.append(f"a request to another host: {request.url}")

    def on_console(self, message: ConsoleMessage) -> None:
        if message.type not in {"error", "warning"}:
            return
        if any(f"with a status of {status} " in message.text for status in self.expected):
            return
        self.seen.append(f"{message.type} on the console: {message.text} {message.location}")

    def on_error(self, error: object) -> None:
        self.seen.append(f"an uncaught error: {error}")


@dataclass
class Visit:
    """One browser window on the instance."""

    page: Page
    context: BrowserContext
    address: str
    watch: Watch

    def go(self, path: str) -> Page:
        self.page.goto(self.address + path)
        return self.page

    def stop_time(self) -> None:
        """From now on timers and frames come only when a test says so: what runs by the page's clock is decided by no other."""
        self.page.clock.install(time=0)
        self.page.clock.pause_at(1000)

    def ticks_until(self, place: Locator, text: str, *, step_ms: int = 20) -> None:
        """Let stopped time go on, step by step, until a place says something."""
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while text not in (said := " ".join(place.all_inner_texts())):
            assert time.monotonic() < deadline, f"{text!r} was never said, but {said!r}"
            self.page.clock.run_for(step_ms)

    def sign_in(self, user: str = "me") -> Page:
        self.go("/sign-in")
        self.page.locator(f'button[value="{user}"]').click()
        self.page.wait_for_url("**/dashboard")
        return self.page

    def enter(self, user: str = "me") -> None:
        """Be signed in without a page, which most tests have no need to look at."""
        answer = self.context.request.post(
            f"{self.address}/sign-in", form={"user": user}, headers={"Origin": self.address}, max_redirects=0
        )
        assert answer.status == 303, answer.text()

    def token(self) -> str:
        """What a write in the name of the session needs, as a page carries it."""
        if self.page.url == "about:blank":
            self.go("/dashboard")
        return self.page.locator("body").get_attribute("data-form-token") or ""


NewVisit = Callable[..., Visit]


@pytest.fixture
def new_visit(instance: str, chromium: Browser) -> Iterator[NewVisit]:
    """Opens windows; keywords are the browser's options."""
    opened: list[Visit] = []

    def open_one(*, width: int = 1280, height: int = 900, scripts: bool = True, touch: bool = False) -> Visit:
        context = chromium.new_context(
            viewport={"width": width, "height": height}, java_script_enabled=scripts, has_touch=touch, is_mobile=touch
        )
        context.set_default_timeout(PATIENCE_MS)
        watch = Watch(urlsplit(instance).netloc)
        context.on("request", watch.on_request)
        context.on("console", watch.on_console)
        context.on("weberror", lambda error: watch.on_error(error.error))
        opened.append(Visit(context.new_page(), context, instance, watch))
        return opened[-1]

    yield open_one
    seen = [line for visit in opened for line in visit.watch.seen]
    for visit in opened:
        visit.context.close()
    assert seen == []


@pytest.fixture
def visit(new_visit: NewVisit) -> Visit:
    """A window at a desk, signed in as the machine's owner."""
    window = new_visit()
    window.enter()
    return window


def sample_paths(*names: str) -> list[Path]:
    """Sample documents by name."""
    known = {sample.path.name: sample.path for sample in samples()}
    return [known[name] for name in names]
