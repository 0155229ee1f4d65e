"""Rules that every source file keeps."""

import ast
from pathlib import Path

import pytest

from tests.house.tree import OURS, name_of, parsed, project_files, python_files

# An empty file that only marks a folder of tests as a package has nothing to say.
SOURCES = [path for path in python_files(*OURS) if path.stat().st_size or "tests" not in path.parts]


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_source_file_begins_by_saying_what_it_is(path: Path) -> None:
    docstring = ast.get_docstring(parsed(path))
    assert docstring, "no docstring"
    assert path.read_text().startswith(('"""', 'r"""')), "the first line is not the docstring"
    assert docstring.splitlines()[0].strip(), "the docstring's first line says nothing"


def test_workflows_contain_no_assert() -> None:
    """An AssertionError inside a workflow fails its task, which is tried again for ever; only ApplicationError ends a run."""
    files = python_files("workflows")
    assert files
    found = [
        f"{name_of(path)}:{node.lineno}"
        for path in files
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Assert)
    ]
    assert found == []


def test_the_domain_touches_no_clock_no_randomness_and_no_world() -> None:
    impure = {"os", "io", "pathlib", "random", "secrets", "socket", "subprocess", "time", "asyncio", "threading"}
    files = [path for path in python_files("ingestio") if "domain" in path.parts]
    assert files
    found = []
    for path in files:
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Import):
                found += [
                    f"{name_of(path)} imports {alias.name}"
                    for alias in node.names
                    if alias.name.split(".")[0] in impure
                ]
            elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in impure:
                found.append(f"{name_of(path)} imports {node.module}")
            elif isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "today", "uuid4"}:
                found.append(f"{name_of(path)}:{node.lineno} calls {node.attr}")
    assert found == []


def test_text_files_are_utf8_and_end_with_a_line() -> None:
    checked = {".py", ".toml", ".md", ".yml", ".yaml", ".sql", ".html", ".css", ".js", ".mako", ".in", ".lock", ".json"}
    wrong = []
    for path in project_files():
        content = path.read_bytes()
        if path.suffix in checked and content:
            content.decode()
            if not content.endswith(b"\n") or b"\r" in content:
                wrong.append(name_of(path))
    assert wrong == []
