"""A server that speaks S3 on localhost, in memory (moto); by https where an authority is given."""

import contextlib
import functools
import logging
import ssl
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.certificates import Authority


@contextlib.contextmanager
def s3_server(monkeypatch: pytest.MonkeyPatch, authority: Authority | None = None) -> Iterator[Any]:
    """Yield a file system with an empty bucket `bucket`; the environment names the server, its keys and authority."""
    moto = pytest.importorskip("moto.server")
    boto3 = pytest.importorskip("boto3")
    s3fs = pytest.importorskip("s3fs")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    trusted = None
    if authority is not None:
        threaded = pytest.importorskip("moto.moto_server.threaded_moto_server")
        by_https = functools.partial(threaded.make_server, ssl_context=authority.server())
        monkeypatch.setattr(threaded, "make_server", by_https)
        monkeypatch.setenv("AWS_CA_BUNDLE", str(authority.file))
        trusted = ssl.create_default_context(cafile=str(authority.file))
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        address = f"{'http' if authority is None else 'https'}://{host}:{port}"
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        # Its contents are the process's, not the server's.
        reset = urllib.request.Request(f"{address}/moto-api/reset", method="POST")
        urllib.request.urlopen(reset, context=trusted).close()
        client = boto3.client("s3")
        client.create_bucket(Bucket="bucket")
        client.close()
        yield s3fs.S3FileSystem(skip_instance_cache=True)
    finally:
        server.stop()


def upload(system: Any, folder: Path, place: str) -> None:
    """Copy a folder into the bucket."""
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            system.pipe_file(f"{place}/{file.relative_to(folder).as_posix()}", file.read_bytes())
