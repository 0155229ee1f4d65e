"""What a result must say about the text that it was read from, whoever read it."""

from typing import Any

from ingestio.domain.text import DocumentText

# Enough for a reviewer to see what is going on; a scanner's whole text layer would fill the result.
_MOST_PLACES = 20
_LONGEST_QUOTE = 200


def text_flags(text: DocumentText) -> list[dict[str, Any]]:
    """Pages on which nothing could be read, text that was cut off, and words that are in the file and not to be seen (R81)."""
    flags: list[dict[str, Any]] = []
    blank = [page.number for page in text.pages if not page.lines]
    if blank:
        flags.append({"code": "pages_without_text", "pages": blank})
    if text.truncated:
        flags.append({"code": "text_truncated"})
    hidden = [(page.number, each) for page in text.pages for each in page.hidden]
    if hidden:
        flags.append(
            {
                "code": "hidden_text",
                "lines": len(hidden),
                "pages": sorted({number for number, _ in hidden}),
                "places": [
                    {
                        "page": number,
                        "hiding": each.hiding.value,
                        "quote": each.line.text[:_LONGEST_QUOTE],
                        "box": list(each.line.box),
                    }
                    for number, each in hidden[:_MOST_PLACES]
                ],
            }
        )
    return flags
