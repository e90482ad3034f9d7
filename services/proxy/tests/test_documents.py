"""What the repository says about the proxy is what the proxy does."""

import dataclasses
import json
from pathlib import Path

from common.settings import Environment
from proxy import create_app
from proxy.config import Settings

FOLDER = Path(__file__).parent.parent


def test_every_setting_is_in_a_readme():
    own = (FOLDER / "README.md").read_text()
    shared = (FOLDER.parent.parent / "README.md").read_text()
    common = {field.name for field in dataclasses.fields(Environment)}
    for field in dataclasses.fields(Settings):
        variable = field.metadata["variable"]
        if field.name in common:
            wanted = variable.replace("POSTGRES_", "_", 1)
            assert wanted in shared, variable
        else:
            assert f"`{variable}`" in own, variable


def test_the_committed_openapi_document_is_the_services_own():
    app = create_app(Settings())
    served = app.test_client().get("/api/docs/proxy/openapi.json").get_json()
    committed = json.loads((FOLDER / "openapi.json").read_text())
    assert committed == served, "run `make docs`"
