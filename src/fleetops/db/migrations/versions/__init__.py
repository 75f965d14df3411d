"""One module per step of the schema, `rNNNN_what.py`; written by hand, checked against the models by a test."""
