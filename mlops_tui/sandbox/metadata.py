"""What the instance says of itself (GitLab: lib/api/metadata.rb)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlops_tui.sandbox.authentication import Policy
from mlops_tui.sandbox.routing import route

if TYPE_CHECKING:
    from starlette.responses import Response

    from mlops_tui.sandbox.request import Context

_POLICY = Policy(scopes=("api", "read_api", "read_user", "ai_features"), authenticated=True)
REVISION = "ceb07b24cb0"


async def show(context: Context) -> Response:
    """`GET /metadata` and `GET /version`."""
    version = context.settings.version
    websocket = context.settings.base_url.replace("http", "ws", 1)
    return context.json(
        {
            "version": version,
            "revision": REVISION,
            "kas": {
                "enabled": False,
                "externalUrl": f"{websocket}/-/kubernetes-agent/",
                "externalK8sProxyUrl": context.url("/-/kubernetes-agent/k8s-proxy/"),
                "version": version.removesuffix("-ee"),
            },
            "enterprise": context.settings.enterprise,
        }
    )


ROUTES = [route("GET", "/metadata", show, _POLICY), route("GET", "/version", show, _POLICY)]
