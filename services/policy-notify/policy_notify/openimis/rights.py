"""Tokens that carry openIMIS's rights: a right counts as the scope that it stands for."""

from collections.abc import Iterable
from typing import Any

from common.web.tokens import AUDIENCE, KeySource, TokenVerifier

REPORT = "policy:report"


class RightsVerifier(TokenVerifier):
    """Verifies tokens; one with a right among `report_rights` may read the report, too.

    Rights stand in the claim `rights` (a list of numbers or texts) or among the words of `scope`.
    """

    def __init__(self, keys: KeySource, report_rights: Iterable[str]) -> None:
        super().__init__(keys)
        self._report_rights = frozenset(report_rights)

    def claims(self, token: str, *, audience: str = AUDIENCE) -> dict[str, Any]:
        """The verified claims, with the scopes that its rights stand for."""
        found = super().claims(token, audience=audience)
        scope = str(found.get("scope", ""))
        if audience == AUDIENCE and self._report_rights & {*scope.split(), *_rights(found)}:
            found["scope"] = f"{scope} {REPORT}"
        return found


def _rights(claims: dict[str, Any]) -> set[str]:
    rights = claims.get("rights")
    return {str(one) for one in rights} if isinstance(rights, list) else set()
