// What a column holds: how full it is, how its values are spread, and the most frequent ones to filter by.
import * as calls from "../api/calls";
import type { ColumnProfile, Condition, TableInfo } from "../api/types";
import { Bar, Shown } from "../parts/basic";
import { Icon } from "../parts/icons";
import { useLoad } from "../parts/load";
import { sameCondition, toggleCondition } from "../logic/conditions";
import { figure, percent } from "../logic/format";
import { t } from "../texts";
import type { Show, View } from "./data";

interface Props {
    readonly table: TableInfo;
    readonly column: string;
    readonly view: View;
    readonly show: Show;
}

export function ColumnPanel({ table, column, view, show }: Props) {
    const profile = useLoad(() => calls.profile(table.table, column), [table.table, column]);
    return (
        <aside class="panel sheet" aria-label={t.data.profileOf(column)}>
            <header>
                <h2>{column}</h2>
                <button type="button" class="icon-button" aria-label={t.close} onClick={() => show({ column: null, offset: view.offset })}><Icon name="close" /></button>
            </header>
            <div class="stack wide panel-body">
                <Shown from={profile}>{(data) => <Profile profile={data} />}</Shown>
                <Values table={table} column={column} view={view} show={show} />
            </div>
        </aside>
    );
}

function Profile({ profile }: { profile: ColumnProfile }) {
    const facts: [string, string][] = [
        [t.data.facts.kind, t.kinds[profile.kind] ?? profile.kind],
        [t.data.facts.distinct, figure(profile.distinct)],
    ];
    if (profile.shortest !== null && profile.longest !== null) facts.push([t.data.facts.length, t.data.range(figure(profile.shortest), figure(profile.longest))]);
    if (profile.min !== null && profile.max !== null) facts.push([t.data.facts.range, t.data.range(figure(profile.min), figure(profile.max))]);
    if (profile.mean !== null) facts.push([t.data.facts.mean, figure(profile.mean)]);
    const share = profile.rows ? profile.filled / profile.rows : 0;
    return (
        <div class="stack">
            <div class="stack tight">
                <div class="row apart small"><span>{t.data.facts.filled}</span><span class="tab-figures">{percent(share)} · {figure(profile.filled)}</span></div>
                <Bar share={share} label={t.data.facts.filled} />
            </div>
            <dl class="facts">{facts.map(([name, value]) => <div><dt>{name}</dt><dd class="tab-figures">{value}</dd></div>)}</dl>
            {profile.histogram.length ? <Histogram bars={profile.histogram} /> : null}
            {profile.notes.map((note) => <p class="notice warn small"><Icon name="warn" size={15} />{note}</p>)}
        </div>
    );
}

function Histogram({ bars }: { bars: ColumnProfile["histogram"] }) {
    const most = Math.max(1, ...bars.map((bar) => bar.count));
    const width = 100 / bars.length;
    const first = bars[0];
    const last = bars.at(-1);
    return (
        <figure class="histogram">
            <svg viewBox="0 0 100 40" preserveAspectRatio="none" role="img" aria-label={t.data.histogram(figure(first?.low ?? 0), figure(last?.high ?? 0))}>
                {bars.map((bar, index) => (
                    <rect x={index * width + 0.4} y={40 - (40 * bar.count) / most} width={Math.max(0.2, width - 0.8)} height={(40 * bar.count) / most} fill="var(--accent)">
                        <title>{t.data.bar(figure(bar.low), figure(bar.high), figure(bar.count))}</title>
                    </rect>
                ))}
            </svg>
            <figcaption class="row apart tiny tab-figures"><span>{figure(first?.low ?? 0)}</span><span>{figure(last?.high ?? 0)}</span></figcaption>
        </figure>
    );
}

function Values({ table, column, view, show }: Props) {
    const others = view.filter.filter((one) => one.column !== column);
    const facets = useLoad(() => calls.facets(table.table, column, view.q, others), [table.table, column, view.q, JSON.stringify(others)]);
    return (
        <section class="stack tight">
            <h3>{t.data.frequent}</h3>
            <Shown from={facets} lines={4}>
                {(data) => {
                    const most = Math.max(1, ...data.values.map((one) => one.count));
                    return (
                        <ul class="facets">
                            {data.values.map((one) => {
                                const condition: Condition = one.value === null ? { column, op: "empty", value: null } : { column, op: "eq", value: one.value };
                                const on = view.filter.some((other) => sameCondition(condition, other));
                                return (
                                    <li>
                                        <button type="button" aria-pressed={on} onClick={() => show({ filter: toggleCondition(view.filter, condition), column })}>
                                            <span class="facet-bar" style={{ width: `${(100 * one.count) / most}%` }} />
                                            <span class="grow">{one.value ?? t.empty}</span>
                                            <span class="tab-figures soft">{figure(one.count)}</span>
                                        </button>
                                    </li>
                                );
                            })}
                            {data.others ? <li class="tiny">{t.data.others(figure(data.others))}</li> : null}
                        </ul>
                    );
                }}
            </Shown>
        </section>
    );
}
