"""`/admin/mediator/clients/`: who may call, and the secrets they call with."""

import uuid

from common.console.csv_export import Column
from common.console.editing import Edited
from common.console.flashes import flash
from common.console.forms import Form, read_filters, read_form
from common.console.listing import listing
from common.console.rights import Right
from common.errors import Conflict
from common.texts import _
from flask import g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from proxy.access import clients as domain
from proxy.access.clients import Issued
from proxy.access.scopes import SCOPES, check_may_grant, scopes_of
from proxy.console.blueprint import pages
from proxy.console.reading import matching, read, rows_of
from proxy.console.saving import save, write
from proxy.container import container
from proxy.models import Client
from proxy.registry.records import existing
from proxy.schemas.forms import ClientForm, NewClientForm, RecordFilter, RotateForm

COLUMNS = (
    Column("Name", lambda client: client.name),
    Column("Client id", lambda client: client.client_id),
    Column("Addresses", lambda client: " ".join(client.allowed_ips)),
    Column("Roles", lambda client: " ".join(client.roles)),
    Column("Scopes", lambda client: " ".join(client.scopes)),
    Column("Active", lambda client: client.is_active),
    Column("Changed", lambda client: client.updated_at),
)


@pages.page("/mediator/clients/")
def clients() -> ResponseReturnValue:
    """The clients that meet the filters, newest first."""
    filters = read_filters(RecordFilter())
    wanted = matching(Client, (Client.name, Client.client_id), **filters.values)
    fetch = rows_of(Client, wanted)
    return listing("pages/clients.html", fetch, filters, csv_name="clients", columns=COLUMNS)


@pages.page("/mediator/clients/<uuid:client_pk>/")
def client(client_pk: uuid.UUID) -> ResponseReturnValue:
    """One client."""
    return render_template("pages/client.html", client=_existing(client_pk))


@pages.page("/mediator/clients/new/", Right.GATEWAY_CLIENTS)
def new_client() -> ResponseReturnValue:
    """The form of a client that does not exist yet."""
    return _form(Form())


@pages.act("/mediator/clients/new/", Right.GATEWAY_CLIENTS)
def create_client() -> ResponseReturnValue:
    """Make a client; a secret that is made for it is in this answer and nowhere else."""
    form = read_form(NewClientForm())
    if form.errors:
        return _form(form)
    check_may_grant(form.values["scopes"], _held())
    given, sealer = container().client_tokens.with_digest(form.values), container().sealer
    secret = domain.issue_secret(given.pop("client_secret", None))
    form, issued = save(form, lambda db: domain.create_client(db, sealer, given, secret))
    return _form(form) if issued is None else _shown_once(issued)


@pages.page("/mediator/clients/<uuid:client_pk>/edit/", Right.GATEWAY_CLIENTS)
def edit_client(client_pk: uuid.UUID) -> ResponseReturnValue:
    """The form of a client as it is."""
    found = _existing(client_pk)
    return _form(_form_of(found), found)


@pages.act("/mediator/clients/<uuid:client_pk>/edit/", Right.GATEWAY_CLIENTS)
def change_client(client_pk: uuid.UUID) -> ResponseReturnValue:
    """Change a client."""
    found = _existing(client_pk)
    form = read_form(ClientForm())
    values, held = container().client_tokens.with_digest(form.values), _held()
    form, changed = save(
        form,
        lambda db: domain.update_client(db, client_pk, values, held=held),
        edited=Edited(found, lambda: _form_of(_existing(client_pk))),
    )
    if changed is None:
        return _form(form, found)
    flash(_("Saved."))
    return _to_client(client_pk)


@pages.act(
    "/mediator/clients/<uuid:client_pk>/<any(activate, deactivate):act>/", Right.GATEWAY_CLIENTS
)
def switch_client(client_pk: uuid.UUID, act: str) -> ResponseReturnValue:
    """Let a client call again, or refuse its calls and keep it."""
    is_active = act == "activate"
    changes, held = {"is_active": is_active}, _held()
    write(lambda db: domain.update_client(db, client_pk, changes, held=held))
    flash(_("The client may call.") if is_active else _("The client's calls are refused now."))
    return _to_client(client_pk)


@pages.act("/mediator/clients/<uuid:client_pk>/rotate-secret/", Right.GATEWAY_CLIENTS)
def rotate_secret(client_pk: uuid.UUID) -> ResponseReturnValue:
    """Give a client one more secret, in this answer and nowhere else."""
    how = {**read_form(RotateForm()).values, "held": _held()}
    secret, sealer = domain.issue_secret(), container().sealer
    return _shown_once(write(lambda db: domain.rotate_secret(db, sealer, client_pk, secret, **how)))


@pages.act(
    "/mediator/clients/<uuid:client_pk>/secrets/<uuid:secret_id>/drop/", Right.GATEWAY_CLIENTS
)
def drop_secret(client_pk: uuid.UUID, secret_id: uuid.UUID) -> ResponseReturnValue:
    """End a rotation: this secret stops working, the other one stays."""
    try:
        write(lambda db: domain.drop_secret(db, client_pk, secret_id))
    except Conflict as exc:
        flash(f"{exc}.", "bad")
    else:
        flash(_("That secret does not work any more."))
    return _to_client(client_pk)


def _held() -> frozenset[str]:
    """The scopes that who asks may hand on."""
    return scopes_of(g.staff.held)


def _shown_once(issued: Issued) -> ResponseReturnValue:
    """The only page with the secret: no redirect, so that no cookie and no address carries it.

    One that was chosen is shown nowhere.
    """
    if issued.client_secret is None:
        flash(_("Saved. The client calls with the secret that you typed."))
        return _to_client(issued.client.id)
    return render_template(
        "pages/client_secret.html", client=issued.client, client_secret=issued.client_secret
    )


def _form_of(client: Client) -> Form:
    return Form.of(ClientForm().dump(client), client.revision)


def _form(form: Form, client: Client | None = None) -> ResponseReturnValue:
    scopes = [(scope, scope) for scope in SCOPES]
    return render_template(
        "pages/client_form.html", form=form, client=client, scopes=scopes
    ), form.status


def _existing(client_pk: uuid.UUID) -> Client:
    return read(lambda session: existing(session, Client, client_pk))


def _to_client(client_pk: uuid.UUID) -> ResponseReturnValue:
    return redirect(url_for("console.client", client_pk=client_pk), 303)
