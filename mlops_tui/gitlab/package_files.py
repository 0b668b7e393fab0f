"""Files that are stored with a model version, beside those of the model itself."""

from __future__ import annotations

from urllib.parse import quote

from mlops_tui.domain.api_calls import ApiCall, FileBody, Method
from mlops_tui.domain.errors import UsageError
from mlops_tui.domain.models import ModelVersion

# A file may have 5 GB on gitlab.com, and 10 GB by GitLab's own default (doc/administration/instance_limits.md).
LARGEST_FILE = 5_000_000_000


def store_call(version: ModelVersion, path: str, data: bytes, purpose: str) -> ApiCall:
    """Store a file under ``path`` in the version's package; of several under one path the last is served.

    The segments of ``path`` hold letters, digits, ``.``, ``_``, ``-``, ``+`` and blanks only (GitLab:
    lib/api/ml_model_packages.rb).

    Raises:
        UsageError: the file is larger than GitLab takes.
    """
    if len(data) > LARGEST_FILE:
        raise UsageError(
            f"{path} is not stored",
            why=f"it has {len(data):,} bytes, and GitLab takes {LARGEST_FILE:,}",
            remedy="Make it with fewer features or bins",
        )
    route = f"/api/v4/projects/{version.project.id}/packages/ml_models/{version.id}/files/{quote(path)}"
    return ApiCall(Method.PUT, route, purpose=purpose, file=FileBody.of(path.rsplit("/", 1)[-1], data))
