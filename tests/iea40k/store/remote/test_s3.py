"""A release in a bucket, on a real server of the S3 protocol."""

from collections.abc import Iterator
from typing import Any

import pytest

import iea40k
from iea40k.errors import NotThereError, RemoteError
from iea40k.store.release import Release
from iea40k.store.remote.copying import copy_release
from tests.certificates import Authority
from tests.iea40k.store.remote.test_reading import same
from tests.s3 import s3_server, upload


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, published: Release) -> Iterator[Any]:
    with s3_server(monkeypatch) as system:
        upload(system, published.path, "bucket/release")
        yield system


def test_a_bucket_gives_every_pixel(bucket: Any, published: Release) -> None:
    found = iea40k.open_release("s3://bucket/release")
    same(found, published)
    assert found.where == "s3://bucket/release"


def test_what_a_bucket_lacks_is_named(bucket: Any) -> None:
    with pytest.raises(NotThereError, match="no release at this address"):
        iea40k.open_release("s3://bucket/other")
    name = next(n for n in bucket.find("bucket/release") if "150x200/exposures/c" in n)
    bucket.rm_file(name)
    found = iea40k.open_release("s3://bucket/release")
    image = next(i for i in found if i.shape == (150, 200))
    with pytest.raises(NotThereError, match="not on the server"):
        _ = image.exposure


def test_without_keys_the_way_out_is_named(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    with pytest.raises(RemoteError, match=r"refuses[\s\S]*AWS_ACCESS_KEY_ID[\s\S]*FSSPEC_S3_ANON"):
        iea40k.open_release("s3://bucket/release")


def test_a_bucket_by_https_is_read_where_its_authority_is_trusted_alone(
    monkeypatch: pytest.MonkeyPatch, published: Release, tmp_path: Any
) -> None:
    with s3_server(monkeypatch, Authority(tmp_path / "authority")) as system:
        upload(system, published.path, "bucket/release")
        same(iea40k.open_release("s3://bucket/release"), published, 3)
        monkeypatch.delenv("AWS_CA_BUNDLE")
        with pytest.raises(RemoteError, match=r"certificate is not trusted[\s\S]*AWS_CA_BUNDLE=CA\.pem"):
            iea40k.open_release("s3://bucket/release")


def test_a_bucket_is_copied_whole(bucket: Any, published: Release, tmp_path: Any) -> None:
    report = copy_release("s3://bucket/release", tmp_path / "copy")
    assert not report.problems
    same(iea40k.open_release(tmp_path / "copy"), published)
