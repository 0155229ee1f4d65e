"""Words of labels that the recognition of print got nearly right: `TUTAL`, `5ubtotal`, `Anount`.

A picture's words are compared with the few that sums and payments hang on; one wrong character is put right, for the comparison alone:
what is quoted, and every value, stays as it was recognised.
"""

import re
from functools import lru_cache

# `charge` is here so that it is not taken for `change`.
_PRINTED = """
total subtotal totals grandtotal amount sales change charge cash rounding rounded balance payable inclusive excluding discount cashier
receipt invoice date time summe betrag gesamt totale importe totaal jumlah tunai kembali kembalian bayar belanja tanggal suma razem
"""
_WORDS = frozenset(_PRINTED.split())
_BY_LENGTH = {length: [word for word in _WORDS if len(word) == length] for length in {len(word) for word in _WORDS}}
# A shorter word is another word when one letter changes: only a digit in it is sure to be wrong.
_LEAST_LETTERS = 5
_WORD = re.compile(r"[^\W_]{4,10}")


def put_right(text: str) -> str:
    """The same text, as long as it was, with such words as they were printed, in capitals as these are."""
    return _WORD.sub(lambda match: _nearest(match.group()), text)


@lru_cache(maxsize=4096)
def _nearest(word: str) -> str:
    seen = word.casefold()
    if seen in _WORDS or len(seen) != len(word):
        return word
    digits = sum(map(str.isdigit, seen))
    if digits > 1 or (digits == 0 and len(seen) < _LEAST_LETTERS):
        return word
    near = [
        known for known in _BY_LENGTH.get(len(seen), ()) if sum(a != b for a, b in zip(seen, known, strict=True)) == 1
    ]
    if len(near) != 1:
        return word
    at = next(index for index, char in enumerate(seen) if char != near[0][index])
    if digits and not seen[at].isdigit():
        return word
    return word[:at] + (near[0][at].upper() if word.replace(word[at], "").isupper() else near[0][at]) + word[at + 1 :]
