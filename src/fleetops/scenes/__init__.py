"""Makes datasets: SUMO's traffic, seen by a tracker, in L5Kit's zarr format."""
