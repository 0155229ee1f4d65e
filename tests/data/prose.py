"""Running text over pages: how it is written down here, and a cursor that turns the page by itself."""

from collections.abc import Callable

from tests.data.paper import INK, Sheet, wrap


class Flow:
    """Writes downwards between two margins; `turn` decorates each new page and answers where its text begins."""

    def __init__(
        self, sheet: Sheet, left: float, right: float, top: float, bottom: float, turn: Callable[[Sheet], float]
    ) -> None:
        self.sheet, self.left, self.right, self.y, self.bottom, self.turn = sheet, left, right, top, bottom, turn

    def room(self, height: float) -> None:
        """Turns the page unless `height` points are left on it."""
        if self.y + height > self.bottom:
            self.y = self.turn(self.sheet)

    def heading(self, text: str, size: float = 11.5, *, before: float = 8, color: str = INK) -> None:
        self.room(before + size * 4)
        self.y += before
        self.sheet.text(self.left, self.y, text, size, bold=True, color=color)
        self.y += size * 1.55

    def paragraph(self, text: str, size: float = 10.5, *, label: str = "", indent: float = 0, after: float = 5) -> None:
        """One paragraph; a `label` such as "2.1" hangs in the indent."""
        lines = wrap(text, self.sheet.face.regular, size, self.right - self.left - indent)
        for index, line in enumerate(lines):
            self.room(size * 1.4 * (2 if index == 0 and len(lines) > 1 else 1))
            if index == 0 and label:
                self.sheet.text(self.left, self.y, label, size)
            self.sheet.text(self.left + indent, self.y, line, size)
            self.y += size * 1.38
        self.y += after

    def space(self, height: float) -> None:
        self.y += height


def sections(text: str) -> list[tuple[str, list[str]]]:
    """Titles with their paragraphs: `# ` begins a title, an empty line ends a paragraph. Text without a title comes under an empty one."""
    found: list[tuple[str, list[str]]] = [("", [])]
    for block in text.strip().split("\n\n"):
        if block.startswith("# "):
            found.append((block[2:], []))
        else:
            found[-1][1].append(" ".join(block.split("\n")))
    return found if found[0][1] else found[1:]
