"""Which entry of the menu a page belongs to."""

import pytest
from common.console.navigation import current_path


@pytest.mark.parametrize(
    ("path", "entry"),
    [
        ("/admin/", "/admin/"),
        ("/admin/mediator/channels/new/", "/admin/mediator/channels/"),
        ("/admin/notification/", "/admin/notification/"),
        ("/admin/notification/outbox/17/", "/admin/notification/outbox/"),
        ("/admin/account/", ""),
        ("/admin/timeline/17/", ""),
    ],
)
def test_page_belongs_to_the_longest_entry_and_to_the_dashboard_only_if_it_is_it(
    path: str, entry: str
) -> None:
    assert current_path(path) == entry
