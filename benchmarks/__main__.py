"""`make bench`: every figure that the README states, each beside a floor, a peer or a bound, measured in the same run.

A lone time on a shared machine says little; a ratio to the same machine's floor at the same minute says much.

    python -m benchmarks                                  everything, in sizes that take minutes
    python -m benchmarks throughput --documents 1000      one suite in another size
"""

import argparse
import inspect
import platform
import sys
from collections.abc import Callable, Iterator
from typing import Any

import psutil

from benchmarks import (
    exports,
    fairness,
    interaction,
    memory,
    pages,
    quota,
    reading,
    recovery,
    requests,
    scale,
    startup,
    steering,
    streams,
    throughput,
    upload,
)
from benchmarks.figures import Figure

Suite = Callable[..., Iterator[Figure]]

_MODULES = (
    startup, upload, throughput, scale, fairness, recovery, steering, streams, requests, quota, memory, reading, exports, interaction,
    pages,
)  # fmt: skip
SUITES: dict[str, Suite] = {module.__name__.removeprefix("benchmarks."): module.measure for module in _MODULES}
OPTIONS = {
    "documents": "documents in the measured batch",
    "rounds": "how often it is measured",
    "streams": "live streams open at once",
    "seed": "of everything that is random",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suites", nargs="*", choices=[*SUITES, []], help=f"some of {', '.join(SUITES)}; all without")
    for name, meaning in OPTIONS.items():
        parser.add_argument(f"--{name}", type=int, help=f"{meaning}; for the suites that have it")
    given = vars(parser.parse_args())
    chosen = given.pop("suites") or list(SUITES)
    given = {name: value for name, value in given.items() if value is not None}
    for name in given:
        if not any(name in _taken(SUITES[suite]) for suite in chosen):
            parser.error(f"--{name}: not an option of {', '.join(chosen)}")
    memory = psutil.virtual_memory().total / 2**30
    print(f"{psutil.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}, {platform.system()}")
    for suite in chosen:
        sizes = _taken(SUITES[suite]) | {name: value for name, value in given.items() if name in _taken(SUITES[suite])}
        print(f"\n{suite}" + "".join(f", {name} {value}" for name, value in sizes.items()))
        print(Figure.HEADING)
        for figure in SUITES[suite](**sizes):
            print(figure.line(), flush=True)
    return 0


def _taken(suite: Suite) -> dict[str, Any]:
    """The sizes that a suite takes, with their defaults."""
    found = inspect.signature(suite).parameters.values()
    return {parameter.name: parameter.default for parameter in found if parameter.name in OPTIONS}


if __name__ == "__main__":
    sys.exit(main())
