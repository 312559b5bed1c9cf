"""The demonstration's scorecard is the default one without holds and stays, and nothing else."""

import yaml

from streams.scorecards import read_card, shipped_card


def test_only_the_name_the_holds_and_the_stays_differ_from_the_default_card():
    default, demo = (yaml.safe_load(shipped_card(n).read_text()) for n in ("b2b-saas", "demo"))
    assert demo.pop("scorecard") == "demo"
    default.pop("scorecard")
    for band in ("green", "red"):
        assert demo["bands"][band].pop("hold") == "0s"
        default["bands"][band].pop("hold")
    for stays in (("min_stay",), ("archetypes", "min_stay")):
        for card in (demo, default):
            inner = card
            for name in stays[:-1]:
                inner = inner[name]
            stay = inner.pop(stays[-1])
            assert (stay == "0s") is (card is demo)
    assert demo == default


def test_it_compiles():
    card, _ = read_card(shipped_card("demo"))
    assert card.name == "demo"
