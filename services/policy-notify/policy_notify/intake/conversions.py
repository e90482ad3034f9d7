"""Which products a policy may be renewed with: conversions followed to the end."""

from collections.abc import Mapping
from uuid import UUID

from common.logs import get_logger
from sqlalchemy import delete, insert, select, text
from sqlalchemy.orm import Session

from policy_notify.models import Product, ProductSuccession

log = get_logger(__name__)

#: A longer chain of conversions is a mistake; what lies beyond is not a renewal.
MAX_CONVERSIONS = 50


def successors(product: UUID, conversions: Mapping[UUID, UUID | None]) -> list[UUID]:
    """`product` and what it converts to, in order; ends at a loop and after MAX_CONVERSIONS."""
    chain = [product]
    while len(chain) <= MAX_CONVERSIONS:
        following = conversions.get(chain[-1])
        if following is None or following in chain:
            return chain
        chain.append(following)
    log.warning("conversions_too_long", product=str(product), followed=MAX_CONVERSIONS)
    return chain


def lock_successions(session: Session) -> None:
    """Until the transaction ends, nobody else changes products."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE product_successions IN EXCLUSIVE MODE"))


def rebuild_successions(session: Session) -> None:
    """Bring the successions up to date with the products."""
    products = session.execute(select(Product.uuid, Product.conversion_product))
    conversions = {row.uuid: row.conversion_product for row in products}
    pairs = [
        {"product": product, "successor": successor}
        for product in conversions
        for successor in successors(product, conversions)
    ]
    session.execute(delete(ProductSuccession))
    session.execute(insert(ProductSuccession), pairs)
