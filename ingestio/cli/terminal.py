"""What reaches a person's terminal: results on standard output, talk on standard error, and nothing in them that a terminal obeys."""

import io
import shlex
import shutil
import sys
import unicodedata
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 98
# Documents, file names and services choose these texts; an escape sequence in one would move the cursor or change the title.
_OBEYED = frozenset({"Cc", "Cs", "Zl", "Zp"})
_TURNING = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def out() -> Console:
    """Standard output: colours on a terminal, plain text of a fixed width elsewhere."""
    return _console(Console())


def talk() -> Console:
    """Standard error, in the same way."""
    return _console(Console(stderr=True))


def harmless(text: str) -> str:
    """`text` on one line, with what a terminal would obey shown as a space."""
    kept = (" " if unicodedata.category(char) in _OBEYED or char in _TURNING else char for char in text)
    return " ".join("".join(kept).split())


def plain(text: str, style: str = "") -> Text:
    """Text as it is: square brackets are no markup."""
    return Text(harmless(text), style=style)


def program() -> str:
    """How the person at this terminal calls us: by name where that works, else by the path of the script beside this Python."""
    if shutil.which("ingestio"):
        return "ingestio"
    script = Path(sys.executable).with_name("ingestio")
    return str(script.relative_to(Path.cwd())) if script.is_relative_to(Path.cwd()) else str(script)


def command(text: str, data_dir: Path) -> str:
    """A command of ours as the person would type it for that data dir."""
    return f"{program()} {text}" + (
        "" if data_dir == Path(".ingestio") else f" --data-dir {shlex.quote(str(data_dir))}"
    )


def is_lively(console: Console) -> bool:
    """Whether lines can be redrawn in place."""
    return console.is_terminal and not console.is_dumb_terminal


def _console(console: Console) -> Console:
    width = min(console.width, WIDTH) if console.is_terminal else WIDTH
    stream = sys.stderr if console.stderr else sys.stdout
    if isinstance(stream, io.TextIOWrapper):
        # A terminal that knows no umlaut, or no line to draw, shows a question mark; the command must not end there.
        stream.reconfigure(errors="replace")
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False, soft_wrap=False)
