"""`make bench`: every figure that the README states, each beside a floor or a peer measured in the same run.

A lone time on a shared machine says little; a ratio to the same machine's floor at the same minute says much.
"""

import argparse
import platform
import sys

import psutil

from benchmarks import startup, throughput, upload
from benchmarks.figures import Figure

SUITES = {"startup": startup.measure, "upload": upload.measure, "throughput": throughput.measure}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suites", nargs="*", choices=[*SUITES, []], help=f"some of {', '.join(SUITES)}; all without")
    chosen = parser.parse_args().suites or list(SUITES)
    memory = psutil.virtual_memory().total / 2**30
    print(f"{psutil.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}, {platform.system()}\n")
    print(Figure.HEADING)
    for name in chosen:
        for figure in SUITES[name]():
            print(figure.line(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
