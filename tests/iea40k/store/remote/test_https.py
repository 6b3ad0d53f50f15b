"""https: read where an authority is trusted, refused in plain words where the certificate is not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import iea40k
from iea40k.errors import RemoteError
from iea40k.store.release import Release
from tests.certificates import Authority
from tests.iea40k.store.remote.test_reading import same
from tests.web import Site, served


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def test_a_release_is_read_by_https_where_its_authority_is_trusted(
    published: Release, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with served(published.path, authority.server()) as site:
        assert site.address.startswith("https://")
        same(iea40k.open_release(site.address), published)


def test_a_command_takes_the_same_variable(published: Release, authority: Authority, tmp_path: Path) -> None:
    with served(published.path, authority.server()) as site:
        words = [sys.executable, "-m", "iea40k", "fetch", "release", site.address, "-o"]
        known = {**os.environ, "SSL_CERT_FILE": str(authority.file)}
        for folder, environment, code in (("with", known, 0), ("without", dict(os.environ), 1)):
            done = subprocess.run(
                [*words, tmp_path / folder], env=environment, capture_output=True, text=True
            )
            assert done.returncode == code, done.stderr
        assert "certificate is not trusted" in done.stderr
        assert "SSL_CERT_FILE=CA.pem" in done.stderr
        assert "Traceback" not in done.stderr
    assert Release.open(tmp_path / "with").root == published.root
    assert not (tmp_path / "without").exists()


@pytest.mark.parametrize(
    ("shown", "reason"),
    [
        ({"signed": False}, "self-signed certificate"),
        ({}, "unable to get local issuer certificate"),
    ],
)
def test_a_certificate_of_nobody_known_is_refused_at_once(
    published: Release, authority: Authority, shown: dict[str, bool], reason: str
) -> None:
    with (
        served(published.path, authority.server(**shown)) as site,
        pytest.raises(RemoteError, match=f"certificate is not trusted[\\s\\S]*{reason}"),
    ):
        iea40k.open_release(site.address)
    assert site.asked == []


@pytest.mark.parametrize(
    ("name", "ended", "reason"),
    [("another.example", False, "not valid for '127.0.0.1'"), ("127.0.0.1", True, "expired")],
)
def test_a_certificate_of_another_or_an_old_one_is_refused_though_its_authority_is_known(
    published: Release,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    ended: bool,
    reason: str,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with (
        served(published.path, authority.server(name, ended=ended)) as site,
        pytest.raises(RemoteError, match=f"certificate is not trusted[\\s\\S]*{reason}"),
    ):
        iea40k.open_release(site.address)
    assert site.asked == []


def test_a_variable_that_names_no_file_is_told(
    published: Release, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/no/such/authority.pem")
    with (
        served(published.path, authority.server()) as site,
        pytest.raises(RemoteError, match=r"names /no/such/authority\.pem, which is not there"),
    ):
        iea40k.open_release(site.address)


def test_a_server_without_https_is_told(site: Site) -> None:
    with pytest.raises(RemoteError, match="does not speak https there"):
        iea40k.open_release(site.address.replace("http://", "https://"))


def test_headers_to_log_in_leave_ours_as_they_are(site: Site, published: Release) -> None:
    found = iea40k.open_release(site.address, storage_options={"headers": {"Authorization": "Bearer x"}})
    same(found, published, 1)
    assert site.headers["Authorization"] == "Bearer x"
    assert site.headers["Accept-Encoding"] == "identity"
