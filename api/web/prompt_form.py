"""The second step's form: what was written, what is wrong with it, and the change of the draft that it means."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from starlette.datastructures import FormData

from api.schemas.texts import LONGEST_NAME, checked_prompts, plain_line
from api.web.visitors import text_of
from ingestio.db.batches import BatchRow
from ingestio.domain.batches import PromptStrategy
from ingestio.errors import PromptInvalid
from ingestio.services.drafts import DraftChange

OWN = "prompt."


@dataclass(frozen=True, slots=True)
class PromptForm:
    """Fields as people wrote them. `own`: prompts by client id; `errors` by field name; `stays` when prompts were only spread."""

    name: str
    strategy: PromptStrategy
    global_prompt: str
    own: Mapping[str, str]
    stays: bool
    errors: Mapping[str, str]

    @classmethod
    def of(cls, row: BatchRow, own: Mapping[str, str | None]) -> Self:
        """What the draft holds."""
        return cls(
            name=row.name or "",
            strategy=row.prompt_strategy,
            global_prompt=row.extraction_prompt or "",
            own={client_id: text or "" for client_id, text in own.items()},
            stays=False,
            errors={},
        )

    @classmethod
    def read(cls, form: FormData, client_ids: Sequence[str]) -> Self:
        """What was posted. A text for all empty ones is spread at once, so that the page shows where it went."""
        strategy = text_of(form, "prompt_strategy")
        chosen = PromptStrategy(strategy) if strategy in PromptStrategy._value2member_map_ else PromptStrategy.GLOBAL
        spread = text_of(form, "spread") if "apply" in form else ""
        written = cls(
            name=text_of(form, "name"),
            strategy=chosen,
            global_prompt=text_of(form, "global_prompt"),
            own={item: text_of(form, OWN + item).strip() or spread.strip() for item in client_ids},
            stays="apply" in form,
            errors={},
        )
        return written.with_errors(written._wrong())

    def _wrong(self) -> dict[str, str]:
        errors: dict[str, str] = {}
        try:
            plain_line(self.name)
        except ValueError as error:
            errors["name"] = f"The name {error}."
        if len(self.name) > LONGEST_NAME:
            errors["name"] = f"A name has at most {LONGEST_NAME} characters."
        texts = {"global_prompt": self.global_prompt} if self.strategy is PromptStrategy.GLOBAL else {}
        if self.strategy is PromptStrategy.PER_DOCUMENT:
            texts = {OWN + item: text for item, text in self.own.items()}
        try:
            checked_prompts(texts)
        except PromptInvalid as problem:
            errors |= {item.field: item.message for item in problem.errors}
        return errors

    def missing(self) -> dict[str, str]:
        """The prompts that this strategy cannot do without."""
        if self.strategy is PromptStrategy.GLOBAL and not self.global_prompt.strip():
            return {"global_prompt": "Write what to extract from every document."}
        if self.strategy is PromptStrategy.PER_DOCUMENT:
            return {
                OWN + item: "Write what to extract from this document." for item, text in self.own.items() if not text
            }
        return {}

    def with_errors(self, errors: Mapping[str, str]) -> Self:
        """The same form, with what is wrong."""
        return replace(self, errors=errors)

    def change(self) -> DraftChange:
        """What it changes in the draft. Own prompts belong to one strategy: under another they would speak unseen."""
        own: Mapping[str, str | None] = {}
        if self.strategy is PromptStrategy.PER_DOCUMENT:
            own = {item: text or None for item, text in self.own.items()}
        elif self.strategy is PromptStrategy.AUTO:
            own = dict.fromkeys(self.own)
        return DraftChange(
            name=plain_line(self.name), strategy=self.strategy, global_prompt=self.global_prompt.strip(), prompts=own
        )
