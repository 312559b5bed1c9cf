"""The sections of a page: rules beside the measures and bands, one function for each.

Titles and names of facts are stable, and a section without facts or rows is left out.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import yaml
from pydantic import BaseModel

from schemas.scorecard import ActionPoints, ClassRule, ScorecardFile
from scoring.card import Card
from scoring.classes import Class, Classification
from scoring.indicators import Indicator
from scoring.things import THINGS
from streams.api.shown import label
from streams.scorecard_pages.expressions import Expressions
from streams.scorecard_pages.page import Fact, Section, Table
from streams.scorecard_pages.variants import override_fact, variants_of
from streams.scorecard_pages.wording import listed, percent, points, sentence, span

__all__ = ["WORDED", "sections_of", "unworded"]

#: The lines of the file that have words on the page.
WORDED = frozenset({
    "scorecard", "version", "objective", "owner", "scored", "shown_as", "defaults", "emit",
    "weights", "groups", "bands", "letters", "overrides", "money", "actions", "segments",
    "lifecycle", "min_stay", "scores", "indicators", "archetypes", "outlook", "calendar",
    "variants", "hierarchy",
})  # fmt: skip


def sections_of(card: Card, file: ScorecardFile, expressions: Expressions) -> tuple[Section, ...]:
    """All sections that the card has something for, in the order of the page."""
    found = (
        _no_data(card, file),
        _letters(card),
        _overrides(card, expressions),
        *variants_of(card, file, expressions),
        _indicators(card, expressions),
        _classes("Segments", card.segments, _says(file.segments), expressions),
        _classes("Lifecycle stages", card.stages, _says(file.lifecycle), expressions),
        _archetypes(card, file, expressions),
        _outlook(card, file, expressions),
        _other_scores(card),
        _hierarchy(card),
        *_actions(file),
        _money(file),
        _calendar(file),
        _shown_as(card, file),
        Section("Everything else in the file", "", unworded(file, WORDED)),
    )
    return tuple(section for section in found if section.facts or section.table)


def _no_data(card: Card, file: ScorecardFile) -> Section:
    missing = file.defaults.missing
    means = (
        "is left out: its weight goes to the other measures of its group, by their weights; a group"
        " without any data gives its weight to the other groups"
        if missing == "leave_out"
        else f"counts as {points(int(missing * 100))} points"
    )
    return Section(
        "When there is no data",
        "Missing is not zero. What leaving measures out did to a score is a line of its own,"
        " “weight of missing measures”.",
        (
            Fact("A measure without data", f"{means}, unless the measure itself says otherwise"),
            Fact("Least coverage", f"{percent(card.coverage_ppm_min)} of the weight needs data"),
            Fact("Below it", "no score and no letter, and the colour is unknown"),
        ),
    )


def _letters(card: Card) -> Section:
    return Section(
        "Letters",
        "A letter follows the score at once; unlike a colour it has no memory.",
        tuple(Fact(letter, f"from {points(level)} points on") for level, letter in card.letters),
    )


def _overrides(card: Card, expressions: Expressions) -> Section:
    return Section(
        "What decides by itself",
        "These facts act at once, without a hold, and end at once. What a cap takes is a line of"
        " its own with a negative number.",
        tuple(override_fact(each, expressions) for each in card.overrides),
    )


def _indicators(card: Card, expressions: Expressions) -> Section:
    return Section(
        "Indicators",
        "Facts of the moment beside the score: they move no points, and are there even when the"
        " colour is unknown.",
        tuple(_indicator(each, expressions) for each in card.indicators),
    )


def _indicator(indicator: Indicator, expressions: Expressions) -> Fact:
    stays = indicator.clears_after_ms // 1000
    ends = f"stays for {span(stays)} after that" if stays else "ends with it"
    when = sentence(expressions.condition(indicator.when.text))
    says = f"{when}; {ends}. People read: “{indicator.says}”"
    return Fact(label(indicator.name), says, indicator.when.text)


# -- classes -------------------------------------------------------------------------------------


def _says(rules: Mapping[str, str | ClassRule]) -> dict[str, str]:
    """What people read of each class, where the card says so."""
    return {
        name: rule.says for name, rule in rules.items() if isinstance(rule, ClassRule) and rule.says
    }


def _classes(
    title: str,
    classes: Classification | None,
    says: Mapping[str, str],
    expressions: Expressions,
    intro: str = "",
) -> Section:
    """Classes in their order, with what is common to them."""
    if classes is None:
        return Section(title, "", ())
    found = [_class(each, says, expressions) for each in classes.classes]
    if all(each.when is not None for each in classes.classes):
        found.append(Fact("None of them", "unclassified"))
    stay = classes.min_stay_ms // 1000
    kept = f"for at least {span(stay)}, once entered" if stay else "no longer than it is met"
    order = listed(label(each.name) for each in classes.classes)
    return Section(
        title,
        intro or "Each customer is in the first whose condition is met.",
        (*found, Fact("Order", order), Fact("Kept", kept)),
    )


def _class(one: Class, says: Mapping[str, str], expressions: Expressions) -> Fact:
    when = "all others" if one.when is None else expressions.condition(one.when.text)
    called = f", called “{one.label}”" if one.label != one.name.replace("_", " ") else ""
    level = (
        f"; the score to expect of them is {one.expects.replace('_', ' ')}" if one.expects else ""
    )
    reads = f". People read: “{says[one.name]}”" if one.name in says else ""
    code = "otherwise" if one.when is None else one.when.text
    return Fact(label(one.name), f"{sentence(when)}{called}{level}{reads}", code)


def _archetypes(card: Card, file: ScorecardFile, expressions: Expressions) -> Section:
    says = {} if file.archetypes is None else _says(file.archetypes.classes)
    intro = (
        "Kinds of customers; each is of the first kind whose condition is met. They move no points."
    )
    return _classes("Archetypes", card.archetypes, says, expressions, intro)


def _outlook(card: Card, file: ScorecardFile, expressions: Expressions) -> Section:
    rules = {} if file.outlook is None else dict(file.outlook)
    says = _says({name: rule for name, rule in rules.items() if name != "min_stay"})
    intro = "What is to be expected of a customer: the first whose condition is met."
    return _classes("Outlook", card.outlook, says, expressions, intro)


# -- scores, points, money -----------------------------------------------------------------------


def _other_scores(card: Card) -> Section:
    return Section(
        "Other scores",
        "Reckoned from the same measures with weights of their own; they have no colour.",
        tuple(
            Fact(
                label(each.name),
                f"{each.objective} Made of: {_made_of(card, each.weighting.groups)}",
            )
            for each in card.others
        ),
    )


def _made_of(card: Card, weights_ppm: tuple[int, ...]) -> str:
    """The groups that weigh, those at the top only."""
    return listed(
        f"{label(name)} {percent(weight)}"
        for name, weight in zip(card.groups, weights_ppm, strict=True)
        if weight and "." not in name
    )


def _hierarchy(card: Card) -> Section:
    """How accounts with accounts below them are scored."""
    found = card.hierarchy
    if found is None:
        return Section("Accounts with children", "", ())
    children = {
        "mean": "the mean of its children's scores",
        "worst": "the worst of its children's scores",
        "weighted_by_mrr": "the mean of its children's scores, each weighing as much as its MRR",
    }[found.parent]
    own = percent(found.own_ppm)
    says = f"{children}; its own measures give {own}" if found.own_ppm else children
    return Section(
        "Accounts with children",
        "An account whose children have scores gets its score from them. Where its own measures"
        " have none, the children count whole.",
        (Fact("A parent's score", sentence(says), found.parent),),
    )


def _actions(file: ScorecardFile) -> Iterator[Section]:
    for name, actions in file.actions.items():
        rows = tuple(_action(thing, given) for thing, given in actions.items())
        yield Section(
            f"Points for actions: {label(name)}",
            "What each action adds to the points of this table; a measure says how they fade.",
            (),
            Table(("Action", "What happens", "Points", "At most"), rows),
        )


def _action(thing: str, given: Decimal | ActionPoints) -> tuple[str, ...]:
    action = given if isinstance(given, ActionPoints) else ActionPoints(points=given)
    most = "" if action.per_day is None else f"{action.per_day} a day"
    return (
        label(thing),
        THINGS[thing].about.replace("`", ""),
        points(int(action.points * 100)),
        most,
    )


def _money(file: ScorecardFile) -> Section:
    money = file.money
    if money is None:
        return Section("Money", "", ())
    rates = [
        Fact(f"1 {currency}", _rate(rate, money.currency)) for currency, rate in money.rates.items()
    ]
    return Section(
        "Money",
        "Amounts in other currencies count with these rates; one without a rate is no data.",
        (Fact("Currency", money.currency), *rates),
    )


def _rate(rate: Decimal | Mapping[date, Decimal], currency: str) -> str:
    if isinstance(rate, Decimal):
        return f"{rate} {currency}"
    return listed(f"{each} {currency} from {day} on" for day, each in sorted(rate.items()))


def _calendar(file: ScorecardFile) -> Section:
    told = file.calendar
    if told is None:
        return Section("Working days", "", ())
    own = told.holidays == "account.country"
    holidays = "the public holidays of a customer's country are none" if own else "none are known"
    return Section(
        "Working days",
        "What counts where a measure looks at working days.",
        (
            Fact("Weekdays", told.working_days),
            Fact("Holidays", holidays),
            Fact("Days begin", f"at midnight in {told.zone}"),
        ),
    )


def _shown_as(card: Card, file: ScorecardFile) -> Section:
    shown = file.shown_as
    decimals = {0: "whole numbers", 1: "one decimal"}.get(shown.decimals, "two decimals")
    return Section(
        "How it is told",
        "",
        (
            Fact("Scale", f"{shown.scale}, {decimals}"),
            Fact("First comes", f"the {shown.lead_with}"),
            Fact(
                "Told again",
                f"when changes add up to {points(card.emit_at_least)} points;"
                " a new colour, letter or override always",
            ),
        ),
    )


def unworded(model: BaseModel, worded: frozenset[str]) -> tuple[Fact, ...]:
    """The fields that were given and that no function here words, as they are written."""
    given: Mapping[str, Any] = model.model_dump(mode="json", exclude_defaults=True)
    return tuple(
        Fact(label(name), yaml.safe_dump(value, default_flow_style=True, width=1000).strip(" .\n"))
        for name, value in given.items()
        if name not in worded
    )
