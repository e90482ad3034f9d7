"""Addresses: GraphQL, and those of each module below its name."""

from importlib.util import find_spec

from django.urls import include, path
from graphene_django.views import GraphQLView

from .openimisapps import openimis_apps

urlpatterns = [
    path("api/graphql", GraphQLView.as_view()),
    *(
        path(f"api/{app}/", include(f"{app}.urls"))
        for app in openimis_apps()
        if find_spec(f"{app}.urls")
    ),
]
