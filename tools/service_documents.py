"""What the repository says about a service is what the service does."""

import dataclasses
import json
from pathlib import Path

from common.console.settings import ConsoleSettings
from common.settings import Environment
from flask import Flask
from openapi_spec_validator import validate

ROOT = Path(__file__).parent.parent


def check_settings(service: str, settings: type[Environment]) -> None:
    """Every setting is in a README: those of all services in the first one."""
    own = (ROOT / "services" / service / "README.md").read_text(encoding="utf-8")
    shared = (ROOT / "README.md").read_text(encoding="utf-8")
    common = {field.name for field in dataclasses.fields(ConsoleSettings)}
    for field in dataclasses.fields(settings):
        variable = field.metadata["variable"]
        if field.name in common:
            assert variable.replace("POSTGRES_", "_", 1) in shared, variable
        else:
            assert f"`{variable}`" in own, variable


def check_openapi(service: str, app: Flask) -> None:
    """The committed OpenAPI document is valid, and the one that `app` serves."""
    path = ROOT / "services" / service / "openapi.json"
    served = app.test_client().get(f"/api/docs/{service}/openapi.json").get_json()
    validate(served)
    assert json.loads(path.read_text(encoding="utf-8")) == served, "run `make docs`"
