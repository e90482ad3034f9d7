"""`/api/proxy/clients/`: credentials of external systems."""

import uuid
from typing import Any

from common.web.api import Blueprint
from common.web.paging import Page, PageArgs, fetch_page, page_schema
from common.web.preconditions import check_if_match
from common.web.single import single
from common.web.tokens import held_scopes
from flask.views import MethodView
from sqlalchemy import select

from proxy.access import clients
from proxy.access.clients import Issued
from proxy.access.scopes import check_may_grant
from proxy.container import container
from proxy.models import Client
from proxy.registry.records import existing
from proxy.routes.locations import LOCATION, PREFIX, location
from proxy.schemas.clients import ClientIn, ClientIssuedOut, ClientOut, NewClientIn, RotateIn

blp = Blueprint("clients", __name__, url_prefix=f"{PREFIX}/clients")


@blp.route("/")
class Clients(MethodView):
    """All clients."""

    @blp.scope("proxy:read", "proxy:clients")
    @blp.arguments(PageArgs, location="query")
    @blp.response(200, page_schema(ClientOut))
    def get(self, page: dict[str, Any]) -> Page[Client]:
        """List clients, newest first."""
        with container().database.reading() as session:
            return fetch_page(session, select(Client), Client.id, **page)

    @blp.scope("proxy:clients", "proxy:admin")
    @blp.arguments(NewClientIn)
    @blp.response(201, single(ClientIssuedOut), headers=LOCATION)
    def post(self, given: dict[str, Any]) -> tuple[Issued, dict[str, str]]:
        """Create a client; a secret that is made for it is in this answer and nowhere else."""
        check_may_grant(given["scopes"], held_scopes())
        secret, sealer = clients.issue_secret(given.pop("client_secret", None)), container().sealer
        given = container().client_tokens.with_digest(given)
        with container().database.writing() as session:
            issued = clients.create_client(session, sealer, given, secret)
        return issued, location("clients", issued.client.id)


@blp.route("/<uuid:client_pk>/")
class OneClient(MethodView):
    """One client, by its `id`."""

    @blp.scope("proxy:read", "proxy:clients")
    @blp.response(200, single(ClientOut))
    def get(self, client_pk: uuid.UUID) -> Client:
        """Read a client."""
        with container().database.reading() as session:
            return existing(session, Client, client_pk)

    @blp.if_match
    @blp.scope("proxy:clients", "proxy:admin")
    @blp.arguments(ClientIn(partial=True), example={"max_rate": 50})
    @blp.response(200, single(ClientOut))
    def patch(self, changes: dict[str, Any], client_pk: uuid.UUID) -> Client:
        """Change what is given of a client."""
        changes = container().client_tokens.with_digest(changes)
        with container().database.writing() as session:
            check_if_match(session, Client, id=client_pk)
            return clients.update_client(session, client_pk, changes, held=held_scopes())

    @blp.if_match
    @blp.scope("proxy:clients", "proxy:admin")
    @blp.response(204)
    def delete(self, client_pk: uuid.UUID) -> None:
        """Delete a client; its calls stay on record."""
        with container().database.writing() as session:
            check_if_match(session, Client, id=client_pk)
            clients.delete_client(session, client_pk)


@blp.route("/<uuid:client_pk>/rotate-secret/", methods=["POST"])
@blp.scope("proxy:clients", "proxy:admin")
@blp.arguments(RotateIn, required=False)
@blp.response(200, single(ClientIssuedOut))
def rotate_secret(given: dict[str, Any], client_pk: uuid.UUID) -> Issued:
    """Give a client one more secret, shown once; of more than two the oldest stops working."""
    secret, sealer = clients.issue_secret(given.pop("client_secret", None)), container().sealer
    with container().database.writing() as session:
        return clients.rotate_secret(
            session, sealer, client_pk, secret, **given, held=held_scopes()
        )


@blp.route("/<uuid:client_pk>/secrets/<uuid:secret_id>/", methods=["DELETE"])
@blp.scope("proxy:clients", "proxy:admin")
@blp.response(204)
def drop_secret(client_pk: uuid.UUID, secret_id: uuid.UUID) -> None:
    """End a rotation: this secret stops working, the other one stays."""
    with container().database.writing() as session:
        clients.drop_secret(session, client_pk, secret_id)
