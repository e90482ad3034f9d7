"""How many connections to PostgreSQL the processes of an installation take."""

from collections.abc import Mapping, Sequence

from common.db.database import (
    connections_of_a_process,
    database_url,
    processes_of_an_installation,
)
from common.settings import Environment, SettingError
from procfile import Program, port_variables


def counted_connections(programs: Sequence[Program], environ: Mapping[str, str]) -> int:
    """At most so many; 0: they have SQLite.

    Raises ValueError where that is more than `DB_CONNECTIONS_MAX`, or a setting cannot be read.
    """
    try:
        settings = Environment.read(environ)
    except SettingError as exc:
        raise ValueError(exc.message) from exc
    if database_url(settings, "").startswith("sqlite"):
        return 0
    own = [one for one in programs if not one.name.startswith("demo-") and one.name != "nginx"]
    workers = sum(1 for one in own if one.name.endswith("-worker"))
    gateways = sum(1 for one in own if one.name.endswith("-gateway"))
    hubs = sum(1 for one in own if port_variables([one])) - gateways
    most, each = settings.db_connections_max, settings.web_concurrency
    taken = connections_of_a_process(settings) * processes_of_an_installation(
        settings, hubs=hubs, gateways=gateways, workers=workers
    )
    if taken > most:
        raise ValueError(
            f"Its processes take {taken} PostgreSQL connections, DB_CONNECTIONS_MAX allows "
            f"{most}: set it to {taken}, or WEB_CONCURRENCY lower than {each}"
        )
    return taken
