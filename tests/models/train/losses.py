"""What thresholds lose, counted the plain way."""

from __future__ import annotations


def missed_share(hiding, threshold):
    """The mean over groups of the share of labels that a threshold does not hide."""
    shares = []
    for scores in hiding.values():
        missed = sum(1 for score in scores if score <= 0 or score < threshold)
        shares.append(missed / len(scores))
    return sum(shares) / len(shares)


def needless_share(needless, threshold):
    shares = [
        sum(1 for score in scores if score >= threshold) / len(scores)
        for scores in needless.values()
    ]
    return sum(shares) / len(shares)
