"""What `pipx install` gets: a wheel that works from an empty environment and another folder."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def ran(*arguments: str | Path, folder: Path) -> str:
    ended = subprocess.run(arguments, check=False, cwd=folder, capture_output=True, text=True, timeout=110)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build with the tools of this environment, so that nothing is fetched."""
    folder = tmp_path_factory.mktemp("dist")
    ran(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, folder=ROOT)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_every_file_of_the_package_that_is_not_code(wheel: Path) -> None:
    data = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "mlops_tui").rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc"}
    }
    assert {Path(name).suffix for name in data} >= {".tcss", ".sql", ".json", ".graphql"}
    assert data <= set(zipfile.ZipFile(wheel).namelist())


@pytest.mark.slow
@pytest.mark.serial
@pytest.mark.timeout(300)
def test_it_runs_from_an_empty_environment_and_another_folder(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    quiet = ("-m", "pip", "--disable-pip-version-check", "--quiet", "install")
    subprocess.run([python, *quiet, "-r", ROOT / "requirements" / "runtime.txt"], check=True, timeout=280)
    ran(python, *quiet, "--no-deps", "--no-index", wheel, folder=tmp_path)
    program = tmp_path / "venv" / "bin" / "mlops-tui"
    assert ran(program, "--version", folder=tmp_path).startswith("mlops-tui ")
    assert '"mlops-tui/contexts/1"' in ran(program, "config", "contexts", "--output", "json", folder=tmp_path)
    assert ran(program, "models", "--help", folder=tmp_path)
