"""The strategies of feature flags: what each may say, checked as strictly as GitLab does.

GitLab: app/models/operations/feature_flags/strategy.rb, app/validators/feature_flag_user_xids_validator.rb.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

USER_LIST = "gitlabUserList"
_GROUP = re.compile(r"[a-z]{1,32}")
_PERCENTAGE = re.compile(r"0|[1-9][0-9]?|100")
_STICKINESS = ("default", "userId", "sessionId", "random")
_LONGEST_USER_ID = 256
_SCOPE = re.compile(r"[A-Za-z0-9_/${}. *-]{1,255}")


def complaints(name: str, parameters: Any, *, has_user_list: bool) -> list[str]:
    """Return what is wrong with a strategy, one full sentence each."""
    if name not in _CHECKS:
        return ["Strategies name strategy name is invalid"]
    keys, check = _CHECKS[name]
    if not isinstance(parameters, dict) or set(parameters) != keys:
        found = ["parameters are invalid"]
    else:
        found = check(parameters)
    sentences = [f"Strategies parameters {text}" for text in found]
    if name == USER_LIST and not has_user_list:
        sentences.append("Strategies user list can't be blank")
    if name != USER_LIST and has_user_list:
        sentences.append("Strategies user list must be blank")
    return sentences


def scope_complaints(environment_scope: str) -> list[str]:
    """Return what is wrong with an environment scope."""
    if _SCOPE.fullmatch(environment_scope):
        return []
    rule = "can contain only letters, digits, '-', '_', '/', '$', '{', '}', '.', '*' and spaces"
    return [f"Strategies scopes environment scope {rule}, but it cannot start or end with '/'"]


def user_ids_complaint(text: Any) -> str | None:
    """Say what is wrong with a comma list of user ids, or return None."""
    wanted = "must be a string of unique comma separated values each 256 characters or less"
    if not isinstance(text, str) or not text:
        return wanted
    ids = text.split(",")
    fine = all(one and one == one.strip() and len(one) <= _LONGEST_USER_ID for one in ids)
    return None if fine and len(set(ids)) == len(ids) else wanted


def matches_scope(environment_scope: str, environment: str) -> bool:
    """Tell whether a scope such as `*`, `production` or `review/*` is meant for an environment."""
    pattern = ".*".join(re.escape(part) for part in environment_scope.split("*"))
    return re.fullmatch(pattern, environment, re.DOTALL) is not None


def _nothing(_parameters: Mapping[str, Any]) -> list[str]:
    return []


def _gradual(parameters: Mapping[str, Any]) -> list[str]:
    return [*_percentage("percentage", parameters), *_group(parameters)]


def _flexible(parameters: Mapping[str, Any]) -> list[str]:
    found = _percentage("rollout", parameters)
    if parameters["stickiness"] not in _STICKINESS:
        found.append("stickiness parameter must be default, userId, sessionId, or random")
    return [*found, *_group(parameters)]


def _user_ids(parameters: Mapping[str, Any]) -> list[str]:
    complaint = user_ids_complaint(parameters["userIds"])
    return [f"userIds {complaint}"] if complaint else []


def _percentage(key: str, parameters: Mapping[str, Any]) -> list[str]:
    given = parameters[key]
    if isinstance(given, str) and _PERCENTAGE.fullmatch(given):
        return []
    return [f"{key} must be a string between 0 and 100 inclusive"]


def _group(parameters: Mapping[str, Any]) -> list[str]:
    given = parameters["groupId"]
    return [] if isinstance(given, str) and _GROUP.fullmatch(given) else ["groupId parameter is invalid"]


_CHECKS: dict[str, tuple[set[str], Callable[[Mapping[str, Any]], list[str]]]] = {
    "default": (set(), _nothing),
    "gradualRolloutUserId": ({"groupId", "percentage"}, _gradual),
    "flexibleRollout": ({"groupId", "rollout", "stickiness"}, _flexible),
    "userWithId": ({"userIds"}, _user_ids),
    USER_LIST: (set(), _nothing),
}
