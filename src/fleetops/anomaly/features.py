"""What a rule looks at: scalar functions over one vehicle's window.

A window of N frames is the frame evaluated and the N - 1 before it, by frame index; where the
vehicle was not seen in the oldest of them, the oldest in which it was seen stands for it.
"""

from __future__ import annotations

import math

from .compiled import called, compiled
from .windows import NEVER, Window, active_agents, now, oldest, seen_in, sighting, time_between_s

FRAME_MS = 100
"""Nominal time between frames of L5Kit data (10 Hz), ms; measured 99.3 to 100.3."""

GAP_FRAMES = 5
"""A track that is missed for fewer frames is still the one it was."""

_FEW_METRES = 1.0
"""Below so much driven, m, a share of it is noise."""

MIN_AGENTS = 5
"""Of fewer agents, half of them is no collapse."""


@compiled
def acceleration_magnitude(w: Window) -> float:
    """Magnitude of the acceleration in this frame, m/s2."""
    return float(now(w)["acceleration"])


@compiled
def velocity_delta(w: Window, frames: int) -> float:
    """Change of speed over the window, m/s; negative when the vehicle slows down."""
    return float(now(w)["speed"] - oldest(w, frames)["speed"])


@compiled
def label_probability_delta(w: Window, frames: int) -> float:
    """Change of the most probable class' probability over the window; negative when it falls."""
    return float(now(w)["label_probability"] - oldest(w, frames)["label_probability"])


@compiled
def position_jump_distance(w: Window, frames: int) -> float:
    """Distance between the positions at the window's two ends, m."""
    first, last = oldest(w, frames), now(w)
    east, north = last["x"] - first["x"], last["y"] - first["y"]
    return math.sqrt(east * east + north * north)  # not hypot: compiled and plain ones differ in the last bit


@compiled
def yaw_jump(w: Window, frames: int) -> float:
    """Absolute change of heading over the window, the short way round, rad."""
    turn = abs(now(w)["yaw"] - oldest(w, frames)["yaw"]) % (2.0 * math.pi)
    return float(min(turn, 2.0 * math.pi - turn))


@compiled
def active_agent_count_delta(w: Window) -> int:
    """Active agents in this frame minus those one frame before; 0 when either is unknown."""
    agents, before = active_agents(w, w.frame), active_agents(w, w.frame - 1)
    return 0 if agents < 0 or before < 0 else agents - before


# Calibrated: the features of `baseline` above look at the frame evaluated; these can look at an
# earlier one, `at`, since a rule may ask what held in m of the last n frames.


@called
def settled(w: Window, at: int, frames: int) -> bool:
    """Whether the track was there `frames` frames ago, or just before: what is younger is still being estimated.

    Looks back at most `frames + GAP_FRAMES - 1` frames.
    """
    for frame in range(at - frames + 1, at - frames - GAP_FRAMES + 1, -1):  # noqa: SIM110 - a generator does not compile
        if seen_in(w, frame):
            return True
    return False


@called
def speed_change(w: Window, at: int, frames: int) -> float:
    """Change of speed over the window that ends at `at`, m/s; negative when the vehicle slows down.

    The first sighting of a track has no velocity yet, so one counts only if the frame before has one too.
    """
    last = float(sighting(w, at)["speed"])
    for frame in range(at - frames + 1, at):
        if seen_in(w, frame) and seen_in(w, frame - 1):
            return last - float(sighting(w, frame)["speed"])
    return 0.0


@called
def deceleration(w: Window, at: int, frames: int) -> float:
    """Minus the slope of the speed along the vehicle's axis, m/s2, by least squares over the frames' own times.

    The causal form of a first-order Savitzky-Golay filter. The axis is that of the heading
    in frame `at`; both its directions are the same, so that a heading flip is no braking.
    Zero where the vehicle was seen in no more than half of the frames.
    """
    last = sighting(w, at)
    axis_x, axis_y = math.cos(float(last["yaw"])), math.sin(float(last["yaw"]))
    count, sum_t, sum_v, sum_tv, sum_tt = 0, 0.0, 0.0, 0.0, 0.0
    for frame in range(at - frames + 1, at + 1):
        if seen_in(w, frame):
            seen = sighting(w, frame)
            t = time_between_s(w, at, frame)
            v = abs(float(seen["vx"]) * axis_x + float(seen["vy"]) * axis_y)
            count += 1
            sum_t += t
            sum_v += v
            sum_tv += t * v
            sum_tt += t * t
    spread = count * sum_tt - sum_t * sum_t
    if 2 * count <= frames or spread <= 0.0:
        return 0.0
    return (sum_t * sum_v - count * sum_tv) / spread


@called
def mean_acceleration(w: Window, at: int, frames: int) -> float:
    """Change of speed from the oldest sighting of the window to the one in `at`, over the time between, m/s2."""
    for frame in range(at - frames + 1, at):
        if seen_in(w, frame):
            gained = float(sighting(w, at)["speed"]) - float(sighting(w, frame)["speed"])
            return gained / max(time_between_s(w, frame, at), 0.001)
    return 0.0


@called
def motion_mismatch(w: Window, at: int, frames: int) -> float:
    """How far the positions contradict the velocities over the window, as a share of the distance driven.

    The vector from the first to the last position, against the sum of velocity x time.
    """
    before, way_x, way_y, driven, start_x, start_y = NEVER, 0.0, 0.0, 0.0, 0.0, 0.0
    for frame in range(at - frames + 1, at + 1):
        if not seen_in(w, frame):
            continue
        seen = sighting(w, frame)
        if before == NEVER:
            start_x, start_y = float(seen["x"]), float(seen["y"])
        else:
            former, dt_s = sighting(w, before), time_between_s(w, before, frame)
            step_x = 0.5 * (float(former["vx"]) + float(seen["vx"])) * dt_s
            step_y = 0.5 * (float(former["vy"]) + float(seen["vy"])) * dt_s
            way_x += step_x
            way_y += step_y
            driven += math.sqrt(step_x * step_x + step_y * step_y)
        before = frame
    last = sighting(w, at)
    off_x, off_y = float(last["x"]) - start_x - way_x, float(last["y"]) - start_y - way_y
    return math.sqrt(off_x * off_x + off_y * off_y) / max(driven, _FEW_METRES)


@called
def position_deceleration(w: Window, at: int, frames: int) -> float:
    """Deceleration by the positions alone, m/s2: of the parabola through them, by least squares.

    Along the axis of the heading in frame `at`, in the direction in which the vehicle went.
    Over 15 frames, positions that are off by 0.1 m make it uncertain by 0.3 m/s2. Zero where
    the vehicle was seen in no more than half of the frames.
    """
    last = sighting(w, at)
    axis_x, axis_y = math.cos(float(last["yaw"])), math.sin(float(last["yaw"]))
    count, t1, t2, t3, t4, s0, s1, s2, first = 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for frame in range(at - frames + 1, at + 1):
        if seen_in(w, frame):
            seen = sighting(w, frame)
            t = time_between_s(w, at, frame)
            way = (float(seen["x"]) - float(last["x"])) * axis_x + (float(seen["y"]) - float(last["y"])) * axis_y
            if count == 0:
                first = way
            count += 1
            t1 += t
            t2 += t * t
            t3 += t * t * t
            t4 += t * t * t * t
            s0 += way
            s1 += t * way
            s2 += t * t * way
    if 2 * count <= frames:
        return 0.0
    # Cramer's rule on the normal equations of way = a + b t + c t2; the acceleration is 2 c.
    spread = count * (t2 * t4 - t3 * t3) - t1 * (t1 * t4 - t2 * t3) + t2 * (t1 * t3 - t2 * t2)
    if spread <= 0.0:
        return 0.0
    bend = count * (t2 * s2 - t3 * s1) - t1 * (t1 * s2 - t3 * s0) + t2 * (t1 * s1 - t2 * s0)
    acceleration = 2.0 * bend / spread
    return -acceleration if first < 0.0 else acceleration  # it came from behind, or from ahead, driving backwards


@called
def position_residual(w: Window, at: int) -> float:
    """Distance from where the last position and velocity x time say the vehicle is, m; zero across a gap.

    Median on real cars 0.05 m, 99 % below 1.3 m.
    """
    if not seen_in(w, at - 1):
        return 0.0
    last, before, dt_s = sighting(w, at), sighting(w, at - 1), time_between_s(w, at - 1, at)
    off_x = float(last["x"]) - float(before["x"]) - float(before["vx"]) * dt_s
    off_y = float(last["y"]) - float(before["y"]) - float(before["vy"]) * dt_s
    return math.sqrt(off_x * off_x + off_y * off_y)


@called
def turn_per_frame(w: Window, at: int) -> float:
    """Absolute change of heading since the frame before, the short way round, rad; zero across a gap."""
    if not seen_in(w, at - 1):
        return 0.0
    turn = abs(float(sighting(w, at)["yaw"]) - float(sighting(w, at - 1)["yaw"])) % (2.0 * math.pi)
    return min(turn, 2.0 * math.pi - turn)


@called
def active_agent_ratio(w: Window, at: int, frames: int) -> float:
    """Active agents in frame `at` over their median in the `frames` before; 1 where that says nothing.

    It says nothing where less than half of those frames are known, or where there were few agents.
    """
    agents = active_agents(w, at)
    if agents < 0:
        return 1.0
    known = 0
    for frame in range(at - frames, at):
        if active_agents(w, frame) >= 0:
            known += 1
    if 2 * known < frames:
        return 1.0
    for frame in range(at - frames, at):
        median = active_agents(w, frame)
        if median < MIN_AGENTS:
            continue
        below = up_to = 0
        for other in range(at - frames, at):
            count = active_agents(w, other)
            if 0 <= count < median:
                below += 1
            if 0 <= count <= median:
                up_to += 1
        if 2 * below < known <= 2 * up_to:  # the lower of the two middle ones
            return agents / median
    return 1.0
