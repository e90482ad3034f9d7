"""The pages of an API: its OpenAPI document, and Swagger UI that works offline."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apispec
import flask_smorest
import swagger_ui_bundle
from flask import Blueprint, Response, make_response, render_template, send_from_directory

#: Of the Swagger pages; pictures in Swagger UI's own style sheet are data: addresses.
_SWAGGER_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
)


class LateSpec:
    """An `apispec.APISpec` whose paths are described when the document is first asked for."""

    def __init__(self, spec: apispec.APISpec) -> None:
        self._spec = spec
        self._later: list[Callable[[apispec.APISpec], object]] = []
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._spec, name)

    def later(self, describe: Callable[[apispec.APISpec], object]) -> None:
        """Let `describe` be called with the whole spec before the document is made."""
        self._later.append(describe)

    def path(self, **described: Any) -> None:
        """As apispec's."""
        self.later(lambda spec: spec.path(**described))

    def to_dict(self) -> dict[str, Any]:
        """The document, with everything that was to be described later, in that order."""
        with self._lock:
            while self._later:
                self._later.pop(0)(self._spec)
            document: dict[str, Any] = self._spec.to_dict()
        return document


def documents_of(api: flask_smorest.Api, service: str) -> Blueprint:
    """The pages at `/api/docs/<service>/…`."""
    pages = Blueprint("documents", __name__, template_folder="templates")
    assets = Path(swagger_ui_bundle.swagger_ui_path)
    prefix = f"/api/docs/{service}"

    @pages.get(f"{prefix}/openapi.json")
    def openapi_json() -> dict[str, Any]:
        document: dict[str, Any] = api.spec.to_dict()
        return document

    @pages.get(f"{prefix}/swagger/")
    def swagger() -> Response:
        page = make_response(render_template("swagger.html", service=service, prefix=prefix))
        page.headers["Content-Security-Policy"] = _SWAGGER_POLICY
        return page

    @pages.get(f"{prefix}/swagger/<path:name>")
    def swagger_asset(name: str) -> Response:
        if name == "start.js":
            return send_from_directory(Path(__file__).parent / "static", "swagger-start.js")
        return send_from_directory(assets, name, max_age=86400)

    return pages
