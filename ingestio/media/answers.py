"""How a child's answer crosses to the parent, which trusts it with nothing.

A child parses hostile bytes and may be taken over; unpickling its answer freely would hand the takeover on. So an answer can only name
our own dataclasses and enums (of modules that are loaded here anyway) and a few standard values, and only call them: what the reader
hands to pickle is never the class itself, because pickle can set attributes on what it is given.
"""

import dataclasses
import enum
import io
import pickle
import sys
from functools import cache
from typing import Any

from ingestio.errors import IngestioError

_STANDARD = {
    ("builtins", "set"),
    ("builtins", "frozenset"),
    ("builtins", "bytearray"),
    ("datetime", "date"),
    ("datetime", "datetime"),
    ("datetime", "time"),
    ("datetime", "timedelta"),
    ("datetime", "timezone"),
    ("decimal", "Decimal"),
    ("uuid", "UUID"),
}
# An answer may make the parent load these and nothing else: values in the standard library's terms.
_LOADABLE = ("ingestio.domain.", "ingestio.errors")


def write_answer(answer: tuple[Any, ...]) -> bytes:
    """An answer made of plain values, dataclasses (without keyword-only fields) and enums."""
    target = io.BytesIO()
    _Writer(target, protocol=pickle.HIGHEST_PROTOCOL).dump(answer)
    return target.getvalue()


def read_answer(body: bytes | bytearray) -> tuple[Any, ...]:
    """The answer. Raises pickle.UnpicklingError when it is damaged or names anything but values."""
    try:
        answer = _Reader(io.BytesIO(body)).load()
    except pickle.UnpicklingError:
        raise
    except (AttributeError, EOFError, ImportError, IndexError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise pickle.UnpicklingError(f"an answer is damaged: {type(error).__name__}") from None
    if not isinstance(answer, tuple) or not answer:
        raise pickle.UnpicklingError("an answer is a tuple")
    return answer


def rebuilt(module: str, name: str, detail: str, state: dict[str, Any]) -> IngestioError:
    """One of our own errors that the function raised in the child, with its attributes. TypeError when it is not one of ours."""
    kind = getattr(sys.modules.get(module), name, None)
    if not (isinstance(kind, type) and issubclass(kind, IngestioError)):
        raise TypeError(f"{module}.{name} is not one of our errors")
    error = kind.__new__(kind)
    error.args = (detail,)
    vars(error).update(state)
    return error


class _Writer(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        kind = type(value)
        if dataclasses.is_dataclass(kind):
            return kind, tuple(getattr(value, name) for name in _field_names(kind))
        return NotImplemented


@cache
def _field_names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind) if field.init)


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _STANDARD:
            return _Maker(super().find_class(module, name))
        if module in sys.modules or module.startswith(_LOADABLE):
            found = super().find_class(module, name) if module.partition(".")[0] in ("ingestio", "tests") else None
            if isinstance(found, type) and (dataclasses.is_dataclass(found) or issubclass(found, enum.Enum)):
                return _Maker(found)
        raise pickle.UnpicklingError(f"an answer may not name {module}.{name}")


class _Maker:
    """Calls one class and can do nothing else; each mention in an answer gets a new one."""

    __slots__ = ("_kind",)
    _kind: type

    def __init__(self, kind: type) -> None:
        object.__setattr__(self, "_kind", kind)

    def __call__(self, *values: Any) -> Any:
        return self._kind(*values)

    def __setattr__(self, name: str, value: object) -> None:
        raise pickle.UnpicklingError("an answer may not change what it names")
