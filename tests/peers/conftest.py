"""The comparison with other packages runs where they are installed, and is skipped elsewhere."""

from importlib.util import find_spec

import pytest

PEERS = ("ChannelAttribution", "do_attribution", "mam", "mta")


@pytest.fixture(autouse=True)
def peers() -> None:
    """Skips where none of the packages is there; where only some are, the tests of the others fail."""
    if not any(map(find_spec, PEERS)):
        pytest.skip("needs the packages that we compare with; type: python3 course.py peers")
