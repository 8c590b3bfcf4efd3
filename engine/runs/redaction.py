"""Redaction of one picture in a worker: a job in, its outcome out."""

from __future__ import annotations

import hashlib

from engine import pipeline
from engine.codec.decode import decode
from engine.errors import ReleaseContested
from engine.pipeline import Stopwatch, Terms
from engine.redact.masks import rects_of
from engine.runs.jobs import Job, Models, NeedsReview, Outcome, Released, Unread
from engine.triage import contested


def redact(job: Job, models: Models) -> Outcome:
    """Redact a picture: decode, prepare unless already decided, release or send to review.

    Raises:
        Exception: whatever goes wrong.
    """
    watch = Stopwatch()
    data = job.source.read()
    image_id = job.image_id or job.id
    if job.digest is not None and hashlib.sha256(data).digest() != job.digest:
        return Unread(job.id, "The file changed while it was being worked on; run again.")
    if job.settled is None:
        prepared = pipeline.prepare(
            data, image_id, models.ensemble, job.policy, draw=job.draw, watch=watch
        )
        image, plan = prepared.image, prepared.plan
        if not plan.is_ready:
            return NeedsReview(job.id, plan)
    else:
        plan = job.settled
        with watch.stage("decode"):
            image = decode(data, image_id, max_megapixels=job.policy.codec.max_megapixels)
    terms = Terms(job.release_id, job.seed, job.format, job.sign_off)
    try:
        done = pipeline.release(
            image, plan, job.policy, terms, watch=watch, release_check=models.release_check
        )
    except ReleaseContested as contest:
        plan = contested(plan, contest.residual_detections)
        rects = rects_of(plan.proposed, image.codec, job.policy)
        return NeedsReview(job.id, plan.with_rects(rects))
    return Released(job.id, done.receipt, done.data)
