// A similarity session: a record and its nearest neighbours; which of them belong with it?
import { useEffect, useRef, useState } from "preact/hooks";
import * as calls from "../api/calls";
import type { GroupItem, RowsPage, SessionInfo } from "../api/types";
import { Key } from "../parts/basic";
import { Icon } from "../parts/icons";
import { useKeys } from "../parts/keys";
import { useStill } from "../parts/load";
import { SourceName, Values } from "../parts/record";
import { percent, titleOf } from "../logic/format";
import { chosenAtFirst, toggled } from "../logic/chosen";
import { place } from "../route";
import { attempt } from "../state";
import { t } from "../texts";
import { NoQuestion, SessionFrame, UndoButton } from "./frame";
import { useSession } from "./use";

export function SimilarSession({ info }: { info: SessionInfo }) {
    const start = useRef({ row: Number(place.value.query.get("row") ?? Number.NaN) });
    const first = useRef(Number.isNaN(start.current.row) ? {} : start.current);
    const session = useSession<GroupItem>(info, { count: 2, renew: true, first: first.current });
    const { item } = session;
    const [chosen, setChosen] = useState<ReadonlySet<number>>(new Set());
    const [name, setName] = useState("");
    const grid = useRef<HTMLUListElement>(null);
    useEffect(() => {
        setChosen(item ? chosenAtFirst(item.neighbours) : new Set());
        setName(item?.name ?? "");
    }, [item?.item]);
    const rows = item?.neighbours.map((one) => one.record.row) ?? [];
    const accept = (same: readonly number[]) => session.answer({ same, other: rows.filter((row) => !same.includes(row)), name: name.trim() });
    const acceptChosen = () => item && accept(rows.filter((row) => chosen.has(row)));
    useKeys({
        Enter: acceptChosen, a: () => item && accept(rows), z: session.undo, "ctrl+z": session.undo, Backspace: session.undo, s: session.pass,
        f: () => document.getElementById("focus-search")?.focus(), c: () => document.getElementById("group-name")?.focus(),
        ArrowRight: () => step(grid.current, 1), ArrowLeft: () => step(grid.current, -1), ArrowDown: () => step(grid.current, 4), ArrowUp: () => step(grid.current, -4),
    });
    return (
        <SessionFrame info={info} session={session} question={t.similar.question} tools={<PickRecord table={info.table} pick={(row) => session.ask({ row })} />}>
            {item ? (
                <>
                    <div class="sheet focus-card" data-testid="focus" data-item={item.item}>
                        <div class="row apart">
                            <strong class="lead">{titleOf(item.focus.columns, item.focus.values)}</strong>
                            <SourceName record={item.focus} />
                        </div>
                        <Values record={item.focus} most={8} title={titleOf(item.focus.columns, item.focus.values)} />
                    </div>
                    <GroupName name={name} names={item.names ?? []} say={setName} />
                    <p class="small soft pick-hint">{t.similar.hint}</p>
                    <ul class="cards" ref={grid} aria-label={t.similar.neighbours}>
                        {item.neighbours.map((one) => <Neighbour key={one.record.row} one={one} on={chosen.has(one.record.row)} toggle={() => setChosen(toggled(chosen, one.record.row))} />)}
                    </ul>
                    <div class="answers sticky">
                        <button type="button" class="button main answer" onClick={acceptChosen}><Icon name="check" />{name.trim() && chosen.size ? t.similar.theseAre(chosen.size, rows.length, name.trim()) : t.similar.these(chosen.size, rows.length)}<Key name="↵" /></button>
                        {chosen.size === rows.length ? null : <button type="button" class="button answer" onClick={() => accept(rows)}>{t.similar.all(rows.length)}<Key name="a" /></button>}
                        <button type="button" class="button plain" onClick={() => setChosen(chosen.size ? new Set() : new Set(rows))}>{chosen.size ? t.similar.clear : t.similar.choose}</button>
                        <button type="button" class="button plain" onClick={session.pass}>{t.session.pass}<Key name="s" /></button>
                        <UndoButton undo={session.undo} />
                    </div>
                </>
            ) : <NoQuestion session={session} />}
        </SessionFrame>
    );
}

/** A name makes the group a class; those so far are offered. */
function GroupName({ name, names, say }: { name: string; names: readonly string[]; say: (name: string) => void }) {
    const keyed = (event: KeyboardEvent) => {
        if (event.key === "Enter" || event.key === "Escape") (event.currentTarget as HTMLInputElement).blur();
    };
    return (
        <label class="row group-name small">
            <span class="soft">{t.similar.name}<Key name="c" /></span>
            <input id="group-name" class="input" list="group-names" maxLength={200} autocomplete="off" placeholder={t.similar.nameHint} value={name} onInput={(event) => say(event.currentTarget.value)} onKeyDown={keyed} />
            <datalist id="group-names">{names.map((one) => <option value={one} />)}</datalist>
        </label>
    );
}

/** Move the focus among the cards. */
function step(list: HTMLUListElement | null, by: number): void {
    const buttons = [...(list?.querySelectorAll("button") ?? [])];
    const here = buttons.indexOf(document.activeElement as HTMLButtonElement);
    buttons[Math.max(0, Math.min(buttons.length - 1, here < 0 ? 0 : here + by))]?.focus();
}

function Neighbour({ one, on, toggle }: { one: GroupItem["neighbours"][number]; on: boolean; toggle: () => void }) {
    const title = titleOf(one.record.columns, one.record.values);
    return (
        <li>
            <button type="button" class="card" aria-pressed={on} onClick={toggle}>
                <span class="card-mark"><Icon name={on ? "check" : "cross"} size={14} /></span>
                <span class="card-title">{title}</span>
                <span class="card-rest">{restOf(one.record, title)}</span>
                <span class="card-foot">
                    <span class="nearness" title={t.similar.nearness(percent(one.similarity, 0))}><span style={{ width: `${Math.max(2, 100 * one.similarity)}%` }} /></span>
                    <span class="tab-figures">{percent(one.similarity, 0)}</span>
                    {one.labelled ? <span class="chip">{t.similar.labelled(one.labelled)}</span> : null}
                </span>
            </button>
        </li>
    );
}

function restOf(record: GroupItem["focus"], title: string): string {
    return record.values.filter((value): value is string => !!value && value !== title).join(" · ").slice(0, 180);
}

/** Choose the record to start from by searching for it. */
function PickRecord({ table, pick }: { table: string; pick: (row: number) => void }) {
    const [text, setText] = useState("");
    const [page, setPage] = useState<RowsPage | null>(null);
    const still = useStill(text, 200);
    useEffect(() => {
        if (!still.trim()) return setPage(null);
        const stop = new AbortController();
        void attempt(() => calls.rows(table, { q: still, limit: 8 }, stop.signal).catch((fault: unknown) => {
            if (stop.signal.aborted) return null;
            throw fault;
        })).then((found) => void (stop.signal.aborted || setPage(found)));
        return () => stop.abort();
    }, [still]);
    const take = (row: number) => {
        setText("");
        setPage(null);
        pick(row);
    };
    return (
        <div class="pick">
            <label class="search">
                <Icon name="search" />
                <span class="hidden">{t.similar.pick}</span>
                <input id="focus-search" class="input" type="search" placeholder={t.similar.pick} value={text} onInput={(event) => setText(event.currentTarget.value)} onKeyDown={(event) => void (event.key === "Escape" && setText(""))} />
            </label>
            {page && text ? (
                <ul class="sheet pick-list" aria-label={t.similar.found}>
                    {page.rows.map((line) => <li><button type="button" onClick={() => take(line.row)}>{titleOf(page.columns, line.values)} <code class="soft">{line.id}</code></button></li>)}
                    {page.rows.length ? null : <li class="soft small">{t.data.nothing}</li>}
                </ul>
            ) : null}
        </div>
    );
}
