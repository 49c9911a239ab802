"""Jets of our own: events by Pythia, a detector model, jets by FastJet, in the paper's format.

Needs the extra ``simulate`` (pythia8mc, fastjet) to make events; the detector model itself is
numpy alone.
"""
