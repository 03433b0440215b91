"""The names of the published methods, for who lists them without loading what runs them (PyTorch)."""

from collections.abc import Mapping

__all__ = ["PUBLISHED"]

PUBLISHED: Mapping[str, str] = {
    "logistic_viewer": "logistic probe on the viewer's labels",
    "logistic_operator": "logistic probe on the operator's labels",
    "difference_in_means": "difference in means",
    "ccs": "contrast-consistent search",
    "logistic_contrast": "logistic probe on contrast pairs",
    "easy_to_hard": "easy to hard, by persona",
    "tampering_evidence": "probe for evidence of tampering",
    "dirtiness": "probe for untrusted situations",
    "mechanistic_anomaly": "mechanistic anomaly detection",
    "ceiling": "probe on the truth itself: the ceiling",
    "ceiling_positives": "probe on the truth of what looks good",
    "viewer": "the viewer's own answer: the floor",
    "sensors": "mean of the sensors",
    "constant": "a constant",
}
"""Keys of `methods.METHODS`, each in a few words."""
