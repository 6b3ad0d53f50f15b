"""Dask clients: of a cluster that is made on this machine, or of a scheduler that is there already."""

import asyncio
import contextlib
import logging
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import dask
from distributed import Client, LocalCluster
from distributed.comm.core import CommClosedError, connect
from distributed.security import Security
from distributed.versions import VersionMismatchWarning

from iea40k.errors import BadInputError, IEAError
from pipelines.executor.base import MALLOC, Workers

CONNECT, APPEAR = 10.0, 60.0
"""Seconds: to reach a scheduler; until it must have a worker."""

ENVIRONMENT = {
    **MALLOC,
    **dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"), "1"
    ),
}
"""Of a worker on this machine: each has a core, so that threads of libraries would only be in each other's way."""


@contextlib.contextmanager
def local(count: int) -> Iterator[Client]:
    """Yield the client of a cluster of so many processes of this machine; they end with the context.

    Raises `IEAError` where they cannot be started.
    """
    settings = {
        "distributed.nanny.pre-spawn-environ": ENVIRONMENT,
        "distributed.scheduler.allowed-failures": 0,  # who is to blame is found out here
        "distributed.worker.profile.enabled": False,
        "distributed.worker.memory.terminate": False,
    }
    with contextlib.ExitStack() as stack:
        stack.enter_context(dask.config.set(settings))
        try:
            cluster = LocalCluster(
                n_workers=count,
                threads_per_worker=1,
                memory_limit=0,  # each scene's own process is bounded, and a worker itself holds nothing
                security=True,  # other users of this machine must not give orders to our processes
                dashboard_address="127.0.0.1:0" if find_spec("bokeh") else None,
                preload="pipelines.executor.worker_start",
                silence_logs=logging.CRITICAL,
            )
        except RuntimeError as error:
            raise IEAError(
                "the workers could not be started",
                got=str(error),
                remedy="a script that asks for several workers must stand in a file, and begin its work below "
                "`if __name__ == '__main__':`, since every worker reads it",
            ) from error
        stack.enter_context(cluster)
        yield stack.enter_context(Client(cluster, set_as_default=False))


@contextlib.contextmanager
def existing(workers: Workers) -> Iterator[Client]:
    """Yield the client of a scheduler. Raises `BadInputError` where it does not answer or has no workers."""
    security = _security(workers)
    try:
        # A client that fails in its constructor complains again when it is collected, 20 seconds later.
        asyncio.run(_reach(str(workers.scheduler), security))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", VersionMismatchWarning)  # compared, and told in words, afterwards
            client = Client(workers.scheduler, security=security, timeout=CONNECT, set_as_default=False)
    except (OSError, ValueError, TypeError, CommClosedError, ImportError) as error:
        raise BadInputError(
            "no scheduler answers",
            where=workers.scheduler,
            expected="the address of a running Dask scheduler, such as tcp://10.0.0.1:8786",
            got=f"{type(error).__name__}: {error}",
            remedy="start one with `dask scheduler`; one that speaks TLS needs --tls-ca, --tls-cert and --tls-key",
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=APPEAR)
        except TimeoutError as error:
            raise BadInputError(
                "the scheduler has no workers",
                where=workers.scheduler,
                remedy="start some with `dask worker ADDRESS`",
            ) from error
        yield client


def _security(workers: Workers) -> Security | None:
    """Return what TLS needs, None where it was not asked for. Raises `BadInputError` for files that do not do."""
    if workers.tls_ca is None:
        return None
    files = [Path(str(file)) for file in (workers.tls_ca, workers.tls_cert, workers.tls_key)]
    for file in files:
        if not file.is_file():
            raise BadInputError("there is no such file", where=file, expected="a PEM file")
    ca, certificate, key = map(str, files)
    security = Security(
        tls_ca_file=ca, tls_client_cert=certificate, tls_client_key=key, require_encryption=True
    )
    try:
        security.get_connection_args("client")
    except (OSError, ValueError) as error:
        raise BadInputError(
            "these certificates cannot be used",
            where=", ".join(map(str, files)),
            expected="PEM files: the authority's certificate, this client's, and the key of that",
            got=f"{type(error).__name__}: {error}",
        ) from error
    return security


async def _reach(address: str, security: Security | None) -> None:
    """Connect to a scheduler and hang up. Raises whatever Dask does where that cannot be done."""
    how = {} if security is None else security.get_connection_args("client")
    comm = await connect(address, timeout=CONNECT, **how)
    await comm.close()
