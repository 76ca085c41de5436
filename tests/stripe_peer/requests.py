"""HTTP, as the stand-in speaks it: the API below `/v1`, the pages for people, the truth, and the doings of a test."""

import html
import json
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.stripe_peer.cards import CARDS
from tests.stripe_peer.forms import read_form
from tests.stripe_peer.refused import Refused


class Requests(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer leaves in one piece
    disable_nagle_algorithm = True
    server: Any

    def log_message(self, *_: object) -> None:
        """Nobody reads along."""

    def do_GET(self) -> None:
        """Answer what is asked, or show a page."""
        place = urlsplit(self.path)
        peer = self.server.peer
        if place.path.startswith("/v1/"):
            self._answer_api(read_form(place.query))
        elif place.path == "/_truth":
            self._answer(200, peer.truth())
        elif place.path.startswith(("/c/pay/", "/bank/")):
            self._show(place.path)
        else:
            self._answer(404, {})

    def do_POST(self) -> None:
        """Do what is asked."""
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        place = urlsplit(self.path)
        if place.path.startswith("/v1/"):
            self._answer_api(read_form(body))
        elif place.path.startswith("/_do/"):
            try:
                self._answer(200, self.server.peer.do(place.path.removeprefix("/_do/"), **read_form(body)))
            except Refused as refused:
                self._answer(refused.status, refused.body)
        elif place.path.startswith(("/c/pay/", "/bank/")):
            self._press(place.path, read_form(body))
        else:
            self._answer(404, {})

    def _answer_api(self, params: dict[str, Any]) -> None:
        status, body, replayed = self.server.peer.answer(self.command, urlsplit(self.path).path, params, self.headers)
        self._answer(status, body, {"Idempotent-Replayed": "true"} if replayed else {})

    def _show(self, path: str) -> None:
        """A page with a form, for a browser or for a person who tries the program."""
        if path.startswith("/bank/"):
            inner = '<button name="say" value="yes">Confirm</button> <button name="say" value="no">Refuse</button>'
        else:
            cards = "".join(f"<option>{html.escape(token)}</option>" for token in CARDS)
            inner = (
                f'<label>Card <select name="card">{cards}</select></label> <button name="say" value="yes">Save'
                '</button> <button name="say" value="no">Back</button>'
            )
        head = '<!doctype html><title>Stripe</title><link rel="icon" href="data:,">'
        self._send(200, f'{head}<form method="post">{inner}</form>'.encode(), "text/html")

    def _press(self, path: str, values: dict[str, Any]) -> None:
        peer, name = self.server.peer, path.rpartition("/")[2]
        try:
            with peer.objects.lock:
                if path.startswith("/bank/"):
                    agreed = values["say"] == "yes"
                    there = peer.objects.get("payment_intent", name)["next_action"]["redirect_to_url"]["return_url"]
                    peer.objects.answer_bank(name, agreed=agreed)
                    told = {"payment_intent": name, "redirect_status": "succeeded" if agreed else "failed"}
                    there += ("&" if "?" in there else "?") + urlencode(told)
                else:
                    page = peer.objects.get("checkout.session", name)
                    there = page["success_url"] if values["say"] == "yes" else page["cancel_url"]
                    if values["say"] == "yes":
                        peer.objects.give_card(name, values["card"])
                    there = there.replace("{CHECKOUT_SESSION_ID}", name)
        except Refused as refused:
            self._send(refused.status, str(refused).encode(), "text/plain")
            return
        self._send(303, b"", "text/plain", {"Location": there})

    def _answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(body).encode(), "application/json", headers)

    def _send(self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
