"""What upkeep would find, looked for by hand: the same repairs, every walk from its start to its end (R67)."""

from collections.abc import Sequence

from activities.repairs.base import Repair
from ingestio.cli.checks import Check, said
from ingestio.domain.findings import Finding

# Walks are as long as the house is large. A look by hand ends at some point; the rounds of upkeep go all the way.
MOST_STEPS = 200
SHOWN = 3


async def look(repairs: Sequence[Repair], *, fix: bool) -> list[Check]:
    """One check for each kind of damage; with `fix` what is found is repaired, and the check says what became of it."""
    return [await _look(repair, fix=fix) for repair in repairs]


async def _look(repair: Repair, *, fix: bool) -> Check:
    try:
        findings, ended = await _walk(repair)
    except Exception as error:  # noqa: BLE001 - whatever keeps us from looking is what was asked for
        return Check(repair.title, False, f"could not be looked at: {said(error)}")
    if not findings:
        return Check(repair.title, True, "nothing found" if ended else f"nothing found in the first {MOST_STEPS} pages")
    if not fix:
        return Check(repair.title, False, f"{_shown(findings)}; --fix repairs")
    left = [finding for finding in findings if not await _mended(repair, finding)]
    if not left:
        return Check(repair.title, True, f"repaired: {_shown(findings)}")
    return Check(repair.title, False, f"{len(findings) - len(left)} repaired, not repaired: {_shown(left)}")


async def _walk(repair: Repair) -> tuple[list[Finding], bool]:
    """Every finding, and whether the walk came to its end."""
    findings: list[Finding] = []
    after = None
    for _ in range(MOST_STEPS):
        page = await repair.find(after)
        findings.extend(page.findings)
        after = page.next_after
        if after is None:
            return findings, True
    return findings, False


async def _mended(repair: Repair, finding: Finding) -> bool:
    """Whether the finding is no more: repaired now, or right by itself meanwhile."""
    try:
        await repair.mend(finding)
    except Exception:  # noqa: BLE001 - one that cannot be repaired does not keep the others from it, and is named
        return False
    return True


def _shown(findings: Sequence[Finding]) -> str:
    first = "; ".join(f"{each.subject} {each.detail}" for each in findings[:SHOWN])
    more = f"; and {len(findings) - SHOWN} more" if len(findings) > SHOWN else ""
    return f"{len(findings)} {findings[0].kind}: {first}{more}"
