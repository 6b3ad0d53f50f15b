"""`iea40k release`, `verify` and `diff` as a person runs them: exit codes, results on stdout, messages on stderr."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from iea40k.files import sha256_file
from iea40k.store.layout import Store
from pipelines.cli.program import run
from pipelines.cli.terminal import BAD_USE, DONE, FAILURES
from tests.builders import built_scene


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = Store.create(tmp_path_factory.mktemp("cli") / "store")
    for index in range(4):
        store.write_scene(built_scene(f"s{index}", licence="MIT" if index else "CC0-1.0"))
    return store.path


@pytest.fixture
def out(store: Path, tmp_path: Path) -> Path:
    assert run(["release", str(store), str(tmp_path / "out"), "--version", "1.0.0"]) == DONE
    return tmp_path / "out"


def test_release_verify_diff_from_a_shell(store: Path, tmp_path: Path) -> None:
    def iea40k(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pipelines.cli", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            cwd=Path(__file__).parents[3],
        )

    first = iea40k("release", store, tmp_path / "1", "--version", "1.0.0")
    assert first.returncode == DONE, first.stderr
    assert "4 scenes, 12 exposures" in first.stderr
    assert first.stdout == ""
    second = iea40k("release", store, tmp_path / "2", "--version", "1.1.0", "--licence", "mit", "--json")
    result = json.loads(second.stdout)
    assert (result["scenes"], result["version"], len(result["digest"])) == (3, "1.1.0", 64)
    assert iea40k("verify", tmp_path / "2").returncode == DONE
    compared = iea40k("diff", tmp_path / "1", tmp_path / "2")
    assert "exposure dataset 1.0.0 -> exposure dataset 1.1.0" in compared.stdout
    assert "s0" in compared.stdout


def test_a_published_release_stays_as_it_is(
    store: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (out / "SHA256SUMS").read_bytes()
    assert run(["release", str(store), str(out), "--version", "2.0.0"]) == BAD_USE
    assert "never overwritten" in capsys.readouterr().err
    assert (out / "SHA256SUMS").read_bytes() == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--version", "1"], "not a version"),
        (["--version", "1.0.0", "--licence", "GPL"], "no scene of the store has this licence"),
        (["--version", "1.0.0", "--published", "yesterday"], "date of publication"),
        ([], "--version"),
    ],
)
def test_wrong_use_is_told(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    assert run(["release", str(store), str(tmp_path / "x"), *options]) == BAD_USE
    assert message in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_verify_lists_what_is_wrong(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (out / "README.md").write_text("changed")
    assert run(["verify", str(out)]) == FAILURES
    assert "README.md" in capsys.readouterr().err
    assert run(["verify", str(out), "--json"]) == FAILURES
    found = json.loads(capsys.readouterr().out)
    assert found["kind"] == "release"
    assert [p["what"] for p in found["problems"]] == ["a file is not what was published"]


def test_the_root_digest_is_printed_and_compared(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "out")
    assert run(["release", str(store), out, "--version", "1.0.0", "--json"]) == DONE
    root = json.loads(capsys.readouterr().out)["root_digest"]
    assert (tmp_path / "out" / "ROOT.sha256").read_text() == f"{root}  release.json\n"
    assert run(["verify", out, "--root", root]) == DONE
    assert f"root digest {root}, which is the one that was noted" in capsys.readouterr().err
    assert run(["verify", out, "--root", "0" * 64]) == FAILURES
    assert "not the release whose root digest was noted" in capsys.readouterr().err
    assert run(["verify", out, "--root", "12"]) == BAD_USE
    assert run(["verify", out, "--json"]) == DONE
    told = json.loads(capsys.readouterr().out)
    assert (told["root_digest"], told["carries_root"], told["signature"]["state"]) == (root, True, "none")


def test_an_older_release_is_told_to_carry_no_root_digest(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sums = (out / "SHA256SUMS").read_text().splitlines(keepends=True)
    (out / "SHA256SUMS").write_text("".join(line for line in sums if "digests.parquet" not in line))
    head = json.loads((out / "release.json").read_text())
    del head["root"], head["arrays"]
    head["sha256sums"] = sha256_file(out / "SHA256SUMS")
    (out / "release.json").write_text(json.dumps(head))
    for name in ("ROOT.sha256", "tables/digests.parquet"):
        (out / name).unlink()
    capsys.readouterr()
    assert run(["verify", str(out)]) == DONE
    assert "carries no root digest" in capsys.readouterr().err


def test_a_signature_that_is_asked_for_must_be_there(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"
    assert run(["verify", str(out), "--public-key", key]) == FAILURES
    assert "there is no signature" in capsys.readouterr().err


def test_a_release_has_no_ledger_to_verify(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", str(out), "--ledger", "postgresql://h/d"]) == 2
    assert "queue STORE verify --release" in capsys.readouterr().err


def test_verify_knows_stores(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", str(store), "--json"]) == DONE
    found = json.loads(capsys.readouterr().out)
    root = found.pop("root_digest")
    assert found == {"path": str(store), "kind": "store", "problems": []}
    assert run(["verify", str(store), "--root", root]) == DONE
    assert "which is the one that was noted" in capsys.readouterr().err
    assert run(["verify", str(store), "--root", "0" * 64]) == FAILURES
    assert "not what it was when its root digest was noted" in capsys.readouterr().err
    shutil.rmtree(store / "list")
    assert run(["verify", str(store)]) == FAILURES
    assert "--make-list" in capsys.readouterr().err
    assert run(["verify", str(store), "--make-list", "--root", root]) == DONE


def test_verify_of_neither_says_what_it_looks_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", str(tmp_path)]) == BAD_USE
    assert "neither a release nor a store" in capsys.readouterr().err


@pytest.mark.parametrize("left", ["SHA256SUMS", "arrays"])
def test_an_interrupted_copy_is_named_by_every_command(
    out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], left: str
) -> None:
    part = tmp_path / "part"
    part.mkdir()
    if (out / left).is_dir():
        shutil.copytree(out / left, part / left)
    else:
        shutil.copy(out / left, part / left)
    page = str(tmp_path / "page.html")
    for words in (["verify", str(part)], ["diff", str(out), str(part)], ["report", str(part), "-o", page]):
        assert run(words) == BAD_USE
        said = capsys.readouterr().err
        assert "not whole" in said
        assert "copy the release again" in said


def test_diff_as_json(store: Path, out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["release", str(store), str(tmp_path / "b"), "--version", "1.0.1", "--seed", "5"])
    capsys.readouterr()
    assert run(["diff", str(out), str(tmp_path / "b"), "--json"]) == DONE
    found = json.loads(capsys.readouterr().out)
    assert (found["scenes_added"], found["pixels_changed"]) == ([], 0)
    assert found["moved_in_splits"]
    assert run(["diff", str(out), str(out)]) == DONE
    assert "the same scenes" in capsys.readouterr().out


def test_what_is_not_there_is_wrong_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nowhere = str(tmp_path / "nowhere")
    assert run(["release", nowhere, str(tmp_path / "out"), "--version", "1.0.0"]) == BAD_USE
    assert "no store here" in capsys.readouterr().err
    assert run(["diff", nowhere, nowhere]) == BAD_USE
    assert "no release here" in capsys.readouterr().err


@pytest.fixture(scope="module")
def cut(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cut") / "release"
    assert run(["release", str(store), str(folder), "--version", "1.0.0"]) == DONE
    return folder


STORE_FOR_RELEASE = [
    "train STORE --out NEW",
    "evaluate p_ieanet_s STORE",
    "diff STORE RELEASE",
    "diff RELEASE STORE",
    "export STORE NEW --format official",
]
RELEASE_FOR_STORE = [
    "status RELEASE",
    "status RELEASE --sheet NEW",
    "queue RELEASE add",
    "queue RELEASE list",
    "release RELEASE NEW --version 1.0.0",
    "agreement RELEASE",
    "build MANIFEST RELEASE",
    "release STORE STORE --version 1.0.0",
]


@pytest.mark.parametrize("words", [*STORE_FOR_RELEASE, *RELEASE_FOR_STORE])
def test_a_store_named_for_a_release_is_told_and_the_other_way_round(words, store, cut, tmp_path, capsys):
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("scene_id,kind,exposures,licence\none,rendered,one.png,CC0\n")
    places = {"STORE": store, "RELEASE": cut, "NEW": tmp_path / "new", "MANIFEST": manifest}
    capsys.readouterr()
    code = run([str(places.get(word, word)) for word in words.split()])
    said = capsys.readouterr().err
    assert code == BAD_USE, said
    assert said.startswith("this is a store" if words in STORE_FOR_RELEASE else "this is a ")
    assert "way out:" in said
    assert not (tmp_path / "new").exists()
