"""Labels as Label Studio and Argilla write and read them (JSON), so that work done there is not lost.

Both keep what a label is about beside it: `data` in Label Studio, `metadata` in Argilla. There stand `left_id` and
`right_id` (with `left_source` and `right_source`), or `id` and `source`, and `query`; the rows of a group as JSON text.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from dovetail.errors import InputError
from dovetail.labels.said import Answer, Event, Label, Row, Said, Suggestion, Value, make

Document = Mapping[str, Any]
Texts = Mapping[Row, str]
_PEOPLE = uuid.uuid5(uuid.NAMESPACE_URL, "dovetail:people")  # in which people have their UUIDs
_CHOSEN = frozenset({"choices", "taxonomy"})
_OURS = "label"  # the question that labels written here ask


def to_label_studio(events: Iterable[Event], texts: Texts | None = None) -> list[dict[str, Any]]:
    """Tasks with annotations and predictions, one task a subject; `texts` gives what to show of a row."""
    tasks: dict[str, dict[str, Any]] = {}
    for event in events:
        fresh = {"data": _about(event.label) | _shown(event.label, texts), "annotations": [], "predictions": []}
        task = tasks.setdefault(event.label.subject(), fresh)
        label, thought = event.label, _as_prediction(event)
        task["annotations"].append(
            {
                "result": _result(label.shape, _in_order(label, task["data"])),
                "completed_by": {"email": event.person},
                "created_at": event.at,
                "was_cancelled": False,
                "ground_truth": event.gold,
                "prediction": thought,  # what this person saw; null: nothing
            }
        )
        if thought is not None and thought not in task["predictions"]:
            task["predictions"].append(thought)
    return [{"id": number, **task} for number, task in enumerate(tasks.values(), 1)]


def from_label_studio(tasks: Sequence[Document], *, person: str = "") -> list[Said]:
    """What the annotations of exported tasks say, in the full form and in JSON-MIN; skipped ones are left out.

    Where a person annotated a task several times, the last one counts; where the file asks several questions, each is a
    label of its own, with the name of the question as its task, also where only one of them was answered.
    """
    found, names = [], _asked(tasks)
    for number, task in enumerate(tasks, 1):
        data = task.get("data", task)
        given = [a for a in task.get("annotations", [task] if "data" not in task else []) if isinstance(a, Mapping)]
        for one in sorted(given, key=_moment_of):
            if one.get("was_cancelled"):
                continue
            for about, part in _questions(data, one, names):
                value = _annotated(part)
                if value is None:
                    continue
                label = _placed(about, value, f"task {task.get('id', number)}")
                thought = _prediction(label.shape, _seen(task, one))
                answer = Answer(label, thought, at=_moment_of(one) or None, gold=bool(one.get("ground_truth")))
                found.append(Said(answer, _who(one.get("completed_by", one.get("annotator")), person), "label studio"))
    return _latest(found)


def to_argilla(events: Iterable[Event], texts: Texts | None = None) -> list[dict[str, Any]]:
    """Records as Argilla 2 reads them, with responses and suggestions to a question `label`, one record a subject.

    Argilla names people by UUID and keeps no time: who they are and when they spoke stands in the metadata `said`.
    """
    records: dict[str, dict[str, Any]] = {}
    for event in events:
        about = _about(event.label)
        fields = _shown(event.label, texts) or {k: str(v) for k, v in about.items() if v is not None}
        plain = {k: v for k, v in about.items() if v is not None}
        fresh = {"id": event.label.subject_key(), "fields": fields, "metadata": plain, "suggestions": {}}
        record = records.setdefault(event.label.subject(), fresh | {"responses": {"label": []}, "vectors": {}})
        value = _plain(_in_order(event.label, record["metadata"]))
        user = str(uuid.uuid5(_PEOPLE, event.person))
        record["responses"]["label"].append({"value": value, "user_id": user})
        told = json.loads(record["metadata"].get("said", "[]"))
        thought = event.suggestion
        told.append({"user_id": user, "value": value, "person": event.person, "at": event.at})
        told[-1] |= {"gold": event.gold, "suggestion": None if thought is None else asdict(thought)}
        record["metadata"]["said"] = json.dumps(told, ensure_ascii=False)
        if thought is not None:
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
        told = _told(data.get("said"))
        for response in _responses(record):
            label = _placed(data, response["value"], f"record {record.get('id', number)}")
            known = next((t for t in told if t.get("user_id") == response.get("user_id")), {})
            if known:
                told.remove(known)
            same = bool(known) and known.get("value") == response["value"]  # else it was changed over there
            thought = _argilla_thought(label.shape, record.get("suggestions") or {})
            if same:
                seen = known.get("suggestion")
                thought = (
                    None
                    if seen is None
                    else Suggestion(_kept(label.shape, seen["value"]), seen["score"], seen["model"])
                )
            answer = Answer(label, thought, at=known.get("at") if same else None, gold=same and bool(known.get("gold")))
            found.append(Said(answer, _who(known.get("person") or response.get("user_id"), person), "argilla"))
    return _latest(found)


def _as_prediction(event: Event) -> dict[str, Any] | None:
    thought = event.suggestion
    if thought is None:
        return None
    said = {"model_version": thought.model, "result": _result(event.label.shape, thought.value)}
    return said if thought.score is None else said | {"score": thought.score}


def _in_order(label: Label, about: Document) -> Value:
    """The value with the rows of a group in the order in which the task names them."""
    if label.shape != "group" or not isinstance(label.value, tuple):
        return label.value
    of = {tuple(row): side for row, side in zip(label.rows, label.value, strict=True)}
    return tuple(of[id_, source] for id_, source in json.loads(about["rows"]))


def _moment_of(one: Document) -> str:
    """When an annotation was given its present form."""
    return str(one.get("updated_at") or one.get("created_at") or "")


def _latest(found: Sequence[Said]) -> list[Said]:
    """Without what the same person said otherwise about the same later, so that a file says one thing."""
    last: dict[tuple[str, str, bool], Said] = {}
    for one in sorted(found, key=lambda one: one.answer.at or ""):
        last[one.person, one.answer.label.subject(), one.answer.gold] = one
    return [one for one in found if last[one.person, one.answer.label.subject(), one.answer.gold] is one]


def _asked(tasks: Sequence[Document]) -> frozenset[str]:
    """The questions for classes that the annotations of all tasks answer."""
    names = set()
    for task in tasks:
        given = (one for one in task.get("annotations") or () if isinstance(one, Mapping))
        if not _one_question(task.get("data", task)):
            names |= {name for one in given for name, found in _by_question(one).items() if _of_classes(found)}
    return frozenset(names)


def _by_question(one: Document) -> dict[str, list[Any]]:
    parts: dict[str, list[Any]] = {}
    for part in one.get("result") or ():
        parts.setdefault(str(part.get("from_name", "")), []).append(part)
    return parts


def _of_classes(parts: Sequence[Any]) -> bool:
    return any(_CHOSEN & set(part.get("value", ())) for part in parts)


def _one_question(data: Document) -> bool:
    """Whether a task is a pair, a group or a judgement, of which one thing is asked, in however many fields."""
    return "rows" in data or "left_id" in data or bool(data.get("query"))


def _questions(data: Document, one: Document, names: frozenset[str]) -> list[tuple[Document, Document]]:
    """An annotation by its questions, each with what it is about; `names` are those of the whole file."""
    parts = _by_question(one)
    if not parts or _one_question(data):
        return [(data, one)]
    given = {name: {**one, "result": found} for name, found in parts.items() if name in names}
    if len(names) > 1:
        return [(data if name == _OURS else {**data, "task": name}, part) for name, part in given.items()]
    return [(data, part) for part in given.values()] or [(data, one)]


def _seen(task: Document, one: Document) -> Document | None:
    """The prediction that an annotation began with, as far as the file tells; else the first of the task."""
    if "prediction" in one and one["prediction"] is None:
        return None
    if isinstance(one.get("prediction"), Mapping) and one["prediction"].get("result"):
        return dict(one["prediction"])
    known = [p for p in task.get("predictions") or () if isinstance(p, Mapping)]
    parent = one.get("parent_prediction")
    return next((p for p in known if parent is not None and p.get("id") == parent), known[0] if known else None)


def _told(text: Any) -> list[dict[str, Any]]:
    """Who said what when, as `to_argilla` wrote it; nothing where somebody else uses the name."""
    try:
        found = json.loads(text) if isinstance(text, str) else []
    except ValueError:
        return []
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


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
            found += [" > ".join(map(str, c)) if isinstance(c, list) else c for c in value.get(kind, ())]
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
