"""The certificate of a run: blind to order and repetition, and to nothing else."""

from __future__ import annotations

import hashlib
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from fleetops.anomaly.digest import Finding, combined_digest, findings_digest, scene_digest
from fleetops.contracts.vocabulary import AnomalyStatus, AnomalyType, Severity

FINDINGS = st.builds(
    Finding,
    st.sampled_from(["scene_001", "scene_002", "scene_010"]),
    st.sampled_from(["a", "b", "a\n", 'b"']),
    st.integers(0, 12),
    st.sampled_from(AnomalyType),
    st.sampled_from(AnomalyStatus),
    st.sampled_from(Severity),
)


@given(st.lists(FINDINGS, max_size=20), st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(findings: list[Finding], dice: Random) -> None:
    """Kafka delivers at least once and partitions interleave."""
    shuffled = [*findings, *findings[:3]]
    dice.shuffle(shuffled)
    assert findings_digest(shuffled) == findings_digest(findings)


@given(st.sets(FINDINGS, max_size=6), st.sets(FINDINGS, max_size=6))
def test_other_findings_have_another_digest(one: set[Finding], other: set[Finding]) -> None:
    """Equal digests mean equal findings."""
    assert (findings_digest(one) == findings_digest(other)) == (one == other)


def test_anyone_can_compute_it() -> None:
    """The documented form, written out by hand."""
    finding = Finding(
        "scene_001",
        "scene_001_track_7",
        42,
        AnomalyType.SUDDEN_DECELERATION,
        AnomalyStatus.ACTIVE,
        Severity.WARNING,
    )
    line = b'["scene_001","scene_001_track_7",42,"sudden_deceleration","ACTIVE","WARNING"]\n'
    of_scene = hashlib.sha256(line).hexdigest()
    assert scene_digest([finding]) == of_scene
    of_all = hashlib.sha256(f'["scene_001","{of_scene}"]\n'.encode()).hexdigest()
    assert findings_digest([finding]) == combined_digest({"scene_001": of_scene}) == f"sha256:{of_all}"


def test_frames_are_ordered_as_numbers() -> None:
    """Frame 9 comes before frame 10, as whoever recomputes it would sort."""
    early, late = (
        Finding("s", "v", frame, AnomalyType.DROPOUT_PROXY, AnomalyStatus.ACTIVE, Severity.INFO) for frame in (9, 10)
    )
    lines = [
        f'["s","v",{frame},"dropout_proxy","ACTIVE","INFO"]\n'.encode()
        for frame in (early.frame_index, late.frame_index)
    ]
    assert scene_digest([late, early]) == hashlib.sha256(b"".join(lines)).hexdigest()
