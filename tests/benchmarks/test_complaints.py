"""Which lines of the three kinds of logs are complaints."""

from pathlib import Path

from benchmarks.complaints import complaints

LINES = """\
Temporal Server: 127.0.0.1:7233
time=2026-11-28T10:36:15.632 level=WARN msg="a \\"quoted\\" warning" service=history
time=2026-11-28T10:36:16.000 level=INFO msg="a WARN and an ERROR are only talked about"
time=2026-11-28T10:36:17.000 level=ERROR msg=short error="lost"
{"event": "worker ready", "logger": "ingestio.worker", "level": "info", "timestamp": "2026-11-28T10:35:48Z"}
{"event": "the upkeep schedule could not be made", "logger": "ingestio.worker", "level": "warning"}
2026-11-28T10:36:15.632Z  WARN temporalio_sdk_core::worker: a task failed
2026-11-28T10:36:15.632Z  INFO temporalio_sdk_core::worker: all is well
"""


def test_warnings_and_errors_of_server_worker_and_core_are_found(tmp_path: Path) -> None:
    log = tmp_path / "some.log"
    log.write_text(LINES + LINES.splitlines()[1] + "\n")

    assert complaints(log) == {
        'a \\"quoted\\" warning': 2,
        "short": 1,
        "the upkeep schedule could not be made": 1,
        "2026-11-28T10:36:15.632Z  WARN temporalio_sdk_core::worker: a task failed": 1,
    }


def test_what_was_written_before_the_offset_is_somebody_elses(tmp_path: Path) -> None:
    log = tmp_path / "some.log"
    log.write_text("level=ERROR msg=before\nlevel=ERROR msg=after\n")

    assert complaints(log, offset=len("level=ERROR msg=before\n")) == {"after": 1}
