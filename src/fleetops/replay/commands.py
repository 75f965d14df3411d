"""What operators want of replayed vehicles, from `operator_actions`: heard once, in the journal before it is committed.

It is read by the one replay-service there is, from the offsets of its group: what came while
it was away is heard when it is back. A command names its session, so an old one does nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

import structlog
from pydantic import ValidationError

from fleetops.bus.consumer import GroupConsumer
from fleetops.bus.dead_letters import DeadLetters
from fleetops.bus.producer import Producer
from fleetops.bus.records import Record
from fleetops.contracts.operations import OperatorAction, VehicleCommand
from fleetops.contracts.topics import OPERATOR_ACTIONS, REPLAY_GROUP
from fleetops.contracts.vocabulary import ActionType
from fleetops.errors import BrokerError
from fleetops.settings import KafkaSettings

from .producers import CLIENT_ID

log = structlog.stdlib.get_logger(__name__)

CONCERN_VEHICLES = frozenset(
    {
        ActionType.PULL_OVER_SIMULATED,
        ActionType.REQUEST_REMOTE_ASSIST,
        ActionType.CLOSE_REMOTE_ASSIST,
        ActionType.RESUME_SIMULATION,
    }
)
"""Actions whose metadata is a `VehicleCommand`; all others concern alerts alone."""

_RETRY_S = 1.0

Obey = Callable[[OperatorAction, VehicleCommand], bool]
"""Does what is wanted; False where nothing was to be done. Raises OSError while the journal cannot be written."""


class CommandHandler:
    """Hands the commands of a batch on, and says how far it is only once they are in the journal."""

    def __init__(self, obey: Obey, producer: Producer, stop: threading.Event) -> None:
        self._obey, self._producer, self._stop = obey, producer, stop
        self._dead_letters = DeadLetters(producer, CLIENT_ID)
        self._next: dict[int, int] = {}

    def assigned(self, partitions: Sequence[int]) -> None:
        """Nothing to make: all state is in the journal."""

    def revoked(self, partitions: Sequence[int]) -> None:
        """Forget how far these were read."""
        for partition in partitions:
            self._next.pop(partition, None)

    def idle(self) -> None:
        """Nothing waits for silence here."""

    def offsets(self) -> Mapping[int, int]:
        """Behind the last command that is in the journal."""
        return self._next

    def handle(self, records: Sequence[Record]) -> None:
        """Obey `records`; returns early when asked to stop while the journal cannot be written."""
        for record in records:
            try:
                heard = self._read(record)
            except ValidationError as error:
                self._dead_letters.bury(record, str(error))
                heard = None
            if heard is not None and not self._insist(*heard):
                return
            if self._producer.pending:
                self._producer.flush(unless=self._stop)
            self._next[record.partition()] = record.offset() + 1

    def _read(self, record: Record) -> tuple[OperatorAction, VehicleCommand] | None:
        action = OperatorAction.read(record.value() or b"")
        if action.action_type not in CONCERN_VEHICLES:
            return None
        return action, VehicleCommand.model_validate(action.metadata, extra="ignore")

    def _insist(self, action: OperatorAction, command: VehicleCommand) -> bool:
        """Have it obeyed, however long the journal takes; False when asked to stop before."""
        while True:
            try:
                obeyed = self._obey(action, command)
            except OSError as error:
                log.error("journal_failed", error=str(error), retry_in_s=_RETRY_S)  # noqa: TRY400 - the message says it all
                if self._stop.wait(_RETRY_S):
                    return False
                continue
            log.info(
                "command_heard" if obeyed else "command_ignored",
                action_id=str(action.action_id),
                action=action.action_type,
                vehicle_id=action.vehicle_id,
                session_id=command.replay_session_id,
                sequence=command.sequence,
            )
            return True


class CommandListener:
    """The thread that listens. `on_failure` is called in it when it cannot go on."""

    def __init__(self, kafka: KafkaSettings, obey: Obey, on_failure: Callable[[], None]) -> None:
        # There is one replay-service: it needs no group to share partitions out (docs/decisions/0005).
        self._kafka = kafka.model_copy(update={"sole_consumer": True})
        self._obey, self._on_failure = obey, on_failure
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="replay-commands", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the batch in hand, and commit."""
        self._stop.set()
        self._thread.join()

    def check(self) -> None:
        """Return when nothing ended the listener before it was told to stop.

        Raises:
            FleetOpsError: what did.
        """
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        producer = Producer(self._kafka, f"{CLIENT_ID}-dead-letters")
        try:
            handler = CommandHandler(self._obey, producer, self._stop)
            consumer = GroupConsumer(self._kafka, REPLAY_GROUP, OPERATOR_ACTIONS, f"{CLIENT_ID}-commands", handler)
            consumer.run(self._stop)
        except BaseException as error:
            if self._stop.is_set() and isinstance(error, BrokerError):
                log.warning("commands_stopped_without_kafka", reason=str(error))  # what was not heard comes again
                return
            self._failure = error
            log.exception("commands_failed", error=str(error))
            self._on_failure()
        finally:
            producer.close()
