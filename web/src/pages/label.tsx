// Label: the sessions so far, and beginning a new one; with a session in the address, that session.
import { useState } from "preact/hooks";
import * as calls from "../api/calls";
import type { Kind, NewSession, SessionInfo, TableInfo } from "../api/types";
import { Empty, Field, PageHead, Select, Shown } from "../parts/basic";
import { Icon, type IconName } from "../parts/icons";
import { useChanged, useLoad } from "../parts/load";
import { ago } from "../logic/format";
import { address, place } from "../route";
import { ClassSession } from "../session/classify";
import { JudgeSession } from "../session/judge";
import { MatchSession } from "../session/match";
import { SimilarSession } from "../session/similar";
import { me } from "../state";
import { t } from "../texts";
import { beginSession } from "./begin";
import { HeuristicsPage } from "./heuristics";

const SHOWN = { pair: MatchSession, group: SimilarSession, class: ClassSession, judgement: JudgeSession } as const;
const ICONS: Record<Kind, IconName> = { pair: "merge", group: "similar", class: "label", judgement: "search" };
const KINDS: readonly Kind[] = ["pair", "group", "class", "judgement"];

export function LabelPage() {
    const id = place.value.parts[1];
    if (id === "heuristics") return <HeuristicsPage />;
    return id ? <OneSession key={id} id={id} /> : <AllSessions />;
}

function OneSession({ id }: { id: string }) {
    const info = useLoad(() => calls.session(id), [id]);
    return (
        <Shown from={info}>
            {(one) => {
                const Session = SHOWN[one.kind];
                return <Session info={one} />;
            }}
        </Shown>
    );
}

function AllSessions() {
    const sessions = useLoad(calls.sessions, []);
    const tables = useLoad(calls.tables, []);
    useChanged(["labels"], sessions.reload);
    return (
        <>
            <PageHead title={t.label.title} about={t.label.about} />
            <div class="stack wide">
                <Shown from={tables} lines={3}>{(all) => <Begin tables={all} />}</Shown>
                <section class="sheet">
                    <header><h2>{t.label.sofar}</h2></header>
                    <Shown from={sessions} lines={3}>{(all) => <Sessions sessions={all} />}</Shown>
                    {sessions.data?.length ? (
                        <p class="row exports small"><span class="soft">{t.label.exported}</span>{KINDS.map((kind) => <a href={calls.exportPath(kind)} download={`${kind}.csv`}>{t.label.exportNames[kind]}</a>)}</p>
                    ) : null}
                </section>
            </div>
        </>
    );
}

function Sessions({ sessions }: { sessions: readonly SessionInfo[] }) {
    if (!sessions.length) return <Empty icon="label" title={t.label.none}><p>{t.label.noneAbout}</p></Empty>;
    return (
        <ul class="list">
            {sessions.map((one) => (
                <li>
                    <a href={address(["label", one.session])}>
                        <Icon name={ICONS[one.kind]} />
                        <span class="grow"><strong>{one.name}</strong> <span class="soft small">{t.label.kinds[one.kind].name} · {one.table} · {one.made_by}, {ago(one.made_at)}</span></span>
                        <span class="soft small tab-figures">{t.label.answers(one.answers)}</span>
                        {one.open ? null : <span class="chip">{t.label.closed}</span>}
                    </a>
                </li>
            ))}
        </ul>
    );
}

function Begin({ tables }: { tables: readonly TableInfo[] }) {
    const [kind, setKind] = useState<Kind | null>(null);
    return (
        <section class="stack" aria-label={t.label.begin}>
            <div class="kinds">
                {KINDS.map((one) => (
                    <button type="button" class="kind sheet" aria-pressed={kind === one} onClick={() => setKind(kind === one ? null : one)}>
                        <Icon name={ICONS[one]} size={22} />
                        <strong>{t.label.kinds[one].name}</strong>
                        <span class="soft small">{t.label.kinds[one].about}</span>
                    </button>
                ))}
                <a class="kind sheet" href={address(["label", "heuristics"])}>
                    <Icon name="filter" size={22} />
                    <strong>{t.rules.title}</strong>
                    <span class="soft small">{t.rules.short}</span>
                </a>
            </div>
            {kind ? <BeginForm key={kind} kind={kind} tables={tables} /> : null}
        </section>
    );
}

function BeginForm({ kind, tables }: { kind: Kind; tables: readonly TableInfo[] }) {
    const whole = tables.some((one) => one.table === "records");
    const usual = kind === "pair" && whole ? "" : (tables.find((one) => one.origin === "added") ?? tables[0])?.table ?? "";
    const [table, setTable] = useState(usual);
    const [strategy, setStrategy] = useState<NewSession["strategy"]>("both");
    const [blind, setBlind] = useState(false);
    const [several, setSeveral] = useState(false);
    const [classes, setClasses] = useState("");
    const choices = tables.filter((one) => kind !== "pair" || one.table !== "records").map((one) => ({ value: one.table, label: kind === "pair" ? t.label.within(one.table) : one.table }));
    if (kind === "pair" && whole) choices.unshift({ value: "", label: t.label.across });
    const submit = (event: Event) => {
        event.preventDefault();
        const named = classes.split(/[,\n]/).map((one) => one.trim()).filter(Boolean);
        void beginSession({ kind, table: table || null, strategy: kind === "pair" || kind === "class" ? strategy : "both", blind, several: kind === "class" && several, classes: kind === "class" ? named : [] });
    };
    if (kind === "pair" && !whole) {
        return <div class="notice"><Icon name="merge" /><div><p>{t.label.noPairs}</p><p><code>{t.clusters.neverCommand(me.value?.workspace ?? "…")}</code></p></div></div>;
    }
    return (
        <form class="sheet pad begin" onSubmit={submit}>
            <Field label={t.label.which}><Select value={table} choices={choices} onPick={setTable} /></Field>
            {kind === "pair" || kind === "class" ? (
                <Field label={t.label.order} hint={t.label.strategies[strategy ?? "both"]?.about}>
                    <Select value={strategy ?? "both"} choices={Object.entries(t.label.strategies).map(([value, one]) => ({ value, label: one.name }))} onPick={(value) => setStrategy(value as NewSession["strategy"])} />
                </Field>
            ) : null}
            {kind === "class" ? (
                <Field label={t.label.classes} hint={t.label.classesHint}><input class="input" value={classes} onInput={(event) => setClasses(event.currentTarget.value)} /></Field>
            ) : null}
            <div class="stack tight">
                {kind === "class" ? <label class="check"><input type="checkbox" checked={several} onChange={(event) => setSeveral(event.currentTarget.checked)} />{t.label.several}</label> : null}
                {kind === "pair" || kind === "class" ? <label class="check"><input type="checkbox" checked={blind} onChange={(event) => setBlind(event.currentTarget.checked)} />{t.label.blind}</label> : null}
                <div><button type="submit" class="button main" disabled={!table && !(kind === "pair" && whole)}>{t.label.start}</button></div>
            </div>
        </form>
    );
}
