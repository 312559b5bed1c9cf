"""The demonstration's scorecard is the default one without hold times, and nothing else."""

import yaml

from streams.scorecards import read_card, shipped_card


def test_only_the_name_and_the_hold_times_differ_from_the_default_card():
    default, demo = (yaml.safe_load(shipped_card(n).read_text()) for n in ("b2b-saas", "demo"))
    assert demo.pop("scorecard") == "demo"
    default.pop("scorecard")
    for band in ("green", "red"):
        assert demo["bands"][band].pop("hold") == "0s"
        default["bands"][band].pop("hold")
    assert demo == default


def test_it_compiles():
    card, _ = read_card(shipped_card("demo"))
    assert card.name == "demo"
