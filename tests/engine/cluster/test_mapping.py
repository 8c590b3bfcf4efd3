"""Actors give what local processes give, or it is said what is missing."""

from __future__ import annotations

from dataclasses import replace

import cv2
import pytest

from engine.cluster.mapping import mapped_by_ray
from engine.errors import LostWork
from engine.policy import Policy
from engine.processes import mapped
from models.train.data.proposals import propose
from tests.engine.cluster.functions import begin, doubled, doubled_but_thirteen
from tests.engine.evaluation.made import labelled
from tests.scenes import picture


def test_nothing_is_started_for_no_items():
    assert list(mapped_by_ray(doubled, [], workers=2, start=begin, address="nowhere:1")) == []


@pytest.mark.slow
@pytest.mark.usefixtures("ray_of_two")
class TestTwoActors:
    def test_results_are_those_of_local_processes(self):
        by_ray = mapped_by_ray(doubled, range(30), workers=2, start=begin)
        local = mapped(doubled, range(30), workers=2, start=begin)

        assert sorted(by_ray) == list(local) == [2 * number for number in range(30)]

    def test_what_gives_no_result_is_told_of_after_the_others(self):
        found = []
        results = mapped_by_ray(doubled_but_thirteen, range(30), workers=2, start=begin)

        with pytest.raises(LostWork, match="8 of 30 pictures gave no result"):
            found += results

        others = [number for number in range(30) if not 8 <= number < 16]
        assert sorted(found) == [2 * number for number in others]

    def test_detectors_propose_what_they_propose_in_local_processes(self, tmp_path, rng):
        pictures = []
        for name in ("a", "b", "c"):
            path = tmp_path / f"{name}.png"
            cv2.imwrite(str(path), picture(rng, 90, 120))
            pictures.append(replace(labelled(name=name), path=path))
        pictures[1].path.write_bytes(b"no picture")

        def proposed(name, **where):
            file = tmp_path / name
            done = list(propose(pictures, file, Policy(), workers=2, **where))
            return sorted(done), sorted(file.read_text(encoding="utf-8").splitlines())

        assert proposed("ray.jsonl", over=mapped_by_ray) == proposed("local.jsonl")
