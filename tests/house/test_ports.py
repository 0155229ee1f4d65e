"""Each activity has a port of the same name and shape: the workflows call the one, the worker runs the other."""

import inspect
import typing
from typing import Any, cast

from temporalio import activity

from activities.registry import long_steps, short_steps
from ingestio.bootstrap import WorkerDeps
from workflows import ports

Signature = tuple[list[Any], Any]


def _name(function: Any) -> str:
    definition = activity._Definition.must_from_callable(function)
    assert definition.name is not None
    return definition.name


def _shape(function: Any) -> Signature:
    hints = typing.get_type_hints(inspect.unwrap(function))
    answer = hints.pop("return")
    return list(hints.values()), answer


def test_every_port_has_an_implementation_of_the_same_shape() -> None:
    declared = {
        name: member for name, member in vars(ports).items() if getattr(member, "__temporal_activity_definition", None)
    }
    nothing = cast("Any", None)
    implemented = {
        _name(step): step
        for step in [
            *short_steps(cast("WorkerDeps", nothing), nothing, tagged=True),
            *long_steps(cast("WorkerDeps", nothing)),
        ]
    }

    assert {_name(port) for port in declared.values()} == set(implemented)
    assert declared, "the ports were not found"
    for name, port in declared.items():
        assert _shape(port) == _shape(implemented[name]), name
