"""Every error FleetOps raises on purpose.

* FleetOpsError                                                              exit
  - ConfigurationError      a setting is missing or contradicts another       2
  - DatasetError            the zarr is missing, or not of L5Kit's format     3
    + UnknownSceneError     the dataset holds no such scene or frames         3   404
  - ContractError           a message does not match its schema      -> dead_letters
  - RuleSetError            a rule set is malformed or breaks a bound         2
  - BrokerError             Kafka cannot be reached, or refused               4   503
  - ServerStartError        an embedded server or child did not come up       5
  - BacktestError           a backtest's workers or its disk failed           8
  - NotFoundError           no such alert, vehicle or session                     404
  - DatabaseError           PostgreSQL cannot be reached, or lacks our schema 6   503
  - ConflictError           what is asked for contradicts what holds now          409
    + IllegalTransitionError  the alert's status forbids this action              409
    + StaleVersionError       the caller saw an older version of the alert        409
  - AuthenticationError     no credential, or one that is not valid               401
  - PermissionDeniedError   the credential does not allow this                    403
  - InvalidRequestError     the request is well-formed but makes no sense         422
  - TooManyRequestsError    more attempts than are allowed in this time           429
  - AuditFaultError         the audit log is not what was sealed              7
  - UpstreamError           another service failed to answer                      502
    + UpstreamTimeoutError  another service did not answer in time                504

Each is made of facts, and its message says what was expected and what to do.
Only the edges turn them into exit codes (`cli`) or HTTP statuses (`http`).
"""

from __future__ import annotations


class FleetOpsError(Exception):
    """Root of the tree. `exit_code` is what a command ends with, `status` what a request gets."""

    exit_code = 1
    status = 500


class ConfigurationError(FleetOpsError):
    """A setting is missing or contradicts another."""

    exit_code = 2


class DatasetError(FleetOpsError):
    """The dataset is missing, unreadable, or not of L5Kit's zarr format."""

    exit_code = 3
    status = 422


class UnknownSceneError(DatasetError):
    """A scene or frame interval was asked for that the dataset does not hold."""

    status = 404


class ContractError(FleetOpsError):
    """A message does not match its schema; it belongs in `dead_letters`."""


class RuleSetError(FleetOpsError):
    """A rule set is malformed, or breaks the bounds that make restarts exact."""

    exit_code = 2


class BrokerError(FleetOpsError):
    """Kafka cannot be reached, or refused what was asked of it."""

    exit_code = 4
    status = 503


class ServerStartError(FleetOpsError):
    """An embedded server or a child process did not come up, or died."""

    exit_code = 5


class BacktestError(FleetOpsError):
    """Who works on a backtest cannot be reached, died or runs other code, or its results cannot be written."""

    exit_code = 8


class NotFoundError(FleetOpsError):
    """No such thing: `kind` says what it is, `name` which one."""

    status = 404

    def __init__(self, kind: str, name: object) -> None:
        super().__init__(f"no such {kind}: {name}")
        self.kind, self.name = kind, name


class ConflictError(FleetOpsError):
    """What is asked for contradicts what holds now."""

    status = 409


class IllegalTransitionError(ConflictError):
    """Where the alert stands, this action is not allowed."""


class StaleVersionError(ConflictError):
    """The caller saw an older version of what it wants to change."""


class DatabaseError(FleetOpsError):
    """PostgreSQL cannot be reached, or its schema is not this version's."""

    exit_code = 6
    status = 503


class AuthenticationError(FleetOpsError):
    """No credential was given, or it is not valid."""

    status = 401


class PermissionDeniedError(FleetOpsError):
    """The credential is valid but does not allow this."""

    status = 403


class InvalidRequestError(FleetOpsError):
    """The request is well-formed, but what it asks for makes no sense."""

    status = 422


class TooManyRequestsError(FleetOpsError):
    """More attempts were made than are allowed in this time."""

    status = 429


class AuditFaultError(FleetOpsError):
    """The audit log is not what was sealed: somebody changed it behind the service's back."""

    exit_code = 7


class UpstreamError(FleetOpsError):
    """Another service could not be reached, or broke off."""

    status = 502


class UpstreamTimeoutError(UpstreamError):
    """Another service did not answer in time."""

    status = 504
