"""An account at a glance: can its people call, and will they still be able to next week?"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from web.charts import balance_chart, days_left
from web.documents import ask
from web.rendering import render


async def overview(request: Request) -> Response:
    """The balance, whether calls are allowed, how long it lasts, what expires next, and what happened last.

    What calls in progress hold is theirs to spend, so that it counts in how long the balance lasts.
    """
    data = await ask(request, "overview", account=request.path_params["account"])
    account = data["account"]
    return render(
        request,
        "overview.html",
        data=data,
        chart=balance_chart(account["balanceHistory"]),
        lasts_days=days_left(account["balance"]["current"], account["pace"], account["balanceHistory"]),
    )


ROUTES: list[BaseRoute] = [Route("/accounts/{account}", overview, methods=["GET"])]
