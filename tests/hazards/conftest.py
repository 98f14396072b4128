"""One kernel for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kernels import Kernel


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    kernel = Kernel()
    yield kernel
    kernel.stop()
