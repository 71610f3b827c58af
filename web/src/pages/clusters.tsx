// Clusters: entities and what holds them together.
import { useEffect, useState } from "preact/hooks";
import * as calls from "../api/calls";
import type { ClusterLine } from "../api/types";
import { Empty, PageHead, Pager, Select, Shown } from "../parts/basic";
import { Icon } from "../parts/icons";
import { useChanged, useLoad, useStill } from "../parts/load";
import { figure, score } from "../logic/format";
import { address, go, place } from "../route";
import { attempt, may, me, noteJob, say } from "../state";
import { t } from "../texts";
import { ClusterPanel } from "./cluster";

const LIMIT = 50;
type Order = NonNullable<calls.ClustersQuery["order"]>;

export function ClustersPage() {
    const tables = useLoad(calls.tables, []);
    useChanged(["tables"], tables.reload);
    if (tables.data && !tables.data.some((one) => one.origin === "records")) return <NoEntities />;
    return <Entities />;
}

/** What to do in a workspace whose tables were never matched; nothing here would work. */
function NoEntities() {
    return (
        <>
            <PageHead title={t.clusters.title} about={t.clusters.about} />
            <div class="sheet"><Empty icon="clusters" title={t.clusters.never}><p>{t.clusters.neverAbout}</p><p><code>{t.clusters.neverCommand(me.value?.workspace ?? "…")}</code></p></Empty></div>
        </>
    );
}

function Entities() {
    const chosen = place.value.parts[1] ?? null;
    const [q, setQ] = useState("");
    const [order, setOrder] = useState<Order>("weakest");
    const [least, setLeast] = useState(2);
    const [offset, setOffset] = useState(0);
    const still = useStill(q, 250);
    useEffect(() => setOffset(0), [still, order, least]);
    const list = useLoad(() => calls.clusters({ q: still, order, least, offset, limit: LIMIT }), [still, order, least, offset]);
    useChanged(["clusters"], list.reload);
    return (
        <>
            <PageHead title={t.clusters.title} about={chosen ? undefined : t.clusters.about}>
                {may("curate") ? <button type="button" class="button" onClick={again}>{t.clusters.again}</button> : null}
            </PageHead>
            <div class={chosen ? "two-panes chosen" : "two-panes"}>
                <section class="sheet pane-list" aria-label={t.clusters.title}>
                    <div class="stack tight pane-tools">
                        <label class="search"><Icon name="search" /><span class="hidden">{t.clusters.search}</span>
                            <input class="input" type="search" placeholder={t.clusters.search} value={q} onInput={(event) => setQ(event.currentTarget.value)} />
                        </label>
                        <div class="row">
                            <div class="grow"><Select label={t.clusters.order} value={order} choices={Object.entries(t.clusters.orders).map(([value, label]) => ({ value, label }))} onPick={(value) => setOrder(value as Order)} /></div>
                            <label class="check small"><input type="checkbox" checked={least === 1} onChange={(event) => setLeast(event.currentTarget.checked ? 1 : 2)} />{t.clusters.single}</label>
                        </div>
                    </div>
                    <Shown from={list}>
                        {(page) => (page.clusters.length ? (
                            <>
                                <ul class="list cluster-list">{page.clusters.map((one) => <Entity one={one} here={one.cluster === chosen} />)}</ul>
                                <div class="pad"><Pager offset={offset} limit={LIMIT} total={page.total} onGo={setOffset} /></div>
                            </>
                        ) : <Empty icon="clusters" title={still ? t.data.nothing : t.clusters.none}><p>{still ? t.data.nothingAbout : t.clusters.noneAbout}</p></Empty>)}
                    </Shown>
                </section>
                {chosen ? <ClusterPanel key={chosen} id={chosen} back={() => go(address(["clusters"]))} /> : (
                    <div class="sheet pane-none"><Empty icon="clusters" title={t.clusters.choose}><p>{t.clusters.chooseAbout}</p></Empty></div>
                )}
            </div>
        </>
    );
}

async function again(): Promise<void> {
    const job = await attempt(calls.integrate);
    if (!job) return;
    noteJob(job);
    say(t.clusters.againSaid);
}

function Entity({ one, here }: { one: ClusterLine; here: boolean }) {
    return (
        <li>
            <a href={address(["clusters", one.cluster])} aria-current={here ? "true" : undefined}>
                <span class="grow">
                    <span class="entity-title">{one.title || one.cluster}</span>
                    <span class="small soft">{one.sources.join(", ")}{one.conflicts ? ` · ${t.clusters.conflicts(one.conflicts)}` : ""}</span>
                </span>
                {one.changed ? <span class="chip accent">{t.clusters.changed}</span> : null}
                <span class="entity-figures small tab-figures"><span>{t.clusters.size(figure(one.size))}</span>{one.weakest === null ? null : <span class={one.weakest < 0.6 ? "warn-text" : "soft"} title={t.clusters.weakest}>{score(one.weakest)}</span>}</span>
            </a>
        </li>
    );
}
