"""`/admin/policy-notification/policies/`: policies, and what was sent of each."""

import uuid
from dataclasses import dataclass

from common.console.csv_export import Column
from common.console.forms import choices, read_filters
from common.console.listing import listing
from flask import render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from policy_notify.console.blueprint import pages
from policy_notify.console.reading import officers, rows_of
from policy_notify.container import container
from policy_notify.models import (
    Family,
    IndicationDetails,
    Insuree,
    Officer,
    Policy,
    PolicyStage,
    PolicyStatus,
)
from policy_notify.read_model.existing import existing
from policy_notify.read_model.policies import PolicyFilter, product_names
from policy_notify.schemas import forms

#: Attempts of one policy that its page shows, the newest first.
_MOST = 200


@dataclass(frozen=True)
class Row:
    """A policy with its product's name, and its family's head where there is one."""

    policy: Policy
    product: str
    head: Insuree | None


COLUMNS = (
    Column("Policy", lambda row: row.policy.uuid),
    Column("Family", lambda row: row.policy.family),
    Column("CHF ID", lambda row: row.head and row.head.chf_id),
    Column("Other names", lambda row: row.head and row.head.other_names),
    Column("Last name", lambda row: row.head and row.head.last_name),
    Column("Product", lambda row: row.product),
    Column("Status", lambda row: row.policy.status),
    Column("Stage", lambda row: row.policy.stage),
    Column("Start", lambda row: row.policy.start_date),
    Column("Effective", lambda row: row.policy.effective_date),
    Column("Expiry", lambda row: row.policy.expiry_date),
    Column("Amount to be paid", lambda row: row.policy.amount_to_be_paid),
)


@pages.page("/policies/")
def policies() -> ResponseReturnValue:
    """The policies that meet the filters; history is left out."""
    filters = read_filters(forms.PolicyFilter())
    wanted = PolicyFilter(**filters.values)
    with container().database.reading() as session:
        offered = officers(session)
    return listing(
        "pages/policies.html",
        rows_of(wanted.query, Policy.uuid, _rows),
        filters,
        csv_name="policies",
        columns=COLUMNS,
        officers=offered,
        statuses=choices(PolicyStatus),
        stages=choices(PolicyStage),
    )


@pages.page("/policies/<uuid:policy>/")
def policy(policy: uuid.UUID) -> ResponseReturnValue:
    """One policy with every attempt to notify about it; the messages' words stay where they are."""
    with container().database.reading() as session:
        (row,) = _rows(session, [existing(session, Policy, policy)])
        family = session.get(Family, row.policy.family)
        head = session.get(Insuree, family.head) if family and family.head else None
        officer = session.get(Officer, row.policy.officer) if row.policy.officer else None
        sent = (
            select(IndicationDetails)
            .options(defer(IndicationDetails.message), defer(IndicationDetails.variables))
            .where(IndicationDetails.policy == policy)
            .order_by(IndicationDetails.id.desc())
            .limit(_MOST)
        )
        attempts = session.scalars(sent).all()
    return render_template(
        "pages/policy.html", row=row, head=head, officer=officer, attempts=attempts
    )


def _rows(session: Session, found: list[Policy]) -> list[Row]:
    products = product_names(session, found)
    heads = _heads(session, {policy.family for policy in found})
    return [
        Row(policy, products.get(policy.product, ""), heads.get(policy.family)) for policy in found
    ]


def _heads(session: Session, families: set[uuid.UUID]) -> dict[uuid.UUID, Insuree]:
    query = (
        select(Family.uuid, Insuree)
        .join(Insuree, Insuree.uuid == Family.head)
        .where(Family.uuid.in_(families))
    )
    return {row.uuid: row.Insuree for row in session.execute(query)}
