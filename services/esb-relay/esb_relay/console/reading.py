"""What pages read in this service's database."""

from common.console.reading import Reading

from esb_relay.container import container

_reading = Reading(lambda: container().database)
read, rows_of = _reading.read, _reading.rows_of
