"""The calls of Stripe's API that the stand-in answers: what each takes, and what it does."""

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.stripe_peer.objects import Object, Objects
from tests.stripe_peer.refused import Refused, missing, wrong

Answer = Callable[..., Object]


@dataclass(frozen=True)
class Call:
    """A method and a path, the parameters that it takes, and what answers it."""

    method: str
    path: str
    takes: frozenset[str]
    answer: Answer


class Calls:
    """Finds the call of a request and answers it."""

    def __init__(self, objects: Objects) -> None:
        o = self.objects = objects
        self._calls = [
            _call("POST", "/v1/customers", "name email metadata", o.customer),
            _call("GET", "/v1/payment_methods/{token}", "", o.card),
            _call("POST", "/v1/payment_methods/{token}/attach", "customer", o.attach),
            _call("POST", "/v1/checkout/sessions", _PAGE, self._page),
            _call("GET", "/v1/checkout/sessions/{name}", "", lambda name: o.get("checkout.session", name, "session")),
            _call("POST", "/v1/payment_intents", _PAYMENT, self._payment),
            _call("GET", "/v1/payment_intents", "customer limit starting_after", self._listed("payment_intent")),
            _call("GET", "/v1/payment_intents/{name}", "", lambda name: o.get("payment_intent", name, "intent")),
            _call("POST", "/v1/payment_intents/{name}/confirm", "payment_method off_session return_url", o.confirm),
            _call("POST", "/v1/payment_intents/{name}/cancel", "", o.cancel),
            _call("POST", "/v1/refunds", "payment_intent amount metadata", self._refund),
            _call("GET", "/v1/refunds", "payment_intent limit starting_after", self._listed("refund")),
            _call("GET", "/v1/disputes", "payment_intent limit starting_after", self._listed("dispute")),
            _call("GET", "/v1/events", "limit starting_after", self._listed("event")),
        ]

    def answer(self, method: str, path: str, params: Object) -> Object:
        """The object that a request asks for, as it is at this moment."""
        expand = params.pop("expand", [])
        for call in self._calls:
            match = re.fullmatch(call.path, path)
            if match is None or call.method != method:
                continue
            unknown = set(params) - call.takes
            if "payment_method_types" in unknown:
                code = "payment_method_types_no_longer_supported"
                raise wrong("payment_method_types is no longer supported.", "payment_method_types", code)
            if unknown:
                raise wrong(f"Received unknown parameter: {min(unknown)}", min(unknown), "parameter_unknown")
            return self._expanded(call.answer(**match.groupdict(), **params), expand)
        raise Refused(404, f"Unrecognized request URL ({method}: {path}).", kept=False)

    def _page(self, mode: str, allowed_payment_method_types: list[str], **fields: Any) -> Object:
        assert (mode, allowed_payment_method_types) == ("setup", ["card"]), "nothing else is played here"
        return self.objects.page(**fields)

    def _payment(self, amount: str, allowed_payment_method_types: list[str], **fields: Any) -> Object:
        assert allowed_payment_method_types == ["card"], "nothing else is played here"
        return self.objects.payment(int(amount), **fields)

    def _refund(self, payment_intent: str, amount: str, metadata: Object | None = None) -> Object:
        return self.objects.refund(payment_intent, int(amount), metadata)

    def _listed(self, kind: str) -> Answer:
        def answer(limit: str = "10", starting_after: str | None = None, **wanted: str) -> Object:
            found = self.objects.listed(kind, **wanted)
            if starting_after is not None:
                places = [place for place, each in enumerate(found) if each["id"] == starting_after]
                if not places:
                    raise missing(kind, starting_after, "starting_after")
                found = found[places[0] + 1 :]
            path = f"/v1/{kind}s"
            return {"object": "list", "url": path, "has_more": len(found) > int(limit), "data": found[: int(limit)]}

        return answer

    def _expanded(self, found: Object, expand: list[str]) -> Object:
        answer = copy.deepcopy(found)
        for path in expand:
            here = answer
            for step in path.split("."):
                if isinstance(here[step], str):
                    here[step] = copy.deepcopy(self.objects.all[here[step]])
                here = here[step]
        return answer


_PAGE = "mode allowed_payment_method_types customer success_url cancel_url locale metadata"
_PAYMENT = "amount currency customer allowed_payment_method_types metadata description"


def _call(method: str, path: str, takes: str, answer: Answer) -> Call:
    return Call(method, re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path), frozenset(takes.split()), answer)
