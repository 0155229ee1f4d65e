"""Commands that start a service of their own: shared by those who come, ended with the last, and no work lost when it is cut off."""

import json
import re
import signal
import time
from pathlib import Path

import pytest

from ingestio.embedded.instance import running
from ingestio.embedded.locks import is_locked
from ingestio.samples import documents_folder
from tests.cli.conftest import ended, ingestio, put, started

# Each test starts and stops every part at least once.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One data dir for these tests, so that only the first of them makes a database."""
    return tmp_path_factory.mktemp("own") / "data"


def test_the_demo_ends_as_expected_and_leaves_nothing_running(data_dir: Path) -> None:
    done = ingestio("demo", "--once", "--data-dir", data_dir)
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(f"strategy {name}" in done.stdout for name in ("global", "per_document", "auto"))
    assert all(code in done.stdout for code in ("encrypted", "corrupt", "unsupported_type"))
    assert re.search(r"invoice_number +HP-104482 +page 1", done.stdout)
    assert not any(len(line) > 98 for line in done.stdout.splitlines() if str(data_dir) not in line)
    assert not is_locked(data_dir)


def test_two_commands_at_once_share_one_service_that_ends_with_the_last(data_dir: Path, folder: Path) -> None:
    put(folder, "invoice-HP-104482.pdf", "receipt-kettle-and-crumb.pdf")
    outputs = [folder.parent / f"{number}.json" for number in range(2)]
    both = [
        started("extract", path, "--data-dir", data_dir, "-o", output)
        for path, output in zip(sorted(folder.iterdir()), outputs, strict=True)
    ]
    addresses = set()
    while any(process.poll() is None for process in both):
        if (instance := running(data_dir)) is not None:
            addresses.add(instance.endpoints.database_url)
        time.sleep(0.05)
    for process in both:
        done = ended(process)
        assert done.returncode == 0, done.stderr
    assert len(addresses) == 1
    assert [json.loads(output.read_text())[0]["status"] for output in outputs] == ["completed"] * 2
    assert not is_locked(data_dir)


def test_an_interrupted_extraction_goes_on_with_the_next_service(data_dir: Path, folder: Path) -> None:
    content = (documents_folder() / "invoice-HP-104482.pdf").read_bytes()
    for number in range(16):
        # A copy of its own for each: the same bytes might be answered from an earlier result.
        (folder / f"{number}.pdf").write_bytes(content + f"\n% {number}\n".encode())
    process = started("extract", folder, "--data-dir", data_dir)
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if line.startswith("Extracting"):
            break
    process.send_signal(signal.SIGINT)
    done = ended(process)
    assert done.returncode == 130, "".join(said) + done.stderr
    found = re.search(r"ingestio batches show ([0-9a-f-]{36}) ", done.stderr)
    assert found, done.stderr
    assert "Nothing is lost" in done.stderr
    assert not is_locked(data_dir)

    service = started("up", "--port", "0", "--data-dir", data_dir)
    try:
        assert service.stdout is not None
        assert service.stdout.readline().startswith("ready ")
        deadline = time.monotonic() + 120
        end = "\ncompleted, 16 completed, 0 failed, 0 cancelled of 16 files, 16 pages\n"
        while end not in (shown := ingestio("batches", "show", found[1], "--data-dir", data_dir).stdout):
            assert time.monotonic() < deadline, shown
            time.sleep(0.5)
        assert ingestio("doctor", "--data-dir", data_dir).returncode == 0
    finally:
        service.send_signal(signal.SIGINT)
        assert ended(service).returncode == 0


@pytest.mark.long
def test_two_services_that_start_at_the_same_moment_both_get_a_port_of_their_own(tmp_path: Path) -> None:
    data_dirs = [tmp_path / "one", tmp_path / "two"]
    both = [started("up", "--data-dir", data_dir) for data_dir in data_dirs]
    addresses = []
    for process in both:
        assert process.stdout is not None
        addresses.append(process.stdout.readline())
    assert all(address.startswith("ready ") for address in addresses), [ended(process).stderr for process in both]
    assert len(set(addresses)) == 2
    for data_dir in data_dirs:
        # Each answers for itself: the other one would not know this token.
        assert ingestio("batches", "list", "--data-dir", data_dir).stdout == "no batches\n"
    for process in both:
        process.send_signal(signal.SIGINT)
        assert ended(process).returncode == 0


def test_a_service_that_cannot_start_is_one_line_that_names_the_log(tmp_path: Path, folder: Path) -> None:
    put(folder, "invoice-HP-104482.pdf")
    (tmp_path / "data" / "postgres").mkdir(parents=True)
    (tmp_path / "data" / "postgres" / "PG_VERSION").write_text("9.6\n")
    done = ingestio("extract", folder, "--data-dir", tmp_path / "data")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "ingestio: " in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert not is_locked(tmp_path / "data")
