"""Recorded scenes, sent again as a live fleet: in order, in time, and never silently less than all."""
