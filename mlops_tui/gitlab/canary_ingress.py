"""The weight of a canary ingress: one mutation, which GitLab has switched off with certificate-based clusters.

It is still there and answers, but on nearly every instance it says that it does nothing (GitLab:
app/graphql/mutations/environments/canary_ingress/update.rb).
"""

from __future__ import annotations

from typing import Any

from mlops_tui.domain.api_calls import ApiCall, Method
from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.text import clean

_MUTATION = """mutation($environment: EnvironmentID!, $weight: Int!) {
  environmentsCanaryIngressUpdate(input: {id: $environment, weight: $weight}) { errors }
}"""


def weight_call(environment_id: int, weight: int) -> ApiCall:
    """Give the canary ingress of an environment a weight from 0 to 100."""
    variables: dict[str, JsonValue] = {"environment": f"gid://gitlab/Environment/{environment_id}", "weight": weight}
    body: dict[str, JsonValue] = {"query": _MUTATION, "variables": variables}
    return ApiCall(Method.POST, "/api/graphql", body, f"give the canary ingress {weight} %")


def refusal(body: Any) -> str:
    """What the mutation says against it, empty where it was carried out."""
    data = body.get("data") if isinstance(body, dict) else None
    payload = data.get("environmentsCanaryIngressUpdate") if isinstance(data, dict) else None
    if not isinstance(payload, dict):
        return "it gives no answer"
    return "; ".join(clean(str(item)) for item in payload.get("errors") or ())
