"""What a job's script "does" in the sandbox, where nothing is ever executed.

A script is read line by line. These commands mean what they say: `sleep N` takes N seconds, `echo TEXT` prints,
`exit N` ends the job with that code, `true`, `false`, and `test A = B`, `test A != B`, `test -n A`, `test -z A`
(also written `[ A = B ]`). `A && B` and `A || B` work. Any other command prints nothing, succeeds, and takes one to
four seconds drawn from the job's seed. Variables are expanded before.
"""

import random
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_CONNECTIVE = re.compile(r"\s+(&&|\|\|)\s+")
_ECHO_SECONDS = 0.2
_MAXIMUM_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a script with what it prints and how long it takes.

    The command itself is shown at once; its output is spread evenly over `seconds`.
    """

    command: str
    output: tuple[str, ...]
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """Return the form that is stored with a job."""
        return {"command": self.command, "output": list(self.output), "seconds": self.seconds}

    @staticmethod
    def from_json(stored: Mapping[str, Any]) -> "Step":
        """Read back what `as_json` wrote."""
        return Step(stored["command"], tuple(stored["output"]), float(stored["seconds"]))


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Everything a script will do, known before it starts."""

    steps: tuple[Step, ...]
    exit_code: int

    @property
    def seconds(self) -> float:
        """How long the script takes."""
        return sum(step.seconds for step in self.steps)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What one simple command did; `ends` is true for `exit`."""

    output: tuple[str, ...]
    seconds: float
    exit_code: int
    ends: bool = False


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Replace `$NAME` and `${NAME}`; an unknown variable becomes nothing."""
    return _VARIABLE.sub(lambda found: variables.get(found[1] or found[2], ""), text)


def rehearse(script: Sequence[str], variables: Mapping[str, str], seed: str, speed: float = 1.0) -> Rehearsal:
    """Work out what a script will print, how long it takes and how it ends.

    Args:
        script: The commands as written; a command may have several lines.
        variables: Values for `$NAME`.
        seed: Decides how long unknown commands take; the same seed gives the same times.
        speed: How many times faster than written everything runs.
    """
    drawn = random.Random(seed)  # noqa: S311 - nothing secret is drawn
    steps: list[Step] = []
    for entry in script:
        shown = entry.splitlines()[0] + " # collapsed multi-line command" if "\n" in entry.strip() else entry.strip()
        output: list[str] = []
        seconds = 0.0
        outcome = _Outcome((), 0.0, 0)
        for line in filter(None, (line.strip() for line in entry.splitlines())):
            outcome = _line(expand(line, variables), drawn)
            output.extend(outcome.output)
            seconds += outcome.seconds
            if outcome.ends or outcome.exit_code:
                break
        steps.append(Step(shown, tuple(output), min(seconds, _MAXIMUM_SECONDS) / speed))
        if outcome.ends or outcome.exit_code:
            return Rehearsal(tuple(steps), outcome.exit_code)
    return Rehearsal(tuple(steps), 0)


def _line(line: str, drawn: random.Random) -> _Outcome:
    """Run the simple commands of one line from left to right."""
    first, *others = _CONNECTIVE.split(line)
    outcome = _command(first, drawn)
    for connective, command in zip(others[::2], others[1::2], strict=True):
        if outcome.ends:
            return outcome
        if (connective == "&&") != (outcome.exit_code == 0):
            continue
        then = _command(command, drawn)
        outcome = _Outcome(outcome.output + then.output, outcome.seconds + then.seconds, then.exit_code, ends=then.ends)
    return outcome


def _command(command: str, drawn: random.Random) -> _Outcome:
    words = _words(command)
    match words:
        case [] | ["true", *_]:
            return _Outcome((), 0.0, 0)
        case ["false", *_]:
            return _Outcome((), 0.0, 1)
        case ["echo", *printed]:
            return _Outcome((" ".join(printed),), _ECHO_SECONDS, 0)
        case ["sleep", duration]:
            return _Outcome((), _number(duration), 0)
        case ["exit", *code]:
            return _Outcome((), 0.0, int(_number(code[0])) if code else 0, ends=True)
        case ["test", *condition] | ["[", *condition, "]"]:
            return _Outcome((), 0.0, 0 if _holds(condition) else 1)
        case _:
            return _Outcome((), 1.0 + 3.0 * drawn.random(), 0)


def _words(command: str) -> list[str]:
    if command.startswith("#"):
        return []
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()


def _number(text: str) -> float:
    try:
        return max(0.0, float(text))
    except ValueError:
        return 0.0


def _holds(condition: Sequence[str]) -> bool:
    match list(condition):
        case [left, "=" | "==", right]:
            return left == right
        case [left, "!=", right]:
            return left != right
        case ["-n", text]:
            return bool(text)
        case ["-z"] | ["-z", ""]:
            return True
        case [text]:
            return bool(text) and text != "-n"
        case _:
            return False
