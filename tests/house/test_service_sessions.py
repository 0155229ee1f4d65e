"""The front door acts as `service_role` only through `services/privileged.py` (R28): read off its source, so that no path is missed."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.house.tree import name_of, parsed, python_files

# What opens a session that sees every user's rows.
OPENERS = {"service_session", "service_connection", "acting"}
# Inbound webhooks are no user's request; readiness looks at the schema's revision.
OTHERWISE = {
    "api/routes/clerk.py": {"clerk_events"},
    "api/routes/stripe_webhook.py": {"billing"},
    "api/routes/health.py": {"session"},
}


def opened(path: Path) -> Iterator[tuple[ast.AsyncWith, str]]:
    """Blocks that hold such a session, with the name it has in them."""
    for node in ast.walk(parsed(path)):
        if not isinstance(node, ast.AsyncWith):
            continue
        for item in node.items:
            call = item.context_expr
            if isinstance(call, ast.Call) and _last_name(call.func) in OPENERS:
                assert isinstance(item.optional_vars, ast.Name), f"{name_of(path)}:{node.lineno} hides its session"
                yield node, item.optional_vars.id


def used(block: ast.AsyncWith, session: str) -> Iterator[tuple[int, str]]:
    """Where the session is used in the block: the line, and the module or object that it is used through."""
    for node in ast.walk(block):
        if not isinstance(node, ast.Call):
            continue
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        if any(isinstance(each, ast.Name) and each.id == session for each in given):
            yield node.lineno, _first_name(node.func)
        elif _first_name(node.func) == session:
            yield node.lineno, session


def _first_name(function: ast.expr) -> str:
    while isinstance(function, ast.Attribute):
        function = function.value
    return function.id if isinstance(function, ast.Name) else ""


def _last_name(function: ast.expr) -> str:
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )


def test_the_front_door_uses_a_service_session_for_privileged_operations_only() -> None:
    blocks = uses = 0
    wrong = []
    for path in python_files("api"):
        allowed = OTHERWISE.get(name_of(path), {"privileged"})
        for block, session in opened(path):
            blocks += 1
            for line, through in used(block, session):
                uses += 1
                if through not in allowed:
                    wrong.append(f"{name_of(path)}:{line} through {through or 'something nameless'}")
    assert wrong == []
    assert blocks >= 20
    assert uses >= blocks, "the rule above does not see what it should"


def test_the_front_door_hands_such_a_session_on_in_one_place_only() -> None:
    """`Caller.acting`, for the blocks above; a session that is handed around otherwise would escape the rule."""
    handed_on = [
        name_of(path)
        for path in python_files("api")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and _last_name(node.func) in OPENERS and id(node) not in _entered(path)
    ]
    assert handed_on == ["api/deps.py"]


def _entered(path: Path) -> set[int]:
    """The calls that an `async with` enters right away."""
    return {
        id(item.context_expr)
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.AsyncWith)
        for item in node.items
    }
