"""The alerts of the monitoring guide: rules that a Prometheus would load, of metrics there are."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field

from components.monitoring.metrics import metrics
from docs.build.blocks import ROOT
from store.batches.pictures import PictureState
from store.monitoring.figures import Figures, Held
from store.review.audit_sample import SampleResult

TEXT = (ROOT / "docs" / "how-to" / "monitoring.md").read_text(encoding="utf-8")
BLOCKS = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)]
NOW = datetime(2026, 11, 22, tzinfo=UTC)
ALL = Figures(
    at=NOW,
    pictures=dict.fromkeys(PictureState, 1),
    oldest=dict.fromkeys((PictureState.WAITING, PictureState.WORKING, PictureState.REVIEW), NOW),
    postponed=0,
    held_back=dict.fromkeys(Held, 0),
    refused={"NotAllowed": 1, "SessionExpired": 1},
    refused_lately=1,
    overdue=0,
    sample=SampleResult(),
)


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Rule(Strict):
    alert: str = Field(pattern=r"^[A-Z][A-Za-z]+$")
    expr: str = Field(min_length=1)
    hold: str | None = Field(default=None, alias="for", pattern=r"^\d+[smhdwy]$")
    labels: dict[str, str] = {}
    annotations: dict[str, str]


class Group(Strict):
    name: str
    rules: list[Rule] = Field(min_length=1)


class Rules(Strict):
    """What `promtool check rules` takes."""

    groups: list[Group] = Field(min_length=1)


def told() -> dict[str, set[str]]:
    """Values of labels by the names of metrics, `lethe_up` included."""
    found: dict[str, set[str]] = {"lethe_up": set()}
    for family in metrics(ALL):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels.values())
    return found


@pytest.fixture(scope="module")
def rules() -> list[Rule]:
    (block,) = [block for block in BLOCKS if "groups" in block]
    return [rule for group in Rules.model_validate(block).groups for rule in group.rules]


def test_the_rules_are_what_prometheus_takes(rules):
    names = [rule.alert for rule in rules]

    assert len(set(names)) == len(names) >= 5
    assert all(rule.annotations["summary"].endswith(".") for rule in rules)
    for rule in rules:
        for left, right in ("()", "{}", "[]"):
            assert rule.expr.count(left) == rule.expr.count(right)


def test_the_rules_speak_of_metrics_and_labels_that_there_are(rules):
    known = told()

    for rule in rules:
        named = set(re.findall(r"\blethe_\w+", rule.expr))
        assert named <= known.keys(), rule.alert
        for metric, selector in re.findall(r"\b(lethe_\w+)\{([^}]*)\}", rule.expr):
            for value in re.findall(r'"([^"]*)"', selector):
                assert value in known[metric], rule.alert


def test_every_metric_and_label_is_documented():
    rows = dict(re.findall(r"^\| `(lethe_\w+)` \|([^\n]*)\|$", TEXT, re.MULTILINE))

    assert rows.keys() == told().keys()
    for metric, values in told().items():
        assert values <= set(re.findall(r"\w+", rows[metric])), metric


def test_the_scrape_is_of_the_port_that_is_switched_on():
    (block,) = [block for block in BLOCKS if "scrape_configs" in block]
    (target,) = block["scrape_configs"][0]["static_configs"][0]["targets"]

    assert target.startswith("127.0.0.1:")
    assert f"--metrics-port {target.split(':')[1]}" in TEXT
