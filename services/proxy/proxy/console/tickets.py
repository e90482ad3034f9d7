"""One step of something that takes several requests: a signed cookie, good once and for minutes."""

import enum
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from common.console.guard import guarded
from common.errors import Unauthenticated
from common.texts import _
from common.web.tokens import TokenVerifier
from flask import current_app, request
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from proxy.console import cookies
from proxy.container import container
from proxy.models import EndedSession

LIFETIME_S = 600


class Step(enum.StrEnum):
    """What the browser is in the middle of; the value is in the cookie's name."""

    SECOND = "second"  # the password was right
    PASSKEY = "passkey"  # a device is asked to sign
    OPENID = "openid"  # the provider is asked
    APP = "app"  # an authenticator app was given its secret


@dataclass(frozen=True)
class Ticket:
    """A step that a browser began; `said` is what only we could have said of it."""

    id: uuid.UUID
    said: Mapping[str, Any] = field(repr=False)


def hand_out(answer: Response, step: Step, path: str = cookies.LOGIN_PATH, **said: Any) -> None:
    """Let the browser go on with `step`, on pages below `path`."""
    token = container().signer.sign(
        "anyone", LIFETIME_S, audience=_audience(step), jti=str(uuid.uuid4()), said=said
    )
    answer.set_cookie(_cookie(step), token, path=cookies.at(path), **guarded())


def shown(step: Step) -> Ticket:
    """The browser's ticket for `step`. Raises Unauthenticated."""
    verifier: TokenVerifier = current_app.extensions["kiungo-tokens"]
    token = request.cookies.get(_cookie(step), "")
    try:
        claims = verifier.claims(token, audience=_audience(step))
        return Ticket(uuid.UUID(claims["jti"]), claims["said"])
    except (Unauthenticated, KeyError, ValueError) as exc:
        raise Unauthenticated(_("That took too long. Please begin again.")) from exc


def take(session: Session, ticket: Ticket, now: datetime) -> None:
    """Use it up. Raises Unauthenticated where that was done before."""
    try:
        with session.begin_nested():
            session.add(EndedSession(id=ticket.id, ended_at=now))
    except IntegrityError:
        raise Unauthenticated(_("That was done already. Please begin again.")) from None


def forget(answer: Response, step: Step, path: str = cookies.LOGIN_PATH) -> None:
    """Take the cookie back."""
    answer.delete_cookie(_cookie(step), path=cookies.at(path), **guarded())


def _cookie(step: Step) -> str:
    return cookies.named(f"kiungo_{step.value}")


def _audience(step: Step) -> str:
    return f"kiungo-console-{step.value}"
