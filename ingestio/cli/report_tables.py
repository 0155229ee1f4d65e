"""An evaluation's report for people: what was measured first, then a line for every field, runs beside each other."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from ingestio.cli.tables import columns
from ingestio.cli.terminal import harmless

Report = Mapping[str, Any]

_RATES = ("precision", "recall", "exact")


def show_report(console: Console, report: Report) -> None:
    """The whole report on a terminal or in a pipe."""
    for line in summary(report):
        console.print(harmless(line), soft_wrap=True)
    console.print()
    head, *lines = field_table(report)
    columns(console, head, lines)


def as_markdown(report: Report) -> str:
    """The same as a page: a list and a table."""
    head, *lines = field_table(report)
    table = [head, ["---"] + ["---:"] * (len(head) - 1), *lines]
    rows = [f"| {' | '.join(_escaped(cell) for cell in line)} |" for line in table]
    facts = [f"- {_escaped(line)}" for line in summary(report)]
    return "\n".join([f"# Evaluation of {report['dataset']}", "", *facts, "", *rows, ""])


def summary(report: Report) -> list[str]:
    """A sentence each: what was read, by whom, the types, the grounding, the time and the cost."""
    lines = [f"Data set {report['dataset']}, read by {report['provider']} ({report['model']})"]
    for number, run in enumerate(report["runs"], 1):
        prefix = f"Prompt {number}: " if len(report["runs"]) > 1 else ""
        if run["prompt"] is not None:
            lines.append(f"{prefix}{run['prompt']}")
        lines.extend(prefix + line for line in _facts(run))
    return lines


def _facts(run: Mapping[str, Any]) -> list[str]:
    documents, kind, ground, time, model = (
        run[name] for name in ("documents", "document_type", "grounding", "time", "model")
    )
    codes = "".join(f", {count} {code}" for code, count in documents["codes"].items())
    lines = [f"{documents['read']} of {documents['all']} documents read ({documents['pages']} pages){codes}"]
    if kind["known"] and run["prompt"] is None:
        wrong = "".join(f", {count} {how}" for how, count in kind["wrong"].items())
        lines.append(f"document type right in {_percent(kind['exact'])} of {kind['known']}{wrong}")
    lines.append(
        f"grounding rate {_percent(ground['rate'])}: {ground['supported']} values supported, {ground['unsupported']} unsupported; "
        f"supported but not in the document: {ground['supported_but_not_in_document']}; "
        f"in the document but another's: {ground['supported_but_wrong']}"
    )
    cost = "" if model["cost"] is None else f", cost {float(model['cost_per_page'] or 0):.6f} a page"
    tokens = f"{model['input_tokens']} tokens in and {model['output_tokens']} out{cost}"
    lines.append(f"{time['seconds_per_page'] or 0:.3f} seconds a page; {tokens}")
    if run["not_asked_for"]:
        lines.append(f"known but not asked for: {', '.join(run['not_asked_for'])}")
    return lines


def field_table(report: Report) -> list[list[str]]:
    """A head and a line for every field; with several prompts each of the three rates has a column for each."""
    runs: Sequence[Mapping[str, Any]] = report["runs"]
    several = len(runs) > 1
    head = ["field", "values"]
    head += [f"{rate} {number}" if several else rate for rate in _RATES for number in range(1, len(runs) + 1)]
    names = list(dict.fromkeys(name for run in runs for name in run["fields"]))
    lines = [head]
    for name in [*names, "all fields"]:
        found = [run["all_fields"] if name == "all fields" else run["fields"].get(name) for run in runs]
        true = max(each["true"] for each in found if each)
        shown = [_percent(each[rate]) if each else "-" for rate in _RATES for each in found]
        lines.append([f"{name} rows" if name.endswith("[]") else name, str(true), *shown])
    return lines


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def _escaped(text: str) -> str:
    return harmless(text).replace("|", "\\|")
