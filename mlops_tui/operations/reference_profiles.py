"""Reference profiles in the registry: stored with a model version, found there again, downloaded once."""

from __future__ import annotations

from datetime import timedelta

from mlops_tui.analysis.profile_documents import dump_profile, load_profile
from mlops_tui.domain.actions import ActionKind, Change, Confirmation, ConfirmationKind, Preview, Subject
from mlops_tui.domain.errors import UsageError
from mlops_tui.domain.models import ModelVersion
from mlops_tui.domain.monitoring_files import PROFILE_PATH
from mlops_tui.domain.profiles import ReferenceProfile, StoredProfile
from mlops_tui.domain.projects import Project
from mlops_tui.domain.versions import parse_version
from mlops_tui.gitlab.files import read_file
from mlops_tui.gitlab.package_files import store_call
from mlops_tui.operations.actions import Action, Performed, Sender, State, new_intent, refuse_when_read_only
from mlops_tui.operations.models import find_model, read_version, version_of
from mlops_tui.operations.session import Session
from mlops_tui.operations.stored_files import read_stored_file, stored_files

_REMEMBERED = timedelta(minutes=1)


async def prepare_profile(
    session: Session, name: str, number: str, profile: ReferenceProfile, origin: str
) -> Action | None:
    """Preview storing a profile with a version; None where that very profile is stored already.

    ``origin`` says what it was made of, for the preview.

    Raises:
        UsageError: there is no such version, or the profile is larger than GitLab takes.
    """
    refuse_when_read_only(session)
    await session.identify()
    summary = await find_model(session, name)
    version = version_of(summary.model, number)
    before = await stored_profile(session, version)
    if before is not None and before.profile_id == profile.profile_id:
        return None
    call = store_call(version, PROFILE_PATH, dump_profile(profile), "store the reference profile with the version")
    what = f"{summary.model.name} {number}"

    async def read_state() -> State:
        fresh = await read_version(session, summary.project, summary.model.name, number)
        return {"version id": fresh.id if fresh else None, "profile": await _digest_of(session, fresh)}

    async def perform(sender: Sender) -> Performed:
        await sender.send(call)
        session.known_references.clear()
        page = f"{session.context.url}{version.web_path}" if version.web_path else ""
        message = f"The reference profile {profile.profile_id[:12]} is stored with {what}"
        return Performed(message, (page,) if page else (), {"profile": profile.profile_id})

    subject = Subject(session.context.origin, summary.project.ref.path, summary.model.name, number)
    intent = new_intent(session, ActionKind.STORE_PROFILE, subject, await read_state())
    changes = (
        Change("reference profile", described(before) if before else "none", described(profile)),
        Change("made of", "", origin),
    )
    preview = Preview(
        intent,
        f"Store the reference profile of {what}",
        (call,),
        changes,
        Confirmation(ConfirmationKind.YES),
        is_production=False,
    )
    return Action(preview, read_state, perform)


async def find_reference(
    session: Session, project: Project, model: str, version: str, named: str | None = None
) -> StoredProfile | None:
    """The profile that a version's traffic is compared with; None where nobody stored one.

    ``named`` is what the policy file says: another version, whose profile is taken, or a file of the repository.
    Looked for once a minute.

    Raises:
        ProfileError: what is stored there is damaged.
        UsageError: the file that is named does not exist.
    """
    if not (named or version):
        return None
    key = (project.ref.id, model, named or version)
    known = session.known_references.get(key)
    now = session.clock.now()
    if known is not None and now - known[0] < _REMEMBERED:
        return known[1]
    found = await _look_for(session, project, model, named or version)
    session.known_references[key] = (now, found)
    return found


async def stored_profile(session: Session, version: ModelVersion) -> ReferenceProfile | None:
    """The profile that is stored with a version, or None; a file is fetched once and then known by its digest.

    Raises:
        ProfileError: it is damaged, or of a newer version of this program.
        GateError: it is not what the registry keeps the checksum of.
    """
    file = (await stored_files(session, version)).get(PROFILE_PATH)
    if file is None:
        return None
    data = await read_stored_file(session, version.project, file)
    return load_profile(data, f"the profile stored with {version.model} {version.version}")


def described(profile: ReferenceProfile) -> str:
    """A profile in a few words."""
    rows = max((feature.counts.n for feature in profile.features), default=0)
    return f"{profile.profile_id[:12]} of {rows:,} rows and {len(profile.features)} features"


async def _look_for(session: Session, project: Project, model: str, named: str) -> StoredProfile | None:
    if parse_version(named) is None:
        return await _of_repository(session, project, named)
    version = await read_version(session, project, model, named)
    profile = None if version is None else await stored_profile(session, version)
    return None if profile is None else StoredProfile(profile, f"stored with {model} {named}")


async def _of_repository(session: Session, project: Project, path: str) -> StoredProfile:
    file = await read_file(session.transport, project.ref, path, project.default_branch)
    if file is None:
        raise UsageError(
            f"{path} is not in {project.ref.path}",
            why="the policy file names it as the reference profile",
            remedy=f"Add it to {project.default_branch}, or name a version there",
        )
    source = f"{project.ref.path}:{path}"
    return StoredProfile(load_profile(file.text.encode("utf-8"), source), source)


async def _digest_of(session: Session, version: ModelVersion | None) -> str | None:
    file = (await stored_files(session, version)).get(PROFILE_PATH)
    return None if file is None else file.sha256
