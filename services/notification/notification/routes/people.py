"""`/api/notification/preferences/` and `inbox/`: what a person wants to hear, and has been told."""

from typing import Any

import marshmallow as ma
from common.web.api import Blueprint
from common.web.examples import path_example
from common.web.paging import page_schema
from common.web.single import single
from flask.views import MethodView
from werkzeug.routing import BaseConverter

from notification.catalogue import preferences
from notification.container import container
from notification.django_mediator.ids import record_id
from notification.models import InAppMessage, Preference
from notification.outbox.inbox import InboxPage, inbox_page, mark_read
from notification.routes.locations import PREFIX, path_id
from notification.schemas.messages import InAppMessageOut, InboxArgs
from notification.schemas.preferences import PreferenceIn, PreferenceOut

PREFERENCE = single(PreferenceOut)
UNREAD_COUNT = ma.fields.Integer(
    required=True, metadata={"description": "Of all of the person's messages"}
)


class UserIdConverter(BaseConverter):
    """A user id in a path, whatever characters it has: `TSC%2F2019%2F00123`."""

    regex = ".+?"
    part_isolating = False


blp = Blueprint("people", __name__, url_prefix=PREFIX)
_USER_ID = path_example("user_id", "17")


@blp.route(
    "/preferences/<string:actor_type_code>/<user_id:user_id>/",
    merge_slashes=False,
    parameters=[path_example("actor_type_code", "TEACHER"), _USER_ID],
)
class OnePreference(MethodView):
    """One person's preference."""

    @blp.scope("notification:read")
    @blp.response(200, PREFERENCE)
    def get(self, actor_type_code: str, user_id: str) -> Preference:
        """Read a preference; who has not said any has the defaults."""
        with container().database.reading() as session:
            return preferences.read_preference(session, actor_type_code, user_id)

    @blp.scope("notification:emit")
    @blp.arguments(PreferenceIn, example={"allow_sms": True, "preferred_lang": "sw"})
    @blp.response(201, PREFERENCE)
    def post(self, changes: dict[str, Any], actor_type_code: str, user_id: str) -> Preference:
        """Set what is given of a preference."""
        with container().database.writing() as session:
            return preferences.change_preference(session, actor_type_code, user_id, changes)


@blp.route("/inbox/<user_id:user_id>/", methods=["GET"], merge_slashes=False, parameters=[_USER_ID])
@blp.scope("notification:read")
@blp.arguments(InboxArgs, location="query")
@blp.response(200, page_schema(InAppMessageOut, unread_count=UNREAD_COUNT))
def list_inbox(query: dict[str, Any], user_id: str) -> InboxPage:
    """List a person's in-app messages, in the order of their events, newest first.

    `actor_type` may be left out as long as one person has the user id. A `/` in it is `%2F`;
    one at its end cannot stand in a path.
    """
    with container().database.reading() as session:
        return inbox_page(session, user_id, **query)


@blp.route("/inbox/<string:message_id>/read/", methods=["POST"], parameters=[path_id("message_id")])
@blp.scope("notification:emit")
@blp.response(200, single(InAppMessageOut))
def read_message(message_id: str) -> InAppMessage:
    """Mark a message as read; the first time counts."""
    with container().database.writing() as session:
        return mark_read(session, record_id(session, "message", message_id))
