"""Build the wheel and try it in fresh environments: `python tests/fresh_environments.py [bare curator ...]`.

Each environment is a new virtual environment with the wheel and one extra; each role's commands run once in it, and
what the extra does not bring must be named with the line that installs it. Not a test module: it takes minutes.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PHOTOGRAPHS = """
import numpy as np
from pathlib import Path
from PIL import Image
rng = np.random.default_rng(0)
rows = ["scene_id,kind,exposures,licence"]
Path("photos").mkdir()
for index in range(24):
    ramp = np.linspace(20, 230, 96 * 128).reshape(96, 128, 1) + rng.normal(0, 12, (96, 128, 3))
    Image.fromarray(np.roll(ramp, 5 * index, axis=1).clip(0, 255).astype(np.uint8)).save(f"photos/{index}.png")
    rows.append(f"scene{index},rendered,{index}.png,CC0")
Path("photos/manifest.csv").write_text("\\n".join(rows) + "\\n")
Path("raw.csv").write_text("scene_id,kind,exposures\\none,raw,photos/raw.dng\\n")
Path("photos/raw.dng").write_bytes(b"II*\\0" + bytes(60))
Path("small.yaml").write_text("short_side: 64\\n")
Path("train.yaml").write_text("max_steps: 2\\noptimizer: {warmup_steps: 1}\\n")
"""


class Environment:
    """A fresh virtual environment with the wheel, and a folder to work in."""

    def __init__(self, name: str, wheel: Path, place: Path) -> None:
        self.name, self.folder = name, place / name
        self.work = self.folder / "work"
        venv.create(self.folder / "venv", with_pip=True)
        self.work.mkdir()
        self.bin = self.folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
        extra = "" if name == "bare" else f"[{name}]"
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        self.python(*install, "-c", str(ROOT / "constraints.txt"), f"iea40k{extra} @ {wheel.as_uri()}")
        self.python("-m", "pip", "check")
        self.python("-c", PHOTOGRAPHS)

    def python(self, *arguments: str, code: int = 0, **environment: str) -> str:
        """Run the environment's interpreter; return what it said. Ends the script where the exit code is another."""
        return self._run([str(self.bin / "python"), *arguments], code, environment)

    def iea40k(self, *arguments: str, code: int = 0, **environment: str) -> str:
        """Run the installed command."""
        return self._run([str(self.bin / "iea40k"), *arguments], code, environment)

    def lacks(self, *modules: str) -> None:
        """End the script where one of the modules can be imported here."""
        for module in modules:
            self.python("-c", f"import {module}", code=1)

    def asks_for(self, extra: str, *arguments: str) -> None:
        """The command must end as wrong use, with the line that installs the extra, and no traceback."""
        said = self.iea40k(*arguments, code=2)
        check(f"[{extra}]" in said and "pip install" in said, f"{arguments} does not name [{extra}]:\n{said}")

    def makes_a_release(self) -> None:
        """From pictures to a verified release."""
        self.iea40k("manifest", "check", "photos/manifest.csv")
        self.iea40k("build", "photos/manifest.csv", "store", "--config", "small.yaml")
        self.iea40k("status", "store")
        self.iea40k("release", "store", "release", "--version", "1.0.0")
        self.iea40k("verify", "release")

    def _run(self, command: list[str], code: int, environment: dict[str, str]) -> str:
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))}
        done = subprocess.run(
            command, cwd=self.work, env=clean | environment, capture_output=True, text=True, check=False
        )
        said = done.stdout + done.stderr
        shown = " ".join([Path(command[0]).name, *command[1:]])[:100].splitlines()[0]
        check(done.returncode == code, f"{shown} ended with {done.returncode}, expected {code}:\n{said}")
        check("Traceback" not in said or code == 1, f"{shown} ended in a traceback:\n{said}")
        print(f"  {self.name:10} {code}  {shown}")
        return said


def bare(here: Environment) -> None:
    """The core alone: reads, builds from finished pictures, releases; says what it lacks."""
    here.lacks("rawpy", "torch", "napari", "qtpy", "matplotlib")
    check(here.iea40k("--version").startswith("iea40k "), "no version")
    here.makes_a_release()
    here.asks_for("curator", "build", "raw.csv", "raw_store")
    here.asks_for("curator", "demo", "--out", "demo")
    here.asks_for("curator", "manifest", "photographs", "finished")
    here.asks_for("trainer", "train", "release", "--out", "run")
    here.asks_for("trainer", "predict", "p_ieanet_s", "photos/0.png", "-o", "out")
    here.asks_for("annotator", "annotate", "store", "--annotator", "Ada")
    here.asks_for("postgresql", "queue", "store", "--ledger", "postgresql://localhost/none", "list")
    foreign = here.work / "foreign" / "pipelines"
    foreign.mkdir(parents=True)
    (foreign / "__init__.py").write_text("raise RuntimeError('not ours')\n")
    said = here.iea40k("--version", code=2, PYTHONPATH=str(foreign.parent))
    check("another package hides our 'pipelines'" in said, said)


def curator(here: Environment) -> None:
    """RAW files, brackets and their release."""
    here.lacks("torch", "napari", "qtpy")
    here.iea40k("demo", "--out", "demo")
    here.iea40k("verify", "demo/release")


def annotator(here: Environment) -> None:
    """The window opens on a store, without torch."""
    here.lacks("torch", "rawpy")
    here.makes_a_release()
    here.python(
        "-c",
        "import annotator.window.opening, sys; assert 'torch' not in sys.modules",
        QT_QPA_PLATFORM="offscreen",
    )
    if shutil.which("xvfb-run"):
        _window_stays_open(here)


def _window_stays_open(here: Environment) -> None:
    command = ["xvfb-run", "-a", "-s", "-screen 0 1600x1000x24 +extension GLX", str(here.bin / "iea40k")]
    process = subprocess.Popen(
        [*command, "annotate", "store", "--look-only"],
        cwd=here.work,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    time.sleep(30)
    ended = process.poll()
    if ended is None:
        os.killpg(process.pid, 15)
    said = process.communicate()[1]
    check(ended is None, f"the window closed by itself with {ended}:\n{said}")
    check("Traceback" not in said, said)
    print(f"  {here.name:10} -  iea40k annotate store --look-only (open for 30 s)")


def trainer(here: Environment) -> None:
    """Train, evaluate and predict, without Qt."""
    here.lacks("PySide6", "napari", "rawpy")
    here.makes_a_release()
    here.iea40k("train", "release", "--out", "run", "--config", "train.yaml")
    here.iea40k("evaluate", "run/best.safetensors", "release")
    here.iea40k("predict", "p_ieanet_s", "photos/0.png", "-o", "out")


ROLES: dict[str, Callable[[Environment], None]] = {
    "bare": bare,
    "curator": curator,
    "annotator": annotator,
    "trainer": trainer,
}


def check(held: bool, otherwise: str) -> None:
    """End the script where something does not hold."""
    if not held:
        sys.exit(f"FAILED: {otherwise}")


def built(place: Path) -> Path:
    """Build the source distribution, from it the wheel, and look at both; return the wheel."""
    venv.create(place / "builder", with_pip=True)
    python = place / "builder" / ("Scripts" if os.name == "nt" else "bin") / "python"
    quiet = ["--quiet", "--disable-pip-version-check"]
    subprocess.run([python, "-m", "pip", "install", *quiet, "build"], check=True)
    tree = place / "tree"  # a build leaves files behind, which must not get into the checkout
    ignored = shutil.ignore_patterns(
        ".git", ".venv", "*.egg-info", "build", "dist", "__pycache__", ".*_cache", "demo", "runs"
    )
    shutil.copytree(ROOT, tree, ignore=ignored)
    command = [python, "-m", "build", "--outdir", place / "dist", tree]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    check(done.returncode == 0, done.stdout + done.stderr)
    (sdist,), (wheel,) = (list((place / "dist").glob(f"*{suffix}")) for suffix in (".tar.gz", ".whl"))
    with tarfile.open(sdist) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    for wanted in (
        "README.md",
        "constraints.txt",
        "docs/words.md",
        "tests/conftest.py",
        "tests/iea40k/test_manifest.py",
    ):
        check(wanted in held, f"the source distribution lacks {wanted}")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = (archive.read(n).decode() for n in names if n.endswith("/METADATA"))
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    check(tops == {"annotator", "iea40k", "manifests", "pipelines"}, f"the wheel holds {tops}")
    check("](" not in metadata, "the description has a link that leads nowhere outside the repository")
    print(f"  {wheel.name} ({wheel.stat().st_size / 1e6:.1f} MB), {sdist.name}")
    return wheel


def main() -> None:
    """Build, then try each environment that was named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "roles", nargs="*", choices=[*ROLES, []], help="which environments; all without names"
    )
    roles = parser.parse_args().roles or list(ROLES)
    with tempfile.TemporaryDirectory() as folder:
        wheel = built(Path(folder))
        for role in roles:
            start = time.monotonic()
            ROLES[role](Environment(role, wheel, Path(folder)))
            print(f"{role}: sound, {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()
