"""`/api/proxy/channels/`: which calls go where."""

import uuid
from typing import Any

from common.api import Blueprint
from common.clock import utc_now
from common.paging import Page, PageArgs, fetch_page, page_schema
from flask.views import MethodView
from sqlalchemy import select

from proxy import channels
from proxy.gateway.routing_table import load_table
from proxy.match_trial import Trial, online_mediators, try_match
from proxy.models import Channel
from proxy.parts import parts
from proxy.records import existing
from proxy.routes.locations import LOCATION, PREFIX, location
from proxy.schemas.channels import ChannelIn, ChannelOut, MatchIn, MatchOut

blp = Blueprint("channels", __name__, url_prefix=f"{PREFIX}/channels")


@blp.route("/")
class Channels(MethodView):
    """All channels."""

    @blp.scope("proxy:read")
    @blp.arguments(PageArgs, location="query")
    @blp.response(200, page_schema(ChannelOut))
    def get(self, page: dict[str, Any]) -> Page[Channel]:
        """List channels, newest first."""
        with parts().database.reading() as session:
            return fetch_page(session, select(Channel), Channel.id, **page)

    @blp.scope("proxy:admin")
    @blp.arguments(ChannelIn)
    @blp.response(201, ChannelOut, headers=LOCATION)
    def post(self, given: dict[str, Any]) -> tuple[Channel, dict[str, str]]:
        """Open a channel; it takes calls within a second."""
        with parts().database.writing() as session:
            channel = channels.create_channel(session, given)
        return channel, location("channels", channel.id)


@blp.route("/<uuid:channel_id>/")
class OneChannel(MethodView):
    """One channel, by its `id`."""

    @blp.scope("proxy:read")
    @blp.response(200, ChannelOut)
    def get(self, channel_id: uuid.UUID) -> Channel:
        """Read a channel."""
        with parts().database.reading() as session:
            return existing(session, Channel, channel_id)

    @blp.scope("proxy:admin")
    @blp.arguments(ChannelIn(partial=True))
    @blp.response(200, ChannelOut)
    def patch(self, changes: dict[str, Any], channel_id: uuid.UUID) -> Channel:
        """Change what is given of a channel."""
        with parts().database.writing() as session:
            return channels.update_channel(session, channel_id, changes)

    @blp.scope("proxy:admin")
    @blp.response(204)
    def delete(self, channel_id: uuid.UUID) -> None:
        """Delete a channel with its registrations; its calls stay on record."""
        with parts().database.writing() as session:
            channels.delete_channel(session, channel_id)


@blp.route("/<uuid:channel_id>/test-match/", methods=["POST"])
@blp.scope("proxy:read")
@blp.arguments(MatchIn)
@blp.response(200, MatchOut)
def test_match(call: dict[str, Any], channel_id: uuid.UUID) -> Trial:
    """Would this method and path match, if not why, and which channel would take the call?"""
    settings = parts().settings
    with parts().database.reading() as session:
        online = online_mediators(session, utc_now(), settings.heartbeat_timeout_s)
        table = load_table(session, 0, settings.forward_timeout_s)
        return try_match(session, table, channel_id, call["method"], call["path"], online)
