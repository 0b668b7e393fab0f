"""The settings of a project, their defaults and what may be changed (GitLab: lib/api/helpers/projects_helpers.rb)."""

from __future__ import annotations

from typing import Any

from mlops_tui.sandbox.parameters import Kind, optional

FEATURES = {
    "issues_access_level": "enabled",
    "repository_access_level": "enabled",
    "merge_requests_access_level": "enabled",
    "forking_access_level": "enabled",
    "wiki_access_level": "enabled",
    "builds_access_level": "enabled",
    "snippets_access_level": "enabled",
    "pages_access_level": "private",
    "analytics_access_level": "enabled",
    "container_registry_access_level": "enabled",
    "releases_access_level": "enabled",
    "environments_access_level": "enabled",
    "feature_flags_access_level": "enabled",
    "infrastructure_access_level": "enabled",
    "monitor_access_level": "enabled",
    "model_experiments_access_level": "enabled",
    "model_registry_access_level": "enabled",
    "package_registry_access_level": "enabled",
}
SETTINGS: dict[str, Any] = {
    "archived": False,
    "lfs_enabled": True,
    "shared_runners_enabled": True,
    "jobs_enabled": True,
    "issues_enabled": True,
    "merge_requests_enabled": True,
    "packages_enabled": True,
    "ci_default_git_depth": 20,
    "ci_config_path": "",
    "ci_forward_deployment_enabled": True,
    "ci_forward_deployment_rollback_allowed": True,
    "ci_job_token_scope_enabled": False,
    "ci_separated_caches": True,
    "ci_allow_fork_pipelines_to_run_in_parent_project": True,
    "ci_pipeline_variables_minimum_override_role": "developer",
    "ci_push_repository_for_job_token_allowed": False,
    "build_timeout": 3600,
    "auto_devops_enabled": False,
    "public_jobs": True,
    "restrict_user_defined_variables": False,
    "only_allow_merge_if_pipeline_succeeds": False,
    "merge_method": "merge",
    "squash_option": "default_off",
}
WRITABLE = (
    optional("name", blank=False),
    optional("description"),
    optional("default_branch"),
    optional("visibility", values=("private", "internal", "public")),
    *(optional(name, values=("disabled", "private", "enabled")) for name in FEATURES),
    *(
        optional(name, {bool: Kind.BOOLEAN, int: Kind.INTEGER, str: Kind.TEXT}[type(value)])
        for name, value in SETTINGS.items()
    ),
    optional("allow_pipeline_trigger_approve_deployment", Kind.BOOLEAN),
)
