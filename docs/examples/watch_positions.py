"""Watch where vehicles are: a plain client of the WebSocket's binary positions.

    FLEETOPS_TOKEN=flt_… python watch_positions.py ws://127.0.0.1:8003/ws [FRAMES]

Needs `websockets` (pip install websockets). Prints a line for each vehicle of each frame, and
leaves after so many frames, if told. The layout is in `docs/asyncapi.json`, message PositionsFrame.
"""

import json
import os
import struct
import sys

from websockets.sync.client import connect

address = sys.argv[1]
frames = int(sys.argv[2]) if len(sys.argv) > 2 else None
token = {"Authorization": f"Bearer {os.environ['FLEETOPS_TOKEN']}"}
names: dict[int, str] = {}
with connect(
    address, additional_headers=token, subprotocols=["fleetops.v1.bin"], max_size=None, compression=None
) as socket:
    for message in socket:
        if isinstance(message, str):
            event = json.loads(message)
            if event["type"] == "vehicles_named":
                names.update(zip(event["id"], event["vehicle_id"], strict=True))
            continue
        kind, flags, at, count, gone_count = struct.unpack_from("<BBHII", message)
        if kind != 1:  # some later version's
            continue
        columns = []
        for length, code in zip([count] * 5 + [gone_count, count], "iiffIIB", strict=True):
            columns.append(struct.unpack_from(f"<{length}{code}", message, at))
            at += struct.calcsize(f"<{length}{code}")
        lon, lat, speed, heading, numbers, gone, state = columns
        for x, y, v, h, number, s in zip(lon, lat, speed, heading, numbers, state, strict=True):
            stale = " stale" if s & 1 else ""
            print(f"{names[number]} {x / 1e7:.7f} {y / 1e7:.7f} {v:.2f} m/s {h:.3f} rad{stale}", flush=True)
        for number in gone:
            if number in names:  # else it went before we came
                print(f"{names.pop(number)} gone", flush=True)
        if frames is not None:
            frames -= 1
            if frames == 0:
                break
