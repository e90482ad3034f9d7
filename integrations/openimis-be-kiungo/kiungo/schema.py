"""GraphQL: `familyNotification` of a family and as a query; the consent rides on mutations."""

from typing import Any

import graphene
from core import ExtendedConnection
from core.schema import signal_mutation_module_after_mutating, signal_mutation_module_validate
from django.core.exceptions import PermissionDenied
from graphene_django import DjangoObjectType
from graphene_django.filter import DjangoFilterConnectionField
from insuree.apps import InsureeConfig
from insuree.models import Family
from insuree.signals import signal_before_family_query

from kiungo.family_filter import family_filter
from kiungo.models import FamilyNotification
from kiungo.mutations import act, validate


class FamilyNotificationGQLType(DjangoObjectType):
    """A family's consent."""

    class Meta:
        model = FamilyNotification
        interfaces = (graphene.relay.Node,)
        filter_fields = {
            "family__uuid": ["exact"],
            "approval_of_notification": ["exact"],
            "language_of_notification": ["exact"],
        }
        connection_class = ExtendedConnection

    @classmethod
    def get_queryset(cls, queryset: Any, info: Any) -> Any:
        """Those of the families that the user may see. Raises PermissionDenied."""
        user = info.context.user
        if not user.has_perms(InsureeConfig.gql_query_families_perms):
            raise PermissionDenied("unauthorized")
        return queryset.filter(family__in=Family.get_queryset(None, user))


class Query(graphene.ObjectType):
    """The consents."""

    family_notification = DjangoFilterConnectionField(FamilyNotificationGQLType)


def bind_signals() -> None:
    """Called by openIMIS once all schemas are there."""
    signal_mutation_module_validate["insuree"].connect(validate)
    signal_mutation_module_after_mutating["insuree"].connect(act)
    signal_before_family_query.connect(family_filter)
