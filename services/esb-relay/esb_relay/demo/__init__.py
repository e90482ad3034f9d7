"""A GovESB of one's own, on loopback: token server and engine, for demonstrations and tests.

It checks what it is sent, signs what it answers, and misbehaves where a code asks for it: `X!html`
answers with HTML, `X!busy:2` is too busy twice (see `cases`).
"""
