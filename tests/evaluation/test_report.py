"""The evaluation's own data set is the same every time, and a part of it is read as well as the recorded report says.

The report is made by `make evaluation`; who makes the engine better records it anew, who makes it worse sees where here.
"""

import hashlib
import json
from collections import Counter
from functools import cache
from typing import Any

import pytest

from ingestio.domain.fields import FieldKind
from ingestio.domain.media import MediaType
from ingestio.evaluation.datasets import Case, read_dataset
from ingestio.evaluation.proofs import is_in_document
from ingestio.evaluation.scores import Score, kinds_of, score
from ingestio.extraction.base import ExtractRequest
from ingestio.extraction.local.engine import extract_from
from ingestio.media.text import read_text_sync
from tests.data import make_evaluation
from tests.data.evaluation.facts import LANGUAGES
from tests.house.tree import ROOT


@cache
def recorded() -> dict[str, dict[str, Any]]:
    run = json.loads((ROOT / "docs" / "evaluation.json").read_text("utf-8"))["runs"][0]
    return {each["file"]: each for each in run["by_document"]}


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    folder = tmp_path_factory.mktemp("evaluation")
    make_evaluation.write(folder, part=True)
    return read_dataset(folder)


def _field(path: str) -> str:
    name, bracket, rest = path.partition("[")
    return f"{name.rstrip('+')}[]{rest.partition(']')[2]}" if bracket else name


def test_a_part_of_the_data_set_is_read_as_well_as_recorded(cases: list[Case]) -> None:
    """Field by field, over the documents of the part: not one more miss, not one more wrong type, nothing supported that is not there."""
    then, now, known = Counter[str](), Counter[str](), Counter[str]()
    made_up: list[tuple[str, str]] = []
    for case in cases:
        told = recorded()[case.label]
        text = read_text_sync(case.path, MediaType.PDF)
        extraction = extract_from(text, ExtractRequest(case.path, MediaType.PDF.value, len(text.pages)))
        counted: Score = score(case.truth, extraction, None)
        kinds = kinds_of(extraction.document_type, None)
        made_up += [
            (case.label, field.path)
            for field in extraction.fields
            if not is_in_document(field, kinds.get(_field(field.path), FieldKind.TEXT), text)
        ]
        now.update(map(_field, counted.misses))
        now["document_type"] += extraction.document_type != case.truth.document_type
        then.update(map(_field, told["misses"]))
        then["document_type"] += told["document_type"] != case.truth.document_type
        known.update({name: tally.known for name, tally in counted.fields.items()})
    assert made_up == []
    assert {name: (then[name], now[name], known[name]) for name in now if now[name] > then[name]} == {}
    assert sum(known.values()) > 1000


def test_the_data_set_has_two_hundred_documents_in_all_layouts_and_languages() -> None:
    plans = list(make_evaluation.plans())
    assert len(plans) == 200
    assert len({(plan.document_type, plan.layout) for plan in plans if plan.document_type == "invoice"}) == 8
    assert {plan.language for plan in plans} == set(LANGUAGES)
    assert sum(plan.scanned for plan in plans) >= 25
    assert set(recorded()) == {
        f"{'scans' if plan.scanned else 'text'}/{plan.name}{'.jpg' if plan.scanned else '.pdf'}" for plan in plans
    }


def test_the_same_plan_draws_the_same_bytes() -> None:
    plan = next(plan for plan in make_evaluation.plans() if plan.scanned)

    def digests() -> list[str]:
        truth, pdf = make_evaluation.drawn(plan)
        parts = (json.dumps(truth).encode(), pdf, make_evaluation.picture(plan, pdf))
        return [hashlib.sha256(part).hexdigest() for part in parts]

    assert digests() == digests()
