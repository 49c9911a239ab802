"""Jets of H->bb and of QCD with tracks and secondary vertices, as the second paper's have them.

Needs the extra ``simulate`` to make events; tracks and vertices are numpy alone.
"""
