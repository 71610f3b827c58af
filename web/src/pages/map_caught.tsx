// What lies inside the line: how many, which, and what to do with them.
import { useState } from "preact/hooks";
import * as calls from "../api/calls";
import { newKey } from "../api/client";
import type { Caught, MapInfo } from "../api/types";
import { Icon } from "../parts/icons";
import { SourceName } from "../parts/record";
import { figure, percent, titleOf } from "../logic/format";
import { attempt, say } from "../state";
import { t } from "../texts";
import { beginSession } from "./begin";

/** As many labels as the server takes in one piece. */
const MOST = 10_000;

export function CaughtPanel({ info, caught, close }: { info: MapInfo; caught: Caught; close: () => void }) {
    const [name, setName] = useState("");
    const [busy, setBusy] = useState(false);
    const label = async (event: Event) => {
        event.preventDefault();
        const value = name.trim();
        if (!value || busy) return;
        setBusy(true);
        const said = await attempt(() => calls.labelMany(newKey(), info.table, caught.rows.slice(0, MOST), [value]));
        setBusy(false);
        if (!said) return;
        say(t.map.labelled(said.labels, value));
        close();
    };
    const begin = (kind: "class" | "group") => void beginSession({ kind, table: info.table, rows: caught.rows }, kind === "group" ? (caught.rows[0] ?? null) : null);
    return (
        <section class="sheet" aria-label={t.map.caught} data-testid="caught">
            <header>
                <h2 class="tab-figures">{t.map.inside(figure(caught.total))}</h2>
                <button type="button" class="icon-button" aria-label={t.close} onClick={close}><Icon name="close" /></button>
            </header>
            {caught.total === 0 ? <p class="pad soft">{t.map.noneInside}</p> : (
                <div class="stack pad">
                    <form class="row" onSubmit={label}>
                        <input class="input grow" aria-label={t.map.labelAll} placeholder={t.map.labelAll} value={name} maxLength={200} onInput={(event) => setName(event.currentTarget.value)} />
                        <button type="submit" class="button main" disabled={!name.trim() || busy}>{t.map.label}</button>
                    </form>
                    <div class="row">
                        <button type="button" class="button small" onClick={() => begin("class")}>{t.map.classSession}</button>
                        <button type="button" class="button small" onClick={() => begin("group")}>{t.map.groupSession}</button>
                    </div>
                    {Object.entries(caught.by).map(([colour, counts]) => <By name={t.map.colours[colour] ?? colour} counts={counts} total={caught.total} />)}
                    <h3>{t.map.sample}</h3>
                    <ul class="stack tight small sample">
                        {caught.sample.map((record) => <li><span>{titleOf(record.columns, record.values)}</span> <SourceName record={record} /></li>)}
                    </ul>
                </div>
            )}
        </section>
    );
}

function By({ name, counts, total }: { name: string; counts: Record<string, number>; total: number }) {
    const most = Object.entries(counts).sort(([, one], [, other]) => other - one).slice(0, 5);
    if (!most.length) return null;
    return (
        <div class="stack tight small">
            <h3>{name}</h3>
            {most.map(([value, count]) => <div class="row apart"><span>{value || t.empty}</span><span class="soft tab-figures">{percent(count / Math.max(1, total), 0)}</span></div>)}
        </div>
    );
}
