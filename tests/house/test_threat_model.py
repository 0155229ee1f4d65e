"""The threat model names tests that exist: a defence whose proof was renamed or removed is a claim."""

import ast
import re

from tests.house.tree import ROOT, parsed

PAGE = ROOT / "docs" / "threat-model.md"
NAMED = re.compile(r"`((?:tests|benchmarks)/[\w/]+\.py)(?:::(\w+))?`")


def test_every_proof_that_the_threat_model_names_exists() -> None:
    named = NAMED.findall(PAGE.read_text())
    assert len(named) > 40
    missing = []
    for place, test in named:
        path = ROOT / place
        if not path.exists():
            missing.append(place)
        elif test and test not in {
            node.name for node in ast.walk(parsed(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }:
            missing.append(f"{place}::{test}")
    assert missing == []


def test_every_row_of_the_threat_model_names_its_proof() -> None:
    rows = [
        line
        for line in PAGE.read_text().splitlines()
        if line.startswith("| ") and not line.startswith(("| threat", "| ---"))
    ]
    assert rows
    assert [row for row in rows if not NAMED.search(row.rsplit(" | ", 1)[1])] == []
