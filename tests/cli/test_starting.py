"""What `ingestio up` makes of its surroundings at the start: ports, servers that are not there, variables that disagree."""

import contextlib
import json
import signal
import socket
import time
from pathlib import Path

import pytest

from tests.cli.conftest import ended, ingestio, started

# The front door is given half a minute, and the parts then end one after the other.
pytestmark = pytest.mark.timeout(300)

NOBODY = "127.0.0.1:1"
DATABASE = f"postgresql://app:secret@{NOBODY}/ingestio"


def test_the_port_of_the_environment_is_where_it_listens_and_nobody_else_may_have_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        taken = ingestio("up", "--data-dir", tmp_path / "data", INGESTIO_PORT=str(port))
    assert taken.returncode == 1
    assert taken.stderr.startswith("ingestio: INGESTIO_PORT"), taken.stderr
    assert not (tmp_path / "data").exists(), "said before anything was started"

    service = started("up", "--data-dir", tmp_path / "data", INGESTIO_PORT=str(port))
    try:
        assert service.stdout is not None
        assert service.stdout.readline() == f"ready http://127.0.0.1:{port}\n"
    finally:
        service.send_signal(signal.SIGINT)
        assert ended(service).returncode == 0


def test_a_free_port_that_somebody_takes_before_us_gives_way_to_another(tmp_path: Path) -> None:
    service = started("up", "--port", "0", "--data-dir", tmp_path / "data")
    try:
        while (chosen := port_of_front_door(service.pid)) is None:
            assert service.poll() is None, service.communicate()
            time.sleep(0.01)  # a front door takes far longer from its launch to its address
        assert chosen < 32_768, (
            "an outgoing connection could take it, even one of our own that asks whether it is ready"
        )
        with socket.create_server(("127.0.0.1", chosen)):
            assert service.stdout is not None
            line = service.stdout.readline()
        assert line.startswith("ready http://127.0.0.1:"), service.communicate()
        assert line != f"ready http://127.0.0.1:{chosen}\n"
    finally:
        service.send_signal(signal.SIGINT)
        ended(service)


def port_of_front_door(pid: int) -> int | None:
    """Where the front door that this `up` has launched is going to listen; None before it was launched."""
    children = [
        child for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]
    for process in (Path("/proc", child) for child in children):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # one that has ended meanwhile
            if b"\0api\0" in process.joinpath("cmdline").read_bytes():
                return int(process.joinpath("environ").read_bytes().partition(b"INGESTIO_PORT=")[2].partition(b"\0")[0])
    return None


@pytest.mark.parametrize("command", [("up", "--port", "0"), ("token", "--user", "ann")])
def test_a_data_dir_without_a_name_is_not_the_folder_one_stands_in(tmp_path: Path, command: tuple[str, ...]) -> None:
    process = started(*command, "--data-dir", "", cwd=tmp_path, PYTHONPATH=str(Path.cwd()))
    assert process.stdout is not None
    process.stdout.readline()  # the first word of a service that starts, or the end of one that does not
    process.terminate()
    done = ended(process)
    assert done.returncode == 2
    assert "'--data-dir': it is empty" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_database_and_a_temporal_that_do_not_answer_are_named_by_their_variables(tmp_path: Path) -> None:
    done = ingestio(
        "up",
        "--port",
        "0",
        "--data-dir",
        tmp_path / "data",
        INGESTIO_DATABASE_URL=DATABASE,
        TEMPORAL_ADDRESS=NOBODY,
        INGESTIO_SECRET_KEY="a secret that all replicas share",
    )
    assert done.returncode == 1
    [line] = [line for line in done.stderr.splitlines() if line.startswith("ingestio: ")]
    assert "INGESTIO_DATABASE_URL" in line
    assert "TEMPORAL_ADDRESS" in line
    assert "INGESTIO_STORAGE_URL" not in line, "nobody named a store"
    assert "secret" not in line


def test_a_start_that_waits_for_a_server_that_is_away_stops_when_it_is_told_to(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    service = started(
        "up",
        "--port",
        "0",
        "--data-dir",
        data_dir,
        TEMPORAL_ADDRESS=NOBODY,
        INGESTIO_SECRET_KEY="a secret that all replicas share",
    )
    log = data_dir / "logs" / "api.log"
    while not (log.exists() and "not ready: temporal" in log.read_text()):
        assert service.poll() is None, service.communicate()
        time.sleep(0.1)
    service.send_signal(signal.SIGTERM)
    done = ended(service)
    assert (done.returncode, done.stdout) == (0, "")
    assert "was not ready" not in done.stderr


@pytest.mark.parametrize(
    ("name", "value", "missing"),
    [
        ("INGESTIO_DATABASE_OWNER_URL", DATABASE, "INGESTIO_DATABASE_URL"),
        ("TEMPORAL_API_KEY", "a-key", "TEMPORAL_ADDRESS"),
        ("TEMPORAL_TLS", "1", "TEMPORAL_ADDRESS"),
        ("TEMPORAL_TLS_CLIENT_CERT_PATH", "/nowhere/client.pem", "TEMPORAL_ADDRESS"),
    ],
)
def test_a_variable_of_a_server_that_nobody_named_stops_the_start(
    tmp_path: Path, name: str, value: str, missing: str
) -> None:
    done = ingestio("up", "--port", "0", "--data-dir", tmp_path / "data", cwd=None, **{name: value})
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"ingestio: {name}: needs {missing}"), done.stderr
    assert value not in done.stderr
    assert not (tmp_path / "data").exists(), "said before anything was started"


@pytest.mark.parametrize("name", ["INGESTIO_DATABASE_URL", "INGESTIO_DATABASE_OWNER_URL"])
def test_a_database_url_that_is_none_stops_the_start_at_once(tmp_path: Path, name: str) -> None:
    urls = {"INGESTIO_DATABASE_URL": DATABASE, name: "postgresql://app:hidden@db.example:port/ingestio"}
    done = ingestio("up", "--port", "0", "--data-dir", tmp_path / "data", cwd=None, **urls)
    assert done.returncode == 1
    assert done.stderr == f"ingestio: {name}: a port must be a number from 1 to 65535\n"
    assert not (tmp_path / "data" / "logs").exists(), "said before anything was started"


def test_a_database_that_does_not_answer_is_named_by_its_variable_in_every_command(tmp_path: Path) -> None:
    token = ingestio("token", "--user", "ann", "--data-dir", tmp_path / "data", INGESTIO_DATABASE_URL=DATABASE)
    assert token.returncode == 1
    assert token.stderr.startswith("ingestio: INGESTIO_DATABASE_URL: "), token.stderr
    doctor = ingestio("doctor", "--data-dir", tmp_path / "data", INGESTIO_DATABASE_URL=DATABASE)
    assert doctor.returncode == 1
    [line] = [line for line in doctor.stdout.splitlines() if line.startswith("finding  database")]
    assert "INGESTIO_DATABASE_URL" in line
    assert "secret" not in token.stderr + doctor.stdout


def test_a_variable_with_a_slip_in_its_name_is_said(tmp_path: Path) -> None:
    said = "nothing reads the variable INGESTIO_PROVDER (is INGESTIO_PROVIDER meant?)"

    command = ingestio("doctor", "--data-dir", tmp_path / "data", INGESTIO_PROVDER="gemini")
    assert command.stderr.splitlines()[0] == f"ingestio: {said}"

    with socket.create_server(("127.0.0.1", 0)) as other:
        part = ingestio("api", "--port", str(other.getsockname()[1]), INGESTIO_PROVDER="gemini")
    assert (part.returncode, json.loads(part.stderr.splitlines()[0])["event"]) == (1, said)
