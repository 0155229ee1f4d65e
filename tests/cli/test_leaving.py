"""How a process of ours ends: by its own code, with everything said, and never taken apart while threads of a library still run."""

import os
import subprocess
import sys
from importlib.metadata import entry_points

import pytest

from ingestio.cli import program

PROGRAM = """
import atexit
from ingestio.leaving import leaving_at_once

class Left:
    def __del__(self):
        print("taken apart")

left = Left()
atexit.register(print, "at exit", end="")

def program():
    {ending}

leaving_at_once(program)
"""


@pytest.mark.parametrize(
    ("ending", "code", "said"),
    [
        ("return", 0, ""),
        ("raise SystemExit", 0, ""),
        ("raise SystemExit(3)", 3, ""),
        ("raise SystemExit('not like this')", 1, "not like this\n"),
        ("raise ValueError('a defect')", 1, "ValueError: a defect\n"),
    ],
)
def test_a_program_ends_by_its_own_code_and_is_not_taken_apart(ending: str, code: int, said: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(ending=ending)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stdout) == (code, "at exit")
    assert ended.stderr.endswith(said)
    assert bool(ended.stderr) == bool(said)


def test_the_command_line_ends_like_that() -> None:
    start = "import sys; sys.argv[1:] = ['--version']; import ingestio.cli.__main__"
    ended = subprocess.run(
        [sys.executable, "-c", f"class Left:\n    def __del__(self): print('taken apart')\nleft = Left()\n{start}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0
    assert "version" in ended.stdout
    assert "taken apart" not in ended.stdout


def test_so_does_the_installed_command() -> None:
    (command,) = entry_points(group="console_scripts", name="ingestio")
    assert command.load() is program


def test_that_nobody_reads_what_is_said_is_told_by_the_code_and_without_a_trace() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as nowhere:
        ended = subprocess.run(
            [sys.executable, "-c", PROGRAM.format(ending="print('said')")],
            stdout=nowhere,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONUNBUFFERED": ""},  # what is written waits for the end
            timeout=60,
            check=False,
        )
    assert (ended.returncode, ended.stderr) == (120, b"")
