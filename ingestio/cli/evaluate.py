"""`ingestio eval`: how well a folder of documents is read, with one prompt or several beside each other."""

import asyncio
import json
import os
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from ingestio.bootstrap import lone_provider
from ingestio.cli.progress import Bar, bar
from ingestio.cli.report_tables import as_markdown, show_report
from ingestio.cli.terminal import out, talk
from ingestio.config import Settings
from ingestio.domain.prices import Prices
from ingestio.domain.prompts import validate_prompt
from ingestio.errors import InvalidRequest
from ingestio.evaluation.datasets import Case, read_dataset
from ingestio.evaluation.reports import figures
from ingestio.evaluation.runs import read_all
from ingestio.observability import configure_logging

ALL_READ, SOME_NOT_AS_EXPECTED = 0, 3


def run(
    settings: Settings,
    dataset: Path,
    *,
    prompts: Sequence[str],
    as_json: bool,
    outputs: Sequence[Path],
    prices: tuple[float, float] | None,
) -> int:
    """Evaluate and answer the exit code: 0 when every document was read (or refused where it must be), 3 when some were not.

    No service is started and no database used: the provider of these settings reads the files in this process and its children.
    Raises InvalidRequest, before anything is read, for a wrong command line or data set.
    """
    configure_logging("warning" if settings.log_level == "info" else settings.log_level)
    for prompt in prompts:
        validate_prompt(prompt)
    for output in outputs:
        _check_output(output)
    cases = read_dataset(dataset)
    report = asyncio.run(_evaluate(settings, dataset, cases, prompts, _prices(prices)))
    text = json.dumps(report, indent=1, ensure_ascii=False)
    if as_json:
        click.echo(text)
    else:
        show_report(out(), report)
    for output in outputs:
        output.write_text(as_markdown(report) if output.suffix == ".md" else f"{text}\n", encoding="utf-8")
        talk().print(f"Wrote {output}", soft_wrap=True)
    documents = [each["documents"] for each in report["runs"]]
    return ALL_READ if all(each["as_expected"] == each["all"] for each in documents) else SOME_NOT_AS_EXPECTED


async def _evaluate(
    settings: Settings, dataset: Path, cases: Sequence[Case], prompts: Sequence[str], prices: Prices | None
) -> dict[str, Any]:
    runs = []
    async with lone_provider(settings) as provider:
        for number, prompt in enumerate(prompts or [None], 1):
            named = "Reading" if len(prompts) < 2 else f"Prompt {number}"
            with bar(named, len(cases)) as progress:
                outcomes = await read_all(cases, provider, prompt, _ticking(progress))
            runs.append(figures(outcomes, prompt, prices))
        return {
            "dataset": dataset.resolve().name,
            "provider": provider.name,
            "model": provider.model,
            "runs": runs,
        }


def _prices(written: tuple[float, float] | None) -> Prices | None:
    # By way of their text, because what was typed was a decimal.
    return None if written is None else Prices(Decimal(str(written[0])), Decimal(str(written[1])))


def _ticking(progress: Bar) -> Any:
    return lambda: progress.advance(1)


def _check_output(output: Path) -> None:
    if output.suffix not in (".json", ".md"):
        raise InvalidRequest(f"{output}: a report is written as .json or .md")
    folder = output.resolve().parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise InvalidRequest(f"{output}: the folder {folder} does not exist or cannot be written")
