"""The driver of feature flags: one flag for each new version, whose percentage is its share.

It works without a cluster and with every licence.
One call sets a flag's percentage and its mark together, so that no crash can leave a weight that says nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from mlops_tui.domain.api_calls import ApiCall
from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.errors import RefusedError
from mlops_tui.domain.feature_flags import FeatureFlag
from mlops_tui.domain.policy import RolloutDriver, RolloutPolicy
from mlops_tui.domain.projects import ProjectRef
from mlops_tui.domain.rollout_marks import RolloutMark, flag_name, group_id, read_mark
from mlops_tui.domain.rollout_states import Phase, Progress
from mlops_tui.domain.rollout_weights import arm_weights, flag_percentages, shares_of
from mlops_tui.domain.rollouts import Hindrance, Obstacle
from mlops_tui.gitlab.feature_flags import change_flag_call, create_flag_call, flexible
from mlops_tui.operations.rollouts.pipelines import is_restored
from mlops_tui.operations.rollouts.sightings import Move, ProjectReading, Sighting, sent_in_order
from mlops_tui.operations.session import Session

_RANK = (Phase.ABORTED, Phase.ABORTING, Phase.DONE, Phase.PROMOTING, Phase.HELD, Phase.RUNNING)


class FlagDriver:
    """Moves traffic by the percentages of feature flags."""

    def sightings(self, reading: ProjectReading) -> tuple[Sighting, ...]:
        """Every rollout whose mark stands in a flag's description."""
        marked: defaultdict[str, list[tuple[FeatureFlag, RolloutMark]]] = defaultdict(list)
        for flag in reading.flags.flags if reading.flags else ():
            mark = read_mark(flag.description)
            if mark is not None and mark.driver is RolloutDriver.FLAG:
                marked[mark.id].append((flag, mark))
        return tuple(_sighting(reading, found) for found in marked.values())

    async def start(
        self, _session: Session, reading: ProjectReading, plan: RolloutPolicy, marks: Sequence[RolloutMark]
    ) -> Move:
        """Begin: make the flags that are missing, and give the first step its share; ``marks`` are in plan order."""
        _require_flags(reading)
        percentages = flag_percentages(list(arm_weights(plan, plan.steps[0].weight).values()))
        calls = [
            _set_call(reading, plan, mark, place, percentages[place], create=True) for place, mark in enumerate(marks)
        ]
        return sent_in_order(calls, f"{plan.steps[0].weight} % of the traffic go to the new version")

    def step(self, reading: ProjectReading, sighting: Sighting, plan: RolloutPolicy, after: Progress) -> Move:
        """Give every new version its share of a step."""
        weight = plan.steps[after.step - 1].weight
        percentages = flag_percentages(list(arm_weights(plan, weight).values()))
        return sent_in_order(
            _all_calls(reading, sighting, plan, after, percentages), f"{weight} % of the traffic go to the new version"
        )

    def note(self, reading: ProjectReading, sighting: Sighting, after: Progress, said: str) -> Move:
        """Write down how far it is, and leave the traffic alone."""
        written = sighting.mark_after(after)
        calls = [
            change_flag_call(
                reading.project.ref, flag.name, replace(written, version=mark.version).text, (), "write it down"
            )
            for flag, mark in _marked(sighting)
        ]
        return sent_in_order(calls, said)

    def full(self, _reading: ProjectReading, _sighting: Sighting, _plan: RolloutPolicy) -> Move | None:
        """None: a flag deploys nothing, so a promotion does."""
        return None

    def withdraw(self, reading: ProjectReading, sighting: Sighting, after: Progress, said: str) -> Move:
        """Take all traffic off the new versions; needs no plan."""
        written = sighting.mark_after(after)
        calls = [
            _zero_call(reading.project.ref, flag, replace(written, version=mark.version))
            for flag, mark in _marked(sighting)
        ]
        return sent_in_order(calls, said)


def _sighting(reading: ProjectReading, found: Sequence[tuple[FeatureFlag, RolloutMark]]) -> Sighting:
    plan = reading.plan(found[0][1].model)
    ordered = _in_order(plan, found)
    leading = min(ordered, key=lambda item: _precedence(item[2].progress))[2]
    environment = leading.environment
    strategies = [flag.own_strategy(environment) for _, flag, _ in ordered]
    percentages = [
        (strategy.share or 0) if strategy and flag.is_active else 0
        for strategy, (_, flag, _) in zip(strategies, ordered, strict=True)
    ]
    arms = [arm for arm, _, _ in ordered]
    is_half = any(mark.progress != leading.progress for _, _, mark in ordered)
    missing = [arm for arm in plan.treatments if arm not in arms] if plan else []
    shares = [round(share, 2) for share in shares_of(percentages)]
    progress = _agreed(leading.progress, is_half=is_half)
    if not is_half and is_restored(reading, leading, progress, {mark.version for _, _, mark in ordered}):
        progress = replace(progress, phase=Phase.ABORTED)
    return Sighting(
        driver=RolloutDriver.FLAG,
        mark=leading,
        progress=progress,
        versions={arm: mark.version for arm, _, mark in ordered},
        weights=dict(zip(arms, shares, strict=True)),
        is_changing=is_half or (bool(missing) and not progress.phase.is_over),
        state={f"flag {flag.name}": _state(flag, environment) for _, flag, _ in ordered},
        obstacles=(
            *_obstacles(plan, progress, ordered, percentages, is_half=is_half),
            *(_without_flag(arm) for arm in missing if not progress.phase.is_over),
        ),
        links=(f"{reading.project.web_url}/-/feature_flags",) if reading.project.web_url else (),
        flags=tuple(flag for _, flag, _ in ordered),
    )


def _without_flag(arm: str) -> Obstacle:
    text = f"The arm {arm} has no flag: the start stopped half-way, or the plan is another one. Abort, and start anew"
    return Obstacle(Hindrance.FAILED, text)


def _in_order(
    plan: RolloutPolicy | None, found: Sequence[tuple[FeatureFlag, RolloutMark]]
) -> list[tuple[str, FeatureFlag, RolloutMark]]:
    """The flags with the arm of each, in the order of the plan; arms of no plan are called by their flag."""
    names = {flag_name(plan, found[0][1].model, arm): arm for arm in plan.treatments} if plan else {}
    order = list(names)
    known = sorted(found, key=lambda item: order.index(item[0].name) if item[0].name in names else len(order))
    return [(names.get(flag.name, flag.name), flag, mark) for flag, mark in known]


def _precedence(progress: Progress) -> tuple[int, int, float]:
    """Smaller leads: what ends a rollout before what goes on, a later step before an earlier one."""
    return _RANK.index(progress.phase), -progress.step, -progress.since.timestamp()


def _agreed(progress: Progress, *, is_half: bool) -> Progress:
    """A rollout is only over when all its flags say so."""
    if is_half and progress.phase is Phase.ABORTED:
        return replace(progress, phase=Phase.ABORTING)
    return replace(progress, phase=Phase.PROMOTING) if is_half and progress.phase is Phase.DONE else progress


def _obstacles(
    plan: RolloutPolicy | None,
    progress: Progress,
    ordered: Sequence[tuple[str, FeatureFlag, RolloutMark]],
    percentages: Sequence[int],
    *,
    is_half: bool,
) -> list[Obstacle]:
    found: list[Obstacle] = []
    if is_half:
        way_out = "Abort it once more" if progress.phase.is_abort else "Go on, or abort"
        text = f"The flags of the arms disagree: a change stopped half-way. {way_out}"
        found.append(Obstacle(Hindrance.HALF_WAY, text, stops_watch=False))
    elif plan is not None and 0 < progress.step <= len(plan.steps) and progress.phase in {Phase.RUNNING, Phase.HELD}:
        wanted = flag_percentages(list(arm_weights(plan, plan.steps[progress.step - 1].weight).values()))
        found += [
            Obstacle(
                Hindrance.CHANGED_BY_HAND,
                f"The flag {flag.name} was changed by hand: it gives {percentage} % where the step says {meant} %"
                + ("" if flag.is_active else ", and is off"),
            )
            for (_, flag, _), percentage, meant in zip(ordered, percentages, wanted, strict=False)
            if percentage != meant
        ]
    found += [
        Obstacle(
            Hindrance.CHANGED_BY_HAND,
            f"The flag {flag.name} has another strategy ({strategy.name}) that reaches {mark.environment}: "
            "shares add up, so the weight is not what is shown",
        )
        for _, flag, mark in ordered
        for strategy in flag.others_reaching(mark.environment)
        if not progress.phase.is_over
    ]
    return found


def _state(flag: FeatureFlag, environment: str) -> str:
    """What an action on a flag rests on, in a line that a person understands when it has changed."""
    shares = [
        f"{strategy.name} {strategy.parameters.get('rollout', strategy.parameters.get('percentage', ''))}"
        for strategy in flag.strategies
        if strategy.reaches(environment)
    ]
    return f"{'on' if flag.is_active else 'off'}, {', '.join(shares) or 'no strategy'}, {flag.description}"


def _require_flags(reading: ProjectReading) -> None:
    if reading.flags is None:
        why = reading.flags_error.why if reading.flags_error else ""
        raise RefusedError(
            f"The feature flags of {reading.project.ref.path} cannot be read",
            why=why,
            remedy="They need the role Developer, and a project in which they are not switched off",
        )


def _marked(sighting: Sighting) -> list[tuple[FeatureFlag, RolloutMark]]:
    marks = ((flag, read_mark(flag.description)) for flag in sighting.flags)
    return [(flag, mark) for flag, mark in marks if mark is not None]


def _all_calls(
    reading: ProjectReading, sighting: Sighting, plan: RolloutPolicy, after: Progress, percentages: Sequence[int]
) -> list[ApiCall]:
    """One call for each arm. Raises RefusedError where an arm of the plan has no flag, or a flag no arm."""
    missing = next((arm for arm in plan.treatments if arm not in sighting.versions), None)
    if missing is not None:
        raise RefusedError(
            f"The arm {missing} has no flag", why="the start stopped half-way", remedy="Abort it, and start anew"
        )
    calls = []
    for arm, version in sighting.versions.items():
        mark = replace(sighting.mark_after(after), version=version)
        place = plan.treatments.index(arm) if arm in plan.treatments else -1
        if place < 0:
            raise RefusedError(
                f"The plan no longer has an arm for the flag {arm}",
                why="the policy file was changed since the rollout began",
                remedy="Abort it, and start anew",
            )
        calls.append(_set_call(reading, plan, mark, place, percentages[place]))
    return calls


def _set_call(
    reading: ProjectReading,
    plan: RolloutPolicy,
    mark: RolloutMark,
    place: int,
    percentage: int,
    *,
    create: bool = False,
) -> ApiCall:
    name = flag_name(plan, mark.model, plan.treatments[place])
    flags = reading.flags.flags if reading.flags else ()
    flag = next((item for item in flags if item.name == name), None)
    strategy = flexible(group_id(mark.id, place), percentage, plan.stickiness)
    purpose = f"give {mark.model} {mark.version} {percentage} % by the flag {name}"
    scopes: list[JsonValue] = [{"environment_scope": mark.environment}]
    if flag is None:
        return create_flag_call(
            reading.project.ref, name, mark.text, [strategy | {"scopes": scopes}], f"make the flag, {purpose}"
        )
    if create:
        _require_free(reading, flag, mark.environment)
    own = flag.own_strategy(mark.environment)
    changed: Mapping[str, JsonValue] = strategy | ({"id": own.id} if own else {"scopes": scopes})
    return change_flag_call(reading.project.ref, name, mark.text, [changed], purpose, activates=True)


def _require_free(reading: ProjectReading, flag: FeatureFlag, environment: str) -> None:
    """Refuse a flag that something else moves; a rollout that is over in fact may still say that it is aborted."""
    others = flag.others_reaching(environment)
    if others:
        raise RefusedError(
            f"The flag {flag.name} cannot carry a rollout in {environment}",
            why=f"its strategy {others[0].name} reaches {environment} too, and the shares of strategies add up",
            remedy="Take that strategy off, or name another flag in the plan",
        )
    mark = read_mark(flag.description)
    open_ids = {item.mark.id for item in FlagDriver().sightings(reading) if not item.progress.phase.is_over}
    if mark is not None and mark.id in open_ids:
        raise RefusedError(
            f"The flag {flag.name} carries the rollout {mark.id} of {mark.model} {mark.version}",
            remedy="Finish or abort it first",
        )


def _zero_call(project: ProjectRef, flag: FeatureFlag, mark: RolloutMark) -> ApiCall:
    own = flag.own_strategy(mark.environment)
    parameters: dict[str, JsonValue] = {**(own.parameters if own else {}), "rollout": "0"}
    strategies: list[Mapping[str, JsonValue]] = []
    if own is not None:
        strategies.append({"id": own.id, "name": own.name, "parameters": parameters})
    return change_flag_call(project, flag.name, mark.text, strategies, f"take {mark.version} out of the traffic")
