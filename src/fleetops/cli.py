"""One program; each process of FleetOps is one command of it. Builds the settings, once.

Imports are inside the commands: `fleetops --help` answers at once.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from . import __version__
from .auth.roles import Role
from .errors import ConfigurationError, FleetOpsError

if TYPE_CHECKING:
    from .settings import Settings

DataDir = Annotated[Path | None, typer.Option(help="Where logs, journals and the database lie.", show_default=False)]

app = typer.Typer(
    name="fleetops",
    help="Replay recorded driving data as a live fleet, detect anomalies, act on them. Simulation only.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
dataset_app = typer.Typer(help="Look into L5Kit datasets.", no_args_is_help=True)
scenes_app = typer.Typer(help="Make datasets with SUMO, and compare them with real ones.", no_args_is_help=True)
db_app = typer.Typer(help="The operator's database.", no_args_is_help=True)
token_app = typer.Typer(help="API tokens, for programs.", no_args_is_help=True)
app.add_typer(dataset_app, name="dataset")
app.add_typer(scenes_app, name="scenes")
app.add_typer(db_app, name="db")
audit_app = typer.Typer(help="The operator's audit log: who changed what.", no_args_is_help=True)
app.add_typer(token_app, name="token")
app.add_typer(audit_app, name="audit")


def main() -> None:
    """Run the command line; errors of ours become a message and an exit code."""
    try:
        app()
    except FleetOpsError as error:
        _complain(str(error))
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)


@app.command()
def demo(
    dataset: Annotated[Path | None, typer.Option(help="An L5Kit zarr.", show_default=False)] = None,
    scenes: Annotated[int, typer.Option(min=1, help="Replay the first so many scenes, all at once.")] = 3,
    rate: Annotated[
        float | None, typer.Option(min=0, max=1000, help="Frames per second; 0 = as fast as it goes. [default: 10]")
    ] = None,
    session_id: Annotated[
        str | None, typer.Option(help="Equal ids give equal anomaly ids. [default: a new one]")
    ] = None,
    rules: Annotated[str | None, typer.Option(help="A shipped rule set, or a TOML file. [default: calibrated]")] = None,
    data_dir: DataDir = None,
    browser: Annotated[bool, typer.Option(help="Open the console in a browser.")] = True,
    exit_when_done: Annotated[
        bool, typer.Option("--exit-when-done", help="End when the replay has been detected to its end.")
    ] = False,
) -> None:
    """Run everything on this machine: servers, services, one replay; and show what is found."""
    from uuid import uuid4

    from rich.console import Console

    if session_id is not None:
        _check_session_id(session_id)
    if rate is not None:
        _check_rate(rate)
    settings = _settings()
    replay = {"dataset": dataset and dataset.resolve(), "rate_hz": rate}
    changes: dict[str, object] = {
        "replay": settings.replay.model_copy(
            update={name: value for name, value in replay.items() if value is not None}
        ),
        "data_dir": (data_dir or settings.data_dir).absolute(),
    }
    if rules is not None:
        changes["anomaly"] = settings.anomaly.model_copy(update={"rules": rules})
    settings = settings.model_copy(update=changes)
    _log_to_file(settings)

    from .embedded import demo as demo_of
    from .embedded.stop import StopRequested

    options = demo_of.DemoOptions(
        session_id=session_id or f"session_{uuid4().hex[:12]}",
        scenes=scenes,
        open_browser=browser,
        exit_when_done=exit_when_done,
    )
    try:
        demo_of.run(settings, options, Console())
    except StopRequested as stopped:
        raise typer.Exit(stopped.exit_code) from None


@app.command()
def replay() -> None:
    """Run replay-service."""
    settings = _service_settings("replay-service")
    from .replay.service import run

    run(settings)


@app.command()
def anomaly(
    rules: Annotated[str | None, typer.Option(help="A shipped rule set, or a TOML file. [default: calibrated]")] = None,
) -> None:
    """Run anomaly-service."""
    settings = _service_settings("anomaly-service")
    if rules is not None:
        settings = settings.model_copy(update={"anomaly": settings.anomaly.model_copy(update={"rules": rules})})
    from .anomaly.service import run

    run(settings)


@app.command()
def operator() -> None:
    """Run operator-service."""
    settings = _service_settings("operator-service")
    from .operator.service import run

    run(settings)


@app.command()
def backtest(
    dataset: Annotated[Path, typer.Argument(help="An L5Kit zarr.")],
    rules: Annotated[str, typer.Option(help="A shipped rule set, or a TOML file.")],
    against: Annotated[
        str | None, typer.Option(help="Another rule set: say what is gained, lost, moved, or of another severity.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes to share the scenes out to.")] = 1,
    scheduler: Annotated[
        str | None, typer.Option(help="A Dask scheduler, tcp://HOST:PORT, whose workers share the scenes.")
    ] = None,
    parquet: Annotated[Path | None, typer.Option(help="Write the anomalies to this file, a row each.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write the figures to this file.")] = None,
    admit: Annotated[Literal["vehicles", "all"], typer.Option(help="Which tracks are watched.")] = "vehicles",
    scenes: Annotated[
        str | None, typer.Option(help="Only these, by name, number or range: scene_00042,0-9,17.", show_default=False)
    ] = None,
) -> None:
    """Try rules over recorded scenes, without touching anything live. Broken off, it goes on where it was."""
    from rich.console import Console

    from .anomaly.backtest import command

    options = command.BacktestOptions(dataset, rules, against, jobs, scheduler, parquet, json, admit, scenes)
    command.backtest(options, Console())


@app.command()
def score(
    rules: Annotated[str, typer.Option(help="A shipped rule set, or a TOML file.")],
    datasets: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[DATASET...]", help="L5Kit zarrs, `golden` for ours. [default: golden]"),
    ] = None,
    against: Annotated[str | None, typer.Option(help="Another rule set, on the very same faults.")] = None,
    seeds: Annotated[str, typer.Option(help="tuning (0-9), reporting (100-109), or such as 0-4,7.")] = "reporting",
    vehicle_hours: Annotated[
        float, typer.Option(min=0, max=100_000, help="Generate so much traffic without faults; 0 = none.")
    ] = 100.0,
    traffic: Annotated[
        list[Path] | None, typer.Option(help="Watch this dataset instead of generated traffic. Repeatable.")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Write the figures to this file.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the report to this file.")] = None,
    misses: Annotated[
        Path | None, typer.Option(help="Write what was not found or not explained to this file, as JSON lines.")
    ] = None,
    judgements: Annotated[
        Path | None, typer.Option(help="A TOML file of judgements on what the datasets raise, for the report.")
    ] = None,
) -> None:
    """Put known faults into recorded scenes, and say how well a rule set finds them."""
    from rich.console import Console

    from .score_command import ScoreOptions, run

    asked = (rules, against, seeds, vehicle_hours, tuple(traffic or ()), json, markdown, misses, judgements)
    run(ScoreOptions(tuple(datasets or ()), *asked), Console())


@dataset_app.command()
def info(
    path: Annotated[Path, typer.Argument(help="An L5Kit zarr.")],
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """Say what a dataset holds: scenes, rates, gaps, labels, track lives, what would be sent."""
    from rich.console import Console
    from rich.progress import Progress

    from .dataset.profile import profile
    from .dataset.reader import Dataset
    from .profile_report import as_table, to_json

    dataset = Dataset.open(path)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("reading", total=dataset.scene_count)
        found = profile(dataset, progress=lambda done, _: progress.update(task, completed=done))
    if as_json:
        typer.echo(to_json(found))
    else:
        Console().print(as_table(found))


@scenes_app.command("build")
def build_scenes(
    output: Annotated[Path, typer.Option(help="A folder that is not there yet.")],
    vehicles: Annotated[
        int | None, typer.Option(min=1, help="In view at any moment, over all scenes. [default: the golden scenes]")
    ] = None,
    scenes: Annotated[
        int | None, typer.Option(min=1, help="Spread over so many scenes. [default: 45 vehicles each]")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds give equal datasets.")] = 0,
    seconds: Annotated[float, typer.Option(min=1, max=300, help="How long each scene is.")] = 60.0,
    jobs: Annotated[int, typer.Option(min=1, help="Make scenes in so many processes; the result is the same.")] = 1,
) -> None:
    """Make the golden dataset; or, with --vehicles, one of traffic of any amount."""
    from rich.console import Console

    from .scenes.commands import build_golden, build_load
    from .scenes.load import LoadPlan

    if vehicles is None:
        build_golden(output, Console())
    else:
        build_load(output, LoadPlan.of(vehicles, scenes, seed, seconds), jobs, Console())


@scenes_app.command("stats")
def compare_scenes(
    path: Annotated[Path, typer.Argument(help="An L5Kit zarr.")],
    against: Annotated[Path | None, typer.Option(help="Another one, side by side.", show_default=False)] = None,
) -> None:
    """Measure what a dataset's tracker gets wrong: residuals, velocities, headings, sizes, track lives."""
    from rich.console import Console

    from .scenes.commands import compare

    compare(path, against, Console())


@db_app.command()
def upgrade(data_dir: DataDir = None) -> None:
    """Bring the database to this version's schema."""
    from .db.migrate import upgrade as upgrade_database

    upgrade_database(_database_settings("fleetops db upgrade", data_dir))
    typer.echo("the database has this version's schema")


@db_app.command()
def prune(
    older_than: Annotated[str, typer.Option(help="Let go of what ended longer ago: 12h, 90d, 8w.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    keep_audit: Annotated[bool, typer.Option("--keep-audit", help="Leave the audit log whole.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Let go of old resolved alerts, events and audit entries. Nothing that is live is touched."""
    from .operator.retention_commands import prune as prune_database

    settings = _database_settings("fleetops db prune", data_dir)
    typer.echo(prune_database(settings, older_than, dry_run=dry_run, keep_audit=keep_audit))


@audit_app.command()
def verify(
    against: Annotated[
        str | None,
        typer.Option(help="A head NUMBER:HASH noted before, which must still be in the chain.", show_default=False),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Follow the audit log's chain of hashes, and name the first entry that is not what was sealed."""
    from .operator.audit_commands import verify as verify_log

    typer.echo(verify_log(_database_settings("fleetops audit verify", data_dir), against))


@audit_app.command()
def export(
    form: Annotated[Literal["jsonl", "csv"], typer.Option("--format", help="How entries are written.")] = "jsonl",
    output: Annotated[Path | None, typer.Option(help="A file. [default: the standard output]")] = None,
    since: Annotated[datetime | None, typer.Option(help="From then on, UTC.", show_default=False)] = None,
    until: Annotated[datetime | None, typer.Option(help="Before then, UTC.", show_default=False)] = None,
    data_dir: DataDir = None,
) -> None:
    """Write the audit log out, in the order of its chain."""
    from .operator.audit_commands import export as export_log

    settings = _database_settings("fleetops audit export", data_dir)
    count = export_log(settings, output, form, _utc(since), _utc(until))
    typer.echo(f"{count} entries", err=True)


@token_app.command()
def create(
    role: Annotated[Role, typer.Option(help="What it may do.")],
    name: Annotated[
        str | None, typer.Option(help="What its actions are signed with: `token:NAME`. [default: a new one]")
    ] = None,
    expires_in: Annotated[
        str | None, typer.Option(help="How long it holds: 12h, 90d. [default: until it is revoked]")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Make an API token. It is shown this once, alone on the standard output."""
    from secrets import token_hex

    from .operator.access import create_token
    from .operator.token_commands import life_of

    life = life_of(expires_in)

    settings = _database_settings("fleetops token create", data_dir)
    chosen = name if name is not None else f"token-{token_hex(3)}"
    secret = create_token(settings, role, chosen, life)
    if name is None:
        typer.echo(f"its name: {chosen}", err=True)
    typer.echo(secret)


@token_app.command("list")
def list_tokens(data_dir: DataDir = None) -> None:
    """Show who holds a token, newest first. The secrets themselves are not kept."""
    from datetime import UTC, datetime

    from rich.console import Console

    from .operator.access import list_tokens
    from .operator.token_commands import as_table

    found = list_tokens(_database_settings("fleetops token list", data_dir))
    Console().print(as_table(found, datetime.now(UTC)))


@token_app.command()
def revoke(
    name: Annotated[str, typer.Argument(help="The token's name.")],
    data_dir: DataDir = None,
) -> None:
    """Let a token in no more; a new one may take its name."""
    from .operator.access import revoke_token

    revoke_token(_database_settings("fleetops token revoke", data_dir), name)
    typer.echo(f"{name} opens nothing any more")


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def _settings() -> Settings:
    """The settings as the environment has them.

    Raises:
        ConfigurationError: one is not valid; says which variable, and why.
    """
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from .settings import Settings

    try:
        return Settings()
    except SettingsError as error:
        # It tells the section alone: `kafka` for FLEETOPS_KAFKA__CLIENT_OPTIONS.
        raise ConfigurationError(
            f"settings that cannot be used: {error}; what holds several values is written as JSON: "
            """FLEETOPS_KAFKA__CLIENT_OPTIONS='{"security.protocol": "SSL"}'"""
        ) from None
    except ValidationError as error:
        wrong = [f"FLEETOPS_{'__'.join(map(str, each['loc'])).upper()}: {each['msg']}" for each in error.errors()]
        raise ConfigurationError("settings that cannot be used:\n  " + "\n  ".join(wrong)) from None


def _check_rate(rate_hz: float) -> None:
    """Refuse now what a child would refuse when its settings reach it.

    Raises:
        ConfigurationError: no session runs at this rate.
    """
    from pydantic import TypeAdapter, ValidationError

    from .settings import RateHz

    try:
        TypeAdapter(RateHz).validate_python(rate_hz)
    except ValidationError as error:
        raise ConfigurationError(f"--rate {rate_hz:g}: {error.errors()[0]['msg']}") from None


def _check_session_id(session_id: str) -> None:
    """Refuse now what replay-service would refuse when everything runs.

    Raises:
        ConfigurationError: it cannot be the id of a session.
    """
    from pydantic import TypeAdapter, ValidationError

    from .replay.request import SessionId

    try:
        TypeAdapter(SessionId).validate_python(session_id)
    except ValidationError:
        raise ConfigurationError(
            f"--session-id {session_id!r}: use up to 100 letters, digits, '.', '_' and '-', "
            "a letter or a digit at the front"
        ) from None


def _utc(time: datetime | None) -> datetime | None:
    return None if time is None else time.replace(tzinfo=time.tzinfo or UTC)


def _service_settings(name: str) -> Settings:
    from .log import configure_logging

    settings = _settings()
    configure_logging(name, settings.log_level, settings.log_format)
    return settings


def _database_settings(name: str, data_dir: Path | None) -> Settings:
    """Settings with a database: the configured one, else that of the demo running on the data directory."""
    from pydantic import SecretStr

    from .embedded.postgres import running_url

    settings = _service_settings(name)
    if settings.database_url is not None:
        return settings
    return settings.model_copy(update={"database_url": SecretStr(running_url(data_dir or settings.data_dir))})


def _log_to_file(settings: Settings) -> None:
    """Keep the demo's own log beside its children's: the terminal is for people."""
    from .embedded.process import rotate
    from .log import configure_logging

    path = settings.data_dir / "logs" / "demo.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    rotate(path)
    configure_logging("demo", settings.log_level, settings.log_format, path.open("a", buffering=1))


def _complain(message: str) -> None:
    from rich.console import Console

    console = Console(stderr=True)
    console.print("error:", style="bold red", end=" ")
    console.print(message, markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()
