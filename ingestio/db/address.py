"""A database URL as libpq's connection parameters, with our limits on every wait.

One parser (libpq's own) for the pool, the migrations and every look from outside, so that they never understand a URL differently.
"""

import psycopg
from psycopg.conninfo import conninfo_to_dict

from ingestio.errors import ConfigurationError

# Less than the patience of a session (`engine.create_engine`), and enough for a server that is busy, not away.
CONNECT_TIMEOUT_SECONDS = 8

# Sent with the connection, so that they hold from the first statement on and survive every transaction.
SERVER_SETTINGS = {
    "statement_timeout": "30s",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "60s",
    "timezone": "UTC",
    "search_path": "public",
}

# A peer whose packets are dropped (a failed-over server, a firewall that forgot us) is given up after about 20 s; the kernel's own limits
# are 15 minutes for what was sent and two hours for what is awaited. Milliseconds, then seconds.
LOST_PACKETS = {
    "tcp_user_timeout": "20000",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "2",
}


def connection_parameters(url: str, *, variable: str = "INGESTIO_DATABASE_URL") -> dict[str, str]:
    """Parameters for `psycopg.connect`; what the URL itself says (connect_timeout, application_name, options) wins over ours.

    `url` may start with postgresql://, postgres:// or postgresql+psycopg://. Raises ConfigurationError, naming `variable`, when it
    cannot be parsed; the text is not repeated, because it holds a password.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in {"postgresql", "postgres", "postgresql+psycopg"}:
        raise ConfigurationError(f"{variable}: must start with postgresql://")
    try:
        parsed = conninfo_to_dict(f"postgresql://{rest}")
    except psycopg.ProgrammingError as error:
        # This one message is worth passing on, and names a parameter only; the others quote the URL.
        first_line = str(error).partition("\n")[0]
        reason = first_line if first_line.startswith("invalid URI query parameter") else "not a database URL"
        raise ConfigurationError(f"{variable}: {reason}; expected postgresql://user:password@host:port/name") from None
    parameters = {name: str(value) for name, value in parsed.items() if value is not None}
    # libpq looks at it only when it connects, and then as if the server were away.
    if not all(_is_port(port) for port in parameters.get("port", "").split(",")):
        raise ConfigurationError(f"{variable}: a port must be a number from 1 to 65535")
    ours = " ".join(f"-c {name}={value}" for name, value in SERVER_SETTINGS.items())
    parameters["options"] = f"{ours} {parameters.get('options', '')}".rstrip()
    defaults = {
        "connect_timeout": str(CONNECT_TIMEOUT_SECONDS),
        **LOST_PACKETS,
        "application_name": "ingestio",
        "client_encoding": "UTF8",
    }
    return {**defaults, **parameters}


def _is_port(text: str) -> bool:
    """Whether it names a port, or leaves it to libpq's default."""
    return not text or (text.isascii() and text.isdecimal() and 1 <= int(text) <= 65535)
