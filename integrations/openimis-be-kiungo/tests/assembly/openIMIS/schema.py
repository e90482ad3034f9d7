"""GraphQL: the queries and mutations of all modules, as openIMIS puts them together."""

from importlib import import_module
from importlib.util import find_spec

import graphene

from .openimisapps import openimis_apps

_MODULES = [import_module(f"{app}.schema") for app in openimis_apps() if find_spec(f"{app}.schema")]
_QUERIES = [module.Query for module in _MODULES if hasattr(module, "Query")]
_MUTATIONS = [module.Mutation for module in _MODULES if getattr(module, "Mutation", None)]

for _module in _MODULES:
    if hasattr(_module, "bind_signals"):
        _module.bind_signals()


class Query(*_QUERIES, graphene.ObjectType):
    """All queries."""

    node = graphene.relay.Node.Field()


class Mutation(*_MUTATIONS, graphene.ObjectType):
    """All mutations."""


schema = graphene.Schema(query=Query, mutation=Mutation)
