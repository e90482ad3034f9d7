"""REST APIs: flask-smorest with our errors, scopes and an OpenAPI page that works offline."""

import json
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar

import flask_smorest
import marshmallow as ma
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask, Request, request
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import BadRequest, NotFound, UnsupportedMediaType
from werkzeug.routing import UUIDConverter

from common.web.documents import LateSpec, documents_of
from common.web.examples import EXAMPLE_ID, body_example, described, instance, with_examples
from common.web.preconditions import ETAG, IF_MATCH, tag_answer
from common.web.problems import MEDIA_TYPE
from common.web.tokens import require_scope

View = TypeVar("View", bound=Callable[..., Any])

OPENAPI_VERSION = "3.0.3"

#: Problems an operation can always answer, and those that come with a body, a path id, a change.
_ALWAYS = (422, 429, 503)
_WITH_BODY = (400, 413, 415)
_TITLES = {
    400: "The request cannot be read",
    401: "Valid credentials are missing",
    403: "The caller may not do this",
    404: "No such thing",
    409: "The act contradicts what is stored",
    412: "The record was changed since it was read",
    413: "The body is too large",
    415: "The media type is not supported",
    422: "A field breaks a rule; `errors` names it",
    429: "Too many attempts",
    503: "A part that is needed cannot be reached now",
}


class Problem(ma.Schema):
    """RFC 9457 problem details, as all services answer errors."""

    type = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    status = ma.fields.Integer(required=True)
    detail = ma.fields.String(required=True)
    ok = ma.fields.Boolean(required=True)
    error = ma.fields.String(required=True)
    errors = ma.fields.Dict()
    correlation_id = ma.fields.String()

    class Meta:
        #: Some say more, as the id that names nothing (RFC 9457, 3.2).
        unknown = ma.INCLUDE


class _Parser(FlaskParser):
    """Unknown query parameters are refused like unknown members: a typo must not widen a list."""

    DEFAULT_UNKNOWN_BY_LOCATION = {
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "query": ma.RAISE,
        "json": ma.RAISE,
    }

    def load_querystring(self, req: Request, schema: ma.Schema) -> Any:
        """No operation takes lists here: which one of two values was meant, nobody knows."""
        repeated = [name for name, values in req.args.lists() if len(values) > 1]
        if repeated:
            raise ma.ValidationError({name: ["Must be given once."] for name in repeated})
        return super().load_querystring(req, schema)

    def _raw_load_json(self, req: Request) -> Any:
        """A body that is not JSON is refused, whatever the schema would make of none at all."""
        if not req.is_json and req.get_data(cache=True):
            raise UnsupportedMediaType("The body must be JSON: Content-Type application/json")
        try:
            return super()._raw_load_json(req)
        except (json.JSONDecodeError, UnicodeDecodeError):
            raise  # webargs answers these, and knows an empty body from a broken one
        except (ValueError, RecursionError) as exc:
            raise BadRequest("The JSON body has a number too long or is nested too deeply") from exc


class Blueprint(flask_smorest.Blueprint):
    """A smorest blueprint that guards routes with scopes and documents the problems they answer."""

    ARGUMENTS_PARSER = _Parser()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._prepare_doc_cbks.append(self._prepare_problem_doc)

    def scope(self, *names: str) -> Callable[[View], View]:
        """Decorator (outermost): the caller's token must hold one of `names`.

        `{urn}` in a name is the path's: such a scope is bound to one thing.
        """

        def decorator(view: View) -> View:
            @wraps(view)
            def guarded(*args: Any, **kwargs: Any) -> Any:
                require_scope(*(name.format(**(request.view_args or {})) for name in names))
                return view(*args, **kwargs)

            guarded._apidoc = {**getattr(view, "_apidoc", {}), "scopes": names}  # type: ignore[attr-defined]
            return guarded  # type: ignore[return-value]

        return decorator

    def arguments(self, schema: Any, *, location: str = "json", **kwargs: Any) -> Any:
        """smorest's decorator; parameters and bodies get their examples from their fields."""
        made = instance(schema)
        if made is not None and location in ("query", "headers"):
            schema = with_examples(made)
        elif made is not None and "example" not in kwargs:
            example = body_example(made)
            kwargs["example"] = [example] if made.many and example else example
        return super().arguments(schema, location=location, **kwargs)

    @staticmethod
    def public(view: View) -> View:
        """Decorator (outermost): the route is open to whoever asks, or judges that itself."""
        view._apidoc = {**getattr(view, "_apidoc", {}), "scopes": ()}  # type: ignore[attr-defined]
        return view

    def response(self, status_code: int, schema: Any = None, **options: Any) -> Any:
        """Decorator: as smorest's; an answer that is a record with an `etag` has it as its ETag."""
        is_tagged = isinstance(schema, ma.Schema) and "etag" in schema.fields
        if is_tagged:
            options["headers"] = {"ETag": ETAG, **(options.get("headers") or {})}
        decorate = super().response(status_code, schema, **options)

        def decorator(view: View) -> View:
            @wraps(view)
            def tagged(*args: Any, **kwargs: Any) -> Any:
                answered = view(*args, **kwargs)
                tag_answer(answered)
                return answered

            return decorate(tagged if is_tagged else view)  # type: ignore[no-any-return]

        return decorator

    @staticmethod
    def if_match(view: View) -> View:
        """Decorator (outermost): the view calls `check_if_match`, and the document says so."""
        view._apidoc = {**getattr(view, "_apidoc", {}), "if_match": True}  # type: ignore[attr-defined]
        return view

    def register_views_in_doc(
        self, api: Any, app: Any, spec: Any, *, name: str, parameters: Any
    ) -> None:
        """Later: most processes are never asked for their document."""
        describe = super().register_views_in_doc
        spec.later(lambda known: describe(api, app, known, name=name, parameters=parameters))

    def name_operations(self) -> None:
        """Give each operation its function's name as `operationId`, once all routes are there."""
        for endpoint, operations in self._docs.items():
            methods = [method for method in operations if method != "parameters"]
            for method in methods:
                name = endpoint if len(methods) == 1 else f"{endpoint}_{method.lower()}"
                operations[method]["operationId"] = name

    def unguarded(self) -> list[str]:
        """The operations that have neither a scope nor are called public."""
        return [
            f"{method.upper()} {self.name}.{endpoint}"
            for endpoint, operations in self._docs.items()
            for method, doc in operations.items()
            if method != "parameters" and "scopes" not in doc
        ]

    @staticmethod
    def _prepare_problem_doc(
        doc: dict[str, Any], doc_info: dict[str, Any], *, method: str, spec: Any, **_kwargs: Any
    ) -> dict[str, Any]:
        doc["operationId"] = doc_info["operationId"]
        doc["description"] = described(doc, doc_info.get("scopes", ()))
        codes: set[int] = set(_ALWAYS)
        scopes = doc_info.get("scopes", ())
        if scopes:
            codes |= {401, 403}
            doc["security"] = [{"client_credentials": [scope]} for scope in scopes]
            scheme = spec.components.security_schemes["client_credentials"]
            for scope in scopes:
                scheme["flows"]["clientCredentials"]["scopes"].setdefault(scope, "")
        if "requestBody" in doc or "requestBody" in doc_info.get("manual_doc", {}):
            codes |= set(_WITH_BODY)
        if method in {"post", "put", "patch", "delete"}:
            codes.add(409)
        codes |= {404}
        if doc_info.get("if_match"):
            codes.add(412)
            doc.setdefault("parameters", []).append(IF_MATCH)
        responses = doc.setdefault("responses", {})
        for code in codes:
            if not isinstance(responses.get(code), Mapping) or code == 422:
                responses[code] = f"PROBLEM_{code}"
        return doc


def register_api(app: Flask, service: str, title: str, *, description: str) -> flask_smorest.Api:
    """Set up `app`'s API and its documents at `/api/docs/<service>/…`; the Api takes blueprints."""
    app.config.update(
        API_TITLE=title,
        API_VERSION="1",
        OPENAPI_VERSION=OPENAPI_VERSION,
    )
    app.url_map.strict_slashes = False
    app.before_request(_refuse_unstorable_names)
    flask_smorest.Api.DEFAULT_ERROR_RESPONSE_NAME = None
    api = _Api(
        app,
        spec_kwargs={
            "info": {"description": description},
            "servers": [{"url": "/", "description": "through nginx"}],
            "marshmallow_plugin": MarshmallowPlugin(schema_name_resolver=_schema_name),
        },
    )
    api.register_converter(UUIDConverter, _uuid_parameter)
    api.spec.components.schema("Problem", schema=Problem)
    for code, title_of_code in _TITLES.items():
        content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        api.spec.components.response(
            f"PROBLEM_{code}", {"description": title_of_code, "content": content}
        )
    api.spec.components.security_scheme(
        "client_credentials",
        {
            "type": "oauth2",
            "flows": {"clientCredentials": {"tokenUrl": "/oauth/token", "scopes": {}}},
        },
    )
    app.register_blueprint(documents_of(api, service))
    return api


def _refuse_unstorable_names() -> None:
    """No id or code holds a NUL: PostgreSQL cannot even be asked for one."""
    if any("\x00" in str(value) for value in (request.view_args or {}).values()):
        raise NotFound


def _uuid_parameter(_converter: Any) -> dict[str, Any]:
    return {"type": "string", "format": "uuid", "example": str(EXAMPLE_ID)}


def _schema_name(schema: Any) -> str:
    """The class's name; a schema of changes (`partial=True`) is another than the whole one."""
    name = schema.__name__ if isinstance(schema, type) else type(schema).__name__
    is_changes = isinstance(schema, ma.Schema) and schema.partial is True
    return f"{name.removesuffix('In')}Changes" if is_changes else name


class _Api(flask_smorest.Api):
    """smorest's Api; the problems are registered by `register_problem_handlers`."""

    spec: Any

    def _init_spec(self, **options: Any) -> None:
        super()._init_spec(**options)
        self.spec = LateSpec(self.spec)

    def register_blueprint(self, blp: Any, **options: Any) -> None:
        """Take a blueprint's routes. Raises TypeError for a route that nobody guards."""
        if blp.unguarded():
            raise TypeError(f"neither a scope nor public: {', '.join(blp.unguarded())}")
        blp.name_operations()
        super().register_blueprint(blp, **options)

    def _register_error_handlers(self) -> None:
        """Leave the app's handlers alone."""

    def _register_responses(self) -> None:
        """No default response: every answer is documented by its code."""
