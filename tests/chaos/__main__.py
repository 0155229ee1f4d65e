"""`make chaos ROUNDS=1000 SEED=1`: rounds of batches under chaos until so many crashes were injected.

ROUNDS counts injected crashes (a SIGKILL each), not batches: most rounds see two or three dozen, at the boundaries of operations, beside
deaths at random moments, faults of the lines between the parts, and users who cancel, pause, resume and retry. Every tenth round is
played on `ingestio up` as people run it, with deaths at random moments only. After each round every invariant, the usage and the store
are audited.

Each round prints its own seed; `--only-round SEED` plays that one again.
"""

import argparse
import collections
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from tests.chaos import moments, rounds
from tests.chaos.instance import ChaosInstance
from tests.chaos.record import Run, add_to
from tests.chaos.rounds import Round
from tests.chaos.site import PLANS, ROOT, Site

MODES = ("boundaries", "moments")
MOMENTS_EVERY = 10


class Stage:
    """Starts what a round needs when the first one needs it."""

    def __init__(self, folder: Path, seed: int, patience_seconds: float) -> None:
        self._folder = folder
        self._patience_seconds = patience_seconds
        self._seed = seed
        self._stack = ExitStack()
        self._site: Site | None = None
        self._known: list[str] = []
        self._instance: ChaosInstance | None = None

    def play(self, mode: str, seed: int) -> Round:
        if mode == "moments":
            if self._instance is None:
                self._instance = ChaosInstance(self._folder / "up" / "data", {"INGESTIO_PLANS": PLANS})
                self._instance.data_dir.parent.mkdir(mode=0o755)
                self._instance.start()
                self._stack.callback(self._instance.stop)
            return moments.play(self._instance, seed)
        if self._site is None:
            (self._folder / "site").mkdir(mode=0o755)
            self._site = self._stack.enter_context(
                Site(self._folder / "site", self._seed, patience_seconds=self._patience_seconds)
            )
            self._known = rounds.calm_round(self._site)
        return rounds.play(self._site, seed, self._known)

    def close(self) -> None:
        self._stack.close()


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=50, metavar="CRASHES", help="injected crashes to reach (ROUNDS)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES), help="which rounds to mix")
    parser.add_argument("--only-round", type=int, metavar="SEED", help="play the round of this seed, in the first mode")
    parser.add_argument(
        "--patience",
        type=float,
        default=8.0,
        metavar="SECONDS",
        help="how long a dead worker's task waits; 4 on a quiet machine",
    )
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no further round after that")
    parser.add_argument("--record", type=Path, metavar="FILE", help="add the run to a record such as docs/chaos.md")
    parser.add_argument("--keep", action="store_true", help="keep data and logs of the parts when a round goes wrong")
    options = parser.parse_args()
    # Started in the background of a shell it would ignore Ctrl-C.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    run, folder = play_all(options)
    print(summary(run), flush=True)
    if options.record is not None:
        add_to(options.record, run)
    if run.violations and options.keep:
        print(f"data and logs stay in {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if run.violations else 0


def play_all(options: argparse.Namespace) -> tuple[Run, Path]:
    """Rounds until the crashes or the minutes are reached; one line each."""
    dice = random.Random(options.seed)
    folder = Path(tempfile.mkdtemp(prefix="ingestio-chaos-"))
    folder.chmod(0o755)  # PostgreSQL runs as another user
    stage = Stage(folder, options.seed, options.patience)
    begun = time.monotonic()
    run = Run(options.seed, datetime.now(UTC).date().isoformat(), _commit())
    try:
        if options.only_round is not None:
            _play(stage, options.modes[0], options.only_round, run)
            return run, folder
        while run.crashes < options.rounds and time.monotonic() < begun + options.minutes * 60:
            seed = dice.randrange(10**7)
            is_moment = options.modes == ["moments"] or (run.rounds % MOMENTS_EVERY == MOMENTS_EVERY - 1)
            mode = "moments" if is_moment and "moments" in options.modes else "boundaries"
            _play(stage, mode, seed, run)
    except KeyboardInterrupt:
        print("interrupted: the round under way does not count", flush=True)
    finally:
        stage.close()
    return run, folder


def _play(stage: Stage, mode: str, seed: int, run: Run) -> None:
    done = stage.play(mode, seed)
    run.add(done)
    died = ", ".join(f"{name} {count}" for name, count in sorted(done.victims.items()))
    faults = f"; lines: {', '.join(f'{kind} {count}' for kind, count in done.faults.items())}" if done.faults else ""
    print(
        f"round {run.rounds:4}  seed {seed:7}  {mode}  {done.seconds:6.1f} s  {done.batches} batches, {done.documents} documents  "
        f"crashes {done.crashes} ({died}){faults}  {'; '.join(done.problems) or 'ok'}  [{run.crashes} so far]",
        flush=True,
    )


def summary(run: Run) -> str:
    """The run in a few lines."""
    lines = [
        f"seed {run.seed}: {run.crashes} crashes in {run.rounds} rounds, {run.violations} rounds with a violation",
        f"  {run.batches} batches, {run.documents} documents",
        f"  by who died: {_listed(run.victims)}",
        f"  by boundary: {_listed(run.boundaries)}",
        f"  faults of lines: {_listed(run.faults)}",
        f"  originals left without a row by uploads that were killed: {run.orphans}",
    ]
    return "\n".join(lines)


def _listed(counts: collections.Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "none"


def _commit() -> str:
    found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return found.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main())
