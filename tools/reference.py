"""Keep the parts of the documentation that can be made from the program in step with it.

`python -m tools.reference` writes them, between the two comments that name a part; `outdated` tells which differ.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mlops_tui.config.policy_schema import PolicyFile
from mlops_tui.config.settings import Settings
from tools.command_reference import command_reference, global_options, schema_reference
from tools.key_reference import key_reference, view_reference
from tools.schema_tables import key_table

DOCS = Path(__file__).parents[1] / "docs"


def settings_keys() -> str:
    """The keys at the top of the settings file."""
    return key_table(Settings.model_json_schema(), _definitions(Settings.model_json_schema()))


def context_keys() -> str:
    """The keys of a context."""
    definitions = _definitions(Settings.model_json_schema())
    return key_table(definitions["ContextSettings"], definitions)


def trace_keys() -> str:
    """The keys of the table that says where a context's traces are."""
    definitions = _definitions(Settings.model_json_schema())
    return key_table(definitions["TraceSettings"], definitions)


def alert_keys() -> str:
    """The keys of the table that says how a context's alerts are told."""
    definitions = _definitions(Settings.model_json_schema())
    return key_table(definitions["AlertSettings"], definitions)


def policy_keys(name: str) -> Callable[[], str]:
    """What renders the keys of one table of the policy file."""

    def render() -> str:
        schema = PolicyFile.model_json_schema(by_alias=True)
        definitions = _definitions(schema)
        return key_table(schema if name == "PolicyFile" else definitions[name], definitions)

    return render


_POLICY_TABLES = (
    "PolicyFile", "ModelTable", "EnvironmentTable", "DeployTable", "ParametersTable", "ApprovalTable", "RolloutTable",
    "StepTable", "GuardrailTable", "MonitoringTable", "FeatureTable", "AlertTable", "EscalationTable",
    "IntegrationTable", "RetrainTable", "TrainingParametersTable",
)  # fmt: skip
PARTS: Mapping[str, Mapping[str, Callable[[], str]]] = {
    "configuration.md": {
        "settings": settings_keys,
        "context": context_keys,
        "traces": trace_keys,
        "alerts": alert_keys,
    },
    "policy.md": {name: policy_keys(name) for name in _POLICY_TABLES},
    "commands.md": {
        "global-options": global_options,
        "commands": command_reference,
        "schemas": schema_reference,
    },
    "keys.md": {"views": view_reference, "keys": key_reference},
}


def rendered(text: str, parts: Mapping[str, Callable[[], str]]) -> str:
    """The text of a page with its parts made anew. Raises ValueError for a part that the page does not name."""
    for name, render in parts.items():
        pattern = re.compile(rf"(<!-- {re.escape(name)}: made by make docs -->\n).*?(<!-- end -->)", re.DOTALL)
        if not pattern.search(text):
            message = f"the page names no part {name}"
            raise ValueError(message)
        made = render()
        text = pattern.sub(lambda found, made=made: f"{found[1]}\n{made}\n\n{found[2]}", text, count=1)  # type: ignore[misc]  # a lambda with a default
    return text


def outdated(folder: Path = DOCS) -> list[str]:
    """The pages that are not what the program says now."""
    return [page for page, parts in PARTS.items() if _read(folder / page) != rendered(_read(folder / page), parts)]


def main() -> int:
    """Write every page that differs; returns the exit status."""
    for page in outdated():
        path = DOCS / page
        path.write_text(rendered(_read(path), PARTS[page]), "utf-8")
        sys.stdout.write(f"{page} was brought up to date\n")
    return 0


def _read(path: Path) -> str:
    return path.read_text("utf-8")


def _definitions(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = schema.get("$defs", {})
    return found


if __name__ == "__main__":
    sys.exit(main())
