"""`/api/notification/preferences/` and `inbox/`: what a person wants to hear, and has been told."""

import uuid
from typing import Any

from common.api import Blueprint
from common.paging import Page, fetch_page, page_schema
from flask.views import MethodView

from notification import preferences
from notification.inbox import mark_read, matching
from notification.models import InAppMessage, Preference
from notification.parts import parts
from notification.routes.locations import PREFIX
from notification.schemas.messages import InAppMessageOut, InboxArgs
from notification.schemas.preferences import PreferenceIn, PreferenceOut

blp = Blueprint("people", __name__, url_prefix=PREFIX)


@blp.route("/preferences/<string:actor_type_code>/<string:user_id>/")
class OnePreference(MethodView):
    """One person's preference."""

    @blp.scope("notification:read")
    @blp.response(200, PreferenceOut)
    def get(self, actor_type_code: str, user_id: str) -> Preference:
        """Read a preference; who has not said any has the defaults."""
        with parts().database.reading() as session:
            return preferences.read_preference(session, actor_type_code, user_id)

    @blp.scope("notification:emit")
    @blp.arguments(PreferenceIn)
    @blp.response(201, PreferenceOut)
    def post(self, changes: dict[str, Any], actor_type_code: str, user_id: str) -> Preference:
        """Set what is given of a preference."""
        with parts().database.writing() as session:
            return preferences.change_preference(session, actor_type_code, user_id, changes)


@blp.route("/inbox/<string:user_id>/", methods=["GET"])
@blp.scope("notification:read")
@blp.arguments(InboxArgs, location="query")
@blp.response(200, page_schema(InAppMessageOut))
def list_inbox(query: dict[str, Any], user_id: str) -> Page[InAppMessage]:
    """List a person's in-app messages, newest first."""
    wanted = matching(user_id, query.pop("actor_type"), query.pop("unread"))
    with parts().database.reading() as session:
        return fetch_page(session, wanted, InAppMessage.id, **query)


@blp.route("/inbox/<uuid:message_id>/read/", methods=["POST"])
@blp.scope("notification:emit")
@blp.response(200, InAppMessageOut)
def read_message(message_id: uuid.UUID) -> InAppMessage:
    """Mark a message as read; the first time counts."""
    with parts().database.writing() as session:
        return mark_read(session, message_id)
