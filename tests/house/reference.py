"""The reference pages that are made from code: `python -m tests.house.reference` (or `make reference`) writes docs/reference.md."""

import functools
import types
import typing
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import click
from pydantic.fields import FieldInfo

from api.app import create_app
from api.errors import STATUS_CODES
from ingestio import errors
from ingestio.cli import main
from ingestio.config import Settings
from ingestio.domain.webhooks import WebhookEvent
from ingestio.errors import FAILURE_MESSAGES, FileRefused, IngestioError, RefusalCode
from ingestio.metrics import GAUGES, SUMS
from ingestio.observability import Event
from tests.house.tree import ROOT

PAGE = ROOT / "docs" / "reference.md"


def page() -> str:
    """The whole page."""
    parts = [
        "# Reference\n\nMade from the code by `make reference`; a test keeps it true. The README and the guides say what each is for.",
        "## Environment\n\n" + _table(("variable", "default", "value"), _settings()),
        "## Commands\n\nEach takes `--help`.\n\n"
        + _table(("command", "options", "what it does"), _commands(main, "ingestio")),
        "## Routes\n\n`/openapi.json` of a running service describes each with its parameters, bodies and answers.\n\n"
        + _table(("method and path", "what it does"), _routes()),
        "## Objects\n\nWhat the routes take and answer, by its name in `/openapi.json`, which has the kind of each field too; lists hold "
        "them as `items`, with a `next_cursor`. Fields may be added. `?`: may be left out.\n\n"
        + _table(("object", "fields", "what it is"), _objects()),
        "## Events of webhooks\n\nWhat an endpoint can be told of; [using](using.md#webhooks) says how.\n\n"
        + ", ".join(f"`{event.value}`" for event in WebhookEvent)
        + ".",
        "## Codes of problems\n\nThe `code` of a problem detail (RFC 9457), with its status.\n\n"
        + _table(("code", "status", "title"), _problems()),
        "## Codes of refused files\n\n" + _table(("code", "status"), _refusals()),
        "## Codes of failed documents\n\n"
        + _table(("code", "message"), ((f"`{code.value}`", text) for code, text in FAILURE_MESSAGES.items())),
        "## Events in the log\n\n" + ", ".join(f"`{event.value}`" for event in Event) + ".",
        "## Metrics\n\n"
        + _table(("metric", "meaning"), ((f"`{name}`", meaning) for name, meaning in (SUMS | GAUGES).items())),
    ]
    return "\n\n".join(parts) + "\n"


def _table(head: tuple[str, ...], rows: Any) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)


def _settings() -> Iterator[tuple[str, str, str]]:
    for field in sorted(Settings.model_fields.values(), key=lambda each: str(each.alias)):
        default = "" if field.default is None else f"`{_shown(field.default)}`"
        yield f"`{field.alias}`", default, _kind(field)


def _shown(default: object) -> str:
    return str(int(default)) if isinstance(default, bool) else str(default)


def _kind(field: FieldInfo) -> str:
    kinds = [_one_kind(each) for each in _members(field.annotation) if each is not type(None)]
    bounds = [
        f"{word} {getattr(rule, name):g}"
        for rule in field.metadata
        for name, word in (("ge", "from"), ("gt", "over"), ("le", "to"), ("lt", "under"))
        if hasattr(rule, name)
    ]
    return ", ".join([*dict.fromkeys(kinds), *bounds])


def _members(annotation: Any) -> tuple[Any, ...]:
    is_union = typing.get_origin(annotation) in (typing.Union, types.UnionType)
    return typing.get_args(annotation) if is_union else (annotation,)


def _one_kind(kind: Any) -> str:
    if typing.get_origin(kind) is typing.Literal:
        return " or ".join(f"`{value}`" for value in typing.get_args(kind))
    names = {"str": "text", "Path": "folder", "int": "whole number", "float": "number", "bool": "`1` or `0`"}
    return names[kind.__name__]


def _commands(command: click.Command, name: str) -> Iterator[tuple[str, str, str]]:
    if isinstance(command, click.Group):
        for part in command.commands:
            yield from _commands(command.commands[part], f"{name} {part}")
        return
    arguments = [
        each.make_metavar(click.Context(command)) for each in command.params if isinstance(each, click.Argument)
    ]
    options = [f"`{max(each.opts, key=len)}`" for each in command.params if isinstance(each, click.Option)]
    first = (command.help or "").split("\n\n")[0]
    yield f"`{' '.join([name, *arguments])}`", " ".join(options), " ".join(first.split())


def _objects() -> Iterator[tuple[str, str, str]]:
    for name, schema in sorted(_openapi()["components"]["schemas"].items()):
        if "properties" not in schema or name.startswith("Listed_"):
            continue
        # Answers name what is always there as required; for what is sent it is what must be.
        needed = schema.get("required", ())
        fields = [f"`{field}`{'' if field in needed else '?'}" for field in schema["properties"]]
        first = schema.get("description", "").split("\n\n")[0]
        yield f"`{name}`", ", ".join(fields), " ".join(first.split())


def _routes() -> Iterator[tuple[str, str]]:
    for path, item in _openapi()["paths"].items():
        for method, operation in item.items():
            first = operation.get("description", operation["summary"]).split("\n\n")[0]
            yield f"`{method.upper()} {path}`", " ".join(first.split())


@functools.cache
def _openapi() -> dict[str, Any]:
    secrets = ("INGESTIO_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "CLERK_WEBHOOK_SECRET")
    values: dict[str, Any] = dict.fromkeys(secrets, "whsec_b25seSB0byBkZXNjcmliZSB0aGUgcm91dGVz")
    return create_app(Settings(**values)).openapi()


def _problems() -> list[tuple[str, str, str]]:
    """What has a code and a status of its own; the others are reasons that stand elsewhere."""
    found = [
        (f"`{each.code}`", str(each.status), each.title)
        for each in vars(errors).values()
        if isinstance(each, type) and issubclass(each, IngestioError) and "code" in vars(each)
        if each is IngestioError or each.status != IngestioError.status
    ]
    found += [
        (f"`{code}`", str(status), HTTPStatus(status).phrase)
        for status, code in STATUS_CODES.items()
        if f"`{code}`" not in {row[0] for row in found} | {f"`{reason.value}`" for reason in RefusalCode}
    ]
    return sorted(found, key=lambda row: (row[1], row[0]))


def _refusals() -> Iterator[tuple[str, str]]:
    for reason in RefusalCode:
        yield f"`{reason.value}`", str(FileRefused(reason, "").public_status)


if __name__ == "__main__":
    PAGE.write_text(page())
