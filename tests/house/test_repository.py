"""Rules of the repository as a whole: what it may name, and what must not be installed beside it."""

import os
import re
import tomllib
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit

from tests.house.tree import ROOT, name_of, project_files

TOP_LEVEL = ("workflows", "activities", "api", "migrations", "worker", "ingestio")

# Written in pieces, so that this file itself does not name them.
REGISTRY_HOSTS = (
    ".".join(("pypi", "org")),
    ".".join(("files", "pythonhosted", "org")),
    ".".join(("registry", "npmjs", "org")),
)


def test_no_other_installed_distribution_owns_one_of_our_generic_names() -> None:
    """They are safe only while nothing else brings them: `workflows`, for one, is also somebody else's package."""
    owners = metadata.packages_distributions()
    assert {name: set(owners.get(name, [])) - {"ingestio"} for name in TOP_LEVEL} == {name: set() for name in TOP_LEVEL}


def test_the_distribution_ships_exactly_these_names_and_is_never_published() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    shipped = project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    assert {Path(name).stem for name in shipped} == set(TOP_LEVEL)
    assert "Private :: Do Not Upload" in project["project"]["classifiers"]


def machine_words() -> set[str]:
    """What belongs to this machine and to nobody else's."""
    words = {str(ROOT), f"{Path.home()}/"}
    for variable, value in os.environ.items():
        if re.search(r"INDEX|REGISTRY|PROXY", variable) and "://" in value:
            words |= {urlsplit(address).hostname or "" for address in value.split()}
    return {word for word in words if len(word) > 4 and word not in {"localhost", "127.0.0.1"}}


def test_no_file_names_a_path_of_this_machine_or_the_host_of_a_registry() -> None:
    words = [*machine_words(), *REGISTRY_HOSTS]
    found = []
    for path in project_files():
        content = path.read_bytes()
        found += [f"{name_of(path)}: {word}" for word in words if word.encode() in content]
        found += [
            f"{name_of(path)}: {match.decode()}"
            for match in re.findall(rb"/(?:home|Users)/[a-z]+/", content)
            if path.suffix != ".pdf"
        ]
    assert found == []


def test_the_locks_pin_every_version_with_hashes_and_name_no_address() -> None:
    locks = sorted((ROOT / "requirements").glob("*.lock"))
    assert {path.name for path in locks} >= {"bootstrap.lock", "dev.lock", "run.lock"}
    for path in locks:
        text = path.read_text()
        assert "://" not in text, path.name
        requirements = re.findall(r"^([A-Za-z0-9][^\s;]*)", text, flags=re.MULTILINE)
        assert requirements, path.name
        assert [line for line in requirements if "==" not in line] == [], path.name
        assert text.count("--hash=sha256:") >= len(requirements), path.name


def test_secrets_and_local_state_are_kept_out_by_gitignore() -> None:
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert {".env*", "*service-account*.json", "supabase/.temp/", ".ingestio/"} <= set(ignored)
