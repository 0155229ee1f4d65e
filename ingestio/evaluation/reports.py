"""The figures of a run, as plain values for JSON; the same outcomes give the same report but for the seconds."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from statistics import median
from typing import Any

from ingestio.domain.fields import ModelUsage
from ingestio.domain.prices import Prices, as_text
from ingestio.evaluation.runs import Outcome
from ingestio.evaluation.scores import Tally

# A quotient may have no end; what is counted is exact.
_COST_PLACES = Decimal("1e-9")


def figures(outcomes: Sequence[Outcome], prompt: str | None, prices: Prices | None) -> dict[str, Any]:
    """Everything that is known about one prompt's run; `prompt` None: each document was classified and read for its type's fields."""
    fields = _by_field(outcomes)
    whole = Tally()
    for name, tally in fields.items():
        if not name.endswith("[]"):  # rows are counted by their cells already
            whole.add(tally)
    return {
        "prompt": prompt,
        "documents": _documents(outcomes),
        "document_type": _document_type(outcomes),
        "all_fields": _rates(whole),
        "fields": {name: _rates(tally) for name, tally in fields.items()},
        "not_asked_for": sorted({name for each in outcomes for name in each.score.unasked}),
        "grounding": _grounding(outcomes),
        "time": _time(outcomes),
        "model": _model(outcomes, prices),
        "by_document": [_one(each) for each in outcomes],
    }


def _by_field(outcomes: Sequence[Outcome]) -> dict[str, Tally]:
    fields: dict[str, Tally] = {}
    for outcome in outcomes:
        if outcome.case.truth.refused is None:
            for name, tally in outcome.score.fields.items():
                fields.setdefault(name, Tally()).add(tally)
    return fields


def _rates(tally: Tally) -> dict[str, Any]:
    return {
        "known": tally.known,
        "true": tally.true,
        "found": tally.found,
        "right": tally.right,
        "precision": _share(tally.right, tally.found),
        "recall": _share(tally.right, tally.true),
        "exact": _share(tally.exact, tally.known),
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _documents(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """`as_expected` also counts a refusal that the truth asks for."""
    return {
        "all": len(outcomes),
        "read": sum(each.code is None for each in outcomes),
        "as_expected": sum(each.code == each.case.truth.refused for each in outcomes),
        "pages": sum(each.pages for each in outcomes),
        "codes": dict(sorted(Counter(each.code for each in outcomes if each.code).items())),
    }


def _document_type(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    known = [each for each in outcomes if each.type_is_right is not None]
    wrong = Counter(
        f"{each.case.truth.document_type} as {each.document_type or each.code}"
        for each in known
        if not each.type_is_right
    )
    right = sum(bool(each.type_is_right) for each in known)
    return {
        "known": len(known),
        "right": right,
        "exact": _share(right, len(known)),
        "wrong": dict(sorted(wrong.items())),
    }


def _grounding(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    supported = sum(each.grounding.supported for each in outcomes)
    unsupported = sum(each.grounding.unsupported for each in outcomes)
    return {
        "supported": supported,
        "unsupported": unsupported,
        "not_found": sum(each.grounding.not_found for each in outcomes),
        "rate": _share(supported, supported + unsupported),
        "supported_but_not_in_document": sum(len(each.grounding.not_in_document) for each in outcomes),
        "supported_but_wrong": sum(each.score.supported_but_wrong for each in outcomes),
    }


def _time(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    timed = [each for each in outcomes if each.code is None and each.pages]
    seconds, pages = sum(each.seconds for each in timed), sum(each.pages for each in timed)
    return {
        "seconds": round(seconds, 3),
        "seconds_per_page": round(seconds / pages, 4) if pages else None,
        "median_seconds_per_document": round(median(each.seconds for each in timed), 4) if timed else None,
    }


def _model(outcomes: Sequence[Outcome], prices: Prices | None) -> dict[str, Any]:
    """Tokens of reading and of naming types; a cost only where somebody says what tokens cost: `prices` of all, else each model's own."""
    spent = sum((each.usage for each in outcomes), ModelUsage())
    if prices is not None:
        spent = spent.priced(prices)
    pages = sum(each.pages for each in outcomes if each.code is None)
    cost = spent.estimated_cost
    return {
        "input_tokens": spent.input_tokens,
        "output_tokens": spent.output_tokens,
        "cached_tokens": spent.cached_tokens,
        "thinking_tokens": spent.thinking_tokens,
        "cost": cost,
        "cost_per_page": None if cost is None or not pages else as_text((Decimal(cost) / pages).quantize(_COST_PLACES)),
    }


def _one(outcome: Outcome) -> dict[str, Any]:
    told: dict[str, Any] = {
        "file": outcome.case.label,
        "document_type": outcome.document_type,
        "code": outcome.code,
        "known": sum(tally.known for name, tally in outcome.score.fields.items() if not name.endswith("[]")),
        "misses": {path: {"true": true, "got": got} for path, (true, got) in outcome.score.misses.items()},
    }
    if outcome.grounding.not_in_document:
        told["not_in_document"] = outcome.grounding.not_in_document
    return told
