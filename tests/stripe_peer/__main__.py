"""`python -m tests.stripe_peer [PORT [WEBHOOK_URL]]`: the stand-in alone, to try the program with."""

import sys
import threading

from tests.stripe_peer import StripePeer

port, webhook_url = (*sys.argv[1:], *("4242", "")[len(sys.argv) - 1 :])[:2]
with StripePeer(port=int(port), webhook_url=webhook_url or None) as running:
    print(f"CREDITS_STRIPE_API_BASE={running.url}")
    print(f"CREDITS_STRIPE_API_KEY={running.key}")
    print(f"CREDITS_STRIPE_WEBHOOK_SECRET={running.secret}", flush=True)
    threading.Event().wait()
