"""`ingestio demo`: a sample batch for each prompt strategy, what was found in it, and where to look next."""

import threading
from collections.abc import Sequence

from rich.text import Text

from ingestio.cli.files import LocalFile
from ingestio.cli.orders import Order, Submitted, as_local_owner, follow, started_service, submit
from ingestio.cli.outcomes import COMPLETED, REFUSED, collect
from ingestio.cli.service import Service
from ingestio.cli.tables import INDENT, say_run, show_rows
from ingestio.cli.terminal import command, harmless, out, talk
from ingestio.config import Settings
from ingestio.domain.batches import PromptStrategy
from ingestio.domain.users import LOCAL_OWNER
from ingestio.exporters.rows import ExportRow
from ingestio.observability import configure_logging
from ingestio.samples import DemoBatch, Sample, demo_batch

_EXPLAINED = {
    PromptStrategy.GLOBAL: "strategy global: one prompt for all files",
    PromptStrategy.PER_DOCUMENT: "strategy per_document: every file has its own prompt",
    PromptStrategy.AUTO: "strategy auto: no prompt; each file's type is recognised, its usual fields are read",
}


def run(settings: Settings, *, once: bool) -> int:
    """Run the sample batches, print them, then serve until Ctrl-C unless `once` or the service is another command's.

    Answers 0 when all came out as expected: every good document completed, and of each batch the one bad file refused.
    """
    configure_logging("warning" if settings.log_level == "info" else settings.log_level)
    with started_service(settings) as service:
        demos = [demo_batch(strategy) for strategy in PromptStrategy]
        surprises = _run_batches(settings, service, demos, with_links=not (once and service.started_here))
        for surprise in surprises:
            talk().print(Text(f"not as expected: {surprise}", style="red"), soft_wrap=True)
        _say_where_to_look(settings, service, once=once)
        if service.started_here and not once:
            _serve_until_interrupted()
    return 1 if surprises else 0


def _run_batches(settings: Settings, service: Service, demos: Sequence[DemoBatch], *, with_links: bool) -> list[str]:
    console = out()
    surprises: list[str] = []
    with as_local_owner(settings, service) as client:
        submitted: list[Submitted] = list(submit(client, [_order(demo) for demo in demos]))
        follow(client, submitted)
        for demo, each in zip(demos, submitted, strict=True):
            rows = list(collect(client, each.batch, each.order.files))
            console.print()
            console.print(Text(demo.name, style="bold"))
            console.print(_EXPLAINED[demo.strategy])
            if demo.prompt:
                console.print(Text(f'"{harmless(demo.prompt)}"', style="dim"))
            console.print()
            show_rows(console, rows, with_pages=True)
            if with_links:
                console.print()
                say_run(console, service, each.batch)
            surprises.extend(_surprises(demo, rows))
    return surprises


def _order(demo: DemoBatch) -> Order:
    files = [LocalFile(sample.path, sample.path.name) for sample in demo.samples]
    return Order(demo.name, files, demo.strategy, demo.prompt, dict(enumerate(demo.prompts)))


def _surprises(demo: DemoBatch, rows: Sequence[ExportRow]) -> list[str]:
    """What came out otherwise than it should."""
    return [
        f"{row.file} is {row.status}{f' ({row.error_code})' if row.error_code else ''}"
        for sample, row in zip(demo.samples, rows, strict=True)
        if (row.status, row.error_code) != _expected(sample)
    ]


def _expected(sample: Sample) -> tuple[str, str | None]:
    if sample.refused is not None:
        return REFUSED, sample.refused
    return COMPLETED, None


def _say_where_to_look(settings: Settings, service: Service, *, once: bool) -> None:
    console = out()
    token = command(f"token --user {LOCAL_OWNER}", settings.data_dir)
    places = {
        "Your own files": command("extract FOLDER -o results.xlsx", settings.data_dir),
        "The data": str(settings.data_dir.resolve()),
    }
    if not (once and service.started_here):
        places |= {
            "Workflow runs": service.temporal_ui_url or "",
            "The interface": f"{service.url}/openapi.json",
            "Try it": f'curl -H "Authorization: Bearer $({token})" {service.url}/api/v1/batches',
        }
    console.print()
    console.print("Each batch held one bad file on purpose: it was refused with its reason, and stopped nothing.")
    console.print()
    for name, place in places.items():
        if place:
            console.print(Text.assemble((f"{INDENT}{name:<16}", "dim"), place), soft_wrap=True)


def _serve_until_interrupted() -> None:
    talk().print("\nServing until Ctrl-C.")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        talk().print("Stopping.")
