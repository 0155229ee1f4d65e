"""The documentation is followed to the letter: the first hour and every recipe, run against a service as they are printed."""

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import openpyxl
import pytest

from ingestio.client import Ingestio
from ingestio.domain.batches import DocumentStatus
from ingestio.samples import documents_folder
from tests.cli.conftest import Instance, environment, put
from tests.house.tree import ROOT

# Each wait in it has its own bound; together they may be longer than a test has by default.
pytestmark = pytest.mark.timeout(600)

FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"# (\w+\.py)\n")
PATIENCE_SECONDS = 120
INVOICE, LOCKED = "invoice-HP-104482.pdf", "payslip-2026-10.pdf"
VENDOR = "Harrow & Pine Office Supply Co."


def _blocks(page: str, language: str) -> list[str]:
    """The blocks of a page in one language, in order."""
    found = [text for tag, text in FENCED.findall((ROOT / "docs" / page).read_text()) if tag == language]
    assert found
    return found


class Reader:
    """Somebody who follows the documentation in a folder like the source's, on a service that listens elsewhere."""

    def __init__(self, up: Instance, folder: Path, user: str) -> None:
        self.folder = folder
        (folder / ".venv").symlink_to(sys.prefix)
        (folder / "ingestio").symlink_to(ROOT / "ingestio")
        self.variables = {"INGESTIO_DATA_DIR": str(up.data_dir)}
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        # What is otherwise here than on the reader's machine; nobody else's tests know the user.
        self._otherwise = {"http://127.0.0.1:8000": up.url, "9000": str(self.port), "--user ann": f"--user {user}"}

    def save(self, name: str, text: str) -> None:
        """Copy a block into a file."""
        for printed, here in self._otherwise.items():
            text = text.replace(printed, here)
        (self.folder / name).write_text(text)

    def run(self, *command: str | Path) -> "subprocess.CompletedProcess[str]":
        """A command to its end."""
        return subprocess.run(
            list(map(str, command)),
            cwd=self.folder,
            env=environment() | self.variables,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
        )

    def python(self, name: str, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        """A program to its end."""
        return self.run(sys.executable, name, *arguments)

    @contextmanager
    def running(self, name: str, *arguments: str | Path, **variables: str) -> Iterator[Iterator[str]]:
        """A program that runs until the block ends; what it prints comes line by line."""
        process = subprocess.Popen(
            [sys.executable, name, *map(str, arguments)],
            cwd=self.folder,
            env=environment() | self.variables | variables,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        try:
            yield process.stdout
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate()


@pytest.fixture(scope="module")
def reader(up: Instance, tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """A reader who has set the variables as the recipes say, and copied each program into a file of its name."""
    one = Reader(up, tmp_path_factory.mktemp("recipes"), "reader-of-recipes")
    (variables,) = _blocks("recipes.md", "sh")
    one.save("variables.sh", f'{variables}printf "%s " "$INGESTIO_URL" "$INGESTIO_TOKEN"')
    url, token = one.run("bash", "-eu", "variables.sh").stdout.split()
    one.variables |= {"INGESTIO_URL": url, "INGESTIO_TOKEN": token}
    for text in _blocks("recipes.md", "python"):
        name = NAMED.match(text)
        assert name, text
        assert name[1] in Path(__file__).read_text(), "no test runs it"
        one.save(name[1], text)
    return one


@pytest.fixture
def client(reader: Reader) -> Iterator[Ingestio]:
    with Ingestio(reader.variables["INGESTIO_URL"], reader.variables["INGESTIO_TOKEN"]) as client:
        yield client


def test_the_first_hour_works_as_it_is_written(up: Instance, tmp_path: Path) -> None:
    ann = Reader(up, tmp_path, "reader-of-the-first-hour")
    start, token = _blocks("first-hour.md", "sh")
    assert start == "make setup\nINGESTIO_WEBHOOK_NETWORKS=127.0.0.0/8 .venv/bin/ingestio up\n", "the fixture does this"
    ann.save("session.py", "".join(_blocks("first-hour.md", "python")))
    ann.save("second-terminal.sh", f"{token}.venv/bin/python session.py\n")
    done = ann.run("bash", "-eu", "second-terminal.sh")
    assert done.returncode == 0, done.stdout + done.stderr

    shown = [line for text in _blocks("first-hour.md", "text") for line in text.splitlines()]
    assert [line for line in shown if line not in done.stdout.splitlines()] == [], done.stdout
    book = openpyxl.load_workbook(tmp_path / "first.xlsx")
    header, *lines = book["invoice"].iter_rows(values_only=True)
    customers = [line[header.index("customer_name")] for line in lines]
    assert "Brightwater Holding" in customers
    assert "Brightwater Dental Group" not in customers


def test_a_refusal_says_all_that_the_recipe_prints(reader: Reader) -> None:
    done = reader.python("refusals.py")
    assert re.fullmatch(r"404 not_found .+ \(\) None [0-9a-f]{32}\n", done.stdout), done.stdout + done.stderr


def test_a_batch_from_a_script_answers_the_shell(reader: Reader, folder: Path) -> None:
    put(folder, INVOICE, LOCKED)
    done = reader.python("batch.py", folder)
    assert done.returncode == 3, done.stdout + done.stderr
    assert f"{INVOICE} {VENDOR} 2772.09 USD\n" in done.stdout
    assert f"{LOCKED} encrypted" in done.stdout


def test_a_batch_is_awaited_and_seen_while_it_runs(reader: Reader, folder: Path) -> None:
    put(folder, INVOICE, LOCKED)
    done = reader.python("batch_async.py", *sorted(folder.iterdir()))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[-1] == "1 of 1"
    assert set(lines) <= {"0 of 1", "1 of 1", *(f"{INVOICE} {status}" for status in DocumentStatus)}
    # Told is what happens from then on: the document may have been read by then.
    assert lines[0] == "1 of 1" or f"{INVOICE} completed" in lines


def test_a_document_is_extracted_by_itself_and_a_draft_says_its_price(reader: Reader, client: Ingestio) -> None:
    done = reader.python("one_document.py", documents_folder() / INVOICE)
    assert done.stdout == "completed {'invoice_number': 'HP-104482'}\n", done.stderr

    left = client.account.usage().pages_remaining
    assert left is not None
    done = reader.python("quote.py", documents_folder() / INVOICE, documents_folder() / LOCKED)
    refused, price, ended = done.stdout.splitlines()
    assert refused == f"{documents_folder() / LOCKED} is not accepted: encrypted"
    assert price == f"1 documents, 1 pages; then left: {left - 1}"
    assert ended == "completed"


def test_results_are_added_up_alike_by_whatever_reads_them(reader: Reader, client: Ingestio) -> None:
    batch = client.batches.submit([documents_folder() / INVOICE])
    client.batches.wait(batch.id, timeout=PATIENCE_SECONDS)
    done = reader.python("export.py")
    assert done.returncode == 0, done.stderr
    totals, missing = {"csv": reader.python("totals_csv.py").stdout}, []
    for name, library in {"totals_pandas.py": "pandas", "totals_duckdb.py": "duckdb"}.items():
        if reader.run(sys.executable, "-c", f"import {library}").returncode == 0:
            totals[library] = reader.python(name).stdout
        else:
            missing.append(library)
    assert set(totals.values()) == {f"{VENDOR} 2584.70\n"}
    if missing:
        pytest.skip(f"the export was read with the csv module; not installed: {', '.join(missing)}")


def test_a_watched_folder_is_emptied_and_nothing_is_extracted_twice(
    reader: Reader, client: Ingestio, tmp_path: Path
) -> None:
    before = {batch.id for batch in client.batches.list()}
    inbox, done, refused, results = (tmp_path / name for name in ("inbox", "done", "refused", "results"))
    inbox.mkdir()
    put(inbox, INVOICE, LOCKED)
    with reader.running("watch_folder.py", tmp_path) as said:
        assert {next(said), next(said)} == {f"{INVOICE} completed\n", f"{LOCKED} failed\n"}
    assert [path.name for path in done.iterdir()] == [INVOICE]
    assert [path.name for path in refused.iterdir()] == [LOCKED]
    (found,) = json.loads((results / f"{INVOICE}.json").read_text())
    assert found["data"]["invoice_number"] == "HP-104482"

    # As if it had been killed before it moved the file.
    (done / INVOICE).rename(inbox / INVOICE)
    with reader.running("watch_folder.py", tmp_path) as said:
        assert next(said) == f"{INVOICE} completed\n"
    assert len({batch.id for batch in client.batches.list()} - before) == 2


def test_the_receiver_takes_what_was_signed_and_nothing_else(reader: Reader, client: Ingestio) -> None:
    secret = reader.python("endpoint.py").stdout.strip()
    assert secret.startswith("whsec_")
    with reader.running("receiver.py", INGESTIO_WEBHOOK_SECRET=secret) as said:
        # A refused file needs no extraction, and the batch ends all the same.
        batch = client.batches.submit([documents_folder() / LOCKED])
        assert f"batch.completed {batch.id}\n" in said
        forged = urllib.request.Request(f"http://127.0.0.1:{reader.port}/", b"{}", {"webhook-signature": "v1,AAAA"})
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(forged, timeout=10)
        caught.value.close()
        assert caught.value.code == 400
    for endpoint in client.webhooks.list():
        client.webhooks.delete(endpoint.id)
