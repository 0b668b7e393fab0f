"""What can be wrong with one of our files, said so that a person can act on it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from mlops_tui.domain.errors import MlopsError


class StorageError(MlopsError):
    """A database file could not be used; ``path`` is the file."""

    def __init__(self, what: str, *, path: Path, why: str = "", remedy: str = "") -> None:
        super().__init__(what, why=why, remedy=remedy)
        self.path = path


class DamagedFileError(StorageError):
    """The file is no sound SQLite database."""


class NewerFileError(StorageError):
    """The file was written by a later version of this program."""


class BusyFileError(StorageError):
    """Another process held the file for longer than we wait."""


class UnusableFileError(StorageError):
    """The file cannot be opened, read or written: rights, a full disk, a missing folder."""


class ClosedFileError(StorageError):
    """The file was closed by us before this was asked of it."""


def typed(error: sqlite3.Error, path: Path) -> StorageError | None:
    """The error as one a person can read, or None where it is about the statement and not about the file."""
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return damaged(path, str(error))
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return BusyFileError(
                f"{path} is in use",
                path=path,
                why="another process has held it for more than five seconds",
                remedy="Try again, or end the other mlops-tui",
            )
        case (
            sqlite3.SQLITE_CANTOPEN
            | sqlite3.SQLITE_FULL
            | sqlite3.SQLITE_IOERR
            | sqlite3.SQLITE_PERM
            | sqlite3.SQLITE_READONLY
        ):
            return unusable(path, str(error))
        case _:
            return None


def damaged(path: Path, why: str) -> DamagedFileError:
    """The error for a file whose content is broken."""
    return DamagedFileError(f"{path} is damaged", path=path, why=why, remedy="Restore it from a copy or move it away")


def unusable(path: Path, why: str) -> UnusableFileError:
    """The error for a file that the system does not let us use."""
    return UnusableFileError(
        f"{path} cannot be used", path=path, why=why, remedy="Check the rights and the free space of its folder"
    )
