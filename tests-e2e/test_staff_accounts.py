"""How staff sign in, in a browser: codes, passkeys, OpenID Connect, links in e-mails."""

import re
import subprocess
from contextlib import contextmanager
from datetime import timedelta
from mailbox import Maildir
from pathlib import Path

import pyotp
import pytest
from browsers import Watched
from common.clock import utc_now
from console import open_console, staff_of
from console import sign_in as send_login
from hub import unique
from npm_packages import npm_packages
from waiting import eventually

pytestmark = pytest.mark.parametrize("hub", ["embedded"], indirect=True)

OIDC = Path(__file__).parent / "oidc"
ACCOUNT = "/admin/account/"


@pytest.fixture
def watched(browser):
    """A page in a browser that nobody has used."""
    context = browser.new_context()
    yield Watched(context.new_page())
    context.close()


def sign_in(page, url: str, username: str, password: str) -> None:
    page.goto(f"{url}/admin/login/?next={ACCOUNT}")
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def sign_out(page) -> None:
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/admin/login/")


def test_code_of_an_app_is_asked_for_after_the_password(hub, watched):
    _, username, password = staff_of(hub, "operator")
    page = watched.page
    sign_in(page, hub.url, username, password)
    page.get_by_role("link", name="Set up an app").click()
    page.locator(".qr svg").wait_for()
    secret = page.locator("#app-secret").text_content()
    page.get_by_label("Code").fill(pyotp.TOTP(secret).now())
    page.get_by_role("button", name="Let the app count").click()
    codes = page.locator("#recovery-codes").text_content().split()
    assert len(codes) == 10
    page.get_by_role("link", name="They are kept: go on").click()
    sign_out(page)

    sign_in(page, hub.url, username, password)
    page.wait_for_url("**/admin/login/second/")
    page.goto(f"{hub.url}/admin/")
    assert page.url == f"{hub.url}/admin/login/"  # not yet
    page.goto(f"{hub.url}/admin/login/second/")
    # The code that enrolled the app is used up; the next one is taken ahead of its time.
    page.get_by_label("Code").fill(pyotp.TOTP(secret).at(utc_now() + timedelta(seconds=30)))
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url(f"**{ACCOUNT}")
    assert "10 recovery codes are left" in page.content()
    sign_out(page)

    sign_in(page, hub.url, username, password)
    page.get_by_label("Code").fill(codes[0])
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url(f"**{ACCOUNT}")
    assert "9 recovery codes are left" in page.content()
    assert watched.problems == []
    assert watched.asked_elsewhere(hub.url) == set()


def test_passkey_is_made_signs_in_and_is_removed(hub, watched):
    url = hub.stack.installation.environ["CONSOLE_URL"]
    _, username, password = staff_of(hub, "viewer")
    page = watched.page
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal"}
    verified = {"hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True}
    made = device.send("WebAuthn.addVirtualAuthenticator", {"options": options | verified})
    sign_in(page, url, username, password)
    page.get_by_label("Name of a new passkey").fill("Test device")
    page.get_by_role("button", name="Make a passkey").click()
    page.get_by_label("Name of the passkey Test device").fill("Renamed")
    page.get_by_role("button", name="Save").click()
    page.get_by_label("Name of the passkey Renamed").wait_for()
    sign_out(page)

    page.goto(f"{url}/admin/login/?next={ACCOUNT}")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(f"**{ACCOUNT}")
    assert username in page.locator("a.who").text_content()
    assert re.search(r"passkey\s*</td>\s*<td[^>]*>this one", page.content())
    (credential,) = device.send("WebAuthn.getCredentials", made)["credentials"]
    assert credential["signCount"] > 0
    sign_out(page)

    # A copy of the device counts from where the device was when it was copied.
    device.send("WebAuthn.removeCredential", made | {"credentialId": credential["credentialId"]})
    device.send("WebAuthn.addCredential", made | {"credential": credential | {"signCount": 0}})
    page.goto(f"{url}/admin/login/")
    page.get_by_role("button", name="Use a passkey").click()
    page.get_by_text("This passkey lets nobody in here").wait_for()
    assert [one for one in watched.problems if "403" not in one] == []

    sign_in(page, url, username, password)
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Remove").click()
    page.get_by_text("The passkey is removed").wait_for()
    assert watched.asked_elsewhere(url) == set()


def test_ended_session_opens_no_page_of_any_service(hub):
    homes = [f"/admin/{one}/" for one in ("mediator/channels", "esb", "notification")]
    homes.append("/admin/policy-notification/")

    def statuses(session) -> list[int]:
        return [
            session.get(hub.url + home, allow_redirects=False, timeout=30).status_code
            for home in homes
        ]

    member, username, password = staff_of(hub, "viewer")
    with open_console(hub) as session:
        send_login(hub, session, username, password)
        assert statuses(session) == [200] * 4
        hub.api("DELETE", f"staff/{member}/sessions/")
        assert statuses(session) == [303] * 4  # asked at once: in all processes, whatever they know


@contextmanager
def provider(hub, packages: Path):
    """oidc-provider, unchanged, on loopback: it knows our client and where it leads back to."""
    known = hub.stack.installation.environ
    back = f"{known['CONSOLE_URL']}/admin/login/openid/back/"
    port = known["OIDC_ISSUER"].rpartition(":")[2]
    client = (known["OIDC_CLIENT_ID"], known["OIDC_CLIENT_SECRET"])
    command = ["node", str(OIDC / "provider.mjs"), port, *client, back]
    started = subprocess.Popen(command, cwd=packages, stdout=subprocess.PIPE, text=True)
    try:
        assert started.stdout.readline() == "ready\n"
        yield
    finally:
        started.kill()
        started.communicate()


def say_who(page, name: str) -> None:
    """Fill in the provider's own pages."""
    page.get_by_placeholder("Enter any login").fill(name)
    page.get_by_placeholder("and password").fill("any")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()


def sign_in_at_provider(page, url: str, name: str) -> None:
    page.context.clear_cookies()
    page.goto(f"{url}/admin/login/?next={ACCOUNT}")
    page.get_by_role("link", name="The ministry's sign-in").click()
    say_who(page, name)


def test_people_of_another_provider_sign_in_there(hub, watched, pytestconfig, tmp_path_factory):
    packages = npm_packages(OIDC, pytestconfig, tmp_path_factory)
    url = hub.stack.installation.environ["CONSOLE_URL"]
    page, who = watched.page, watched.page.locator("a.who")
    asha, juma = unique("asha"), unique("juma")
    _, here, password = staff_of(hub, "admin")
    with provider(hub, packages):
        sign_in_at_provider(page, url, f"{asha}+staff")
        page.wait_for_url(f"**{ACCOUNT}")
        assert who.text_content() == f"{asha} viewer"
        assert re.search(r"openid\s*</td>\s*<td[^>]*>this one", page.content())
        sign_in_at_provider(page, url, f"{juma}+hub-admins+staff")
        page.wait_for_url(f"**{ACCOUNT}")
        assert who.text_content() == f"{juma} admin"
        sign_in_at_provider(page, url, "stranger+others")
        page.get_by_text("The provider gives you no role here").wait_for()
        sign_in_at_provider(page, url, f"{here}+hub-admins")
        page.get_by_text("There is an account of this name here already").wait_for()

        # Whose name that is links the provider to their account.
        page.context.clear_cookies()
        sign_in(page, url, here, password)
        page.get_by_role("link", name="Sign in there from now on").click()
        say_who(page, f"{here}+hub-admins")
        page.get_by_text("From now on you can sign in at the provider").wait_for()
        sign_in_at_provider(page, url, f"{here}+hub-admins")
        page.wait_for_url(f"**{ACCOUNT}")
        assert who.text_content() == f"{here} admin"

    # It is away: that is said, and passwords do.
    page.context.clear_cookies()
    page.goto(f"{url}/admin/login/")
    page.get_by_role("link", name="The ministry's sign-in").click()
    page.get_by_text("The provider cannot be reached now").wait_for()
    sign_in(page, url, here, password)
    page.wait_for_url(f"**{ACCOUNT}")
    known = {one["username"] for one in hub.api("GET", "staff/?limit=200")["data"]}
    assert {asha, juma, here} <= known
    assert "stranger" not in known
    assert hub.stack.installation.environ["OIDC_CLIENT_SECRET"] not in hub.output.read_text()


def test_password_is_reset_by_a_link_in_an_e_mail(hub, watched):
    url, folder = hub.stack.installation.environ["CONSOLE_URL"], hub.stack.installation.var_dir
    page, name = watched.page, unique("amina")
    record = {"username": name, "password": "a long password 1", "email": f"{name}@example.org"}
    hub.api("POST", "staff/", 201, json={**record, "role": "viewer"})
    page.goto(f"{url}/admin/login/")
    page.get_by_role("link", name="Forgot your password?").click()
    page.get_by_label("User name").fill(name)
    page.get_by_role("button", name="Send a link").click()
    page.get_by_text("a link is on its way there").wait_for()

    letter = eventually(lambda: mail_to(name, folder / "mail"))
    words = letter.get_payload(decode=True).decode()
    page.goto(re.findall(rf"{re.escape(url)}\S+", words.partition("Choose one")[2])[0])
    page.get_by_label(f"New password of {name}").fill("wholly unlike anything before")
    page.get_by_role("button", name="Change it").click()
    page.get_by_text("Your password is changed").wait_for()
    sign_in(page, url, name, "wholly unlike anything before")
    page.wait_for_url(f"**{ACCOUNT}")
    assert watched.problems == []
    secret = words.partition("link=")[2].split()[0]
    assert secret not in hub.output.read_text()
    files = [one for one in folder.rglob("*") if one.is_file() and "mail" not in one.parts]
    assert [one for one in files if secret.encode() in one.read_bytes()] == []


def mail_to(name: str, folder: Path):
    """The e-mail to an address of this name; None until it is there."""
    return next((one for one in Maildir(folder) if name in one["To"]), None)
