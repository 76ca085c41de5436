"""A stand-in for Stripe: a real HTTP server with the behaviours that matter, which knows what money really moved.

    with StripePeer() as peer:
        provider = StripeProvider(peer.key, api_base=peer.url)

Cards are given by the tokens of `cards.CARDS`. What happens outside the API is done by the peer's own methods, or by
whoever has its address only, as `POST /_do/<method>`; `GET /_truth` is what `payments()` answers.
"""

from tests.stripe_peer.peer import PeerPayment, StripePeer

__all__ = ["PeerPayment", "StripePeer"]
