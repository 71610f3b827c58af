// One entity: its records side by side, why they are together, splitting and merging, and the golden record.
import { useState } from "preact/hooks";
import * as calls from "../api/calls";
import { newKey } from "../api/client";
import type { Change, ClusterDetail, Rec, Why } from "../api/types";
import { Fault, Ghost, Shown } from "../parts/basic";
import { Icon } from "../parts/icons";
import { useChanged, useLoad, useStill } from "../parts/load";
import { Explanation, SourceName, Value } from "../parts/record";
import { toggled } from "../logic/chosen";
import { ago, percent, score, titleOf } from "../logic/format";
import { address, go } from "../route";
import { attempt, may, say } from "../state";
import { t } from "../texts";

async function undo(event: number | null): Promise<void> {
    const change = await attempt(() => calls.undoCluster(newKey(), event));
    if (!change) return;
    say(change.sentence);
    const there = change.clusters[0];
    if (there) go(address(["clusters", there]));
}

/** Say what a change did, offer to take it back, and go to what came of it. */
function tell(change: Change): void {
    say(change.sentence, "plain", { label: t.clusters.undo, run: () => void undo(change.event) });
    const there = change.clusters[0];
    if (there) go(address(["clusters", there]));
}

export function ClusterPanel({ id, back }: { id: string; back: () => void }) {
    const detail = useLoad(() => calls.cluster(id), [id]);
    useChanged(["clusters"], detail.reload);
    return (
        <section class="stack wide pane-detail" aria-label={id} data-testid="cluster" data-cluster={id}>
            <button type="button" class="button plain pane-back" onClick={back}><Icon name="left" />{t.clusters.title}</button>
            <Shown from={detail}>
                {(data) => (
                    <>
                        <Records detail={data} reload={detail.reload} />
                        <Merge detail={data} />
                        <Golden detail={data} />
                        <History detail={data} />
                    </>
                )}
            </Shown>
        </section>
    );
}

function Records({ detail, reload }: { detail: ClusterDetail; reload: () => void }) {
    const [leaving, setLeaving] = useState<ReadonlySet<number>>(new Set());
    const [pair, setPair] = useState<[number, number] | null>(null);
    const first = detail.records[0];
    const columns = first ? first.columns.filter((name, index) => name !== "source" && detail.records.some((record) => record.values[index] && record.values[index] !== record.id)) : [];
    const possible = leaving.size > 0 && leaving.size < detail.records.length;
    const split = async () => {
        const change = await attempt(() => calls.split(newKey(), detail.cluster, [...leaving]));
        if (!change) return;
        setLeaving(new Set());
        tell(change);
        reload();
    };
    const weakest = detail.weakest;
    const smaller = weakest?.parts.toSorted((one, other) => one.length - other.length)[0] ?? [];
    return (
        <div class="sheet">
            <header>
                <div class="stack tight"><h2>{first ? titleOf(first.columns, first.values) : detail.cluster}</h2><p class="small soft">{detail.why}</p></div>
                {may("curate") && detail.size > 1 ? <button type="button" class="button" disabled={!possible} onClick={split}><Icon name="split" size={15} />{t.clusters.split(leaving.size)}</button> : null}
            </header>
            {weakest && detail.size > 1 ? (
                <div class="row apart weak-line small">
                    <span>{t.clusters.weakLink(nameOf(detail, weakest.left), nameOf(detail, weakest.right), score(weakest.score))}</span>
                    <span class="row">
                        <button type="button" class="button small" onClick={() => setPair([weakest.left, weakest.right])}>{t.clusters.whyPair}</button>
                        {may("curate") && smaller.length ? <button type="button" class="button small" onClick={() => setLeaving(new Set(smaller))}>{t.clusters.pickSide}</button> : null}
                    </span>
                </div>
            ) : null}
            {pair ? <PairWhy detail={detail} pair={pair} close={() => setPair(null)} /> : null}
            <div class="scroll-x" tabIndex={0} role="region" aria-label={t.clusters.records}>
                <table class="lines records">
                    <thead><tr>{detail.size > 1 && may("curate") ? <th><span class="hidden">{t.clusters.leaves}</span></th> : null}<th>{t.clusters.record}</th>{columns.map((name) => <th>{name}</th>)}</tr></thead>
                    <tbody>
                        {detail.records.map((record) => (
                            <tr class={leaving.has(record.row) ? "leaving" : ""}>
                                {detail.size > 1 && may("curate") ? <td><input type="checkbox" aria-label={t.clusters.leave(record.id)} checked={leaving.has(record.row)} onChange={() => setLeaving(toggled(leaving, record.row))} /></td> : null}
                                <td><SourceName record={record} /></td>
                                {columns.map((name) => <td><Value text={valueOf(record, name)} /></td>)}
                            </tr>
                        ))}
                    </tbody>
                </table>
            </div>
            {detail.links.length ? <Links detail={detail} show={setPair} /> : null}
        </div>
    );
}

function valueOf(record: Rec, name: string): string | null {
    return record.values[record.columns.indexOf(name)] ?? null;
}

function nameOf(detail: ClusterDetail, row: number): string {
    return detail.records.find((record) => record.row === row)?.id ?? String(row);
}

function Links({ detail, show }: { detail: ClusterDetail; show: (pair: [number, number]) => void }) {
    const links = detail.links.toSorted((one, other) => one.score - other.score);
    return (
        <details class="links">
            <summary>{t.clusters.links(links.length)}</summary>
            <ul class="small">
                {links.slice(0, 60).map((link) => (
                    <li><button type="button" class="row" onClick={() => show([link.left, link.right])}>
                        <code>{nameOf(detail, link.left)}</code><Icon name="right" size={12} /><code>{nameOf(detail, link.right)}</code>
                        <span class="nearness"><span style={{ width: `${100 * link.score}%` }} /></span><span class="tab-figures">{percent(link.score, 0)}</span>
                    </button></li>
                ))}
            </ul>
        </details>
    );
}

function PairWhy({ detail, pair, close }: { detail: ClusterDetail; pair: [number, number]; close: () => void }) {
    const why = useLoad<Why>(() => calls.clusterWhy(detail.cluster, pair[0], pair[1]), pair);
    return (
        <div class="pair-why">
            <div class="row apart"><h3>{nameOf(detail, pair[0])} ↔ {nameOf(detail, pair[1])}</h3><button type="button" class="icon-button" aria-label={t.close} onClick={close}><Icon name="close" size={15} /></button></div>
            {why.data ? <Explanation why={why.data} /> : why.fault ? <Fault sentence={why.fault} /> : <Ghost lines={3} />}
        </div>
    );
}

function Golden({ detail }: { detail: ClusterDetail }) {
    if (!detail.golden.length) return null;
    return (
        <section class="sheet">
            <header><div class="stack tight"><h2>{t.clusters.golden}</h2><p class="small soft">{t.clusters.goldenAbout}</p></div></header>
            <div class="scroll-x" tabIndex={0} role="region" aria-label={t.clusters.golden}>
                <table class="lines">
                    <thead><tr><th>{t.data.column}</th><th>{t.data.value}</th><th>{t.clusters.from}</th><th>{t.clusters.rule}</th><th>{t.clusters.disagreed}</th></tr></thead>
                    <tbody>
                        {detail.golden.map((cell) => (
                            <tr>
                                <th scope="row">{cell.column}</th>
                                <td><Value text={cell.value} /></td>
                                <td>{cell.source ? <><span class="chip">{cell.source}</span> <code class="soft">{cell.row_id}</code></> : <span class="soft">–</span>}</td>
                                <td class="small soft">{t.clusters.ruleSaid(cell.rule)}</td>
                                <td class="small">{cell.others.length ? cell.others.join(" · ") : <span class="soft">{t.clusters.agreed(cell.agreeing)}</span>}</td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            </div>
        </section>
    );
}

function Merge({ detail }: { detail: ClusterDetail }) {
    const [q, setQ] = useState("");
    const still = useStill(q, 250);
    const found = useLoad(() => (still.trim() ? calls.clusters({ q: still, limit: 8, least: 1, order: "name" }) : Promise.resolve(null)), [still]);
    if (!may("curate")) return null;
    const merge = async (other: string) => {
        const change = await attempt(() => calls.merge(newKey(), [detail.cluster, other]));
        if (!change) return;
        setQ("");
        tell(change);
    };
    const others = found.data?.clusters.filter((one) => one.cluster !== detail.cluster) ?? [];
    return (
        <section class="sheet pad stack tight">
            <h2>{t.clusters.merge}</h2>
            <label class="search"><Icon name="search" /><span class="hidden">{t.clusters.mergeSearch}</span>
                <input class="input" type="search" placeholder={t.clusters.mergeSearch} value={q} onInput={(event) => setQ(event.currentTarget.value)} />
            </label>
            {q.trim() && found.data ? (
                <ul class="list inset">
                    {others.map((one) => <li class="row apart"><span>{one.title} <span class="soft small">{t.clusters.size(String(one.size))} · {one.sources.join(", ")}</span></span><button type="button" class="button small" onClick={() => void merge(one.cluster)}><Icon name="merge" size={14} />{t.clusters.mergeThis}</button></li>)}
                    {others.length ? null : <li class="soft small">{t.data.nothing}</li>}
                </ul>
            ) : null}
        </section>
    );
}

function History({ detail }: { detail: ClusterDetail }) {
    if (!detail.history.length) return null;
    return (
        <section class="sheet">
            <header><h2>{t.clusters.history}</h2></header>
            <ul class="list inset">
                {detail.history.map((event) => (
                    <li class="row apart small">
                        <span>{t.clusters.events[event.kind]} · {event.person} · <span class="soft">{ago(event.at)}</span></span>
                        {event.undone ? <span class="chip">{t.clusters.undone}</span> : event.kind !== "undo" && may("curate") ? <button type="button" class="button small" onClick={() => void undo(event.event)}><Icon name="undo" size={14} />{t.clusters.undo}</button> : null}
                    </li>
                ))}
            </ul>
        </section>
    );
}
