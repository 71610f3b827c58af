"""Labels as Label Studio and Argilla write and read them (JSON), so that work done there is not lost.

Both keep what a label is about beside it: `data` in Label Studio, `metadata` in Argilla. There stand `left_id` and
`right_id` (with `left_source` and `right_source`), or `id` and `source`, and `query`; the rows of a group as JSON text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dovetail.errors import InputError
from dovetail.labels.said import Answer, Event, Label, Row, Said, Suggestion, Value, make

Document = Mapping[str, Any]
Texts = Mapping[Row, str]


def to_label_studio(events: Iterable[Event], texts: Texts | None = None) -> list[dict[str, Any]]:
    """Tasks with annotations and predictions, one task a subject; `texts` gives what to show of a row."""
    tasks: dict[str, dict[str, Any]] = {}
    for event in events:
        fresh = {"data": _about(event.label) | _shown(event.label, texts), "annotations": [], "predictions": []}
        task = tasks.setdefault(event.label.subject(), fresh)
        label = event.label
        task["annotations"].append(
            {
                "result": _result(label.shape, label.value),
                "completed_by": {"email": event.person},
                "created_at": event.at,
                "was_cancelled": False,
                "ground_truth": event.gold,
            }
        )
        if event.suggestion is not None:
            thought = event.suggestion
            said = {"model_version": thought.model, "result": _result(label.shape, thought.value)}
            task["predictions"].append(said if thought.score is None else said | {"score": thought.score})
    return [{"id": number, **task} for number, task in enumerate(tasks.values(), 1)]


def from_label_studio(tasks: Sequence[Document], *, person: str = "") -> list[Said]:
    """What the annotations of exported tasks say, in the full form and in JSON-MIN; skipped ones are left out."""
    found = []
    for number, task in enumerate(tasks, 1):
        data = task.get("data", task)
        thoughts = task.get("predictions") or (None,)
        for one in task.get("annotations", [task] if "data" not in task else []):
            if one.get("was_cancelled"):
                continue
            value = _annotated(one)
            if value is None:
                continue
            label = _placed(data, value, f"task {task.get('id', number)}")
            thought = _prediction(label.shape, thoughts[0])
            answer = Answer(label, thought, at=one.get("created_at"), gold=bool(one.get("ground_truth")))
            found.append(Said(answer, _who(one.get("completed_by", one.get("annotator")), person), "label studio"))
    return found


def to_argilla(events: Iterable[Event], texts: Texts | None = None) -> list[dict[str, Any]]:
    """Records as Argilla 2 reads them, with responses and suggestions to a question `label`, one record a subject."""
    records: dict[str, dict[str, Any]] = {}
    for event in events:
        about = _about(event.label)
        fields = _shown(event.label, texts) or {k: str(v) for k, v in about.items() if v is not None}
        fresh = {"id": event.label.subject_key(), "fields": fields, "metadata": about, "suggestions": {}}
        record = records.setdefault(event.label.subject(), fresh | {"responses": {"label": []}, "vectors": {}})
        value = _plain(event.label.value)
        record["responses"]["label"].append({"value": value, "user_id": event.person})
        if event.suggestion is not None:
            thought = event.suggestion
            record["suggestions"]["label"] = {
                "value": _plain(thought.value),
                "score": thought.score,
                "agent": thought.model,
            }
    return list(records.values())


def from_argilla(records: Sequence[Document], *, person: str = "") -> list[Said]:
    """What the submitted responses of exported records say, in the form of Argilla 2 and of Argilla 1."""
    found = []
    for number, record in enumerate(records, 1):
        data = {**(record.get("fields") or {}), **(record.get("metadata") or {})}
        for response in _responses(record):
            label = _placed(data, response["value"], f"record {record.get('id', number)}")
            thought = _argilla_thought(label.shape, record.get("suggestions") or {})
            found.append(Said(Answer(label, thought), _who(response.get("user_id"), person), "argilla"))
    return found


def _about(label: Label) -> dict[str, Any]:
    about: dict[str, Any] = {"task": label.task} if label.task else {}
    if label.shape == "pair":
        for side, row in zip(("left", "right"), label.rows, strict=True):
            about |= {f"{side}_source": row.source, f"{side}_id": row.id}
    elif label.shape == "group":
        about["rows"] = json.dumps([list(row) for row in label.rows])
    else:
        about |= {"source": label.rows[0].source, "id": label.rows[0].id}
    return about | ({"query": label.query} if label.shape == "judgement" else {})


def _shown(label: Label, texts: Texts | None) -> dict[str, str]:
    if texts is None:
        return {}
    names = ("left", "right") if label.shape == "pair" else tuple(f"text_{i + 1}" for i in range(len(label.rows)))
    return {name: texts.get(row, row.id) for name, row in zip(names, label.rows, strict=True)}


def _placed(data: Document, value: Any, place: str) -> Label:
    """The label from what it is about and what was said."""
    shape, rows = _rows(data, place)
    if isinstance(value, list | tuple) and shape in ("pair", "judgement"):
        value = value[0] if value else ""
    if shape == "judgement":
        value = _grade(value, place)
    elif shape == "pair":
        value = str(value).strip().casefold()
    try:
        return make(shape, rows, value, query=str(data.get("query") or ""), task=str(data.get("task") or ""))
    except InputError as error:
        raise InputError(f"{place}: {error}") from None


def _rows(data: Document, place: str) -> tuple[str, list[Row]]:
    if "left_id" in data and "right_id" in data:
        return "pair", [_row(data, "left_"), _row(data, "right_")]
    if "rows" in data:
        rows = json.loads(data["rows"]) if isinstance(data["rows"], str) else data["rows"]
        return "group", [Row(str(id_), source) for id_, source in rows]
    if "id" in data:
        return "judgement" if data.get("query") else "class", [_row(data, "")]
    raise InputError(
        f"{place} does not say which rows it is about; expected left_id and right_id, or id, in data or metadata, "
        f"found {', '.join(map(str, data)) or 'nothing'}"
    )


def _row(data: Document, side: str) -> Row:
    source = data.get(f"{side}source")
    return Row(str(data[f"{side}id"]), None if source is None else str(source))


def _result(shape: str, value: Value) -> list[dict[str, Any]]:
    at = {"from_name": "label", "to_name": "record"}
    if shape == "judgement":
        return [{**at, "type": "number", "value": {"number": value}}]
    if shape == "group" and isinstance(value, tuple):
        each = enumerate(value, 1)
        return [{**at, "from_name": f"group_{i}", "type": "choices", "value": {"choices": [g]}} for i, g in each]
    chosen = list(value) if isinstance(value, tuple) else [value]
    return [{**at, "type": "choices", "value": {"choices": chosen}}]


def _annotated(one: Document) -> Any:
    """What an annotation says: a list of choices, a number, or None where it says nothing."""
    if "result" not in one:
        return _minimal(one)
    found: list[Any] = []
    for part in one["result"] or ():
        value = part.get("value", {})
        for kind in ("choices", "taxonomy"):
            found += [c[-1] if isinstance(c, list) else c for c in value.get(kind, ())]
        for kind in ("rating", "number"):
            if kind in value:
                return value[kind]
    return found if found or one["result"] else None


def _minimal(one: Document) -> Any:
    """JSON-MIN writes the answer beside the data, under the name of the question."""
    for name in ("label", "choice", "choices", "match", "class", "sentiment", "rating", "grade"):
        if name in one:
            found = one[name]
            return found.get("choices", found) if isinstance(found, dict) else found
    return None


def _prediction(shape: str, said: Document | None) -> Suggestion | None:
    value = None if said is None else _annotated(said)
    if said is None or value is None:
        return None
    return Suggestion(_kept(shape, value), said.get("score"), str(said.get("model_version") or ""))


def _argilla_thought(shape: str, said: Any) -> Suggestion | None:
    for one in said.values() if isinstance(said, Mapping) else said:
        if one.get("value") is not None:
            return Suggestion(_kept(shape, one["value"]), one.get("score"), str(one.get("agent") or ""))
    return None


def _responses(record: Document) -> list[dict[str, Any]]:
    """The answers to the question `label`, else to the first; drafts and discarded ones are left out."""
    said = record.get("responses") or {}
    if isinstance(said, Mapping):
        answers = said.get("label", next(iter(said.values()), []))
        return [a for a in answers if a.get("value") is not None and a.get("status", "submitted") == "submitted"]
    found = []
    for one in said:
        values = one.get("values") or {}
        answer = values.get("label", next(iter(values.values()), None))
        if answer is not None and one.get("status", "submitted") == "submitted":
            found.append({"value": answer["value"], "user_id": one.get("user_id")})
    return found


def _who(given: Any, person: str) -> str:
    if isinstance(given, Mapping):
        given = next((given[k] for k in ("email", "username", "first_name", "id") if given.get(k)), None)
    named = str(given) if given not in (None, "") else person
    if not named:
        raise InputError("a label does not say who gave it; name the person")
    return named


def _grade(value: Any, place: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InputError(f"{place}: the grade {value!r} is no number") from None


def _plain(value: Value) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _kept(shape: str, value: Any) -> Value:
    several = [str(v) for v in value] if isinstance(value, list) else [str(value)]
    if shape in ("class", "group"):
        return tuple(several)
    return _grade(value, "a suggestion") if shape == "judgement" else several[0]
