// Teaching a model: what, from what, how thoroughly; with the time and memory that it will probably take.
import { useState } from "preact/hooks";
import * as calls from "../api/calls";
import type { FitAsked, TableInfo } from "../api/types";
import { Fault, Field, Select } from "../parts/basic";
import { Icon } from "../parts/icons";
import { useLoad, useStill } from "../parts/load";
import { toggled } from "../logic/chosen";
import { duration, figure, memory } from "../logic/format";
import { attempt, noteJob, say } from "../state";
import { t } from "../texts";

type Task = FitAsked["task"];
const TASKS: readonly Task[] = ["match", "classify", "search", "embed"];
const EFFORTS = ["quick", "normal", "best"] as const;
const USUAL: Record<Task, string> = { match: "pairs", classify: "classes", search: "search", embed: "space" };

export function FitForm({ done }: { done: () => void }) {
    const tables = useLoad(calls.tables, []);
    const [task, setTask] = useState<Task>("match");
    const [name, setName] = useState("");
    const [effort, setEffort] = useState<(typeof EFFORTS)[number]>("normal");
    const [table, setTable] = useState<string | null>(null);
    const [text, setText] = useState<ReadonlySet<string>>(new Set());
    const [label, setLabel] = useState("");
    const chosen = tables.data?.find((one) => one.table === table) ?? tables.data?.find((one) => one.origin === "added") ?? tables.data?.[0];
    const asked: FitAsked = {
        task, name: slug(name) || USUAL[task], effort, minutes: null,
        table: task === "match" ? null : (chosen?.table ?? null), text: task === "match" ? [] : [...text], label: task === "classify" && label ? label : null,
    };
    const submit = async (event: Event) => {
        event.preventDefault();
        const job = await attempt(() => calls.fit(asked));
        if (!job) return;
        noteJob(job);
        say(t.models.started);
        done();
    };
    return (
        <form class="sheet pad stack wide" onSubmit={submit} aria-label={t.models.fit}>
            <fieldset class="segments">
                <legend class="hidden">{t.models.what}</legend>
                {TASKS.map((one) => <button type="button" class="button small" aria-pressed={task === one} onClick={() => setTask(one)}>{t.models.tasks[one]}</button>)}
            </fieldset>
            <p class="small soft">{t.models.taskAbout[task]}</p>
            <div class="form-grid">
                <Field label={t.models.name} hint={t.models.nameHint}><input class="input" value={name} placeholder={USUAL[task]} maxLength={60} onInput={(event) => setName(event.currentTarget.value)} /></Field>
                <Field label={t.models.effort} hint={t.models.efforts[effort].about}>
                    <Select value={effort} choices={EFFORTS.map((value) => ({ value, label: t.models.efforts[value].name }))} onPick={(value) => setEffort(value as typeof effort)} />
                </Field>
                {task !== "match" && tables.data && chosen ? <From tables={tables.data} chosen={chosen} task={task} text={text} label={label} setTable={(value) => { setTable(value); setText(new Set()); setLabel(""); }} setText={setText} setLabel={setLabel} /> : null}
            </div>
            <ForecastLine asked={asked} />
            <div class="row"><button type="submit" class="button main">{t.models.start}</button><button type="button" class="button plain" onClick={done}>{t.close}</button></div>
        </form>
    );
}

function slug(name: string): string {
    return name.toLowerCase().replace(/[^a-z0-9_-]+/g, "-").replace(/^[-_]+/, "").slice(0, 60);
}

interface FromProps {
    readonly tables: readonly TableInfo[];
    readonly chosen: TableInfo;
    readonly task: Task;
    readonly text: ReadonlySet<string>;
    readonly label: string;
    readonly setTable: (table: string) => void;
    readonly setText: (text: ReadonlySet<string>) => void;
    readonly setLabel: (label: string) => void;
}

function From({ tables, chosen, task, text, label, setTable, setText, setLabel }: FromProps) {
    return (
        <>
            <Field label={t.data.table}><Select value={chosen.table} choices={tables.map((one) => ({ value: one.table, label: one.table }))} onPick={setTable} /></Field>
            {task === "classify" ? (
                <Field label={t.models.labelFrom}>
                    <Select value={label} choices={[{ value: "", label: t.models.fromSessions }, ...chosen.columns.map((one) => ({ value: one.name, label: t.models.fromColumn(one.name) }))]} onPick={setLabel} />
                </Field>
            ) : null}
            <fieldset class="columns-choice">
                <legend class="small">{t.models.text}</legend>
                {chosen.columns.map((one) => <label class="check small"><input type="checkbox" checked={text.has(one.name)} onChange={() => setText(toggled(text, one.name))} />{one.name}</label>)}
            </fieldset>
        </>
    );
}

function ForecastLine({ asked }: { asked: FitAsked }) {
    const key = useStill(JSON.stringify(asked), 300);
    const forecast = useLoad(() => calls.forecast(JSON.parse(key) as FitAsked), [key]);
    if (forecast.fault) return <Fault sentence={forecast.fault} />;
    const told = forecast.data;
    if (!told) return <p class="notice small">{t.loading}</p>;
    return (
        <div class={told.enough ? "notice" : "notice warn"} aria-live="polite">
            <Icon name={told.enough ? "clock" : "warn"} size={16} />
            <span class="stack tight">
                <span class="tab-figures">{t.models.forecast(duration(told.minutes * 60), duration(told.minutes_high * 60), memory(told.memory_mb), figure(told.labels))}</span>
                <span class="small">{told.why}</span>
            </span>
        </div>
    );
}
