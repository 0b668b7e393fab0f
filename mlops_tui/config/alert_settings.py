"""The table of a context that says how alerts are told besides issues."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class AlertSettings(BaseModel):
    """Ways to tell of alerts that need something of this user: a key, or a program."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)

    key_file: Annotated[str, Field(min_length=1)] | None = None
    """A file whose only content is the authorization key of GitLab's endpoint; nobody but you may read it."""
    key_command: Annotated[list[str], Field(min_length=1)] | None = None
    """A program and its arguments that print that key, run without a shell."""
    key_variable: Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")] | None = None
    """The variable of the environment that holds that key."""
    command: Annotated[list[str], Field(min_length=1)] | None = None
    """A program and its arguments that is told too, without a shell; it reads JSON on its standard input."""

    @model_validator(mode="after")
    def _has_one_key(self) -> Self:
        if sum(key is not None for key in (self.key_file, self.key_command, self.key_variable)) > 1:
            message = "Only one of key_file, key_command and key_variable may stand here"
            raise ValueError(message)
        return self
