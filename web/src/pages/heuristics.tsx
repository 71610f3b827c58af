// Heuristics: words and patterns that name a class. Each is tried while it is typed, kept, and joined with the others into labels.
import { useEffect, useState } from "preact/hooks";
import * as calls from "../api/calls";
import type { RuleLine, RulesPage, TableInfo } from "../api/types";
import { Empty, Interval, PageHead, Select, Shown } from "../parts/basic";
import { Icon } from "../parts/icons";
import { useKeys } from "../parts/keys";
import { useChanged, useLoad } from "../parts/load";
import { figure, percent } from "../logic/format";
import { BLANK, type Draft, draftOf, givenOf, said } from "../logic/rule";
import { address, go, place } from "../route";
import { attempt, may, say } from "../state";
import { t } from "../texts";
import { RuleForm } from "./heuristics_try";

const SURE = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95];

export function HeuristicsPage() {
    const tables = useLoad(calls.tables, []);
    return (
        <>
            <PageHead title={t.rules.title} about={t.rules.about}>
                {tables.data?.length ? <span class="rules-head"><Select label={t.label.which} value={tableOf(tables.data)} choices={tables.data.map((one) => ({ value: one.table, label: one.table }))} onPick={(value) => go(address(["label", "heuristics"], { table: value }), true)} /></span> : null}
                <a class="button" href={address(["label"])}><Icon name="left" size={14} />{t.label.title}</a>
            </PageHead>
            <Shown from={tables} lines={4}>{(all) => <OneTable tables={all} />}</Shown>
        </>
    );
}

/** The table of the address, else the first that somebody added. */
function tableOf(tables: readonly TableInfo[]): string {
    return place.value.query.get("table") ?? (tables.find((one) => one.origin === "added") ?? tables[0])?.table ?? "";
}

function OneTable({ tables }: { tables: readonly TableInfo[] }) {
    const table = tableOf(tables);
    const [sure, setSure] = useState(0.6);
    const [draft, setDraft] = useState<Draft>(BLANK);
    const page = useLoad(() => calls.heuristics(table, sure), [table, sure]);
    useChanged(["labels", "tables"], page.reload);
    useEffect(() => setDraft(BLANK), [table]);
    useKeys({ n: () => document.getElementById("rule-class")?.focus() });
    if (!tables.length) return <Empty icon="data" title={t.rules.noTable} />;
    return (
        <div class="stack wide">
            <Shown from={page}>
                {(data) => (
                    <>
                        <RuleForm page={data} draft={draft} setDraft={setDraft} kept={page.put} sure={sure} />
                        <Kept page={data} change={setDraft} reload={page.reload} />
                        <Together page={data} sure={sure} setSure={setSure} reload={page.reload} />
                    </>
                )}
            </Shown>
        </div>
    );
}

interface KeptProps { readonly page: RulesPage; readonly change: (draft: Draft) => void; readonly reload: () => void }

function Kept({ page, change, reload }: KeptProps) {
    return (
        <section class="sheet" aria-label={t.rules.kept}>
            <header><h2>{t.rules.kept}</h2><span class="soft small">{t.rules.hand(page.hand)}</span></header>
            {page.rules.length ? (
                <div class="scroll-x" tabIndex={0} role="region" aria-label={t.rules.kept}>
                    <table class="lines rules">
                        <thead><tr><th>{t.rules.on}</th><th>{t.rules.what}</th><th>{t.rules.gives}</th><th class="number">{t.rules.rows}</th><th class="number">{t.rules.conflict}</th><th>{t.rules.right}</th><th /></tr></thead>
                        <tbody>{page.rules.map((line) => <KeptLine key={line.name} line={line} page={page} change={change} reload={reload} />)}</tbody>
                    </table>
                </div>
            ) : <p class="pad soft">{t.rules.none}</p>}
        </section>
    );
}

function KeptLine({ line, page, change, reload }: KeptProps & { line: RuleLine }) {
    const allowed = may("curate");
    const turn = async (on: boolean) => {
        if (await attempt(() => calls.keepHeuristic({ ...givenOf(line, page.table), on }))) reload();
    };
    const remove = async () => {
        const gone = await attempt(() => calls.removeHeuristic(page.table, line.name));
        if (!gone) return;
        reload();
        say(t.rules.removed(line.name), "plain", { label: t.session.undo, run: () => void attempt(() => calls.keepHeuristic(gone)).then(reload) });
    };
    return (
        <tr class={line.on ? "" : "inactive"}>
            <td><input type="checkbox" aria-label={t.rules.turn(line.name)} checked={line.on} disabled={!allowed} onChange={(event) => void turn(event.currentTarget.checked)} /></td>
            <th scope="row"><span class="chip">{t.rules.kinds[line.kind]}</span> <span class={line.kind === "pattern" ? "mono small" : ""}>{said(line).slice(0, 120)}</span>{line.fault ? <p class="small fault">{line.fault}</p> : null}</th>
            <td>{line.gives || Object.keys(line.names).join(", ")}</td>
            <td class="number">{figure(line.rows)} <span class="soft small">{percent(line.coverage)}</span></td>
            <td class="number">{percent(line.conflict)}</td>
            <td class="right"><Interval {...line.accuracy} /> <span class="small soft">{line.checked ? t.rules.of(line.right, line.checked) : t.rules.unjudged}</span></td>
            <td><div class="row">
                <button type="button" class="button small" onClick={() => { change(draftOf(line)); document.getElementById("rule-class")?.focus(); }}>{t.rules.change}</button>
                {allowed ? <button type="button" class="button small danger" onClick={() => void remove()}>{t.rules.remove}</button> : null}
            </div></td>
        </tr>
    );
}

interface TogetherProps { readonly page: RulesPage; readonly sure: number; readonly setSure: (sure: number) => void; readonly reload: () => void }

function Together({ page, sure, setSure, reload }: TogetherProps) {
    const { joined } = page;
    const undo = async () => {
        const done = await attempt(() => calls.undoHeuristics(page.table));
        if (!done) return;
        reload();
        say(t.rules.undone(done.taken, done.new));
    };
    const apply = async () => {
        const done = await attempt(() => calls.applyHeuristics(page.table, sure));
        if (!done) return;
        reload();
        say(t.rules.applied(done.new, done.taken), "plain", { label: t.session.undo, run: () => void undo() });
    };
    return (
        <section class="sheet" aria-label={t.rules.together} data-testid="joined">
            <header><h2>{t.rules.together}</h2></header>
            <div class="stack pad">
                {page.notice ? <p class="soft">{page.notice}</p> : null}
                {page.rules.length ? null : <p class="soft">{t.rules.togetherNone}</p>}
                {joined ? (
                    <>
                        <p>{t.rules.would(joined.rows, page.asked, percent(joined.coverage))} {joined.kept ? t.rules.stays(joined.kept) : ""}</p>
                        <p class="row">{joined.labels.map((one) => <span class="chip accent">{one.value} <span class="tab-figures">{figure(one.rows)}</span></span>)}</p>
                        <div class="row">{joined.checked ? <><Interval {...joined.accuracy} /><span>{t.rules.expected(joined.right, joined.checked)}</span></> : <span class="soft">{t.rules.unproven}</span>}</div>
                        <div class="row">
                            <label class="row rule-sure">{t.rules.sure} <Select value={String(sure)} choices={SURE.map((value) => ({ value: String(value), label: percent(value, 0) }))} onPick={(value) => setSure(Number(value))} /></label>
                            {may("curate") ? <button type="button" class="button main" onClick={() => void apply()} disabled={!joined.rows && !page.applied.length}>{t.rules.apply(joined.rows)}</button> : <span class="soft small">{t.rules.onlyCurate}</span>}
                        </div>
                    </>
                ) : null}
                {page.applied.length ? (
                    <p class="row small"><span class="soft">{t.rules.now}</span>{page.applied.map((one) => <span class="chip">{one.value} {figure(one.rows)}</span>)}{may("curate") ? <button type="button" class="button small" onClick={() => void undo()}><Icon name="undo" size={14} />{t.rules.takeBack}</button> : null}</p>
                ) : null}
            </div>
        </section>
    );
}
