"""Versions of channels and dry runs on the wire."""

from typing import Any

import marshmallow as ma
from common.web.fields import Integer, Moment

from proxy.registry.channel_versions import HIGHEST
from proxy.registry.dry_run import MOST_CALLS, MOST_EXAMPLES, Outcome, Trial
from proxy.schemas.channels import ChannelIn
from proxy.schemas.fields import Schema


class ChangeOut(Schema):
    """A member that differs; secrets are masked."""

    field = ma.fields.String(required=True, metadata={"example": "routes[bus].url"})
    before = ma.fields.Raw(required=True, allow_none=True)
    after = ma.fields.Raw(required=True, allow_none=True)


class VersionOut(Schema):
    """A channel as one change left it."""

    number = ma.fields.Integer(required=True)
    made_at = Moment(required=True)
    actor_kind = ma.fields.String(
        required=True,
        metadata={"description": "`staff`, `client` or `command`; empty: not known"},
    )
    actor = ma.fields.String(required=True)
    rolled_back_to = ma.fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "The version whose values it has again"},
    )
    changes = ma.fields.List(
        ma.fields.Nested(ChangeOut),
        required=True,
        metadata={"description": "Against the version before it"},
    )
    document = ma.fields.Dict(
        required=True, metadata={"description": "The channel as it was; secrets are masked"}
    )


class DryRunIn(Schema):
    """What to try: changes as they would be sent, or a version to go back to."""

    changes = ma.fields.Nested(
        lambda: ChannelIn(partial=True), load_default=None, metadata={"example": {"priority": 5}}
    )
    version = Integer(low=1, high=HIGHEST, load_default=None)
    calls = Integer(
        low=1,
        high=MOST_CALLS,
        load_default=MOST_CALLS,
        metadata={"description": "How many of the newest calls"},
    )

    @ma.validates_schema
    def _one_of_them(self, given: dict[str, Any], **_kwargs: Any) -> None:
        if (given.get("changes") is None) == (given.get("version") is None):
            raise ma.ValidationError({"changes": ["Give changes, or a version."]})


class ExampleOut(Schema):
    """A call to which the change does something."""

    correlation_id = ma.fields.UUID(required=True)
    started_at = Moment(required=True)
    client = ma.fields.String(required=True)
    method = ma.fields.String(required=True)
    path = ma.fields.String(required=True)
    before = ma.fields.String(
        required=True,
        metadata={"description": "The channel and where it sends the call, or the rejection"},
    )
    after = ma.fields.String(required=True)


class OutcomeOut(Schema):
    """The calls with one outcome, and the newest of them."""

    outcome = ma.fields.Enum(Outcome, by_value=ma.fields.String, required=True)
    calls = ma.fields.Integer(required=True)
    examples = ma.fields.List(
        ma.fields.Nested(ExampleOut),
        required=True,
        metadata={"description": f"At most {MOST_EXAMPLES}"},
    )


class DryRunOut(Schema):
    """What a change would have done to the newest calls, all mediators being online."""

    calls = ma.fields.Integer(required=True)
    since = Moment(required=True, allow_none=True)
    unchanged = ma.fields.Integer(required=True)
    outcomes = ma.fields.List(ma.fields.Nested(OutcomeOut), required=True)

    @ma.pre_dump
    def _listed(self, trial: Trial, **_kwargs: Any) -> dict[str, Any]:
        outcomes = [
            {"outcome": one, "calls": count, "examples": trial.examples[one]}
            for one, count in trial.counts.items()
        ]
        return {
            "calls": trial.calls,
            "since": trial.since,
            "unchanged": trial.unchanged,
            "outcomes": outcomes,
        }
