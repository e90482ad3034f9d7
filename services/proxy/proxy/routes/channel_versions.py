"""`/api/proxy/channels/<id>/versions/`: how a channel was, and back to it; dry runs of changes."""

import uuid
from typing import Any

from common.web.api import Blueprint
from common.web.examples import path_example
from common.web.paging import NumberedPageArgs, Page, page_schema
from common.web.single import single
from common.web.tokens import require_scope
from sqlalchemy.orm import Session

from proxy.container import container
from proxy.models import Channel
from proxy.registry.channel_versions import Version, roll_back, version_of, versions_of
from proxy.registry.channels import update_channel
from proxy.registry.dry_run import Trial, dry_run
from proxy.routes.locations import PREFIX
from proxy.schemas.channel_versions import DryRunIn, DryRunOut, VersionOut
from proxy.schemas.channels import ChannelOut

blp = Blueprint("channel_versions", __name__, url_prefix=f"{PREFIX}/channels/<uuid:channel_id>")
_NUMBER = path_example("number", 1)


@blp.route("/versions/", methods=["GET"])
@blp.scope("proxy:read", "proxy:channels")
@blp.arguments(NumberedPageArgs, location="query")
@blp.response(200, page_schema(VersionOut))
def list_versions(page: dict[str, Any], channel_id: uuid.UUID) -> Page[Version]:
    """List the versions of a channel, newest first: who made each, when, and what it changed."""
    with container().database.reading() as session:
        return versions_of(session, channel_id, **page)


@blp.route("/versions/<int(max=2000000000):number>/", methods=["GET"], parameters=[_NUMBER])
@blp.scope("proxy:read", "proxy:channels")
@blp.response(200, single(VersionOut))
def read_version(channel_id: uuid.UUID, number: int) -> Version:
    """Read a channel as it was in a version."""
    with container().database.reading() as session:
        return version_of(session, channel_id, number)


@blp.route(
    "/versions/<int(max=2000000000):number>/rollback/", methods=["POST"], parameters=[_NUMBER]
)
@blp.scope("proxy:channels", "proxy:admin")
@blp.response(200, single(ChannelOut))
def roll_back_to(channel_id: uuid.UUID, number: int) -> Channel:
    """Let a channel be as it was in a version; this makes a version, too, in force in a second."""
    with container().database.writing() as session:
        return roll_back(session, container().sealer, channel_id, number)


@blp.route("/dry-run/", methods=["POST"])
@blp.scope("proxy:channels", "proxy:admin")
@blp.arguments(DryRunIn)
@blp.response(200, DryRunOut)
def try_change(given: dict[str, Any], channel_id: uuid.UUID) -> Trial:
    """Which of the newest calls would a change send elsewhere, reject, take or rewrite otherwise?

    Nothing is saved or sent. The answer names calls: the token needs `proxy:transactions` as well.
    """
    require_scope("proxy:transactions", "proxy:read")
    sealer, version = container().sealer, given["version"]

    def change(session: Session) -> object:
        if version is not None:
            return roll_back(session, sealer, channel_id, version)
        return update_channel(session, channel_id, given["changes"], sealer)

    return dry_run(container(), channel_id, change, given["calls"])
