"""An import that is killed and begun again brings everything over once: the measurement, small."""

import bench_import


def test_an_import_that_was_killed_brings_everything_over_when_begun_again() -> None:
    total_s, _peak_mb, is_whole = bench_import.measure("sqlite", 4_000, 20, 600)
    assert is_whole
    assert total_s < bench_import.LONGEST_S
