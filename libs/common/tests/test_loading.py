"""While code is loaded, the collector of cycles rests; what was loaded it leaves alone."""

import gc
import subprocess
import sys

import pytest
from common.loading import loading


def test_collector_rests_while_code_is_loaded() -> None:
    assert gc.isenabled()
    with loading():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_collector_is_on_again_though_loading_fails() -> None:
    with pytest.raises(ModuleNotFoundError), loading():
        raise ModuleNotFoundError
    assert gc.isenabled()


def test_collector_that_was_off_stays_off() -> None:
    words = "import gc; gc.disable(); from common.loading import loading\n"
    words += "with loading(): pass\nassert not gc.isenabled()"
    subprocess.run([sys.executable, "-c", words], check=True)


def test_collector_leaves_alone_what_was_loaded() -> None:
    words = "import gc; from common.loading import loading\nassert not gc.get_freeze_count()\n"
    words += "with loading(): kept = [[] for _ in range(1000)]\nassert gc.get_freeze_count() > 1000"
    subprocess.run([sys.executable, "-c", words], check=True)
