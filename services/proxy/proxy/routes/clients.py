"""`/api/proxy/clients/`: credentials of external systems."""

import uuid
from typing import Any

from common.api import Blueprint
from common.paging import Page, PageArgs, fetch_page, page_schema
from flask.views import MethodView
from sqlalchemy import select

from proxy import clients
from proxy.clients import Issued
from proxy.models import Client
from proxy.parts import parts
from proxy.records import existing
from proxy.routes.locations import LOCATION, PREFIX, location
from proxy.schemas.clients import ClientIn, ClientIssuedOut, ClientOut, RotateIn

blp = Blueprint("clients", __name__, url_prefix=f"{PREFIX}/clients")


@blp.route("/")
class Clients(MethodView):
    """All clients."""

    @blp.scope("proxy:read")
    @blp.arguments(PageArgs, location="query")
    @blp.response(200, page_schema(ClientOut))
    def get(self, page: dict[str, Any]) -> Page[Client]:
        """List clients, newest first."""
        with parts().database.reading() as session:
            return fetch_page(session, select(Client), Client.id, **page)

    @blp.scope("proxy:admin")
    @blp.arguments(ClientIn)
    @blp.response(201, ClientIssuedOut, headers=LOCATION)
    def post(self, given: dict[str, Any]) -> tuple[Issued, dict[str, str]]:
        """Create a client; its secret is in this answer and nowhere else."""
        secret = clients.issue_secret()
        with parts().database.writing() as session:
            issued = clients.create_client(session, given, secret)
        return issued, location("clients", issued.client.id)


@blp.route("/<uuid:client_pk>/")
class OneClient(MethodView):
    """One client, by its `id`."""

    @blp.scope("proxy:read")
    @blp.response(200, ClientOut)
    def get(self, client_pk: uuid.UUID) -> Client:
        """Read a client."""
        with parts().database.reading() as session:
            return existing(session, Client, client_pk)

    @blp.scope("proxy:admin")
    @blp.arguments(ClientIn(partial=True))
    @blp.response(200, ClientOut)
    def patch(self, changes: dict[str, Any], client_pk: uuid.UUID) -> Client:
        """Change what is given of a client."""
        with parts().database.writing() as session:
            return clients.update_client(session, client_pk, changes)

    @blp.scope("proxy:admin")
    @blp.response(204)
    def delete(self, client_pk: uuid.UUID) -> None:
        """Delete a client; its calls stay on record."""
        with parts().database.writing() as session:
            clients.delete_client(session, client_pk)


@blp.route("/<uuid:client_pk>/rotate-secret/", methods=["POST"])
@blp.scope("proxy:admin")
@blp.arguments(RotateIn, required=False)
@blp.response(200, ClientIssuedOut)
def rotate_secret(given: dict[str, Any], client_pk: uuid.UUID) -> Issued:
    """Give a client one more secret, shown once; of more than two the oldest stops working."""
    secret = clients.issue_secret()
    with parts().database.writing() as session:
        return clients.rotate_secret(session, client_pk, secret, **given)


@blp.route("/<uuid:client_pk>/secrets/<uuid:secret_id>/", methods=["DELETE"])
@blp.scope("proxy:admin")
@blp.response(204)
def drop_secret(client_pk: uuid.UUID, secret_id: uuid.UUID) -> None:
    """End a rotation: this secret stops working, the other one stays."""
    with parts().database.writing() as session:
        clients.drop_secret(session, client_pk, secret_id)
