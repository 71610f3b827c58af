// What people answered differently, one at a time: the records, who said what, and a key or a press that settles it.
import { useState } from "preact/hooks";
import * as calls from "../api/calls";
import { newKey } from "../api/client";
import type { Conflict } from "../api/types";
import { Key } from "../parts/basic";
import { Icon } from "../parts/icons";
import { useKeys } from "../parts/keys";
import { useChanged, useLoad } from "../parts/load";
import { SourceName, Values } from "../parts/record";
import { attempt, may, say } from "../state";
import { t } from "../texts";

export function Settle() {
    const summary = useLoad(calls.labelSummary, []);
    const [at, setAt] = useState(0);
    useChanged(["labels"], summary.reload);
    const open = summary.data?.conflicts ?? [];
    if (!open.length) return null;
    const one = open[at % open.length] as Conflict;
    return (
        <section class="sheet settle">
            <header><h2>{t.people.conflicts(summary.data?.unsettled ?? open.length)}</h2></header>
            <OneConflict key={JSON.stringify([one.shape, one.task, one.query, one.rows])} one={one} done={summary.reload} later={open.length > 1 ? () => setAt(at + 1) : null} />
        </section>
    );
}

function OneConflict({ one, done, later }: { one: Conflict; done: () => void; later: (() => void) | null }) {
    const settle = async (value: unknown) => {
        const label = { key: newKey(), shape: one.shape, rows: one.rows, value, query: one.query, task: one.task };
        const taken = await attempt(() => calls.settle(label as Parameters<typeof calls.settle>[0]));
        if (!taken) return;
        done();
        const back = () => void attempt(() => calls.unsettle(taken.event, newKey())).then(done);
        say(t.people.settled(valueSaid(one, value)), "plain", { label: t.people.takeBack, run: back });
    };
    const allowed = may("curate");
    useKeys(allowed ? Object.fromEntries(one.choices.slice(0, 9).map((value, index) => [String(index + 1), () => void settle(value)])) : {});
    return (
        <div class="stack pad">
            <p class="soft small">{allowed ? t.people.conflictsAbout : t.people.onlyCurate}</p>
            {one.query ? <p><strong>{t.people.query(one.query)}</strong></p> : null}
            <div class="settle-records">
                {one.records.map((record) => (
                    <article class="sheet pad"><SourceName record={record} /><Values record={record} most={8} /></article>
                ))}
                {one.records.length ? null : <p class="mono small">{one.rows.map((row) => row.id).join(" ↔ ")}</p>}
            </div>
            <p class="row small">{Object.entries(one.said).map(([person, value]) => <span><span class="soft">{t.people.says(person)}</span> <span class="chip">{valueSaid(one, value)}</span></span>)}</p>
            <div class="row">
                {allowed ? one.choices.map((value, index) => (
                    <button type="button" class="button" onClick={() => void settle(value)}>{valueSaid(one, value)}{index < 9 ? <Key name={String(index + 1)} /> : null}</button>
                )) : null}
                {later ? <button type="button" class="button plain" onClick={later}><Icon name="right" size={14} />{t.people.later}</button> : null}
            </div>
        </div>
    );
}

/** An answer in words. */
function valueSaid(one: Conflict, value: unknown): string {
    if (one.shape === "pair") return t.session.values[String(value)] ?? String(value);
    if (one.shape === "group" && Array.isArray(value)) return t.people.groupWith(value.slice(1).filter((name) => name && name === value[0]).length);
    return Array.isArray(value) && !value.length ? t.session.noneOf : t.data.labelValue(value);
}
