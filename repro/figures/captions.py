"""Labels and captions that several figures of rankings share."""

__all__ = [
    "DROP_CAPTION",
    "DROP_LABEL",
    "LRP_CAPTION",
    "LRP_LABEL",
    "MAD_CAPTION",
    "MAD_LABEL",
    "ZERO_CAPTION",
    "ZERO_LABEL",
]

DROP_LABEL = "Percent drop in AUC"
DROP_CAPTION = (
    "AUC in per cent, minus that with the feature at its mean for all jets: percentage points."
)
LRP_LABEL = "mean |share of the relevance|"
LRP_CAPTION = (
    "Relevance: what LRP-γ hands down from the output to a feature. Its share, or normalised "
    "relevance: divided by the sum over all features of the jet."
)
MAD_LABEL = "MAD relevance"
MAD_CAPTION = (
    "MAD relevance: mean over the jets of |change of the logit with the feature at its mean| / "
    "|logit|."
)
ZERO_LABEL = "percent drop in AUC"
ZERO_CAPTION = (
    "AUC in per cent, minus that with the feature at zero in all slots of all jets: percentage "
    "points. Linear between −0.01 and 0.01, logarithmic beyond."
)
