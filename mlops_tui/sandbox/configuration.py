"""The project's `.gitlab-ci.yml`: from its text to the jobs of one pipeline.

A useful subset of GitLab's language is understood: `spec:inputs`, `workflow` (`name`, `rules`), `stages`, global and
job `variables`, `default`, hidden jobs with `extends`, and per job `stage`, `script`, `before_script`, `environment`,
`when`, `rules` (`if`, `when`, `allow_failure`, `variables`), `needs`, `allow_failure`, `resource_group`, `tags`,
`start_in` and `manual_confirmation`. Other keywords are accepted and without effect.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from mlops_tui.sandbox import inputs, rules, scripts
from mlops_tui.sandbox.pipeline_definitions import EnvironmentDefinition, JobDefinition, PipelineDefinition

DEFAULT_PATH = ".gitlab-ci.yml"
_DEFAULT_STAGES = ("build", "test", "deploy")
_GLOBAL_KEYWORDS = frozenset(
    {
        "after_script", "before_script", "cache", "default", "image", "include", "services", "spec", "stages",
        "variables", "workflow",
    }
)  # fmt: skip
_WHEN = ("on_success", "on_failure", "always", "never", "manual", "delayed")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|sec|second|m|min|minute|h|hr|hour|d|day|w|week)s?(?![a-z])")
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


class ConfigurationError(Exception):
    """The configuration cannot become a pipeline; the text is GitLab's."""


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """What every job of a file sees: the file itself and the variables outside of its jobs."""

    body: Mapping[str, Any]
    stages: tuple[str, ...]
    yaml_variables: Mapping[str, str]
    given_variables: Mapping[str, str]


def specifications(text: str) -> tuple[inputs.InputSpecification, ...]:
    """Return the inputs the file declares.

    Raises:
        ConfigurationError: the file cannot be read.
    """
    header, _ = _documents(text)
    try:
        return inputs.read_specifications(header)
    except inputs.InputError as error:
        raise ConfigurationError(f"`{DEFAULT_PATH}`: {error}") from error


def build(text: str, given: Mapping[str, Any], variables: Mapping[str, str]) -> PipelineDefinition:
    """Turn a configuration file into the jobs of one pipeline.

    Args:
        text: The file's text.
        given: Inputs by name.
        variables: Predefined variables and those given with the pipeline; they win over the file's.

    Raises:
        ConfigurationError: the file, the inputs or the rules allow no pipeline.
    """
    if len(given) > inputs.MAXIMUM_INPUTS:
        raise ConfigurationError(f"There cannot be more than {inputs.MAXIMUM_INPUTS} inputs")
    body = _interpolated(text, given, variables)
    workflow = body.get("workflow") or {}
    yaml_variables = _variables(body.get("variables"))
    if "rules" in workflow:
        rule = _first_rule(workflow["rules"], {**yaml_variables, **variables})
        if rule is None:
            raise ConfigurationError("Pipeline filtered out by workflow rules.")
        yaml_variables |= _variables(rule.get("variables"))
    stages = (".pre", *(str(stage) for stage in body.get("stages") or _DEFAULT_STAGES), ".post")
    surroundings = _Surroundings(body, stages, yaml_variables, variables)
    found = [_job(name, definition, surroundings) for name, definition in _visible_jobs(body)]
    jobs = tuple(job for job in found if job is not None)
    if not jobs:
        raise ConfigurationError(
            "The resulting pipeline would have been empty. Review the rules configuration for the relevant jobs."
        )
    _check_needs(jobs, {name for name, _ in _visible_jobs(body)})
    title = scripts.expand(str(workflow.get("name") or ""), {**yaml_variables, **variables})
    # A variable may hold the names of others, as in `TITLE: $MODEL $VERSION`.
    name = scripts.expand(title, {**yaml_variables, **variables}).strip()[:255]
    used = {job.stage for job in jobs}
    return PipelineDefinition(name or None, tuple(stage for stage in stages if stage in used), jobs)


def _documents(text: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Split a file into its header (empty when there is none) and its body."""
    try:
        documents = list(yaml.safe_load_all(text))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" at line {mark.line + 1} column {mark.column + 1}" if mark is not None else ""
        raise ConfigurationError(f"(<unknown>): {error.problem}{place}") from error
    except yaml.YAMLError as error:
        raise ConfigurationError(f"(<unknown>): {error}") from error
    header: Any = {}
    if len(documents) > 1 and isinstance(documents[0], Mapping) and "spec" in documents[0]:
        header, *documents = documents
    body = documents[0] if documents else None
    if not isinstance(body, Mapping):
        raise ConfigurationError("Invalid configuration format")
    return header, body


def _interpolated(text: str, given: Mapping[str, Any], variables: Mapping[str, str]) -> Mapping[str, Any]:
    header, body = _documents(text)
    try:
        declared = inputs.read_specifications(header)
        values = inputs.resolve(declared, given)
        if not declared:
            return body
        filled: Mapping[str, Any] = inputs.interpolate(body, values, lambda part: scripts.expand(part, variables))
    except inputs.InputError as error:
        raise ConfigurationError(f"`{DEFAULT_PATH}`: {error}") from error
    return filled


def _variables(declared: Any) -> dict[str, str]:
    """Read a `variables` mapping; an entry may be a mapping with `value`, as it has for a description."""
    if not isinstance(declared, Mapping):
        return {}
    plain = {key: entry.get("value") if isinstance(entry, Mapping) else entry for key, entry in declared.items()}
    return {str(key): inputs.as_text(value) for key, value in plain.items()}


def _visible_jobs(body: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    jobs = []
    for key, definition in body.items():
        name = str(key)
        if name in _GLOBAL_KEYWORDS or name.startswith("."):
            continue
        if not isinstance(definition, Mapping):
            raise ConfigurationError(f"jobs {name} config should implement the script:, run:, or trigger: keyword")
        jobs.append((name, _extended(name, definition, body)))
    if not jobs:
        raise ConfigurationError("jobs config should contain at least one visible job")
    return jobs


def _extended(name: str, definition: Mapping[str, Any], body: Mapping[str, Any], depth: int = 0) -> Mapping[str, Any]:
    """Merge what a job `extends` under its own keys."""
    parents = definition.get("extends")
    if parents is None:
        return definition
    merged: dict[str, Any] = {}
    for parent in [parents] if isinstance(parents, str) else parents:
        template = body.get(parent)
        if not isinstance(template, Mapping) or depth > len(body):
            raise ConfigurationError(f"{name}: unknown keys in `extends` ({parent})")
        merged = _merged(merged, _extended(name, template, body, depth + 1))
    return _merged(merged, {key: value for key, value in definition.items() if key != "extends"})


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(under)
    for key, value in over.items():
        below = result.get(key)
        both = isinstance(below, Mapping) and isinstance(value, Mapping)
        result[key] = _merged(below, value) if both else value  # type: ignore[arg-type] # `both` has narrowed it
    return result


def _job(name: str, definition: Mapping[str, Any], surroundings: _Surroundings) -> JobDefinition | None:
    """Build one job; None when its rules leave it out."""
    stage = str(definition.get("stage", "test"))
    if stage not in surroundings.stages:
        raise ConfigurationError(
            f"{name} job: chosen stage {stage} does not exist; available stages are {', '.join(surroundings.stages)}"
        )
    if not any(key in definition for key in ("script", "run", "trigger")):
        raise ConfigurationError(f"jobs {name} config should implement the script:, run:, or trigger: keyword")
    own = _variables(definition.get("variables"))
    variables = {**surroundings.yaml_variables, **own, **surroundings.given_variables}
    rule: Mapping[str, Any] = {}
    if "rules" in definition:
        chosen = _first_rule(definition["rules"], variables)
        if chosen is None:
            return None
        rule = chosen
        variables = {
            **surroundings.yaml_variables,
            **own,
            **_variables(rule.get("variables")),
            **surroundings.given_variables,
        }
    when = _when(name, rule.get("when", definition.get("when", "on_success")))
    if when == "never":
        return None
    default = surroundings.body.get("default") or {}
    before = definition.get("before_script", default.get("before_script", surroundings.body.get("before_script")))
    return JobDefinition(
        name=name,
        stage=stage,
        script=(*_lines(before), *_lines(definition.get("script"))),
        when=when,
        allow_failure=_allow_failure(definition, rule, when),
        needs=_needs(definition.get("needs")),
        environment=_environment(definition.get("environment"), variables),
        resource_group=_expanded(definition.get("resource_group"), variables),
        manual_confirmation=_expanded(definition.get("manual_confirmation"), variables) if when == "manual" else None,
        tags=tuple(str(tag) for tag in definition.get("tags", default.get("tags")) or ()),
        variables=variables,
        start_in=duration(str(rule.get("start_in", definition.get("start_in", "")))) if when == "delayed" else None,
    )


def _when(name: str, when: Any) -> str:
    if when not in _WHEN:
        raise ConfigurationError(f"jobs:{name} when should be one of: {', '.join(_WHEN)}")
    return str(when)


def _allow_failure(definition: Mapping[str, Any], rule: Mapping[str, Any], when: str) -> bool:
    """A manual job may fail unless it is manual through its rules."""
    declared = rule.get("allow_failure", definition.get("allow_failure"))
    if isinstance(declared, bool):
        return declared
    return when == "manual" and "rules" not in definition


def _first_rule(declared: Any, variables: Mapping[str, str]) -> Mapping[str, Any] | None:
    """Return the first rule that holds, unless it says `when: never`."""
    for rule in declared if isinstance(declared, Sequence) else ():
        if not isinstance(rule, Mapping):
            continue
        try:
            holds = "if" not in rule or rules.matches(str(rule["if"]), variables)
        except rules.ExpressionError as error:
            raise ConfigurationError(f"rules:rule if invalid expression syntax ({rule['if']})") from error
        if holds:
            return None if rule.get("when") == "never" else rule
    return None


def _lines(script: Any) -> tuple[str, ...]:
    if script is None:
        return ()
    if isinstance(script, list):
        return tuple(line for entry in script for line in _lines(entry))
    return (inputs.as_text(script),)


def _needs(declared: Any) -> tuple[str, ...] | None:
    if declared is None:
        return None
    entries = declared if isinstance(declared, list) else [declared]
    return tuple(
        str(entry.get("job")) if isinstance(entry, Mapping) else str(entry)
        for entry in entries
        if not (isinstance(entry, Mapping) and entry.get("optional"))
    )


def _check_needs(jobs: Sequence[JobDefinition], declared: set[str]) -> None:
    present = {job.name for job in jobs}
    for job in jobs:
        for need in job.needs or ():
            if need not in declared:
                raise ConfigurationError(f"{job.name} job: undefined need: {need}")
            if need not in present:
                raise ConfigurationError(
                    f"'{job.name}' job needs '{need}' job, but '{need}' does not exist in the pipeline. "
                    "This might be because of the only, except, or rules keywords. "
                    "To need a job that sometimes does not exist in the pipeline, use needs:optional."
                )


def _environment(declared: Any, variables: Mapping[str, str]) -> EnvironmentDefinition | None:
    if declared is None:
        return None
    fields = declared if isinstance(declared, Mapping) else {"name": declared}
    return EnvironmentDefinition(
        name=scripts.expand(str(fields.get("name") or ""), variables),
        url=_expanded(fields.get("url"), variables),
        action=str(fields.get("action", "start")),
        tier=_expanded(fields.get("deployment_tier"), variables),
        on_stop=fields.get("on_stop"),
    )


def _expanded(text: Any, variables: Mapping[str, str]) -> str | None:
    return None if text is None else scripts.expand(str(text), variables)


def duration(text: str) -> float:
    """Read a human duration such as `1 week` or `2h20min` as seconds; nothing readable is 0."""
    return sum(float(amount) * _UNIT_SECONDS[unit[0]] for amount, unit in _DURATION.findall(text.strip()))
