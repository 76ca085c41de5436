"""Who works for a process: the payment providers and the background worker, as its settings say."""

from api.mail import mailer_of
from api.settings import Settings
from api.stripe_provider import StripeProvider
from api.worker import Post, Worker
from credits.keys import Keys
from credits.providers import Providers
from db.session import Database


def providers_of(settings: Settings) -> Providers:
    """Who takes the payments: Stripe for LIVE accounts, where a key is set."""
    if settings.stripe_api_key is None:
        return Providers(base_url=settings.base_url)
    stripe = StripeProvider(
        settings.stripe_api_key.get_secret_value(),
        api_base=settings.stripe_api_base,
        timeout_seconds=settings.stripe_timeout_seconds,
    )
    return Providers(stripe, settings.base_url)


def worker_of(settings: Settings, database: Database) -> Worker:
    """The background work of a process."""
    post = Post(mailer_of(settings), settings.sender, settings.base_url, Keys(settings.signing_key))
    return Worker(
        database, settings.terms, providers_of(settings), post, interval_seconds=settings.worker_interval_seconds
    )
