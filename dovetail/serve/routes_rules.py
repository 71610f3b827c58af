"""Routes: heuristics, which name classes by rule of thumb."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from dovetail.serve import rules_shown as shown
from dovetail.serve.asked import Bench, Curator, Labeller
from dovetail.serve.wire_rules import (
    RuleGiven,
    RuleLooked,
    RuleNamed,
    RulesAsked,
    RulesOf,
    RulesPage,
    RulesSaid,
    RuleTried,
)

router = APIRouter()


@router.get("/heuristics")
def heuristics(asked: Annotated[RulesAsked, Query()], bench: Bench) -> RulesPage:
    """The heuristics of a table: coverage, conflicts, accuracy on hand labels; and what they would say together."""
    return shown.page(bench.rules, asked.table, asked.sure)


@router.post("/heuristics/try")
def attempt(given: RuleTried, bench: Bench, who: Labeller) -> RuleLooked:
    """How a heuristic would do, with rows that it catches; nothing is kept."""
    del who
    return shown.tried(bench.rules, given.rule.rule(), given.turn)


@router.put("/heuristics")
def keep(given: RuleGiven, bench: Bench, who: Curator) -> RulesPage:
    """Keep a heuristic, in the place of the one that has its name."""
    rule = given.rule()
    shown.tried(bench.rules, rule, 0)
    bench.rules.keep(rule)
    turned = "on" if rule.on else "off"
    bench.people.audit(who.person, "keep heuristic", rule.name, f"{rule.table}: {rule.kind}, {turned}")
    return shown.page(bench.rules, rule.table, 0.6)


@router.delete("/heuristics")
def remove(asked: Annotated[RuleNamed, Query()], bench: Bench, who: Curator) -> RuleGiven:
    """Take a heuristic out; the answer, sent again to be kept, brings it back."""
    rule = bench.rules.remove(asked.table, asked.name)
    bench.people.audit(who.person, "remove heuristic", rule.name, rule.table)
    words, names = list(rule.words), dict(rule.names)
    return RuleGiven.model_construct(**{**vars(rule), "words": words, "names": names})


@router.post("/heuristics/apply")
def apply(given: RulesAsked, bench: Bench, who: Curator) -> RulesSaid:
    """Keep what the joined heuristics are sure of as labels of heuristics; what people said is not touched."""
    said = shown.applied(bench.rules, given.table, given.sure, who.person)
    bench.ledger.refresh()
    bench.people.audit(who.person, "apply heuristics", given.table, f"{said.new} new, {said.taken} taken back")
    return said


@router.post("/heuristics/undo")
def undo(given: RulesOf, bench: Bench, who: Curator) -> RulesSaid:
    """Take the last joining back, so that what was before counts again; once more brings it back."""
    said = shown.undone(bench.rules, given.table, who.person)
    bench.ledger.refresh()
    bench.people.audit(who.person, "undo heuristics", given.table, f"{said.new} new, {said.taken} taken back")
    return said
