"""Which token opens the chosen instance.

The order: ``--token-file``, the environment, our own settings, python-gitlab's file, glab's file, the variables of a CI
job. A token that was not given for this very instance (its scheme, host and port) is left alone and that is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlops_tui.config.configuration import ConfiguredContext
from mlops_tui.config.glab import glab_credential
from mlops_tui.config.python_gitlab import python_gitlab_credential
from mlops_tui.config.tokens import checked_token, token_of_command, token_of_file
from mlops_tui.domain.contexts import Context, origin_of
from mlops_tui.domain.credentials import FoundCredential, Secret, TokenKind
from mlops_tui.domain.errors import ConfigError

_GITLAB_COM = "https://gitlab.com"
_JOB_TOKEN_PREFIX = "glcbt-"  # noqa: S105 - the public prefix of a kind of token


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the search looks at besides the context, handed in so that it can be tested.

    ``tell`` gets one line for people about each token that was found and left alone.
    """

    environment: Mapping[str, str]
    home: Path
    tell: Callable[[str], None]


def find_credential(chosen: ConfiguredContext, token_file: Path | None, surroundings: Surroundings) -> FoundCredential:
    """The first token in the order above.

    Runs the context's ``token_command`` or a helper of python-gitlab's file when their turn comes. Raises ConfigError
    when there is none, when the named file or command does not give one, or when it would travel unencrypted.
    """
    _require_encryption(chosen.context)
    for credential in _candidates(chosen, token_file, surroundings):
        if credential is not None:
            return credential
    raise ConfigError(
        f"There is no token for {chosen.context.origin}",
        why="none was given and neither the environment, the settings, python-gitlab nor glab has one for it",
        remedy="Give one with --token-file, set token_file or token_command in the context, or set GITLAB_TOKEN "
        "together with GITLAB_HOST",
    )


def _candidates(
    chosen: ConfiguredContext, token_file: Path | None, surroundings: Surroundings
) -> Iterator[FoundCredential | None]:
    """Each source in turn; a source is asked only when all before it had nothing."""
    context = chosen.context
    if token_file is not None:
        yield _from_file(token_file, "--token-file")
    yield _from_environment(context, surroundings)
    if chosen.token_file is not None:
        yield _from_file(chosen.token_file, f"token_file of context {context.name}")
    if chosen.token_command:
        yield _from_command(chosen.token_command, f"token_command of context {context.name}")
    yield python_gitlab_credential(context.origin, surroundings.environment, surroundings.home)
    yield glab_credential(context.origin, surroundings.environment, surroundings.home, surroundings.tell)
    yield _from_ci(context, surroundings)


def _require_encryption(context: Context) -> None:
    if not context.is_encrypted and not context.is_loopback:
        raise ConfigError(
            "The token would travel unencrypted",
            why=f"{context.origin} is plain http and not this machine",
            remedy="Use the https:// address",
        )


def _from_environment(context: Context, surroundings: Surroundings) -> FoundCredential | None:
    environment = surroundings.environment
    pairs = (
        ("GITLAB_TOKEN", ("GITLAB_HOST", "GITLAB_URL")),
        ("GITLAB_PRIVATE_TOKEN", ("GITLAB_URL", "GITLAB_HOST")),
    )
    for name, host_names in pairs:
        token = environment.get(name)
        if not token:
            continue
        host = next((environment[key] for key in host_names if environment.get(key)), _GITLAB_COM)
        if _is_same_origin(host, context.origin):
            return _credential(checked_token(token, name), name)
        advice = "" if any(environment.get(key) for key in host_names) else f"; set {host_names[0]} to say otherwise"
        surroundings.tell(f"{name} is not used: it is for {_shown(host)}, not for {context.origin}{advice}")
    return None


def _from_ci(context: Context, surroundings: Surroundings) -> FoundCredential | None:
    token = surroundings.environment.get("CI_JOB_TOKEN")
    if not token:
        return None
    server = surroundings.environment.get("CI_SERVER_URL", _GITLAB_COM)
    if _is_same_origin(server, context.origin):
        return FoundCredential(TokenKind.JOB, checked_token(token, "CI_JOB_TOKEN"), "CI_JOB_TOKEN")
    surroundings.tell(f"CI_JOB_TOKEN is not used: it is for {_shown(server)}, not for {context.origin}")
    return None


def _from_file(path: Path, source: str) -> FoundCredential:
    path = path.expanduser()
    return _credential(token_of_file(path, source), f"{source} ({path})")


def _from_command(words: tuple[str, ...], source: str) -> FoundCredential:
    return _credential(token_of_command(words, source), source)


def _credential(secret: Secret, source: str) -> FoundCredential:
    is_job = secret.reveal().startswith(_JOB_TOKEN_PREFIX)
    return FoundCredential(TokenKind.JOB if is_job else TokenKind.PERSONAL, secret, source)


def _is_same_origin(address: str, origin: str) -> bool:
    try:
        return origin_of(address.strip()) == origin
    except ValueError:
        return False


def _shown(address: str) -> str:
    try:
        return origin_of(address.strip())
    except ValueError:
        return "an address that cannot be read"
