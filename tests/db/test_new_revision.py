"""A new revision begins as a file that already keeps the house's rules."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

from alembic import command
from alembic.config import Config

from ingestio.db.migrate import MIGRATIONS, head_revision


def test_the_template_gives_a_formatted_revision_that_follows_head(tmp_path: Path) -> None:
    copy = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    settings = MIGRATIONS.parent / "pyproject.toml"
    config = Config(toml_file=settings)
    config.set_main_option("script_location", str(copy))
    command.revision(config, "count tables of a document", rev_id="0999")
    (made,) = (copy / "versions").glob("0999_*.py")
    tree = ast.parse(made.read_text())
    assert (ast.get_docstring(tree) or "").splitlines()[0] == "count tables of a document"
    assert f'down_revision = "{head_revision()}"' in made.read_text()
    ruff = Path(sys.executable).with_name("ruff")
    for check in (["format", "--check"], ["check"]):
        answer = subprocess.run(
            [ruff, *check, "--config", settings, made], capture_output=True, text=True, check=False, timeout=60
        )
        assert answer.returncode == 0, answer.stdout + made.read_text()
