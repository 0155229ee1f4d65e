"""The files of the project, as the house tests look at them."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OURS = ("ingestio", "workflows", "activities", "api", "migrations", "worker.py", "tests", "benchmarks")

_KEPT_OUT = {"__pycache__", "dist", "build", "node_modules"}
_HIDDEN_BUT_OURS = {".ci", ".github", ".gitignore", ".dockerignore", ".env.example", ".gitattributes"}


@cache
def project_files() -> tuple[Path, ...]:
    """Everything that belongs to the repository, without environments, caches and local state; also in a copy without git."""
    return tuple(sorted(path for path in _below(ROOT) if path.is_file()))


def _below(directory: Path) -> list[Path]:
    found = []
    for path in directory.iterdir():
        if (
            path.name in _KEPT_OUT
            or path.name.endswith(".egg-info")
            or (path.name.startswith(".") and path.name not in _HIDDEN_BUT_OURS)
        ):
            continue
        found += _below(path) if path.is_dir() and not path.is_symlink() else [path]
    return found


def python_files(*top: str) -> list[Path]:
    """Source files below the given top-level names."""
    return [path for path in project_files() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in top]


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()
