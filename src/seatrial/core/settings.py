"""Every setting, in one table: file, environment and flags become one frozen object.

The structs below are the table: name, type, default, description and unit. Validation, the
environment names, ``docs/settings.md`` and the file that ``seatrial init`` writes come from it.
Precedence, lowest first: default, ``seatrial.toml``, environment (``SEATRIAL_SERVING__WORKERS``),
flags. An unknown key is an error that names the nearest known one.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field

from seatrial.core import plugins
from seatrial.core.errors import SettingsError, nearest

FILE_NAME = "seatrial.toml"
ENVIRONMENT_PREFIX = "SEATRIAL_"
ENVIRONMENT_SEPARATOR = "__"

InputKind = Literal["text", "record", "array", "image", "chat"]
Task = Literal["classification", "regression", "generation"]
Columns = str | list[str]
PositiveFloat = Annotated[float, Meta(gt=0)]
PositiveInt = Annotated[int, Meta(ge=1)]
Fraction = Annotated[float, Meta(ge=0, le=1)]


def _described(description: str, unit: str = "") -> Meta:
    return Meta(description=description, extra={"unit": unit})


class Section(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One table of ``seatrial.toml``."""


class ModelSettings(Section, frozen=True):
    """What answers; exactly one adapter key says where it comes from."""

    name: Annotated[
        str,
        Meta(
            pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$",
            description="Name of the model; part of every release of it",
        ),
    ] = "model"
    adapter: Annotated[str, _described("Set by the adapter key: load, sklearn, onnx, url, …")] = ""
    location: Annotated[str, _described("Set by the adapter key: its value")] = ""
    input: Annotated[InputKind, _described("What one input is")] = "text"
    task: Annotated[Task, _described("What the model is asked to do")] = "classification"
    pure: Annotated[
        bool,
        _described("Asking twice changes nothing: what a worker died of may be asked again"),
    ] = False
    trust: Annotated[
        str, _described("Who trusted the code in a pickle or joblib file, and when; else empty")
    ] = ""


class EndpointSettings(Section, frozen=True):
    """How a service behind ``url =`` is asked and how its answer is read."""

    protocol: Annotated[
        Literal["predict", "oip", "template"],
        _described("Ready-made templates for seatrial's own /predict and OIP v2, or your own"),
    ] = "predict"
    body: Annotated[
        str,
        _described('Request as JSON, with "$inputs" (a list) or "$input" (one) where inputs go'),
    ] = ""
    answer: Annotated[
        str,
        _described('Answer as JSON, with "$outputs" or a one-element list holding "$output"'),
    ] = ""
    version: Annotated[
        str, _described("Version declared for what stands behind the URL; part of its digest")
    ] = ""
    also: Annotated[
        str,
        _described(
            "URL of another model or version of the same service: a trial asks both the same, to "
            "find a cache that answers for the wrong one"
        ),
    ] = ""
    timeout_s: Annotated[PositiveFloat, _described("Longest wait for one answer", "s")] = 30.0
    header_env: Annotated[
        dict[str, str],
        _described("Request headers whose values are read from these environment variables"),
    ] = {}


class EvalSettings(Section, frozen=True):
    """The labelled rows that the model was chosen by."""

    data: Annotated[str, _described("Parquet, CSV or JSONL file, relative to the folder")] = ""
    input: Annotated[Columns, _described('Input column, a list of them, or "*"')] = "text"
    label: Annotated[str, _described("Label column")] = "label"
    metric: Annotated[
        str,
        _described("Per-row score in [0, 1]: accuracy, within:<tolerance> or module:callable"),
    ] = "accuracy"


class ProductionSettings(Section, frozen=True):
    """Rows as users sent them; labels may be missing for some or all."""

    data: Annotated[str, _described("Parquet, CSV or JSONL file; empty: the prediction log")] = ""
    input: Annotated[Columns, _described("Input column(s); empty: as in [eval]")] = ""
    label: Annotated[str, _described("Label column; empty: as in [eval] where it exists")] = ""
    slices: Annotated[list[str], _described("Columns to report accuracy by")] = []


class BudgetSettings(Section, frozen=True):
    """What may be spent. A budget that is not set is not judged."""

    p50_ms: Annotated[PositiveFloat | None, _described("Median latency", "ms")] = None
    p95_ms: Annotated[PositiveFloat | None, _described("95th percentile of latency", "ms")] = None
    p99_ms: Annotated[PositiveFloat | None, _described("99th percentile of latency", "ms")] = None
    availability: Annotated[Fraction | None, _described("Share of requests answered")] = None
    error_rate_kill: Annotated[
        Fraction | None, _described("Share of errors that trips the kill switch")
    ] = None
    first_request_ms: Annotated[
        PositiveFloat | None, _described("First request after the server says ready", "ms")
    ] = None
    gap_points: Annotated[
        float | None, _described("How far production may fall below eval", "points")
    ] = None
    variant_accuracy_points: Annotated[
        float | None, _described("What a cheaper variant may cost", "points")
    ] = None
    calibration_error: Annotated[
        Fraction | None, _described("Expected calibration error, eval and production")
    ] = None


class ServingSettings(Section, frozen=True):
    """How the server runs."""

    batch_max: Annotated[PositiveInt, _described("Most rows in one call of the model")] = 64
    workers: Annotated[
        PositiveInt | Literal["auto"],
        _described(
            "Model processes; auto: as many as its speed asks for, at most one a core, and 4 in all"
        ),
    ] = "auto"
    fork_workers: Annotated[
        bool,
        _described(
            "Load the model once and fork the workers from it, where it holds neither threads nor "
            "open files; false: each loads its own"
        ),
    ] = True
    worker_memory_mib: Annotated[
        float,
        Meta(ge=0),
        _described(
            "Resident memory before which a worker is replaced between two batches; "
            "0: twice what the loaded model holds and 512 MiB, bounded by the machine",
            "MiB",
        ),
    ] = 0.0
    variant: Annotated[str, _described("Which variant to serve")] = "original"
    degrade: Annotated[
        list[Literal["variant", "queue", "reject"]], _described("Order of degradation")
    ] = field(default_factory=lambda: ["variant", "queue", "reject"])
    cheaper_variant: Annotated[
        str, _described("What answers on the rung variant when the model has no room; empty: none")
    ] = ""
    confidence_min: Annotated[Fraction, _described("Below: abstain")] = 0.0
    timeout_ms: Annotated[
        PositiveFloat, _described("Deadline of a request that names none", "ms")
    ] = 10_000.0
    queue_rows: Annotated[
        PositiveInt, _described("Rows waiting before the server answers 503", "rows")
    ] = 4_096
    body_max_mib: Annotated[PositiveFloat, _described("Largest request body", "MiB")] = 8.0
    head_timeout_s: Annotated[
        PositiveFloat, _described("From a request's first byte to the end of its headers", "s")
    ] = 10.0
    body_timeout_s: Annotated[
        PositiveFloat, _described("From there to the end of its body", "s")
    ] = 30.0
    write_timeout_s: Annotated[
        PositiveFloat, _described("How long a reader may leave an answer unread", "s")
    ] = 30.0
    idle_timeout_s: Annotated[
        PositiveFloat, _described("How long a connection may rest between two requests", "s")
    ] = 75.0
    log_inputs: Annotated[
        bool, _described("Log inputs as they came; false: only their digests")
    ] = True
    keys_required: Annotated[
        bool, _described("Refuse callers without an API key even where no key has been made")
    ] = False
    cache_mib: Annotated[
        float, Meta(ge=0), _described("Memory for answers given before; 0: no cache", "MiB")
    ] = 0.0
    cache_ttl_s: Annotated[
        PositiveFloat | None,
        _described("Age at which a cached answer is forgotten; unset: never, for url: 300", "s"),
    ] = None
    cache_routes: Annotated[
        list[str], _described('Routes that use the cache, as "/predict"; empty: all')
    ] = field(default_factory=list)
    admin_port: Annotated[
        Annotated[int, Meta(ge=0, le=65_535)] | None,
        _described("Port of the admin API; 0 takes a free one; unset: no admin API"),
    ] = None
    admin_host: Annotated[str, _described("Address of the admin API")] = "127.0.0.1"
    admin_public: Annotated[bool, _described("Allow an admin_host that other machines reach")] = (
        False
    )
    admin_names: Annotated[
        list[str],
        _described(
            "Names under which a proxy offers the pages of the admin port, beside addresses and "
            "this machine's own name"
        ),
    ] = field(default_factory=list)


class LogSettings(Section, frozen=True):
    """What the prediction log keeps, and for how long."""

    redact: Annotated[
        list[Literal["email", "phone", "card", "iban", "ip"]],
        _described("Taken out of inputs, and of generated answers, before they are written"),
    ] = field(default_factory=list)
    redact_hook: Annotated[
        str,
        _described(
            "module:callable that returns what may be kept of an input; asked when rows are "
            "sealed, some minutes after they were written"
        ),
    ] = ""
    keep_inputs_days: Annotated[
        PositiveFloat | None, _described("Age at which inputs are forgotten; unset: never", "days")
    ] = None
    keep_rows_days: Annotated[
        PositiveFloat | None, _described("Age at which rows are let go; unset: never", "days")
    ] = None


class ReviewSettings(Section, frozen=True):
    """Which rows the keeper draws for people to label."""

    first_rows: Annotated[
        PositiveInt, _described("User rows drawn from with first_share", "rows")
    ] = 100_000
    first_share: Annotated[Fraction, _described("Share drawn of the first rows")] = 0.01
    per_day: Annotated[
        int, Meta(ge=0), _described("Rows drawn a day after them, on average", "rows")
    ] = 20


class PromiseSettings(Section, frozen=True):
    """What a confidence threshold is to promise; tested on eval and again on reviewed rows."""

    accuracy: Annotated[
        Annotated[float, Meta(gt=0, lt=1)], _described("Right when it answers, at least")
    ] = 0.8
    certainty: Annotated[
        Annotated[float, Meta(ge=0.5, lt=1)], _described("Chance that the promise holds")
    ] = 0.9


class TargetSettings(Section, frozen=True):
    """The machine it will run on; measured elsewhere, an item can only warn."""

    cores: Annotated[PositiveInt | None, _described("Cores", "cores")] = None
    memory_gib: Annotated[PositiveFloat | None, _described("Memory", "GiB")] = None


class CostSettings(Section, frozen=True):
    """What it costs and earns."""

    machine_usd_per_hour: Annotated[PositiveFloat | None, _described("Price", "USD/h")] = None
    requests_per_month: Annotated[PositiveInt | None, _described("Volume", "requests")] = None
    revenue_usd_per_prediction: Annotated[float | None, _described("Revenue", "USD")] = None
    customer_ltv_usd: Annotated[float | None, _described("Lifetime value", "USD")] = None
    predictions_per_customer: Annotated[PositiveFloat | None, _described("Over a lifetime")] = None
    replicas: Annotated[PositiveInt | None, _described("Machines kept for failover too")] = None


class TrialSettings(Section, frozen=True):
    """How much the trial may measure."""

    time_budget_s: Annotated[
        PositiveFloat, _described("All measurements together; what is cut short says so", "s")
    ] = 90.0
    seed: Annotated[int, _described("Seed of every random choice")] = 0


class Settings(Section, frozen=True):
    """All settings of one folder, frozen."""

    model: ModelSettings = ModelSettings()
    endpoint: EndpointSettings = EndpointSettings()
    eval: EvalSettings = EvalSettings()
    production: ProductionSettings = ProductionSettings()
    budget: BudgetSettings = BudgetSettings()
    serving: ServingSettings = ServingSettings()
    promise: PromiseSettings = PromiseSettings()
    log: LogSettings = LogSettings()
    review: ReviewSettings = ReviewSettings()
    target: TargetSettings = TargetSettings()
    cost: CostSettings = CostSettings()
    trial: TrialSettings = TrialSettings()
    not_applicable: Annotated[
        dict[str, str], _described("Checklist items that do not apply, each with its reason")
    ] = field(default_factory=dict)


class SettingRow(Struct, frozen=True):
    """One row of the table, for documentation."""

    section: str
    key: str
    type: str
    default: Any
    description: str
    unit: str
    environment: str


def load(
    folder: Path,
    *,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
) -> Settings:
    """Read ``folder/seatrial.toml`` and lay environment and flags over it.

    Args:
        folder: Where ``seatrial.toml`` lies.
        environment: Variables to look in; default: those of this process.
        flags: Dotted key to value, as ``{"serving.workers": 2}``; ``None`` values are passed over.

    Raises:
        SettingsError: No such file, not TOML, an unknown key, or a value of the wrong type.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        raise SettingsError(
            f"{folder} holds no {FILE_NAME}.",
            hint=f"Run: seatrial init {folder}",
            details={"folder": str(folder)},
        )
    document = read(path)
    return parse(document, environment=environment, flags=flags, source=str(path))


def read(path: Path) -> dict[str, Any]:
    """Read a file as TOML, without judging what is in it.

    Raises:
        SettingsError: It is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.", hint="Mend that line.") from None


def parse(
    document: Mapping[str, Any],
    *,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
    source: str = "settings",
) -> Settings:
    """Build settings from a parsed document; see :func:`load`."""
    merged: dict[str, Any] = {
        section: dict(keys) if isinstance(keys, Mapping) else keys
        for section, keys in document.items()
    }
    for dotted, text in _from_environment(os.environ if environment is None else environment):
        _put(merged, dotted, _typed(dotted, text))
    for dotted, value in (flags or {}).items():
        if value is not None:
            _put(merged, dotted, value)
    _check_names(merged, source)
    _name_adapter(merged, source)
    try:
        return msgspec.convert(merged, Settings)
    except msgspec.ValidationError as error:
        raise SettingsError(
            f"{source}: {_readable(str(error))}.", hint="See docs/settings.md for what each takes."
        ) from None


def table() -> Iterator[SettingRow]:
    """Yield every setting, in the order of the file."""
    for section in msgspec.structs.fields(Settings):
        if not (isinstance(section.type, type) and issubclass(section.type, Section)):
            yield _row("", section)
            continue
        for entry in msgspec.structs.fields(section.type):
            if (section.name, entry.name) not in _DERIVED:
                yield _row(section.name, entry)


_OF_ADAPTER = {"adapter", "location"}
_DERIVED = {("model", name) for name in _OF_ADAPTER}


def _row(section: str, entry: msgspec.structs.FieldInfo) -> SettingRow:
    annotated = msgspec.inspect.type_info(entry.type)
    meta = _metadata(annotated)
    default = entry.default
    if default is msgspec.NODEFAULT:
        default = entry.default_factory()
    dotted = f"{section}.{entry.name}" if section else entry.name
    return SettingRow(
        section=section,
        key=entry.name,
        type=_type_name(annotated),
        default=default,
        description=meta["description"],
        unit=meta["unit"],
        environment=ENVIRONMENT_PREFIX + dotted.replace(".", ENVIRONMENT_SEPARATOR).upper(),
    )


def _metadata(annotated: Any) -> dict[str, str]:
    found = {"description": "", "unit": ""}
    while isinstance(annotated, msgspec.inspect.Metadata):
        found["description"] = (annotated.extra_json_schema or {}).get(
            "description", found["description"]
        )
        found["unit"] = (annotated.extra or {}).get("unit", found["unit"])
        annotated = annotated.type
    return found


def _type_name(annotated: Any) -> str:
    if isinstance(annotated, msgspec.inspect.Metadata):
        return _type_name(annotated.type)
    if isinstance(annotated, msgspec.inspect.UnionType):
        return " or ".join(_type_name(part) for part in annotated.types)
    if isinstance(annotated, msgspec.inspect.LiteralType):
        return ", ".join(str(value) for value in annotated.values)
    if isinstance(annotated, msgspec.inspect.ListType):
        return f"list of {_type_name(annotated.item_type)}"
    names = {
        "StrType": "text",
        "IntType": "whole number",
        "FloatType": "number",
        "BoolType": "true or false",
        "NoneType": "unset",
        "DictType": "table",
    }
    return names.get(type(annotated).__name__, type(annotated).__name__)


def _from_environment(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, text in sorted(environment.items()):
        if name.startswith(ENVIRONMENT_PREFIX) and ENVIRONMENT_SEPARATOR in name:
            section, _, key = name[len(ENVIRONMENT_PREFIX) :].partition(ENVIRONMENT_SEPARATOR)
            yield f"{section.lower()}.{key.lower()}", text


def _typed(dotted: str, text: str) -> Any:
    """Read an environment value as TOML would, so that ``2`` is a number and ``[]`` a list."""
    section, _, key = dotted.partition(".")
    kinds = {f"{row.section}.{row.key}": row.type for row in table()}
    if kinds.get(dotted, "text") == "text" or (section == "model" and key in plugins.adapters):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _put(document: dict[str, Any], dotted: str, value: Any) -> None:
    section, _, key = dotted.partition(".")
    keys = document.setdefault(section, {})
    if isinstance(keys, dict):
        keys[key] = value


def _check_names(document: Mapping[str, Any], source: str) -> None:
    sections = {entry.name: entry for entry in msgspec.structs.fields(Settings)}
    for section, keys in document.items():
        if section not in sections:
            raise _unknown(source, f"section [{section}]", section, sections)
        if not isinstance(keys, Mapping):
            raise SettingsError(
                f"{source}: {section} is {keys!r}; accepted is a table [{section}].",
                hint=f"Write [{section}] on a line of its own.",
            )
        kind = sections[section].type
        if isinstance(kind, type) and issubclass(kind, Section):
            known = {entry.name for entry in msgspec.structs.fields(kind)}
            adapters = plugins.adapters if section == "model" else ()
            if section == "model":
                known -= _OF_ADAPTER
            for key in keys:
                if key not in known and key not in adapters:
                    known |= set(adapters)
                    raise _unknown(source, f"key {key!r} in [{section}]", key, known)


def _unknown(source: str, what: str, received: str, known: Any) -> SettingsError:
    return SettingsError(
        f"{source}: unknown {what}; known: {', '.join(sorted(known))}.",
        hint=nearest(received, known),
        details={"received": received},
    )


def _name_adapter(document: dict[str, Any], source: str) -> None:
    keys = document.get("model", {})
    own = {entry.name for entry in msgspec.structs.fields(ModelSettings)} - _OF_ADAPTER
    chosen = [key for key in keys if key not in own and key in plugins.adapters]
    if len(chosen) != 1:
        raise SettingsError(
            f"{source}: [model] names {len(chosen)} sources"
            f"{' (' + ', '.join(chosen) + ')' if chosen else ''}; accepted is exactly one of: "
            f"{', '.join(plugins.adapters)}.",
            hint='For example: load = "model:load"',
        )
    location = keys.pop(chosen[0])
    if not isinstance(location, str) or not location:
        raise SettingsError(
            f"{source}: model.{chosen[0]} is {location!r}; accepted is text.",
            hint='For example: load = "model:load"',
        )
    keys.update(adapter=chosen[0], location=location)


def _readable(text: str) -> str:
    """Turn ``Expected `float` > 0 - at `$.budget.p50_ms``` into words a person can act on."""
    what, _, where = text.partition(" - at `$.")
    where = where.rstrip("`")
    return f"{where}: {what[0].lower()}{what[1:]}" if where else text
