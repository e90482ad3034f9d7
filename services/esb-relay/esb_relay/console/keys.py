"""`/admin/esb/keys/`: the public keys of this installation; a private one is on no page."""

from flask import Response, render_template
from flask.typing import ResponseReturnValue

from esb_relay.console.blueprint import pages
from esb_relay.container import container
from esb_relay.errors import KeyProblem
from esb_relay.keys.keyring import KnownKey
from esb_relay.keys.pairs import Encoding


@pages.page("/keys/")
def keys() -> ResponseReturnValue:
    """Ours, GovESB's and other recipients', each in every encoding in use."""
    known, trouble = known_keys()
    return render_template("pages/keys.html", keys=known, trouble=trouble, Encoding=Encoding)


@pages.page("/keys/<kid>/public.der")
def key_file(kid: str) -> ResponseReturnValue:
    """A public key as the file that openssl and Java read."""
    key = container().keyring.of_kid(kid)
    headers = {"Content-Disposition": f'attachment; filename="{key.kid}.der"'}
    return Response(
        key.encoded(Encoding.DER), content_type="application/octet-stream", headers=headers
    )


def known_keys() -> tuple[list[KnownKey], str | None]:
    """The keys, or why they cannot be read; the reason names the setting."""
    try:
        return container().keyring.known(), None
    except KeyProblem as exc:
        return [], str(exc)
