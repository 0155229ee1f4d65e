"""Runs an instance until it is killed: `python -m tests.embedded.hold DIRECTORY [--no-temporal]`. Prints one line of JSON when it is up."""

import json
import sys
import threading
from dataclasses import asdict
from pathlib import Path

from ingestio.embedded.instance import Instance


def main() -> None:
    with Instance(Path(sys.argv[1]), temporal="--no-temporal" not in sys.argv) as instance:
        endpoints = instance.start()
        print(json.dumps({**asdict(endpoints), "pids": instance.pids()}), flush=True)
        instance.run_forever(threading.Event())


if __name__ == "__main__":
    main()
