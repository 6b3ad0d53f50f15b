"""What every test may use: the real photographs, where they are, and a PostgreSQL server, where one answers."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real photographs (IEA40K_REAL_DATA); the test is skipped where it is absent."""
    folder = os.environ.get("IEA40K_REAL_DATA", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("the real photographs are not here: set IEA40K_REAL_DATA to their folder")
    return Path(folder)
