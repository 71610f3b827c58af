// Map: all records of a table in two dimensions; a line around some of them shows, labels or collects them.
import { useCallback, useEffect, useState } from "preact/hooks";
import * as calls from "../api/calls";
import type { Caught, MapInfo } from "../api/types";
import { Bar, Empty, Ghost, PageHead, Select, Shown } from "../parts/basic";
import { Icon } from "../parts/icons";
import { howFar } from "../parts/jobs";
import { useChanged, useLoad } from "../parts/load";
import { figure } from "../logic/format";
import type { Polygon } from "../map/chart";
import { paint, type Painted } from "../map/colours";
import { address, go, place } from "../route";
import { attempt, jobs, theme } from "../state";
import { t } from "../texts";
import { CaughtPanel } from "./map_caught";
import { Plane } from "./map_plane";

const METHODS: readonly calls.Method[] = ["pca", "classes", "umap"];

export function MapPage() {
    const tables = useLoad(calls.tables, []);
    const table = place.value.query.get("table") ?? tables.data?.find((one) => one.table === "records")?.table ?? tables.data?.[0]?.table ?? null;
    const asked = place.value.query.get("method");
    const method = METHODS.find((one) => one === asked) ?? "pca";
    return (
        <div class="map-page">
            <PageHead title={t.map.title}>
                {tables.data && table ? (
                    <>
                        <Select label={t.data.table} value={table} choices={tables.data.map((one) => ({ value: one.table, label: one.table }))} onPick={(value) => go(address(["map"], { table: value, method }), true)} />
                        <Select label={t.map.method} value={method} choices={METHODS.map((value) => ({ value, label: t.map.methods[value] }))} onPick={(value) => go(address(["map"], { table, method: value }), true)} />
                    </>
                ) : null}
            </PageHead>
            {tables.data && !table ? <Empty icon="map" title={t.data.none}><p>{t.data.noneAbout}</p></Empty> : null}
            {table ? <TableMap key={`${table} ${method}`} table={table} method={method} /> : tables.data ? null : <Ghost lines={8} />}
        </div>
    );
}

function TableMap({ table, method }: { table: string; method: calls.Method }) {
    const info = useLoad(() => calls.map(table, method), [table, method]);
    useChanged(["map"], info.reload);
    const job = info.data?.job ? (jobs.value.get(info.data.job.job) ?? info.data.job) : null;
    const state = job?.state;
    useEffect(() => void (state === "done" && !info.data?.ready && info.reload()), [state]);
    return (
        <Shown from={info} lines={10}>
            {(data) => {
                if (data.ready) return <Ready info={data} />;
                if (job && (state === "failed" || state === "cancelled")) return <div class="sheet"><Empty icon="warn" title={t.map.failed}><p>{job.error}</p><button type="button" class="button" onClick={info.reload}>{t.again}</button></Empty></div>;
                return (
                    <div class="sheet">
                        <Empty icon="map" title={t.map.drawing}>
                            <p>{job ? howFar(job) : t.jobs.waiting}</p>
                            <div style={{ width: "240px" }}><Bar share={job && state === "running" ? job.share : null} label={t.map.drawing} /></div>
                        </Empty>
                    </div>
                );
            }}
        </Shown>
    );
}

function Ready({ info }: { info: MapInfo }) {
    const points = useLoad(() => calls.points(info.table, info.method as calls.Method), [info.table, info.method]);
    const [name, setName] = useState(info.colours.find((one) => one.name === "label" && (one.values?.length ?? 0) > 0)?.name ?? info.colours[0]?.name ?? "");
    const colour = info.colours.find((one) => one.name === name) ?? null;
    const raw = useLoad(() => (colour ? calls.colours(info.table, colour.name) : Promise.resolve(null)), [info.table, name]);
    const [caught, setCaught] = useState<Caught | null>(null);
    const [busy, setBusy] = useState(false);
    useChanged(["labels", "models"], raw.reload);
    const ground = document.documentElement.dataset.theme === "dark" ? "dark" : "light";
    const [painted, setPainted] = useState<Painted | null>(null);
    useEffect(() => {
        if (points.data && raw.data && colour) setPainted(paint(colour, raw.data, ground, { none: t.map.none, others: t.map.others }));
        else if (points.data && !colour) setPainted({ codes: new Uint8Array(points.data.length / 2), palette: ["#0b6b66"], legend: [] });
    }, [points.data, raw.data, ground, theme.value]);
    const lassoed = useCallback(async (polygon: Polygon) => {
        setBusy(true);
        const found = await attempt(() => calls.lasso(info.table, info.method as calls.Method, polygon));
        setBusy(false);
        if (found) setCaught(found);
    }, [info.table, info.method]);
    if (info.count === 0) return <div class="sheet"><Empty icon="map" title={t.map.nothing} /></div>;
    return (
        <div class={caught ? "map caught" : "map"}>
            <div class="sheet plane-box" data-testid="map">
                {points.data && painted ? <Plane points={points.data} painted={painted} ground={ground} lassoed={lassoed} clear={() => setCaught(null)} /> : points.fault ? <p class="pad bad">{points.fault}</p> : <Ghost lines={10} />}
                <div class="plane-count tiny tab-figures">{busy ? t.map.looking : t.map.count(figure(info.count))}</div>
            </div>
            <div class="stack map-side">
                {caught ? <CaughtPanel info={info} caught={caught} close={() => setCaught(null)} /> : (
                    <section class="sheet pad stack">
                        <label class="field"><span class="label">{t.map.colourBy}</span>
                            <Select value={name} choices={info.colours.map((one) => ({ value: one.name, label: t.map.colours[one.name] ?? one.name }))} onPick={setName} />
                        </label>
                        {painted ? <Legend painted={painted} /> : null}
                        <p class="tiny"><Icon name="lasso" size={14} /> {t.map.hint}</p>
                    </section>
                )}
            </div>
        </div>
    );
}

function Legend({ painted }: { painted: Painted }) {
    return (
        <ul class="legend small">
            {painted.legend.map((one) => <li><span class="dot" style={{ background: one.colour }} /><span class="grow">{one.label}</span><span class="soft tab-figures">{figure(one.count)}</span></li>)}
        </ul>
    );
}
