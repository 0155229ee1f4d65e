"""Why an answer ended is looked at before what it says."""

from typing import Any

import pytest
from google.genai import types

from ingestio.domain.fields import ModelUsage
from ingestio.errors import FailureCode, ModelError
from ingestio.extraction.gemini.answers import read_answer


def response(text: str | None = None, finish: str | None = "STOP", **more: Any) -> types.GenerateContentResponse:
    candidate: dict[str, Any] = {"finish_reason": finish}
    if text is not None:
        candidate["content"] = {"role": "model", "parts": [{"text": text}]}
    return types.GenerateContentResponse.model_validate({"candidates": [candidate], **more})


@pytest.mark.parametrize("finish", ["STOP", None, "FINISH_REASON_UNSPECIFIED"])
def test_an_answer_that_ended_normally_has_its_value(finish: str | None) -> None:
    found = read_answer(response('{"a": "ü"}', finish, model_version="gemini-9-001"))
    assert (found.value, found.problem, found.model) == ({"a": "ü"}, None, "gemini-9-001")


def test_an_answer_in_several_parts_is_put_together_without_the_thoughts() -> None:
    parts = [{"text": '{"a": 0}', "thought": True}, {"text": '{"a"'}, {"text": ": 1}"}]
    found = read_answer(types.GenerateContentResponse.model_validate({"candidates": [{"content": {"parts": parts}}]}))
    assert found.value == {"a": 1}


def test_thoughts_count_as_output_because_they_are_billed_and_what_was_cached_as_input() -> None:
    usage = {
        "prompt_token_count": 100,
        "cached_content_token_count": 60,
        "candidates_token_count": 20,
        "thoughts_token_count": 3,
    }
    assert read_answer(response("{}", usage_metadata=usage)).usage == ModelUsage(100, 23, 60, 3)


@pytest.mark.parametrize(
    "finish",
    ["SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT"],
)
def test_a_stop_for_safety_is_blocked_even_with_text(finish: str) -> None:
    with pytest.raises(ModelError) as caught:
        read_answer(response("{}", finish))
    assert (caught.value.reason, caught.value.can_retry) == (FailureCode.MODEL_BLOCKED, False)


@pytest.mark.parametrize("reason", ["SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "JAILBREAK"])
def test_a_blocked_prompt_is_blocked(reason: str) -> None:
    blocked = types.GenerateContentResponse.model_validate({"prompt_feedback": {"block_reason": reason}})
    with pytest.raises(ModelError) as caught:
        read_answer(blocked)
    assert caught.value.reason is FailureCode.MODEL_BLOCKED


@pytest.mark.parametrize("finish", ["MAX_TOKENS", "CONTINUATION"])
def test_a_cut_answer_is_truncated_even_when_it_happens_to_be_valid(finish: str) -> None:
    with pytest.raises(ModelError) as caught:
        read_answer(response("{}", finish))
    assert caught.value.reason is FailureCode.MODEL_OUTPUT_TRUNCATED


def test_a_language_that_the_model_does_not_know_is_rejected() -> None:
    with pytest.raises(ModelError) as caught:
        read_answer(response(None, "LANGUAGE"))
    assert caught.value.reason is FailureCode.MODEL_REJECTED


@pytest.mark.parametrize(
    "unusable",
    [
        response(None),
        response(""),
        response("  \n"),
        response("Here is the JSON: {}"),
        response("```json\n{}\n```"),
        response('{"a": NaN}'),
        response('{"a": Infinity}'),
        response('{"a": ' + "9" * 5000 + "}"),
        response("[" * 200_000),
        response("{}", "OTHER"),
        response("{}", "MALFORMED_FUNCTION_CALL"),
        types.GenerateContentResponse.model_validate({"candidates": []}),
        types.GenerateContentResponse.model_validate({}),
    ],
    ids=range(13),
)
def test_what_is_no_complete_json_is_a_problem_and_never_a_value(unusable: types.GenerateContentResponse) -> None:
    found = read_answer(unusable)
    assert found.value is None
    assert found.problem


@pytest.mark.filterwarnings("ignore:A_NEW_REASON is not a valid FinishReason")
def test_a_reason_that_is_not_known_yet_makes_no_value() -> None:
    assert read_answer(response("{}", "A_NEW_REASON")).problem
