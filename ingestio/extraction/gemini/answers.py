"""Reads what the model answered: first why it stopped, then its JSON. A text that is not complete, valid JSON never becomes data (R77).

| how the answer ended | outcome |
| --- | --- |
| the prompt was blocked, or generation stopped for safety, recitation, a block list or personal data | model_blocked |
| at the token limit | model_output_truncated |
| in a language that the model does not support | model_rejected |
| normally, with JSON | an `Answer` with its value |
| normally without text, with something else than JSON, for no or another reason | an `Answer` with the problem: worth one repair turn |
"""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from ingestio.domain.fields import ModelUsage
from ingestio.domain.prices import Prices
from ingestio.errors import FailureCode, ModelError
from ingestio.extraction.base import CutOff

if TYPE_CHECKING:
    from google.genai import types

_BLOCKED = frozenset(
    {
        "SAFETY",
        "RECITATION",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
    }
)
_TRUNCATED = frozenset({"MAX_TOKENS", "CONTINUATION"})
_NORMAL = frozenset({"STOP", "FINISH_REASON_UNSPECIFIED", ""})


@dataclass(frozen=True, slots=True)
class Answer:
    """One turn's outcome: the parsed JSON, or the `problem` with it in words for the model; what it cost; which model it was."""

    value: Any
    problem: str | None
    usage: ModelUsage
    model: str | None


def read_answer(response: "types.GenerateContentResponse", prices: Prices | None = None) -> Answer:
    """The answer and what it cost at these prices, once the reasons to have none are ruled out.

    Raises ModelError (blocked, truncated, rejected), none of them retryable.
    """
    feedback = response.prompt_feedback
    if feedback is not None and feedback.block_reason and feedback.block_reason.value != "BLOCKED_REASON_UNSPECIFIED":
        raise ModelError(FailureCode.MODEL_BLOCKED)
    candidate = response.candidates[0] if response.candidates else None
    reason = candidate.finish_reason.value if candidate and candidate.finish_reason else ""
    if reason in _BLOCKED:
        raise ModelError(FailureCode.MODEL_BLOCKED)
    if reason in _TRUNCATED:
        raise CutOff(_usage(response).priced(prices))
    if reason == "LANGUAGE":
        raise ModelError(FailureCode.MODEL_REJECTED, "The model does not support the language of this document.")
    value, problem = _parsed(_text(candidate)) if reason in _NORMAL else (None, "The answer was not finished.")
    return Answer(value, problem, _usage(response).priced(prices), response.model_version)


def _text(candidate: "types.Candidate | None") -> str:
    """The text of the answer without the model's thoughts."""
    parts = candidate.content.parts if candidate and candidate.content and candidate.content.parts else []
    return "".join(part.text for part in parts if part.text and not part.thought)


def _parsed(text: str) -> tuple[Any, str | None]:
    if not text.strip():
        return None, "The answer was empty."
    try:
        return json.loads(text, parse_constant=_no_constant), None
    except (ValueError, RecursionError):
        return None, "The answer was not valid JSON."


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _usage(response: "types.GenerateContentResponse") -> ModelUsage:
    usage = response.usage_metadata
    if usage is None:
        return ModelUsage()
    return ModelUsage(
        input_tokens=usage.prompt_token_count or 0,
        # Thoughts are billed as output, though no one sees them.
        output_tokens=(usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0),
        cached_tokens=usage.cached_content_token_count or 0,
        thinking_tokens=usage.thoughts_token_count or 0,
    )
