"""The service's pages in the console: the overview, families with their consent, policies."""

import re
from uuid import uuid4

import pytest
from policy_notify.intake.consents import Consents
from policy_notify.models import NotificationType

ROOT = "/admin/policy-notification/"
FAMILIES, POLICIES = f"{ROOT}families/", f"{ROOT}policies/"


def shown(page, kind):
    assert page.status_code == 200
    return set(re.findall(rf'<tr id="{kind}-([^"]+)"', page.text))


def consent_of(container, family):
    with container.database.reading() as session:
        consent = Consents.of(session, family)
        return consent.approval, consent.language


def test_overview_says_what_to_do_before_the_first_run(console):
    page = console("viewer").get(ROOT)

    assert page.status_code == 200
    assert "No run yet" in page.text


# --- families


def test_families_are_listed_with_head_place_and_consent(console, scheme):
    scheme.family(phone="+255700000009", language="sw")

    page = console("viewer").get(FAMILIES).text

    for text in ("Asha1 Mushi", "70001", "+255700000009", "V1 Name V1", "approved</span> sw"):
        assert text in page


def test_families_are_filtered_by_the_address(console, scheme):
    notified = scheme.family()
    scheme.policy(notified)
    denied = scheme.family(approval=False)
    viewer = console("viewer")

    def found(query):
        return shown(viewer.get(f"{FAMILIES}?{query}"), "family")

    assert found("") == {str(notified), str(denied)}
    assert found("mode=1") == {str(notified)}
    assert found(f"region={scheme.region}&mode=3") == {str(denied)}
    assert found(f"district={scheme.district}&officer={scheme.officer}") == {str(notified)}
    assert found(f"region={uuid4()}") == set()
    page = viewer.get(f"{FAMILIES}?region={scheme.region}").text
    assert f'<option value="{scheme.region}" selected>R1 Name R1</option>' in page


def test_empty_list_says_what_to_do_and_a_bad_filter_is_named(console):
    viewer = console("viewer")

    assert "No family yet" in viewer.get(FAMILIES).text
    bad = viewer.get(f"{FAMILIES}?officer=neema")
    assert (bad.status_code, "Not a valid UUID." in bad.text) == (422, True)


def test_families_are_downloaded_as_the_filters_leave_them(console, scheme):
    notified = scheme.family()
    scheme.family(approval=False)

    lines = console("viewer").get(f"{FAMILIES}?mode=1&format=csv").text.splitlines()

    assert [line.split(",")[0] for line in lines[1:]] == [f'"{notified}"']


def test_family_shows_members_and_policies(console, scheme):
    family = scheme.family(approval=None)
    scheme.person(family, None, other_names="Juma")
    policy = scheme.policy(family)

    page = console("viewer").get(f"{FAMILIES}{family}/").text

    assert "Family of Asha1 Mushi" in page
    assert "Juma Mushi" in page
    assert f'<a href="{POLICIES}{policy}/">CHF01 CHF</a>' in page
    assert "The family has not been asked" in page
    assert "<form" not in page.partition("<main")[2]


def test_operator_records_what_a_family_says(console, csrf, scheme, container):
    family = scheme.family(approval=None)
    operator = console("operator")
    path = f"{FAMILIES}{family}/"
    form = {"approvalOfNotification": "true", "languageOfNotification": "sw", **csrf}

    assert operator.post(f"{path}consent/", data=form).headers["Location"] == path
    assert consent_of(container, family) == (True, "sw")
    assert "The consent is recorded." in operator.get(path).text

    operator.post(f"{path}consent/", data={"languageOfNotification": "fr", **csrf})
    assert consent_of(container, family) == (False, "fr")


@pytest.mark.parametrize(
    ("language", "reason"), [("de", "Not one of en, fr, sw."), ("", "Must not be blank")]
)
def test_consent_in_no_known_language_is_rejected(
    console, csrf, scheme, container, language, reason
):
    family = scheme.family(language="fr")
    form = {"languageOfNotification": language, **csrf}

    page = console("operator").post(f"{FAMILIES}{family}/consent/", data=form)

    assert page.status_code == 422
    assert reason in page.text
    assert consent_of(container, family) == (True, "fr")


@pytest.mark.parametrize(("role", "with_token"), [("viewer", True), ("admin", False)])
def test_consent_needs_an_operator_and_the_forms_token(
    console, csrf, scheme, container, role, with_token
):
    family = scheme.family()
    form = {"languageOfNotification": "fr", **(csrf if with_token else {})}

    assert console(role).post(f"{FAMILIES}{family}/consent/", data=form).status_code == 403
    assert consent_of(container, family) == (True, "en")


def test_stale_consent_is_shown_beside_the_newer_one(console, csrf, scheme, container, api):
    family = scheme.family(language="fr")
    path, read = f"{FAMILIES}{family}/", f"families/{family}/notification/"
    operator, tag = console("operator"), api.get(read).headers["ETag"]
    mine = {"languageOfNotification": "sw", "revision": tag.strip('"'), **csrf}
    theirs = {"languageOfNotification": "en"}
    assert api.ask("PATCH", read, theirs, headers={"If-Match": tag}).status_code == 200
    assert api.ask("PATCH", read, theirs, headers={"If-Match": tag}).status_code == 412
    assert api.ask("DELETE", read, headers={"If-Match": tag}).status_code == 412

    stale = operator.post(f"{path}consent/", data=mine)

    assert stale.status_code == 409
    assert "<td>sw</td><td>en</td>" in stale.text
    assert f'<a href="{path}">Take theirs</a>' in stale.text
    assert consent_of(container, family)[1] == "en"


# --- policies


def test_policies_are_filtered_by_the_address(console, scheme, today):
    family = scheme.family()
    running = scheme.policy(family)
    ended = scheme.policy(scheme.family(), status="expired", expiry_date=today, officer=None)
    scheme.policy(family, validity_to=f"{today}T00:00:00Z")
    viewer = console("viewer")

    def found(query):
        return shown(viewer.get(f"{POLICIES}?{query}"), "policy")

    assert found("") == {str(running), str(ended)}
    assert found("chf_id=70001") == {str(running)}
    assert found("status=expired&stage=new") == {str(ended)}
    assert found(f"officer={scheme.officer}") == {str(running)}
    assert found(f"expires_from={today}&expires_until={today}") == {str(ended)}
    assert viewer.get(f"{POLICIES}?expires_from=soon").status_code == 422
    csv = viewer.get(f"{POLICIES}?status=expired&format=csv").text
    assert (str(ended) in csv, str(running) in csv) == (True, False)


def test_policy_shows_its_indications_without_the_messages_words(
    console, scheme, runs, provider, today
):
    family = scheme.family(phone="+255700000042")
    policy = scheme.due(family, NotificationType.EXPIRATION)
    runs.on(today, provider)

    page = console("viewer").get(f"{POLICIES}{policy}/").text

    assert "expiration of policy" in page
    assert '<span class="badge good">sent</span>' in page
    assert "The event is too old for a notification" in page
    assert f'href="{FAMILIES}{family}/"' in page
    assert "Neema Omari" in page
    (notified,) = provider.taken
    assert notified.text not in page
    assert notified.recipient not in page


def test_policy_of_an_unknown_outcome_says_so(console, scheme, runs, provider, today):
    provider.loses = True
    policy = scheme.due(scheme.family(), NotificationType.EXPIRATION)
    runs.on(today, provider)

    page = console("viewer").get(f"{POLICIES}{policy}/").text

    assert '<span class="badge warn">unknown</span>' in page
    assert "whether it was sent is not known" in page


@pytest.mark.parametrize("path", [FAMILIES, POLICIES, f"{ROOT}runs/"])
def test_unknown_record_is_a_page_that_says_so(console, path):
    page = console("viewer").get(f"{path}{uuid4()}/")

    assert (page.status_code, page.mimetype) == (404, "text/html")
