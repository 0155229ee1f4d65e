"""Starting the whole service: the embedded servers, the schema, a worker and the front door, each a supervised process of its own."""

import contextlib
import functools
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import click

from ingestio.config import Settings, unread_variables
from ingestio.domain.runs import run_url
from ingestio.embedded.files import kept_secret
from ingestio.embedded.instance import (
    AlreadyRunning,
    Child,
    ChildFailed,
    Endpoints,
    Instance,
    RunningChild,
    running,
    using,
)
from ingestio.embedded.locks import use_lock
from ingestio.embedded.ports import free_port
from ingestio.embedded.probes import own_http_ok, said_parts
from ingestio.embedded.processes import Stopped
from ingestio.errors import ConfigurationError
from ingestio.observability import configure_logging

START_PATIENCE_SECONDS = 60.0
# Longer than a front door and a worker take to drain; what has not ended then is killed, and repeated after the next start.
PART_STOP_SECONDS = 20.0
# How the client of Temporal's own environment configuration gets into a server that is not ours.
_TEMPORAL_ACCESS = ("TEMPORAL_API_KEY", "TEMPORAL_TLS")


@dataclass(frozen=True, slots=True)
class Service:
    """A service that answers: where, and how to prove who is asking."""

    url: str
    secret_key: str
    temporal_ui_url: str | None
    temporal_namespace: str
    started_here: bool = False
    """Whether this process started it, so that it ends with us."""

    def run_url(self, workflow_id: str | None) -> str | None:
        """Where the Temporal UI shows a run; None when there is no run or nobody said where the UI is."""
        if workflow_id is None or self.temporal_ui_url is None:
            return None
        return run_url(self.temporal_ui_url, self.temporal_namespace, workflow_id)


def settings_for(data_dir: Path | None) -> Settings:
    """The settings of the environment, on another data dir when the command line names one.

    What was set in vain is said: a name with a slip in it leaves the default in force, and nobody would know.
    """
    for name in unread_variables(os.environ):
        click.echo(f"ingestio: nothing reads the variable {name}", err=True)
    return Settings.load() if data_dir is None else Settings.load(INGESTIO_DATA_DIR=data_dir)


def serve_until_stopped(settings: Settings, port: int | None) -> None:
    """`ingestio up`: start everything, say `ready`, supervise until Ctrl-C or SIGTERM, stop all. Nothing is lost at any point.

    `port` None: that of INGESTIO_PORT when it is set, which nothing else may have; else as `start_parts` chooses.
    """
    configure_logging(settings.log_level)
    stop = stop_on_signals()
    with open_instance(settings) as instance:
        try:
            service = start_parts(instance, settings, settings.given_port if port is None else port, stop)
        except Stopped:
            return
        click.echo(f"ready {service.url}")
        if service.temporal_ui_url:
            click.echo(f"Temporal UI {service.temporal_ui_url}", err=True)
        instance.run_forever(stop)


@contextmanager
def borrowed_service(settings: Settings) -> Iterator[Service]:
    """The service of this data dir: the one that runs, or one of our own that ends when no other command uses it any more.

    Ends in the same way when the block raises; interrupted once more while it waits for others, it ends at once.
    """
    with ExitStack() as ending, using(settings.data_dir):
        service = running_service(settings) or _start_own(settings, ending) or _await_service(settings)
        yield service


def _start_own(settings: Settings, ending: ExitStack) -> Service | None:
    """A service of our own, ended through `ending`; None when another command is starting one at this very moment."""
    instance = open_instance(settings)
    try:
        service = start_parts(instance, settings, None)
    except AlreadyRunning:
        return None
    except BaseException:
        instance.stop()
        raise
    ending.callback(_retire, instance)
    ending.enter_context(_supervised(instance))
    return replace(service, started_here=True)


def _retire(instance: Instance) -> None:
    use = use_lock(instance.data_dir)
    if not use.acquire():
        click.echo("another command still uses this service; it ends with the last one, or with Ctrl-C", err=True)
    use.release()
    try:
        instance.retire(threading.Event())
    except BaseException:
        instance.stop()
        raise


def running_service(settings: Settings) -> Service | None:
    """The live service of this data dir, None when none is ready."""
    found = running(settings.data_dir)
    if found is None or found.api_url is None:
        return None
    return _service(settings, found.api_url, found.endpoints)


def require_service(settings: Settings) -> Service:
    """The live service; raises ConfigurationError when there is none."""
    service = running_service(settings)
    if service is None:
        raise ConfigurationError(f"nothing runs on {settings.data_dir}; start it with `ingestio up`")
    return service


def _await_service(settings: Settings) -> Service:
    deadline = time.monotonic() + START_PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if (service := running_service(settings)) is not None:
            return service
        time.sleep(0.1)
    raise ConfigurationError(f"another command holds {settings.data_dir} but nothing answers there")


def open_instance(settings: Settings) -> Instance:
    """The instance of this data dir, not started; parts that the environment names elsewhere are not embedded."""
    return Instance(settings.data_dir, postgres=settings.embeds_postgres, temporal=settings.embeds_temporal)


def start_parts(
    instance: Instance, settings: Settings, port: int | None, stop: threading.Event | None = None
) -> Service:
    """Servers, schema, worker and front door; answers when a batch can be posted.

    `port` None: that of the settings (8000), or a free one when that is taken. Raises AlreadyRunning, ConfigurationError, ChildFailed,
    and Stopped when `stop` is set while the front door is awaited: it may wait long for servers that are not ours.
    """
    _check_is_consistent(settings)
    number = choose_port(settings, port)  # a port that cannot be had is said before anything is started
    launched: list[RunningChild] = []

    def launch(endpoints: Endpoints) -> None:
        launched[:] = [instance.launch(_front_door(settings, child_environment(settings, endpoints), number))]

    # Loading their libraries is most of what a start costs. The front door does it beside the servers and the worker after them, so that
    # on two cores the one that `ready` waits for has a core of its own; the first result comes no later.
    endpoints = instance.start(launch)
    worker = instance.launch(_part("worker", child_environment(settings, endpoints)))
    from ingestio.db.migrate import migrate  # loads a database driver, and so not before the servers

    owner_url = settings.database_owner_url or endpoints.database_owner_url
    if owner_url:
        migrate(owner_url, settings.database_url or endpoints.database_url)
    instance.let_parts_begin()
    (front_door,) = launched
    instance.await_ready(worker)
    try:
        instance.await_ready(front_door, stop)
    except ChildFailed:
        # Somebody may have taken a free port between our look and its start; then another is chosen.
        if port or _bindable(settings.host, number):
            raise
        number = choose_port(settings, port)
        instance.add(_front_door(settings, child_environment(settings, endpoints), number))
    url = _url(settings, number)
    instance.publish(api_url=url, plans_json=settings.plans_json)
    return _service(settings, url, endpoints)


def _check_is_consistent(settings: Settings) -> None:
    """Raises ConfigurationError, before anything is started, when a variable means a server of one's own that no other variable names, or
    one that no URL could mean."""
    if settings.embeds_postgres and settings.database_owner_url:
        raise ConfigurationError(
            "INGESTIO_DATABASE_OWNER_URL: needs INGESTIO_DATABASE_URL; the embedded database has an owner of its own"
        )
    if settings.embeds_temporal:
        for name, value in sorted(os.environ.items()):
            if name.startswith(_TEMPORAL_ACCESS) and value.lower() not in {"", "0", "false"}:
                raise ConfigurationError(
                    f"{name}: needs TEMPORAL_ADDRESS; the embedded server has neither keys nor TLS"
                )
    urls = {"INGESTIO_DATABASE_URL": settings.database_url, "INGESTIO_DATABASE_OWNER_URL": settings.database_owner_url}
    for name, url in urls.items():
        if url is not None:
            from ingestio.db.address import (
                connection_parameters,
            )  # loads a database driver: only for a database of one's own

            connection_parameters(url, variable=name)


def _front_door(settings: Settings, environment: dict[str, str], port: int) -> Child:
    url = f"{_url(settings, port)}/readyz"
    ailing = functools.partial(_away, settings, url)
    return replace(_part("api", {**environment, "INGESTIO_PORT": str(port)}, own_http_ok(url)), ailing=ailing)


def _away(settings: Settings, url: str) -> str | None:
    """Which of an operator's own servers keep the front door from being ready, by the variables that name them; None for no other's."""
    states = said_parts(url)
    external = {
        "database": ("INGESTIO_DATABASE_URL", not settings.embeds_postgres),
        "temporal": ("TEMPORAL_ADDRESS", not settings.embeds_temporal),
        "storage": ("INGESTIO_STORAGE_URL", settings.storage_url is not None),
    }
    away = [name for part, (name, is_named) in external.items() if is_named and states.get(part, "ok") != "ok"]
    return f"{' and '.join(away)}: what it names does not answer, or refuses us" if away else None


def _url(settings: Settings, port: int) -> str:
    return f"http://{_reachable(settings.host)}:{port}"


def child_environment(settings: Settings, endpoints: Endpoints) -> dict[str, str]:
    """Our own environment, with the embedded parts filled in as if an operator had named them."""
    environment = dict(os.environ)
    environment["INGESTIO_DATA_DIR"] = str(settings.data_dir.resolve())
    environment["INGESTIO_SECRET_KEY"] = _secret(settings)
    environment["INGESTIO_HOST"] = settings.host
    if settings.embeds_postgres:
        environment["INGESTIO_DATABASE_URL"] = endpoints.database_url
    if settings.embeds_temporal:
        environment["TEMPORAL_ADDRESS"] = endpoints.temporal_address
        environment["TEMPORAL_UI_URL"] = endpoints.temporal_ui_url
    # The schema's owner is for migrations only; no serving process may hold its password.
    environment.pop("INGESTIO_DATABASE_OWNER_URL", None)
    return environment


def choose_port(settings: Settings, port: int | None) -> int:
    """A port that can be bound now: the one that was asked for, or that of the settings, or any. Raises ConfigurationError when it is
    taken."""
    for wanted in (settings.port, 0) if port is None else (port,):
        if found := _bindable(settings.host, wanted or free_port()):
            return found
    raise ConfigurationError(f"INGESTIO_PORT or --port: {port} on {settings.host} is taken or may not be used")


def _bindable(host: str, port: int) -> int | None:
    """The port itself; None when it cannot be bound now."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe, contextlib.suppress(OSError):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        return port
    return None


def stop_on_signals() -> threading.Event:
    """An event that SIGINT, SIGTERM and SIGHUP (unless nohup ignores it) set; a second Ctrl-C falls through to Python's own handling."""
    stop = threading.Event()

    def handle(number: int, _frame: object) -> None:
        stop.set()
        signal.signal(number, signal.default_int_handler)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # nohup means that the end of the terminal is not meant for us.
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handle)
    return stop


@contextmanager
def _supervised(instance: Instance) -> Iterator[None]:
    """Bring back what dies while the block runs."""
    stop = threading.Event()
    thread = threading.Thread(target=_watch, args=(instance, stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _watch(instance: Instance, stop: threading.Event) -> None:
    try:
        instance.run_forever(stop)
    except Exception:
        logging.getLogger(__name__).exception("a part of the service keeps dying")


def _part(name: str, environment: dict[str, str], ready: Callable[[int], bool] | None = None) -> Child:
    return Child(
        name=name,
        argv=[sys.executable, "-m", "ingestio.cli", name],
        env=environment,
        ready=ready,
        stop_timeout_seconds=PART_STOP_SECONDS,
    )


def _service(settings: Settings, url: str, endpoints: Endpoints) -> Service:
    ui_url = settings.temporal_ui_url or endpoints.temporal_ui_url or None
    return Service(url, _secret(settings), ui_url, settings.temporal_namespace)


def _secret(settings: Settings) -> str:
    """The key of sessions and tokens: from the environment, or made once in the data dir."""
    if settings.secret_key is not None:
        return settings.secret_key
    return kept_secret(settings.data_dir.resolve() / "secrets" / "secret_key")


def _reachable(host: str) -> str:
    """What a browser on this machine types for an address that was bound."""
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - recognised, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
