"""Tables and figures of arXiv:2211.12770 and arXiv:2212.05081, one module each."""
