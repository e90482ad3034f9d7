"""Finding policies: by person, state, officer and time of expiry."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from policy_notify.models import Insuree, Policy, PolicyStage, PolicyStatus, Product


@dataclass(frozen=True, kw_only=True)
class PolicyFilter:
    """Which policies; None does not count. History is never meant."""

    chf_id: str | None = None
    status: PolicyStatus | None = None
    stage: PolicyStage | None = None
    officer: UUID | None = None
    expires_from: date | None = None
    expires_until: date | None = None

    def query(self) -> Select[Policy]:
        """The policies that are meant."""
        query = select(Policy).where(Policy.validity_to.is_(None))
        for column in ("status", "stage", "officer"):
            value = getattr(self, column)
            if value is not None:
                query = query.where(getattr(Policy, column) == value)
        if self.expires_from is not None:
            query = query.where(Policy.expiry_date >= self.expires_from)
        if self.expires_until is not None:
            query = query.where(Policy.expiry_date <= self.expires_until)
        if self.chf_id is None:
            return query
        members = select(Insuree.family).where(Insuree.chf_id == self.chf_id)
        return query.where(Policy.family.in_(members.where(Insuree.validity_to.is_(None))))


def product_names(session: Session, policies: list[Policy]) -> dict[UUID, str]:
    """The names of the policies' products, as far as they are known."""
    wanted = {policy.product for policy in policies}
    found = session.scalars(select(Product).where(Product.uuid.in_(wanted)))
    return {one.uuid: f"{one.code} {one.name}" for one in found}
