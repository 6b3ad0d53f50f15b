"""A server that speaks S3 on localhost, in memory (moto)."""

import contextlib
import logging
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@contextlib.contextmanager
def s3_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Yield a file system with an empty bucket `bucket`; the environment names the server and its keys."""
    moto = pytest.importorskip("moto.server")
    boto3 = pytest.importorskip("boto3")
    s3fs = pytest.importorskip("s3fs")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        # Its contents are the process's, not the server's.
        reset = urllib.request.Request(f"http://{host}:{port}/moto-api/reset", method="POST")
        urllib.request.urlopen(reset).close()
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
