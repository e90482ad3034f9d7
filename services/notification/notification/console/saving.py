"""Forms that change something in this service's database."""

from common.console.saving import Saving

from notification.container import container

save = Saving(lambda: container().database).save
