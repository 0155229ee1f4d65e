"""`ingestio extract`: hand files in, wait, show what was found, write it down (R91)."""

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from ingestio.cli.files import LocalFile, find_files, shown_path
from ingestio.cli.orders import Order, Submitted, as_local_owner, follow, started_service, submit
from ingestio.cli.outcomes import COMPLETED, Outcomes, collect, unreadable
from ingestio.cli.progress import bar
from ingestio.cli.prompts_file import read_prompts
from ingestio.cli.service import Service
from ingestio.cli.tables import say_run, show_rows
from ingestio.cli.terminal import command, harmless, out, talk
from ingestio.config import Settings
from ingestio.domain.batches import PromptStrategy
from ingestio.errors import ExportTooLarge, IngestioError, InvalidRequest
from ingestio.exporters.formats import Writer, format_of, writer_of
from ingestio.observability import configure_logging

ALL_COMPLETED, NONE_COMPLETED, SOME_FAILED = 0, 1, 3


def run(
    settings: Settings,
    paths: Sequence[Path],
    *,
    prompt: str | None,
    prompts: Path | None,
    strategy: str | None,
    output: Path | None,
) -> int:
    """Extract and answer the exit code: 0 all completed, 3 some failed or were refused, 1 none completed.

    Whatever is wrong with the command line is found before anything is started or sent, and raised as InvalidRequest.
    """
    configure_logging("warning" if settings.log_level == "info" else settings.log_level)
    writer = None if output is None else _checked_output(output)
    found = find_files(paths, leave_out=[path for path in (output, prompts) if path is not None])
    if not found:
        raise InvalidRequest(f"no files in {', '.join(map(shown_path, paths))}")
    order = _order([file for file in found if file.problem is None], paths, prompt, prompts, strategy)
    with started_service(settings) as service, Outcomes(settings.data_dir) as outcomes:
        submitted: list[Submitted] = []
        try:
            _extract(settings, service, order, found, submitted, outcomes)
        except KeyboardInterrupt:
            _say_what_goes_on(settings, service, submitted, "Interrupted.")
            raise
        except IngestioError:
            if submitted:
                _say_what_goes_on(settings, service, submitted, "Something went wrong.")
            raise
        # Before anything is printed: whoever reads standard output may stop reading.
        if output is not None and writer is not None:
            _write(output, writer, outcomes)
        _show(outcomes)
        # A service of our own takes its Temporal UI along.
        if not service.started_here:
            for each in submitted:
                say_run(talk(), service, each.batch)
        if output is not None:
            rows = "1 row" if outcomes.total == 1 else f"{outcomes.total} rows"
            talk().print(f"Wrote {harmless(str(output))}, {rows}", soft_wrap=True)
        return exit_code(outcomes)


def exit_code(outcomes: Outcomes) -> int:
    """What the shell hears of these outcomes."""
    if outcomes.completed == outcomes.total:
        return ALL_COMPLETED
    return SOME_FAILED if outcomes.completed else NONE_COMPLETED


def _extract(
    settings: Settings,
    service: Service,
    order: Order,
    found: Sequence[LocalFile],
    submitted: list[Submitted],
    outcomes: Outcomes,
) -> None:
    with as_local_owner(settings, service) as client:
        for each in submit(client, order.parts()):
            submitted.append(each)  # noqa: PERF402 - one by one, so that an interruption finds those that were accepted
        follow(client, submitted)
        rows = chain.from_iterable(collect(client, each.batch, each.order.files) for each in submitted)
        with bar("Collecting", len(found)) as progress:
            for file in found:
                outcomes.add(next(rows) if file.problem is None else unreadable(file))
                progress.advance(1)


def _order(
    files: Sequence[LocalFile], paths: Sequence[Path], prompt: str | None, prompts: Path | None, strategy: str | None
) -> Order:
    given = [
        name for name, value in {"--prompt": prompt, "--prompts": prompts, "--strategy": strategy}.items() if value
    ]
    if len(given) > 1:
        raise InvalidRequest(f"{' and '.join(given)} exclude each other")
    if prompt is not None and not prompt.strip():
        raise InvalidRequest("--prompt: must not be empty; leave it out to detect each document's type")
    if not files:
        raise InvalidRequest("none of the files can be read")
    name = harmless(files[0].label if len(files) == 1 else shown_path(Path(paths[0].resolve().name)))
    if len(paths) > 1:
        name = f"{name} and {len(paths) - 1} more"
    if prompt is not None:
        return Order(name, files, PromptStrategy.GLOBAL, prompt=prompt)
    if prompts is not None:
        return Order(name, files, PromptStrategy.PER_DOCUMENT, prompts=read_prompts(prompts, files))
    return Order(name, files, PromptStrategy.AUTO)


def _checked_output(output: Path) -> Writer:
    writer = writer_of(format_of(str(output)))
    folder = output.resolve().parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise InvalidRequest(f"{output}: the folder {folder} does not exist or cannot be written")
    return writer


def _write(output: Path, writer: Writer, outcomes: Outcomes) -> None:
    try:
        with _replacing(output) as file:
            writer(outcomes, file)
    except (OSError, ExportTooLarge) as error:
        raise InvalidRequest(f"{output}: could not be written: {error}; the results are kept by the service") from error


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of `path` at the end, or leaves it as it was when anything goes wrong."""
    target = path.resolve()
    staging = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    descriptor = os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        staging.replace(target)
    except BaseException:
        staging.unlink(missing_ok=True)
        raise


def _show(outcomes: Outcomes) -> None:
    console = out()
    show_rows(console, outcomes)
    console.print()
    others = ", ".join(f"{count} {status}" for status, count in sorted(outcomes.counts.items()) if status != COMPLETED)
    console.print(f"{outcomes.completed} of {outcomes.total} completed{others and f', {others}'}", style="bold")


def _say_what_goes_on(settings: Settings, service: Service, submitted: Sequence[Submitted], what: str) -> None:
    console = talk()
    again = f"with the next `{command('up', settings.data_dir)}`" if service.started_here else "in the running service"
    if not submitted:
        console.print(f"{what} If the upload was accepted just before, it goes on {again}.", soft_wrap=True)
        return
    console.print(f"{what} Nothing is lost: what was submitted goes on {again}.", soft_wrap=True)
    for each in [each for each in submitted if not each.batch.has_ended] or submitted[-1:]:
        console.print(f"  {command(f'batches show {each.batch.id}', settings.data_dir)}", soft_wrap=True)
