"""The second step's form: what was written, what is wrong with it, and the change of the draft that it means."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
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
    """Fields as people wrote them. `own`: prompts by client id; `errors` by field name; `stays` when prompts were only spread.

    `pattern` says over which file names a text was spread.
    """

    name: str
    strategy: PromptStrategy
    global_prompt: str
    own: Mapping[str, str]
    stays: bool
    errors: Mapping[str, str]
    pattern: str = ""
    spread: str = ""

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
    def read(cls, form: FormData, filenames: Mapping[str, str], held: Mapping[str, str | None]) -> Self:
        """What was posted, with the draft's file names and prompts by client id; a prompt that was not sent is as it was. A text for
        several is spread at once, so that the page shows where it went: over those that are empty, or over those whose name fits the
        pattern, whatever stood there.
        """
        strategy = text_of(form, "prompt_strategy")
        chosen = PromptStrategy(strategy) if strategy in PromptStrategy._value2member_map_ else PromptStrategy.GLOBAL
        own = {
            item: text_of(form, OWN + item).strip() if OWN + item in form else held[item] or "" for item in filenames
        }
        spread, pattern, way = text_of(form, "spread").strip(), text_of(form, "pattern").strip(), text_of(form, "apply")
        reached = {
            item
            for item, name in filenames.items()
            if (way == "pattern" and _fits(name, pattern)) or (way == "empty" and not own[item])
        }
        written = cls(
            name=text_of(form, "name"),
            strategy=chosen,
            global_prompt=text_of(form, "global_prompt"),
            own=own | (dict.fromkeys(reached, spread) if spread else {}),
            stays=bool(way),
            errors={},
            pattern=pattern,
            spread=spread,
        )
        return written.with_errors(
            written._wrong() | (_nowhere(way, spread) if way and not (reached and spread) else {})
        )

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


def _fits(name: str, pattern: str) -> bool:
    """Whether a file name fits `*.pdf`, `?3-*`, or holds a plain text; case does not matter."""
    wanted = pattern.casefold()
    return bool(wanted) and fnmatchcase(name.casefold(), wanted if set("*?[") & set(wanted) else f"*{wanted}*")


def _nowhere(way: str, spread: str) -> dict[str, str]:
    """Why a text for several documents reached none."""
    if not spread:
        return {"spread": "Write the text first."}
    if way == "pattern":
        return {"pattern": "No file of this batch has such a name."}
    return {"spread": "No prompt is empty."}
