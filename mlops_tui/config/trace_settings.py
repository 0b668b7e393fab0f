"""The table of a context that says where its inference traces are."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from mlops_tui.config.addresses import checked_address

_NAME = re.compile(r"[A-Za-z_]\w*")
_REMOTE = ("clickhouse", "observability", "jaeger", "tempo")
_KINDS_OF = {
    "url": (*_REMOTE, "gitlab"),
    "data": ("embedded",),
    "database": ("clickhouse",),
    "table": ("clickhouse",),
    "tenant": ("jaeger", "tempo"),
    "user": ("clickhouse", "jaeger", "tempo"),
    "ca_bundle": (*_REMOTE, "gitlab"),
    "token_file": (*_REMOTE, "gitlab"),
    "token_command": (*_REMOTE, "gitlab"),
    "token_variable": (*_REMOTE, "gitlab"),
}


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        message = "A name holds letters, digits and _ and does not start with a digit"
        raise ValueError(message)
    return name


class TraceSettings(BaseModel):
    """Where a context's inference traces are, and what opens them."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)

    kind: Literal["embedded", "clickhouse", "observability", "jaeger", "tempo", "gitlab"] = "embedded"
    """What keeps them: our own store, ClickHouse, GitLab Observability, Jaeger, Tempo, or GitLab's former tracing."""
    url: Annotated[str, AfterValidator(checked_address)] | None = None
    """The address of the server; "gitlab" may do without and then asks the context's instance."""
    data: Annotated[str, Field(min_length=1)] | None = None
    """The folder of an embedded store; without it that of this user."""
    database: Annotated[str, AfterValidator(_checked_name)] | None = None
    """The database in ClickHouse, "default" without it."""
    table: Annotated[str, AfterValidator(_checked_name)] | None = None
    """The table in ClickHouse, "otel_traces" without it."""
    tenant: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    """The tenant of Tempo (X-Scope-OrgID) or Jaeger (x-tenant)."""
    user: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    """The user whose password the token is: of ClickHouse, or of a proxy before Jaeger or Tempo."""
    ca_bundle: str | None = None
    """A PEM file with the certificates to trust; without it the context's."""
    timeout: Annotated[float, Field(gt=0, le=600, allow_inf_nan=False)] = 30.0
    """Seconds to wait for an answer."""
    token_file: Annotated[str, Field(min_length=1)] | None = None
    """A file whose only content is the token or password; nobody but you may read it."""
    token_command: Annotated[list[str], Field(min_length=1)] | None = None
    """A program and its arguments that print the token, run without a shell."""
    token_variable: Annotated[str, AfterValidator(_checked_name)] | None = None
    """The variable of the environment that holds the token."""

    @model_validator(mode="after")
    def _require_sense(self) -> Self:
        given = [name for name in _KINDS_OF if getattr(self, name) is not None]
        for name in given:
            if self.kind not in _KINDS_OF[name]:
                message = f'"{name}" has no meaning for traces of kind "{self.kind}"'
                raise ValueError(message)
        if self.kind in _REMOTE and self.url is None:
            message = f'Traces of kind "{self.kind}" need the url of their server'
            raise ValueError(message)
        if sum(name.startswith("token_") for name in given) > 1:
            message = "Only one of token_file, token_command and token_variable may stand here"
            raise ValueError(message)
        return self
