"""Which lines of the three kinds of logs are complaints."""

from pathlib import Path

from benchmarks.complaints import complaints

TEMPORAL = r"""
Temporal Server: 127.0.0.1:7233
time=2026-11-28T10:36:15.632 level=WARN msg="a \"quoted\" warning" service=history
time=2026-11-28T10:36:16.000 level=INFO msg="a WARN and an ERROR are only talked about"
time=2026-11-28T10:36:17.000 level=ERROR msg=short error="context deadline exceeded"
time=2026-11-28T10:36:18.000 level=WARN msg="a \"quoted\" warning" service=matching
"""

OURS = """
{"event": "worker ready", "logger": "ingestio.worker", "level": "info", "timestamp": "2026-11-28T10:35:48Z"}
{"event": "the upkeep schedule could not be made", "logger": "ingestio.worker", "level": "warning"}
"""

SLOW = (
    "\x1b[2m2026-11-28T10:56:51.98Z\x1b[0m \x1b[33m WARN\x1b[0m \x1b[2mtemporalio_sdk_core::worker\x1b[0m\x1b[2m:\x1b[0m "
    "[TMPRL1104] {}:7:3 Workflow task duration exceeded 5 seconds. \x1b[3mattempt\x1b[0m\x1b[2m=\x1b[0m3\n"
)
CORE = (
    SLOW.format("01a221cc-8767-7db6-9328-8b1a3d151b92")
    + SLOW.format("01a221cc-2059-7007-970a-5ba23730ea74")
    + "2026-11-28T10:36:15.632Z  INFO temporalio_sdk_core::worker: all is well\n"
)


def found_in(folder: Path, text: str, offset: int = 0) -> dict[str, int]:
    log = folder / "some.log"
    log.write_text(text)
    return complaints(log, offset=offset)


def test_temporals_warnings_and_errors_are_found_with_their_cause(tmp_path: Path) -> None:
    assert found_in(tmp_path, TEMPORAL) == {r"a \"quoted\" warning": 2, "short: context deadline exceeded": 1}


def test_our_own_warnings_are_found(tmp_path: Path) -> None:
    assert found_in(tmp_path, OURS) == {"the upkeep schedule could not be made": 1}


def test_the_cores_coloured_warnings_are_one_whichever_run_they_name(tmp_path: Path) -> None:
    message = "temporalio_sdk_core::worker: [TMPRL1104] <id> Workflow task duration exceeded 5 seconds."

    assert found_in(tmp_path, CORE) == {message: 2}


def test_what_was_written_before_the_offset_is_somebody_elses(tmp_path: Path) -> None:
    before, after = "level=ERROR msg=before\n", "level=ERROR msg=after\n"

    assert found_in(tmp_path, before + after, offset=len(before)) == {"after": 1}
