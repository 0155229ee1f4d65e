"""`make chaos ROUNDS=50 SEED=1`: rounds on one instance, a line each, and a summary that names the seed."""

import argparse
import collections
import json
import random
import sys
import tempfile
from pathlib import Path

from tests.chaos.instance import ChaosInstance
from tests.chaos.rounds import play


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args()
    dice = random.Random(options.seed)
    broken = 0
    killed: collections.Counter[str] = collections.Counter()
    with tempfile.TemporaryDirectory(prefix="ingestio-chaos-") as folder:
        Path(folder).chmod(0o755)
        instance = ChaosInstance(Path(folder) / "data", {"INGESTIO_PLANS": json.dumps({"growth": {"pages": None}})})
        instance.start()
        try:
            for number in range(1, options.rounds + 1):
                done = play(instance, number, dice)
                killed.update(done.targets)
                broken += bool(done.problems)
                deaths = ", ".join(
                    f"{target} at {moment:.2f} s"
                    for target, moment in zip(done.targets, done.after_seconds, strict=True)
                )
                print(
                    f"round {number:4}  {done.seconds:6.1f} s  killed {deaths}  {'; '.join(done.problems) or 'ok'}",
                    flush=True,
                )
        finally:
            instance.stop()
    deaths = ", ".join(f"{name} {count}" for name, count in sorted(killed.items()))
    print(
        f"seed {options.seed}: {options.rounds} rounds, {sum(killed.values())} kills ({deaths}), {broken} rounds with a violation"
    )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
