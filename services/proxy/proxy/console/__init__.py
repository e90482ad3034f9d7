"""The console's pages at `/admin/…`, and the sessions that let staff in."""

from proxy.console import (  # noqa: F401 - their views join `pages`
    account,
    audit,
    bookmarks,
    channel_versions,
    channels,
    clients,
    compare,
    dashboard,
    find,
    live,
    login,
    match_tests,
    mediators,
    metadata,
    openhim_import,
    openid,
    passkeys,
    raw_bodies,
    registrations,
    rejections,
    report,
    rerun_many,
    resets,
    roles,
    saved_views,
    second_step,
    shadow_differences,
    staff,
    tasks,
    tester,
    timeline,
    transactions,
)
from proxy.console.blueprint import pages

__all__ = ["pages"]
