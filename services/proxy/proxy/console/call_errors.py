"""Why a call got no answer, or no channel, in the reader's language: both are written in English
(see `proxy.gateway.forward.explain_failure`, `proxy.registry.why_not`), and programs read that.
"""

from common.texts import N_, Patterns

#: Of two that may match, the first one is meant.
ERRORS = Patterns(
    (
        N_("%(error)s (after %(count)s attempts)"),
        N_("The mediator endpoint %(cause)s, outcome unknown"),
        N_("Failed to reach mediator endpoint: %(cause)s, outcome unknown"),
        N_("Failed to reach mediator endpoint: %(cause)s"),
        N_("Failed to reach mediator endpoint"),
        N_("its circuit is open: it did not answer lately"),
        N_("its address may not be called (OUTBOUND_DENY)"),
        N_("did not answer within %(seconds)s s"),
        N_("was silent for %(seconds)s s within its answer"),
        N_("took longer than %(seconds)s s in all"),
        N_("the connection broke off within the answer"),
        N_("the connection broke off"),
        N_("the answer is larger than %(count)s bytes"),
        N_("the answer was not read to its end"),
        N_("interrupted, outcome unknown"),
        N_("The channel no longer exists or is not active"),
    ),
    nested=True,
)
#: Why a channel did not take a call.
WHY_NOT = Patterns(
    (
        N_("the path has . or .. segments"),
        N_("takes %(methods)s, not %(method)s"),
        N_("its mediator is offline"),
        N_("matches %(path)s: a final slash makes another path"),
        N_("matches only in other letter case"),
        N_("%(pattern)s does not match %(path)s"),
        N_("another channel came first"),
        N_("the channel is not active"),
        N_("the channel listens on port %(port)s, and takes calls by no path"),
        N_("the hub makes the channel's calls itself"),
        N_("what is stored of the channel cannot be used; save it again to see why"),
    )
)
