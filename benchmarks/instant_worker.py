"""A worker as `ingestio worker` is one, with a provider whose time is known: `python -m benchmarks.instant_worker 0.5`."""

import argparse
import asyncio
import signal
from dataclasses import replace

import worker
from benchmarks.pipeline import InstantProvider
from ingestio.bootstrap import back_room
from ingestio.config import Settings
from ingestio.leaving import leaving_at_once
from ingestio.observability import configure_logging


async def _serve(settings: Settings, seconds: float) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with back_room(settings) as deps:
        await worker.serve(replace(deps, provider=InstantProvider(seconds)), stop)


def main() -> None:
    """Settings come from the environment, as for every worker."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", type=float, help="what reading a document takes")
    seconds = parser.parse_args().seconds
    settings = Settings.load()
    configure_logging(settings.log_level)
    asyncio.run(_serve(settings, seconds))


if __name__ == "__main__":
    leaving_at_once(main)
