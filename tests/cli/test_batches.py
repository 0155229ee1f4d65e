"""`ingestio batches`, `token` and a second `up`, against a running service."""

import json
import re
import urllib.request
from pathlib import Path

import httpx
import pytest

from ingestio.samples import sample
from tests.cli.conftest import Instance, ingestio, put, put_blank

UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@pytest.fixture(scope="module")
def batch_id(up: Instance, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A batch that ended with one completed, one failed and one refused file."""
    folder = tmp_path_factory.mktemp("inbox") / "March papers"
    folder.mkdir()
    put(folder, "invoice-HP-104482.pdf", "payslip-2026-10.pdf")
    put_blank(folder)
    output = folder.parent / "out.json"
    assert up.ingestio("extract", folder, "-o", output).returncode == 3
    return str(json.loads(output.read_text())[0]["batch"])


def test_the_list_shows_the_batch_with_its_counts(up: Instance, batch_id: str) -> None:
    done = up.ingestio("batches", "list", "--limit", "200")
    assert done.returncode == 0
    (line,) = [line for line in done.stdout.splitlines() if line.startswith(batch_id)]
    assert re.search(r"partially completed +3 +1 +2 +2 +March papers$", line)


def test_the_list_can_be_narrowed_to_a_status(up: Instance, batch_id: str) -> None:
    assert batch_id in up.ingestio("batches", "list", "--status", "partially_completed").stdout
    assert batch_id not in up.ingestio("batches", "list", "--status", "cancelled").stdout
    wrong = up.ingestio("batches", "list", "--status", "finished")
    assert wrong.returncode == 1
    assert "status" in wrong.stderr


def test_one_batch_is_shown_with_its_files_and_reasons(up: Instance, batch_id: str) -> None:
    lines = up.ingestio("batches", "show", batch_id).stdout.splitlines()
    assert lines[0] == f"{batch_id}  March papers"
    assert re.fullmatch(rf"invoice-HP-104482.pdf +invoice +1 +completed +{UUID}", lines[5])
    assert re.fullmatch(rf"nothing.png +1 +failed +no_text +{UUID}", lines[6])
    assert re.fullmatch(r"payslip-2026-10.pdf +refused +encrypted", lines[7])


def test_the_commands_lead_to_the_run_in_the_temporal_ui(up: Instance, batch_id: str, folder: Path) -> None:
    shown = up.ingestio("batches", "show", batch_id).stdout
    link = re.search(
        rf"^Run in Temporal: (http://127\.0\.0\.1:\d+)/namespaces/default/workflows/batch%2F{batch_id}$",
        shown,
        re.MULTILINE,
    )
    assert link
    # The page itself is a script that asks the same server for the run under the same path.
    asked = f"{link[1]}/api/v1/namespaces/default/workflows/batch%2F{batch_id}"
    with urllib.request.urlopen(asked) as answer:
        assert json.load(answer)["workflowExecutionInfo"]["execution"]["workflowId"] == f"batch/{batch_id}"

    put(folder, "invoice-HP-104482.pdf")
    assert f"Run in Temporal: {link[1]}/namespaces/default/workflows/batch%2F" in up.ingestio("extract", folder).stderr
    elsewhere = up.ingestio(
        "batches",
        "show",
        batch_id,
        TEMPORAL_UI_URL="https://ui.example/",
        TEMPORAL_ADDRESS="ui.example:7233",
        TEMPORAL_NAMESPACE="a b",
    )
    assert f"https://ui.example/namespaces/a%20b/workflows/batch%2F{batch_id}" in elsewhere.stdout


def test_a_terminal_that_knows_ascii_only_is_no_reason_to_fail(up: Instance, folder: Path) -> None:
    (folder / "Rechnung für Öl.pdf").write_bytes(sample("invoice-HP-104482.pdf").path.read_bytes())
    done = up.ingestio("extract", folder, PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert "Rechnung f?r ?l.pdf" in done.stdout


@pytest.mark.parametrize("action", ["cancel", "pause", "resume"])
def test_an_action_that_the_status_forbids_is_said(up: Instance, batch_id: str, action: str) -> None:
    done = up.ingestio("batches", action, batch_id)
    assert (done.returncode, done.stdout) == (1, "")
    assert "partially_completed" in done.stderr


def test_a_retry_runs_the_failed_documents_again_with_another_prompt_if_told(
    up: Instance, folder: Path, tmp_path: Path
) -> None:
    put_blank(folder)
    assert up.ingestio("extract", folder, "-o", tmp_path / "out.json").returncode == 1
    (row,) = json.loads((tmp_path / "out.json").read_text())
    done = up.ingestio("batches", "retry", row["batch"], "--prompt", "Extract the total")
    assert done.returncode == 0, done.stderr
    assert "queued" in done.stdout or "processing" in done.stdout
    token = up.ingestio("token", "--user", "me").stdout.strip()
    (document,) = httpx.get(
        f"{up.url}/api/v1/batches/{row['batch']}/documents", headers={"Authorization": f"Bearer {token}"}
    ).json()["items"]
    assert document["prompt"] == "Extract the total"


@pytest.mark.parametrize("wrong", ["00000000-0000-4000-8000-000000000000", "../account", "a b"])
def test_an_id_that_names_no_batch_is_an_error(up: Instance, wrong: str) -> None:
    done = up.ingestio("batches", "show", wrong)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


def test_without_a_service_the_command_says_how_to_start_one(tmp_path: Path) -> None:
    done = ingestio("batches", "list", "--data-dir", tmp_path / "none")
    assert done.returncode == 1
    assert "ingestio up" in done.stderr


def test_what_can_be_no_batch_id_is_said_to_be_none(up: Instance) -> None:
    for text in ("x", "../usage", "0123456789"):
        for command in ("show", "cancel"):
            done = up.ingestio("batches", command, text)
            assert done.returncode == 1
            assert done.stderr == f"ingestio: {text!r} is no batch id; `ingestio batches list` shows them\n"


def test_a_plan_has_the_limits_of_the_service_that_runs_and_not_those_of_ones_own_terminal(up: Instance) -> None:
    done = up.ingestio("token", "--user", "pam", "--plan", "plus", INGESTIO_PLANS='{"plus": {"pages": 7}}')
    answer = httpx.get(f"{up.url}/api/v1/usage", headers={"Authorization": f"Bearer {done.stdout.strip()}"})
    assert (answer.json()["plan"], answer.json()["pages_limit"]) == ("plus", 250)


def test_a_token_is_printed_alone_and_works(up: Instance) -> None:
    done = up.ingestio("token", "--user", "ann", "--plan", "starter")
    assert done.returncode == 0
    assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+\n", done.stdout)
    request = urllib.request.Request(
        f"{up.url}/api/v1/usage", headers={"Authorization": f"Bearer {done.stdout.strip()}"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert json.load(answer)["plan"] == "starter"


def test_a_second_up_on_the_data_dir_names_it(up: Instance) -> None:
    done = up.ingestio("up")
    assert (done.returncode, done.stdout) == (1, "")
    assert str(up.data_dir) in done.stderr
