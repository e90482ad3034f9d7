"""What the repository says about the proxy is what the proxy does."""

from proxy.app import create_app
from proxy.config import Settings
from service_documents import check_openapi, check_settings


def test_every_setting_is_in_a_readme() -> None:
    check_settings("proxy", Settings)


def test_the_committed_openapi_document_is_the_services_own() -> None:
    check_openapi("proxy", create_app(Settings()))
