"""CERN Open Data record 12102: its files as arrays of jets, for the H→bb̄ study.

``branches`` knows the layout, ``jets`` is what the readers give, ``opening`` opens a file of any
of its formats, from disk or by its address.  Nothing is imported here.
"""
