"""The front door never loads a parser: a fault in one must not be a fault of the service."""

import subprocess
import sys

import pytest

PARSERS = ("pypdfium2", "pypdfium2_raw", "pikepdf", "pypdf", "PIL", "pi_heif")


@pytest.mark.parametrize("module", ["sniff", "counting", "bounded", "text", "render", "answers", "warm", "child"])
def test_importing_the_public_modules_loads_no_parser(module: str) -> None:
    program = f"import sys, ingestio.media.{module}; print(*sorted(set({PARSERS!r}) & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert loaded.split() == []


def test_the_parsers_that_are_looked_for_exist() -> None:
    program = f"import sys, ingestio.media.pdf_trees, ingestio.media.images; print(*sorted(set({PARSERS!r}) & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert loaded.split() == sorted(PARSERS)
