"""What a child that was taken over can make its parent do: nothing."""

import datetime
import decimal
import os
import pickle
import pickletools
import sys

import pytest

from ingestio.domain.evidence import Evidence, FieldState
from ingestio.domain.fields import ExtractedField
from ingestio.errors import FileRefused, RefusalCode
from ingestio.media.answers import read_answer, rebuilt, write_answer
from ingestio.media.counting import PageCount


def test_values_dataclasses_and_enums_come_back_equal() -> None:
    field = ExtractedField("total", "12.50", FieldState.SUPPORTED, 0.9, (Evidence(1, "12.50", (1.0, 2.0, 3.0, 4.0)),))
    answer = ("value", field, decimal.Decimal("1.5"), datetime.date(2026, 11, 23), {"a": {1, 2}}, b"x", 7)
    assert read_answer(write_answer(answer)) == answer


@pytest.mark.parametrize(
    "attack",
    [
        pickle.dumps((os.system,)),
        pickle.dumps((sys.exit,)),
        pickle.dumps((eval,)),
        pickle.dumps((getattr,)),
        pickle.dumps((write_answer,)),
        pickle.dumps((FileRefused,)),
        b"\x80\x04cingestio.media.bounded\nos.system\n\x85.",
        b"\x80\x04cingestio.media.warm\nsubprocess.Popen\n\x85.",
    ],
)
def test_functions_and_foreign_classes_cannot_be_named(attack: bytes) -> None:
    with pytest.raises(pickle.UnpicklingError):
        read_answer(attack)


def test_a_class_of_ours_cannot_be_changed() -> None:
    # Takes PageCount and has pickle set its attribute `pages` to 99 (BUILD with slot state): works on a plain Unpickler.
    attack = b"\x80\x04cingestio.media.counting\nPageCount\nN}(X\x05\x00\x00\x00pagesKcu\x86b\x85."
    assert [op.name for op, _, _ in pickletools.genops(attack)][-3:] == ["BUILD", "TUPLE1", "STOP"]
    with pytest.raises(pickle.UnpicklingError):
        read_answer(attack)
    assert PageCount(3).pages == 3


def test_a_module_is_not_loaded_for_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "ingestio.media.pictures", raising=False)
    with pytest.raises(pickle.UnpicklingError):
        read_answer(b"\x80\x04cingestio.media.pictures\nImage\n\x85.")
    assert "ingestio.media.pictures" not in sys.modules


@pytest.mark.parametrize(
    "damaged", [b"", b"\x80", b"\x80\x04.", write_answer(("value", 1))[:-3], pickle.dumps(1), pickle.dumps(())]
)
def test_a_damaged_answer_is_refused(damaged: bytes) -> None:
    with pytest.raises(pickle.UnpicklingError):
        read_answer(damaged)


def test_only_our_own_errors_are_rebuilt() -> None:
    error = rebuilt("ingestio.errors", "FileRefused", "Damaged.", {"detail": "Damaged.", "reason": RefusalCode.CORRUPT})
    assert isinstance(error, FileRefused)
    assert (error.reason, str(error)) == (RefusalCode.CORRUPT, "Damaged.")
    for module, name in (
        ("builtins", "SystemExit"),
        ("ingestio.errors", "dataclass"),
        ("no.such.module", "FileRefused"),
    ):
        with pytest.raises(TypeError):
            rebuilt(module, name, "", {})
