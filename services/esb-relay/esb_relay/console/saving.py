"""Forms that change something in this service's database."""

from common.console.saving import Saving

from esb_relay.container import container

save = Saving(lambda: container().database).save
