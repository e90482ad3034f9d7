"""What the repository says about the relay is what the relay does."""

from esb_relay.app import create_app
from esb_relay.config import Settings
from service_documents import check_openapi, check_settings


def test_every_setting_is_in_a_readme() -> None:
    check_settings("esb-relay", Settings)


def test_the_committed_openapi_document_is_the_services_own() -> None:
    check_openapi("esb-relay", create_app(Settings()))
