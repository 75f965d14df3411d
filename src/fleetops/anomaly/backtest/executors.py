"""Where parts are worked on: here, in processes beside this one, or on a Dask cluster.

Each gives the results as they come, in any order. What is handed out and not yet given back is
bounded, so that a slow disk holds up the work and not the memory.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING

from fleetops.errors import BacktestError

if TYPE_CHECKING:
    from distributed import Client
    from distributed import Future as DaskFuture

from .parts import Part, Task
from .scan import PartResult, Progress, code_digest, scan

Done = tuple[Part, PartResult]
Execute = Callable[[Task, Sequence[Part], Progress], Iterator[Done]]

_AHEAD = 2
"""Parts handed out per worker: one in work, one waiting."""

_DASK_TIMEOUT_S = 20


def in_this_process(task: Task, parts: Sequence[Part], progress: Progress) -> Iterator[Done]:
    """Work on `parts` one after another."""
    for part in parts:
        yield part, scan(task, part, progress)


def in_processes(jobs: int) -> Execute:
    """Work on parts in `jobs` fresh processes of this machine; they end with this one, however it ends."""

    def execute(task: Task, parts: Sequence[Part], progress: Progress) -> Iterator[Done]:
        context = multiprocessing.get_context("spawn")
        waiting = iter(parts)
        working: dict[Future[PartResult], Part] = {}
        pool = ProcessPoolExecutor(min(jobs, len(parts)) or 1, mp_context=context, initializer=_begin_process)
        try:
            while True:
                while len(working) < jobs * _AHEAD and (part := next(waiting, None)) is not None:
                    working[pool.submit(scan, task, part)] = part
                if not working:
                    return
                for future in wait(working, return_when=FIRST_COMPLETED).done:
                    part = working.pop(future)
                    result = _result(future, part)
                    progress(part.frames)
                    yield part, result
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    return execute


def on_dask(address: str) -> Execute:
    """Work on parts on the workers of the Dask scheduler at `address`.

    Raises:
        BacktestError: nobody answers there, nobody works there, or workers run other code.
    """

    def execute(task: Task, parts: Sequence[Part], progress: Progress) -> Iterator[Done]:
        from distributed import Client, as_completed  # noqa: PLC0415 - an extra

        try:
            client = Client(address, timeout=_DASK_TIMEOUT_S, set_as_default=False)
        except (OSError, ValueError) as error:
            raise BacktestError(
                f"no Dask scheduler answers at {address} ({error}); start one with `dask scheduler`, "
                f"and workers with `dask worker {address}`"
            ) from error
        with client:
            try:
                client.wait_for_workers(1, timeout=_DASK_TIMEOUT_S)
            except TimeoutError as error:
                raise BacktestError(
                    f"the Dask scheduler at {address} has no workers; start some with `dask worker {address}`"
                ) from error
            waiting = iter(parts)
            by_key: dict[str, Part] = {}
            completed = as_completed(loop=client.loop)

            def hand_out() -> None:
                most = _threads(client) * _AHEAD
                while len(by_key) < most and (part := next(waiting, None)) is not None:
                    future = client.submit(scan, task, part, pure=False)
                    by_key[future.key] = part
                    completed.add(future)

            hand_out()
            for future in completed:
                part = by_key.pop(future.key)
                result = _from_cluster(future, address)
                future.release()
                progress(part.frames)
                yield part, result
                hand_out()

    return execute


def _threads(client: Client) -> int:
    """Threads of the workers there are now: they come and go while a run lasts. At least one."""
    try:
        threads: dict[str, int] = client.nthreads()
    except OSError:  # the scheduler is gone, as the next result will say
        return 1
    return max(1, sum(threads.values()))


def _result(future: Future[PartResult], part: Part) -> PartResult:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise BacktestError(
            f"a process died while working on {part.scenes[0].scene_id} to {part.scenes[-1].scene_id}, perhaps for "
            "want of memory; what is done is kept: run the same command again, with fewer --jobs"
        ) from error


def _from_cluster(future: DaskFuture, address: str) -> PartResult:
    from distributed.client import FutureCancelledError  # noqa: PLC0415 - an extra
    from distributed.comm import CommClosedError  # noqa: PLC0415
    from distributed.scheduler import KilledWorker  # noqa: PLC0415

    try:
        result: PartResult = future.result()
    except KilledWorker as error:
        raise BacktestError(
            f"workers of the Dask scheduler at {address} died again and again over one part ({error}), perhaps for "
            "want of memory; what is done is kept: run the same command again"
        ) from error
    except (FutureCancelledError, CommClosedError) as error:
        raise BacktestError(
            f"the Dask scheduler at {address} is gone ({error}); what is done is kept: run the same command again"
        ) from error
    if result.code != code_digest():
        raise BacktestError(
            "a Dask worker runs another version of FleetOps, whose findings cannot be put beside these: "
            "install the same version everywhere"
        )
    return result


def _begin_process() -> None:
    """Leave Ctrl-C to the parent, and do not outlive it: the pool's own processes would wait for it for ever."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is None:
        raise AssertionError("this is for processes of a pool")

    def end_with_parent() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=end_with_parent, name="parent", daemon=True).start()
