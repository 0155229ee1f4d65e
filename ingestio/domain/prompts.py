"""What a prompt may be (R81). Standard library only: the front door checks prompts without loading an extraction library."""

from ingestio.errors import PromptInvalid

MAX_PROMPT_CHARACTERS = 20_000
_ALLOWED_CONTROLS = "\t\n\r"


def validate_prompt(text: str) -> str:
    """The prompt as it will be stored: unchanged but for white space at its ends.

    Raises PromptInvalid when it is blank, longer than 20,000 characters, or holds a control character other than TAB, LF and CR
    or half of a surrogate pair. The message names the limit and the place, never the prompt.
    """
    if not text.strip():
        raise PromptInvalid("The prompt is empty. Say what to extract.")
    if len(text) > MAX_PROMPT_CHARACTERS:
        raise PromptInvalid(
            f"The prompt has {len(text):,} characters; at most {MAX_PROMPT_CHARACTERS:,} are allowed. Shorten it."
        )
    for index, char in enumerate(text):
        code = ord(char)
        if (code < 0x20 and char not in _ALLOWED_CONTROLS) or 0x7F <= code < 0xA0:
            raise PromptInvalid(
                f"The prompt holds a control character (U+{code:04X}) at position {index + 1}; "
                "only TAB, LF and CR are allowed. Remove it."
            )
        if 0xD800 <= code < 0xE000:
            raise PromptInvalid(f"The prompt is not valid text at position {index + 1} (half of a surrogate pair).")
    return text.strip()
