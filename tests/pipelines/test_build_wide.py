"""Builds on many workers and on a scheduler: the same bytes, and what goes wrong named before or beside the rest."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from iea40k.errors import BadInputError
from iea40k.isolation import Limits
from iea40k.store.layout import Store
from pipelines.build import build
from pipelines.cli.program import run
from pipelines.config import BuildConfig
from pipelines.executor import Workers
from pipelines.synthetic import PHOTOGRAPHS, make_project
from tests.killing import files_of
from tests.processes import children_that_run

pytest.importorskip("distributed", reason="the extra [cluster] is not installed")

ROOT = Path(__file__).parents[2]
CONFIG = BuildConfig(short_side=96)
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """Two RAW files and two brackets of one camera."""
    folder = tmp_path_factory.mktemp("project")
    chosen = [p for p in PHOTOGRAPHS if p.name in ("coffee", "chelsea", "flower")]
    manifest = make_project(folder, chosen, scale=0.6)
    lines = manifest.read_text(encoding="utf-8").splitlines()
    bracket = next(line for line in lines if line.startswith("flower,"))
    manifest.write_text("\n".join([*lines, "other_" + bracket]) + "\n", encoding="utf-8")
    return manifest


@pytest.fixture(scope="module")
def many(project) -> Path:
    """More scenes than are built before anybody can stop it."""
    header, *lines = project.read_text(encoding="utf-8").splitlines()
    coffee = next(line for line in lines if line.startswith("coffee,"))
    manifest = project.with_name("many.csv")
    rows = [coffee.replace("coffee,", f"coffee{number},", 1) for number in range(60)]
    manifest.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return manifest


@pytest.fixture(scope="module")
def alone(project, tmp_path_factory) -> dict[str, str]:
    store = tmp_path_factory.mktemp("alone") / "store"
    assert build(project, store, CONFIG).failures == []
    return files_of(store)


@pytest.mark.parametrize("count", [2, 8])
def test_any_number_of_workers_makes_the_same_bytes(project, alone, tmp_path, count):
    store = tmp_path / "store"
    said: list[str] = []
    report = build(project, store, CONFIG, workers=Workers(count), say=said.append)
    assert [outcome.status for outcome in report.outcomes] == ["built"] * 4
    assert files_of(store) == alone
    assert report.memory > 50_000_000
    assert "http://127.0.0.1" in said[0]
    known = Store.open(store).open_scene("flower").recipe
    assert '"brackets": 2' in json.dumps(known)  # the camera was learnt from both brackets


def test_a_scene_that_breaks_a_limit_on_a_worker_is_named(project, tmp_path):
    report = build(project, tmp_path / "store", CONFIG, workers=Workers(2), limits=Limits(seconds=0.01))
    assert report.count("quarantined") == 4
    assert all("at most 0.01 seconds" in outcome.message for outcome in report.outcomes)


def test_a_worker_killed_in_the_middle_of_a_scene_costs_nothing(project, alone, tmp_path):
    killed = []

    def kill(*_: object) -> None:
        busy = [worker for worker in children_that_run("spawn_main") if children_that_run("", worker)]
        if busy and not killed:
            killed.append(busy[0].pid)
            busy[0].kill()

    report = build(project, tmp_path / "store", CONFIG, workers=Workers(2), progress=kill)
    assert len(killed) == 1
    assert report.failures == []  # a scene whose answer died with the worker is found kept
    assert files_of(tmp_path / "store") == alone


def started(project: Path, store: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "iea40k", "build", str(project), str(store), *options]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        start_new_session=True,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


@pytest.mark.skipif(sys.platform == "win32", reason="signals to a group of processes")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_build_that_is_stopped_leaves_no_process_and_no_blame(many, tmp_path, number):
    process = started(many, tmp_path / "store", "--workers", "2")
    scenes = tmp_path / "store" / "scenes"
    while not (scenes.is_dir() and any(scenes.iterdir())):
        assert process.poll() is None
        time.sleep(0.05)
    below = psutil.Process(process.pid).children(recursive=True)
    assert len(below) >= 3
    if number == signal.SIGKILL:
        process.kill()
    else:
        os.killpg(process.pid, number)
    said = process.communicate(timeout=240)[1]
    assert process.returncode == (-9 if number == signal.SIGKILL else 130)
    if number == signal.SIGINT:
        assert "run the same command again" in said
        assert "Traceback" not in said
    _, living = psutil.wait_procs(below, timeout=120)
    assert living == []
    assert Store.open(tmp_path / "store").quarantined() == []


# ---------------------------------------------------------------- an existing scheduler


@contextlib.contextmanager
def cluster(
    folder: Path,
    *tls: str,
    environment: dict[str, str] | None = None,
    of_scheduler: dict[str, str] | None = None,
) -> Iterator[str]:
    """A scheduler process and a worker process, as somebody else would start them."""
    file = folder / "scheduler.json"
    file.unlink(missing_ok=True)
    env = {**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})}
    dask = [sys.executable, "-m", "dask"]
    options = [*tls, "--scheduler-file", str(file)]
    quiet = {"env": env, "cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    host = ("--host", "tls://127.0.0.1" if tls else "127.0.0.1")
    scheduler = subprocess.Popen(
        [*dask, "scheduler", *options, *host, "--port", "0", "--no-dashboard"],
        **{**quiet, "env": {**env, **(of_scheduler or {})}},
    )
    worker = None
    try:
        while not (file.exists() and file.read_text().rstrip().endswith("}")):
            assert scheduler.poll() is None
            time.sleep(0.05)
        worker = subprocess.Popen([*dask, "worker", *options, "--nworkers", "1", "--nthreads", "1"], **quiet)
        yield json.loads(file.read_text())["address"]
    finally:
        for process in filter(None, (worker, scheduler)):
            process.terminate()
            process.wait(timeout=120)


def test_an_existing_scheduler_makes_the_same_bytes(project, alone, tmp_path):
    with cluster(tmp_path) as address:
        assert (
            run(
                [
                    "build",
                    str(project),
                    str(tmp_path / "store"),
                    "--scheduler",
                    address,
                    "--config",
                    str(config_file(tmp_path)),
                ]
            )
            == 0
        )
    assert files_of(tmp_path / "store") == alone


def config_file(folder: Path) -> Path:
    file = folder / "build.yaml"
    file.write_text("short_side: 96\n")
    return file


def test_a_scheduler_that_wants_tls_gets_it(project, alone, tmp_path):
    from distributed.security import Security

    made = Security.temporary()
    for name in ("tls_ca_file", "tls_client_cert", "tls_client_key"):
        (tmp_path / name).write_text(getattr(made, name))
    ca, cert, key = (tmp_path / name for name in ("tls_ca_file", "tls_client_cert", "tls_client_key"))
    tls = ("--tls-ca-file", str(ca), "--tls-cert", str(cert), "--tls-key", str(key))
    with cluster(tmp_path, *tls) as address:
        assert address.startswith("tls://")
        with pytest.raises(BadInputError, match="no scheduler answers"):
            build(project, tmp_path / "store", CONFIG, workers=Workers(scheduler=address))
        there = Workers(scheduler=address, tls_ca=ca, tls_cert=cert, tls_key=key)
        build(project, tmp_path / "store", CONFIG, workers=there, only=["coffee"])
    assert files_of(tmp_path / "store" / "scenes" / "coffee") == {
        name.removeprefix("scenes/coffee/"): digest
        for name, digest in alone.items()
        if "scenes/coffee/" in name
    }


def test_a_worker_of_another_version_is_named_before_the_first_scene(project, tmp_path):
    other = tmp_path / "site" / "iea40k-9.9.9.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: iea40k\nVersion: 9.9.9\n")
    path = os.pathsep.join([str(other.parent), str(ROOT)])
    with (
        cluster(tmp_path, environment={"PYTHONPATH": path}) as address,
        pytest.raises(BadInputError, match=r"iea40k 9\.9\.9, here 0\."),
    ):
        build(project, tmp_path / "store", CONFIG, workers=Workers(scheduler=address))
    assert not (tmp_path / "store").exists()


def test_a_scheduler_of_another_version_is_named_once_and_leaves_no_store(project, tmp_path):
    """Its process is told another version of itself, as an older environment there would have."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        "import importlib.metadata as m\nreal = m.version\n"
        "m.version = lambda name: '2020.1.0' if name == 'distributed' else real(name)\n"
    )
    path = os.pathsep.join([str(site), str(ROOT)])
    with cluster(tmp_path, of_scheduler={"PYTHONPATH": path}) as address:
        arguments = ["build", project, tmp_path / "a" / "store", "--scheduler", address]
        done = subprocess.run(
            [sys.executable, "-m", "iea40k", *arguments], capture_output=True, text=True, check=False
        )
    assert done.returncode == 2
    assert done.stderr.startswith("the cluster runs other versions than this program\n")
    assert "the scheduler: distributed 2020.1.0, here " in done.stderr
    assert not (tmp_path / "a").exists()


@pytest.mark.skipif(
    shutil.which("unshare") is None
    or subprocess.run(["unshare", "-rm", "true"], check=False).returncode != 0,
    reason="a worker with other disks needs a mount namespace",
)
def test_a_store_that_only_the_client_sees_is_told_before_the_first_scene(project, tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    hidden = f'mount -t tmpfs none {tmp_path / "mine"} && exec {sys.executable} "$@"'
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\nexec unshare -rm sh -c '{hidden}' python \"$@\"\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    with cluster(tmp_path) as address, pytest.raises(BadInputError, match="folder is not there"):
        build(project, tmp_path / "mine" / "store", CONFIG, workers=Workers(scheduler=address))
    assert list((tmp_path / "mine").iterdir()) == []
    build(project, tmp_path / "mine" / "store", CONFIG, only=["coffee"])
    before = files_of(tmp_path / "mine")
    with cluster(tmp_path) as address, pytest.raises(BadInputError, match="folder is not there"):
        build(project, tmp_path / "mine" / "store", CONFIG, workers=Workers(scheduler=address))
    assert files_of(tmp_path / "mine") == {**before, "store/.writing/": ""}


def test_a_scheduler_that_is_not_there_is_wrong_use(project, tmp_path, capsys):
    assert run(["build", str(project), str(tmp_path / "store"), "--scheduler", "tcp://127.0.0.1:9"]) == 2
    assert "no scheduler answers" in capsys.readouterr().err
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("address", ["nonsense", "tls://127.0.0.1:9", "foo://127.0.0.1:9"])
def test_an_address_that_none_can_have_is_told_once(project, tmp_path, address):
    # Dask's half-made client used to complain of itself, with a traceback, 20 seconds after the error was told.
    done = subprocess.run(
        [sys.executable, "-m", "iea40k", "build", project, tmp_path / "store", "--scheduler", address],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("no scheduler answers\n")
    assert "Traceback" not in done.stderr


def test_certificates_that_do_not_do_are_named(project, tmp_path):
    junk = tmp_path / "junk.pem"
    junk.write_text("this is no certificate\n")

    def built_with(ca: Path) -> None:
        who = Workers(scheduler="tls://127.0.0.1:9", tls_ca=ca, tls_cert=junk, tls_key=junk)
        build(project, tmp_path / "store", CONFIG, workers=who)

    with pytest.raises(BadInputError, match="there is no such file") as absent:
        built_with(tmp_path / "absent.pem")
    assert absent.value.where == tmp_path / "absent.pem"
    with pytest.raises(BadInputError, match="these certificates cannot be used"):
        built_with(junk)


@pytest.mark.parametrize(
    "options", [["--workers", "0"], ["--workers", "2", "--scheduler", "tcp://127.0.0.1:9"]]
)
def test_workers_that_make_no_sense_are_wrong_use(project, tmp_path, options, capsys):
    assert run(["build", str(project), str(tmp_path / "store"), *options]) == 2
    assert "workers" in capsys.readouterr().err
    assert not (tmp_path / "store").exists()
