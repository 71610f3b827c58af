// Data: a table of any length, page by page; the server sorts, filters and searches.
import { useEffect, useState } from "preact/hooks";
import * as calls from "../api/calls";
import type { Condition, RowsPage, TableInfo } from "../api/types";
import { Empty, Fault, Ghost, PageHead, Pager, Select, Shown } from "../parts/basic";
import { Icon } from "../parts/icons";
import { useKeys } from "../parts/keys";
import { useChanged, useLoad, useStill } from "../parts/load";
import { nextSort, readConditions, toggleCondition, writeConditions } from "../logic/conditions";
import { figure, score } from "../logic/format";
import { address, go, place } from "../route";
import { t } from "../texts";
import { ColumnPanel } from "./data_column";
import { FilterBox } from "./data_filter";
import { RowPanel } from "./data_row";

const LIMIT = 50;

export interface View {
    readonly q: string;
    readonly sort: string | null;
    readonly offset: number;
    readonly like: number | null;
    readonly filter: readonly Condition[];
    readonly row: number | null;
    readonly column: string | null;
}

function numberOf(text: string | null): number | null {
    return text !== null && /^\d+$/.test(text) ? Number(text) : null;
}

export function viewOf(query: URLSearchParams): View {
    return {
        q: query.get("q") ?? "",
        sort: query.get("sort"),
        offset: numberOf(query.get("offset")) ?? 0,
        like: numberOf(query.get("like")),
        filter: readConditions(query.get("filter")),
        row: numberOf(query.get("row")),
        column: query.get("column"),
    };
}

export function DataPage() {
    const tables = useLoad(calls.tables, []);
    useChanged(["tables"], tables.reload);
    const chosen = place.value.parts[1];
    const table = tables.data?.find((one) => one.table === chosen) ?? (chosen ? undefined : tables.data?.[0]);
    return (
        <>
            <PageHead title={t.data.title} about={table ? undefined : t.data.about}>
                {tables.data && table ? <TableChoice tables={tables.data} table={table} /> : null}
            </PageHead>
            <Shown from={tables}>
                {(all) => (table ? <Browser key={table.table} table={table} /> : <NoTable any={all.length > 0} name={chosen ?? ""} />)}
            </Shown>
        </>
    );
}

function NoTable({ any, name }: { any: boolean; name: string }) {
    return (
        <div class="sheet">
            <Empty icon="data" title={any ? t.data.unknown(name) : t.data.none}>
                <p>{t.data.noneAbout}</p>
                {any ? <a class="button" href="/data">{t.data.first}</a> : <code>dovetail label WORKSPACE --add FILE</code>}
            </Empty>
        </div>
    );
}

function TableChoice({ tables, table }: { tables: readonly TableInfo[]; table: TableInfo }) {
    const choices = tables.map((one) => ({ value: one.table, label: `${one.table} · ${t.data.origins[one.origin]} · ${figure(one.rows)}` }));
    return <Select value={table.table} choices={choices} label={t.data.table} onPick={(name) => go(address(["data", name]))} />;
}

function Browser({ table }: { table: TableInfo }) {
    const view = viewOf(place.value.query);
    const show = (change: Partial<View>, replace = true) => {
        const next = { ...view, offset: 0, ...change };
        const { filter, offset, ...rest } = next;
        go(address(["data", table.table], { ...rest, offset: offset || null, filter: writeConditions(filter) }), replace);
    };
    const asked = { q: view.q, sort: view.sort, offset: view.offset, like: view.like, filter: view.filter, limit: LIMIT };
    const page = useLoad(() => calls.rows(table.table, asked), [table.table, JSON.stringify(asked)]);
    const open = view.row !== null || view.column !== null;
    useKeys({ Escape: () => open && show({ row: null, column: null, offset: view.offset }), "/": () => document.getElementById("search")?.focus() });
    return (
        <div class={open ? "browser open" : "browser"}>
            <div class="stack browser-main">
                <Tools table={table} view={view} show={show} />
                {page.fault ? <Fault sentence={page.fault} again={page.reload} /> : null}
                {page.data ? <Rows table={table} page={page.data} view={view} loading={page.loading} show={show} /> : page.fault ? null : <Ghost lines={12} />}
            </div>
            {view.row !== null ? <RowPanel table={table} row={view.row} show={show} offset={view.offset} /> : null}
            {view.row === null && view.column !== null ? <ColumnPanel table={table} column={view.column} view={view} show={show} /> : null}
        </div>
    );
}

export type Show = (change: Partial<View>, replace?: boolean) => void;

function Tools({ table, view, show }: { table: TableInfo; view: View; show: Show }) {
    const [text, setText] = useState(view.q);
    const [filtering, setFiltering] = useState(false);
    const still = useStill(text, 250);
    useEffect(() => void (still !== view.q && show({ q: still, like: null })), [still]);
    useEffect(() => setText(view.q), [view.q]);
    return (
        <div class="stack tight">
            <div class="row tools">
                <label class="search grow">
                    <Icon name="search" />
                    <span class="hidden">{t.data.search}</span>
                    <input id="search" class="input" type="search" placeholder={t.data.search} value={text} onInput={(event) => setText(event.currentTarget.value)} />
                </label>
                <button type="button" class="button" aria-expanded={filtering} onClick={() => setFiltering(!filtering)}><Icon name="filter" />{t.data.filter}</button>
            </div>
            {filtering ? <FilterBox table={table} add={(one) => { show({ filter: toggleCondition(view.filter, one) }); setFiltering(false); }} /> : null}
            <Active view={view} show={show} />
        </div>
    );
}

function Active({ view, show }: { view: View; show: Show }) {
    if (!view.filter.length && view.like === null && !view.sort) return null;
    return (
        <div class="row" role="group" aria-label={t.data.active}>
            {view.like !== null ? <Off label={t.data.like(view.like)} off={() => show({ like: null })} /> : null}
            {view.filter.map((one) => <Off label={t.data.condition(one.column, one.op, one.value)} off={() => show({ filter: toggleCondition(view.filter, one) })} />)}
            {view.sort ? <Off label={t.data.sorted(view.sort)} off={() => show({ sort: null })} /> : null}
        </div>
    );
}

function Off({ label, off }: { label: string; off: () => void }) {
    return <button type="button" class="chip accent off" aria-label={t.data.without(label)} onClick={off}>{label} <Icon name="close" size={12} /></button>;
}

interface RowsProps {
    readonly table: TableInfo;
    readonly page: RowsPage;
    readonly view: View;
    readonly loading: boolean;
    readonly show: Show;
}

function Rows({ table, page, view, loading, show }: RowsProps) {
    const pager = <Pager offset={page.offset} limit={LIMIT} total={page.total} exact={page.exact} onGo={(offset) => show({ offset })} />;
    if (!page.rows.length) {
        return (
            <div class="sheet">
                <Empty icon="search" title={t.data.nothing}>
                    <p>{t.data.nothingAbout}</p>
                    <button type="button" class="button" onClick={() => show({ q: "", filter: [], like: null })}>{t.data.clear}</button>
                </Empty>
            </div>
        );
    }
    const kinds = new Map(table.columns.map((column) => [column.name, column.kind]));
    return (
        <div class="sheet rows" aria-busy={loading}>
            <div class="scroll-x grid-scroll" tabIndex={0} role="region" aria-label={table.table}>
                <table class="grid">
                    <thead>
                        <tr>
                            {typeof page.rows[0]?.score === "number" ? <th class="number">{t.data.similarity}</th> : null}
                            {page.columns.map((name) => <Head name={name} view={view} show={show} />)}
                        </tr>
                    </thead>
                    <tbody>
                        {page.rows.map((line) => (
                            <tr key={line.row} aria-selected={line.row === view.row} onClick={() => show({ row: line.row, column: null, offset: view.offset })}>
                                {typeof line.score === "number" ? <td class="number">{score(line.score)}</td> : null}
                                {line.values.map((value, index) => <Cell value={value} kind={kinds.get(page.columns[index] ?? "")} first={index === 0} open={() => show({ row: line.row, column: null, offset: view.offset })} />)}
                            </tr>
                        ))}
                    </tbody>
                </table>
            </div>
            <div class="row apart rows-foot"><span class="tiny tab-figures">{t.data.took(page.milliseconds)}</span>{pager}</div>
        </div>
    );
}

function Head({ name, view, show }: { name: string; view: View; show: Show }) {
    const order = view.sort === name ? "ascending" : view.sort === `-${name}` ? "descending" : "none";
    return (
        <th aria-sort={order} class={view.column === name ? "here" : ""}>
            <span class="head">
                <button type="button" class="sort" onClick={() => show({ sort: nextSort(view.sort, name) })}>
                    {name}{order !== "none" ? <Icon name={order === "ascending" ? "up" : "down"} size={12} /> : null}
                </button>
                <button type="button" class="icon-button profile" aria-label={t.data.profileOf(name)} title={t.data.profileOf(name)} onClick={() => show({ column: name, row: null, offset: view.offset })}>
                    <svg width="14" height="14" viewBox="0 0 14 14" fill="currentColor" aria-hidden="true"><path d="M1 12h2.5V7H1zM5.7 12h2.5V2H5.7zM10.4 12H13V5h-2.6z" /></svg>
                </button>
            </span>
        </th>
    );
}

function Cell({ value, kind, first, open }: { value: string | null; kind: string | undefined; first: boolean; open: () => void }) {
    const numeric = kind === "number" || kind === "money";
    const text = value ?? "";
    const shown = text.length > 160 ? `${text.slice(0, 160)}…` : text;
    return (
        <td class={numeric ? "number" : ""}>
            {first ? <button type="button" class="cell-open" onClick={(event) => { event.stopPropagation(); open(); }}>{shown || t.data.openRow}</button> : shown || <span class="nothing" aria-label={t.empty}>·</span>}
        </td>
    );
}
