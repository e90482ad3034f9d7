"""`/api/proxy/channels/`: which calls go where."""

import uuid
from typing import Any

from common.clock import utc_now
from common.web.api import Blueprint
from common.web.paging import Page, PageArgs, fetch_page, page_schema
from common.web.preconditions import check_if_match
from common.web.single import single
from flask.views import MethodView
from sqlalchemy import select

from proxy.container import container
from proxy.gateway.load_table import load_table
from proxy.models import Channel
from proxy.registry import channels
from proxy.registry.match_test import Trial, online_mediators, try_match
from proxy.registry.records import existing
from proxy.routes.locations import LOCATION, PREFIX, location
from proxy.schemas.channels import ChannelIn, ChannelOut
from proxy.schemas.match_tests import MatchIn, MatchOut

blp = Blueprint("channels", __name__, url_prefix=f"{PREFIX}/channels")


@blp.route("/")
class Channels(MethodView):
    """All channels."""

    @blp.scope("proxy:read", "proxy:channels")
    @blp.arguments(PageArgs, location="query")
    @blp.response(200, page_schema(ChannelOut))
    def get(self, page: dict[str, Any]) -> Page[Channel]:
        """List channels, newest first."""
        with container().database.reading() as session:
            return fetch_page(session, select(Channel), Channel.id, **page)

    @blp.scope("proxy:channels", "proxy:admin")
    @blp.arguments(ChannelIn)
    @blp.response(201, single(ChannelOut), headers=LOCATION)
    def post(self, given: dict[str, Any]) -> tuple[Channel, dict[str, str]]:
        """Open a channel; it takes calls within a second."""
        with container().database.writing() as session:
            channel = channels.create_channel(session, given, container().sealer)
        return channel, location("channels", channel.id)


@blp.route("/<uuid:channel_id>/")
class OneChannel(MethodView):
    """One channel, by its `id`."""

    @blp.scope("proxy:read", "proxy:channels")
    @blp.response(200, single(ChannelOut))
    def get(self, channel_id: uuid.UUID) -> Channel:
        """Read a channel."""
        with container().database.reading() as session:
            return existing(session, Channel, channel_id)

    @blp.if_match
    @blp.scope("proxy:channels", "proxy:admin")
    @blp.arguments(ChannelIn(partial=True), example={"priority": 5})
    @blp.response(200, single(ChannelOut))
    def patch(self, changes: dict[str, Any], channel_id: uuid.UUID) -> Channel:
        """Change what is given of a channel."""
        with container().database.writing() as session:
            check_if_match(session, Channel, id=channel_id)
            sealer = container().sealer
            return channels.update_channel(session, channel_id, changes, sealer)

    @blp.if_match
    @blp.scope("proxy:channels", "proxy:admin")
    @blp.response(204)
    def delete(self, channel_id: uuid.UUID) -> None:
        """Delete a channel with its registrations; its calls stay on record."""
        with container().database.writing() as session:
            check_if_match(session, Channel, id=channel_id)
            channels.delete_channel(session, channel_id)


@blp.route("/<uuid:channel_id>/test-match/", methods=["POST"])
@blp.scope("proxy:read", "proxy:channels")
@blp.arguments(MatchIn)
@blp.response(200, MatchOut)
def test_match(call: dict[str, Any], channel_id: uuid.UUID) -> Trial:
    """Would this method and path match, if not why, and which channel would take the call?"""
    settings = container().settings
    with container().database.reading() as session:
        online = online_mediators(session, utc_now(), settings.heartbeat_timeout_s)
        table = load_table(session, 0, settings.forward_timeout_s)
        return try_match(session, table, channel_id, call["method"], call["path"], online)
