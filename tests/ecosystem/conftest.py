"""One release for all hands: two frame shapes, no data here and there, two licences, words that try to be markup."""

from pathlib import Path

import pytest

from iea40k.store.layout import Store
from iea40k.store.release import Release, ReleaseOptions, write_release
from iea40k.store.release.publication import Publication
from tests.builders import built_scene

ABOUT = Publication(
    creators=("Lovelace, Ada", 'The <b>Club</b> | of "Light"'),
    citation="@misc{light,\n title={Light}\n}",
    url="https://example.org/light",
    doi="https://doi.org/10.1234/light.5",
    description="Night & day <script>alert(1)</script>",
    label_licence="CC-BY-4.0",
)
OPTIONS = ReleaseOptions("1.2.0", name='Light: a "test" <i>set</i>', published="2026-03-01", about=ABOUT)


@pytest.fixture(scope="session")
def light(tmp_path_factory: pytest.TempPathFactory) -> Release:
    store = Store.create(tmp_path_factory.mktemp("light") / "store")
    for number in range(10):
        store.write_scene(
            built_scene(
                f"s{number}",
                height=150 if number % 2 else 40,
                width=200 if number % 2 else 60,
                uncertainty=number % 2 == 1,
                invalid=number < 4,
                licence="CC0-1.0" if number < 5 else "Adobe",
                scene_class="=night|<img src=x onerror=alert(1)>" if number == 2 else "street",
            )
        )
    return write_release(store, store.path.parent / "release", OPTIONS)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`datasets` without the network, and with its caches in a folder of the test's own."""
    monkeypatch.setattr("datasets.config.HF_DATASETS_OFFLINE", True)
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
