"""The command line: `ingestio up|demo|extract|eval|batches|token|migrate|doctor|worker|api` (R91).

Each command imports what it needs when it runs, so that `ingestio --help` answers at once. Results go to standard output, everything said
about them to standard error; an error of ours is one line and exit code 1.
"""

import sys
from pathlib import Path
from typing import Any, NoReturn

import click

from ingestio.errors import ConfigurationError, IngestioError
from ingestio.leaving import leaving_at_once
from ingestio.loading import loading


class _DataDir(click.Path):
    """A folder by name. An empty one (of a variable that nobody set) would be the folder one happens to stand in."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("it is empty; name a folder, or leave it out", param, ctx)
        return super().convert(value, param, ctx)


DATA_DIR = click.option(
    "--data-dir", type=_DataDir(path_type=Path, file_okay=False), help="Where state lives (default .ingestio)."
)


class Commands(click.Group):
    """Turns our errors into one line on standard error; anything else is a defect and shows its trace."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except IngestioError as error:
            click.echo(f"ingestio: {error}", err=True)
            sys.exit(1)
        except KeyboardInterrupt:
            sys.exit(130)


class OneForErrors(click.Command):
    """A command whose exit codes are its answer: what is wrong with the command line is 1 like every other error, not click's 2."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.show()
            sys.exit(1)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="ingestio")
def main() -> None:
    """Batch document extraction that survives anything: PDFs and images in, structured and evidenced data out."""


def program() -> NoReturn:
    """`main` as a process of its own."""
    leaving_at_once(main)


@main.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Where to listen (default INGESTIO_PORT; without it 8000, or a free port when taken).",
)
@DATA_DIR
def up(port: int | None, data_dir: Path | None) -> None:
    """Start everything and serve until Ctrl-C."""
    with loading():
        from ingestio.cli.service import serve_until_stopped, settings_for

    serve_until_stopped(settings_for(data_dir), port)


@main.command(cls=OneForErrors)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--prompt", help="One prompt for all documents.")
@click.option(
    "--prompts",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="JSON: prompts by file name, or in order.",
)
@click.option(
    "--strategy", type=click.Choice(["auto"]), help="Detect each document's type and use its prompt (the default)."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where results go: .json, .jsonl, .csv or .xlsx.",
)
@DATA_DIR
def extract(
    paths: tuple[Path, ...],
    prompt: str | None,
    prompts: Path | None,
    strategy: str | None,
    output: Path | None,
    data_dir: Path | None,
) -> None:
    """Extract files and folders; exit 0 when all completed, 3 when some failed, 1 when none did or for an error."""
    with loading():
        from ingestio.cli.extract import run
        from ingestio.cli.service import settings_for

    sys.exit(run(settings_for(data_dir), paths, prompt=prompt, prompts=prompts, strategy=strategy, output=output))


@main.command("eval")
@click.argument("dataset", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--prompt", "prompts", multiple=True, help="A prompt to try; repeat it to compare. Without: each type's own prompt."
)
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where the report goes: .json with every miss, .md with the table; may be repeated.",
)
@click.option(
    "--prices",
    type=(click.FloatRange(min=0), click.FloatRange(min=0)),
    metavar="IN OUT",
    help="What a million input and output tokens cost.",
)
def evaluate(
    dataset: Path,
    prompts: tuple[str, ...],
    as_json: bool,
    outputs: tuple[Path, ...],
    prices: tuple[float, float] | None,
) -> None:
    """Measure how well the documents of a folder are read, against the JSON beside each."""
    from ingestio.cli.evaluate import run
    from ingestio.cli.service import settings_for

    sys.exit(run(settings_for(None), dataset, prompts=prompts, as_json=as_json, outputs=outputs, prices=prices))


@main.command()
@click.option("--once", is_flag=True, help="Stop after the sample batches.")
@DATA_DIR
def demo(once: bool, data_dir: Path | None) -> None:
    """Run a sample batch in each strategy, print what was found, and keep serving."""
    with loading():
        from ingestio.cli.demo import run
        from ingestio.cli.service import settings_for

    sys.exit(run(settings_for(data_dir), once=once))


@main.group()
def batches() -> None:
    """Look at and steer batches of a running service."""


@batches.command("list")
@click.option("--status", help="Only batches in this status.")
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True)
@DATA_DIR
def list_batches(status: str | None, limit: int, data_dir: Path | None) -> None:
    """List batches, newest first."""
    from ingestio.cli.batches import show_list
    from ingestio.cli.service import settings_for

    show_list(settings_for(data_dir), status, limit)


@batches.command()
@click.argument("batch_id")
@DATA_DIR
def show(batch_id: str, data_dir: Path | None) -> None:
    """Show one batch and its documents."""
    from ingestio.cli.batches import show_one
    from ingestio.cli.service import settings_for

    show_one(settings_for(data_dir), batch_id)


def _action(name: str, text: str) -> None:
    @batches.command(name, help=text)
    @click.argument("batch_id")
    @DATA_DIR
    def act(batch_id: str, data_dir: Path | None) -> None:
        from ingestio.cli.batches import act_on
        from ingestio.cli.service import settings_for

        act_on(settings_for(data_dir), batch_id, name)


_action("cancel", "Stop a batch; finished documents stay finished.")
_action("pause", "Start no further document of a batch.")
_action("resume", "Go on with a paused batch.")


@batches.command()
@click.argument("batch_id")
@click.option("--prompt", help="What to extract this time; without it they keep their prompts.")
@DATA_DIR
def retry(batch_id: str, prompt: str | None, data_dir: Path | None) -> None:
    """Run the failed and cancelled documents of a batch again."""
    from ingestio.cli.batches import act_on
    from ingestio.cli.service import settings_for

    act_on(settings_for(data_dir), batch_id, "retry", prompt)


@main.command()
@click.option("--user", required=True, help="The user's id; made when new.")
@click.option("--plan", type=click.Choice(["starter", "plus", "growth"]), help="Put the user on this plan.")
@click.option(
    "--ttl",
    type=click.IntRange(1, 31 * 24 * 3600),
    default=12 * 3600,
    show_default=True,
    help="Seconds the token lives.",
)
@DATA_DIR
def token(user: str, plan: str | None, ttl: int, data_dir: Path | None) -> None:
    """Print a bearer token for a user (local mode), and nothing else."""
    from ingestio.cli.service import settings_for
    from ingestio.cli.tokens import issue

    click.echo(issue(settings_for(data_dir), user, plan, ttl))


@main.command()
@DATA_DIR
def migrate(data_dir: Path | None) -> None:
    """Bring the database to this version's schema."""
    from ingestio.cli.operate import run_migrations
    from ingestio.cli.service import settings_for

    run_migrations(settings_for(data_dir))


@main.command()
@click.option("--fix", is_flag=True, help="Repair what can be repaired.")
@click.option("--json", "as_json", is_flag=True, help="Findings as JSON.")
@DATA_DIR
def doctor(fix: bool, as_json: bool, data_dir: Path | None) -> None:
    """Check that everything answers and that every invariant holds; exit 0 when healthy, 1 with findings."""
    from ingestio.cli.checks import Check
    from ingestio.cli.doctor import report, run
    from ingestio.cli.service import settings_for

    try:
        settings = settings_for(data_dir)
    except ConfigurationError as error:
        sys.exit(report([Check("configuration", False, error.detail)], as_json=as_json))
    sys.exit(run(settings, fix=fix, as_json=as_json))


@main.command()
@click.option("--port", type=click.IntRange(0, 65535), help="Where to listen (default INGESTIO_PORT, or 8000).")
def api(port: int | None) -> None:
    """Run the HTTP front door alone."""
    with loading():
        from ingestio.cli.operate import run_api

    run_api(port)


@main.command()
def worker() -> None:
    """Run a worker alone."""
    with loading():
        from ingestio.cli.operate import run_worker

    run_worker()
