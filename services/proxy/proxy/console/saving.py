"""Forms that change something in this service's database."""

from common.console.saving import Saving

from proxy.container import container

_saving = Saving(lambda: container().database)
save, write = _saving.save, _saving.write
