"""Passwords that people choose: long is not enough, they must not be what is guessed first."""

from zxcvbn import zxcvbn

#: Of zxcvbn's 0 to 4: safely unguessable where hashes are slow.
MIN_SCORE = 3
#: zxcvbn's time grows with the square of the length; what is beyond makes no password weaker.
_LOOKED_AT_CHARS = 72


def why_weak(password: str, *about: str) -> str | None:
    """Why a password is guessed soon, for people; None when it is not.

    `about`: what is known of its owner.
    """
    known = [part for text in about for part in (text, *text.split("@")) if part]
    found = zxcvbn(password[:_LOOKED_AT_CHARS], user_inputs=known)
    if found["score"] >= MIN_SCORE:
        return None
    said = found["feedback"]["warning"] or "It is too easy to guess"
    return f"{said.rstrip('.')}. Choose several words that do not belong together."
