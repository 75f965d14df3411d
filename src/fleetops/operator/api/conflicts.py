"""A conflict over an alert is answered with the alert as it is, so that nobody has to ask for it."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import FastAPI, Request, Response

from fleetops.errors import ConflictError
from fleetops.operator.views import AlertView
from fleetops.web import PROBLEM_JSON, Problem, error_type


class AlertConflictError(ConflictError):
    """What was asked of an alert contradicts `alert`, which is how it stands."""

    def __init__(self, conflict: ConflictError, alert: AlertView) -> None:
        super().__init__(str(conflict))
        self.conflict, self.alert = conflict, alert


class ConflictProblem(Problem):
    """A problem document of status 409, with the alert as it stands."""

    alert: AlertView


def answer_conflicts(app: FastAPI) -> None:
    """Have `app` answer every AlertConflictError with a ConflictProblem."""

    @app.exception_handler(AlertConflictError)
    async def on_conflict(_: Request, error: AlertConflictError) -> Response:
        problem = ConflictProblem(
            type=error_type(type(error.conflict)),
            title="Conflict",
            status=HTTPStatus.CONFLICT,
            detail=str(error),
            alert=error.alert,
        )
        return Response(problem.model_dump_json(exclude={"errors"}), HTTPStatus.CONFLICT, media_type=PROBLEM_JSON)
