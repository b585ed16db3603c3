"""What Schemathesis cannot know of the admin API."""

import os

import schemathesis

# The key that the run presents would end by the run's own hand.
OWN_ID = os.environ.get("KEYGATE_OWN_ID")
NO_ID = "00000000000000000000000000"


@schemathesis.serializer("application/x-ndjson")
def lines(ctx, value):
    """The lines of an import are a text, and go out as they are."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


@schemathesis.hook
def before_call(ctx, case, kwargs):
    """Keeps the key that the run presents from ending itself: names another key in
    its place, and only counts where all would end."""
    if not OWN_ID:
        return
    if (case.path_parameters or {}).get("id") == OWN_ID:
        case.path_parameters["id"] = NO_ID
    if case.operation.path == "/v1/keys/revoke" and isinstance(case.body, dict) and not case.body.get("dry_run"):
        case.body["dry_run"] = True
