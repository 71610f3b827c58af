// A judgement session: a query and its answers, each graded.
import { useEffect, useRef, useState } from "preact/hooks";
import type { JudgementItem, SessionInfo } from "../api/types";
import { Empty, Key } from "../parts/basic";
import { Icon } from "../parts/icons";
import { useKeys } from "../parts/keys";
import { SourceName, Values } from "../parts/record";
import { score, titleOf } from "../logic/format";
import { t } from "../texts";
import { SessionFrame, UndoButton } from "./frame";
import { useSession } from "./use";

export function JudgeSession({ info }: { info: SessionInfo }) {
    const session = useSession<JudgementItem>(info, { count: 1, renew: false, first: null });
    const { item } = session;
    const [grades, setGrades] = useState<ReadonlyMap<number, number>>(new Map());
    const [here, setHere] = useState(0);
    const list = useRef<HTMLOListElement>(null);
    useEffect(() => {
        setHere(0);
        setGrades(new Map(item?.hits.filter((hit) => hit.grade !== null).map((hit) => [hit.record.row, hit.grade as number]) ?? []));
    }, [item?.item]);
    const move = (by: number) => item && setHere(Math.max(0, Math.min(item.hits.length - 1, here + by)));
    const grade = (value: number, at = here) => {
        const hit = item?.hits[at];
        if (!hit) return;
        setGrades(new Map(grades).set(hit.record.row, value));
        if (at === here) move(1);
    };
    const submit = () => {
        if (item && grades.size) session.answer({ query: item.query, grades: [...grades].map(([row, value]) => ({ row, grade: value })) });
    };
    useEffect(() => list.current?.children[here]?.scrollIntoView({ block: "nearest" }), [here]);
    const numbers = Object.fromEntries((item?.grades ?? []).map((value) => [String(value), () => grade(value)]));
    useKeys({
        ...numbers, ArrowDown: () => move(1), ArrowUp: () => move(-1), j: () => move(1), k: () => move(-1), Enter: submit, z: session.undo, "ctrl+z": session.undo,
        q: () => document.getElementById("query")?.focus(),
    });
    return (
        <SessionFrame info={info} session={session} question={t.judge.question}>
            <AskQuery ask={(query) => session.ask({ query })} busy={session.loading} />
            {item ? (
                <>
                    <ol class="hits" ref={list} data-testid="hits" data-item={item.item} aria-label={t.judge.hits(item.query)}>
                        {item.hits.map((hit, index) => (
                            <li class={index === here ? "sheet here" : "sheet"} aria-current={index === here ? "true" : undefined} onClick={() => setHere(index)}>
                                <div class="grow stack tight">
                                    <div class="row apart"><strong>{titleOf(hit.record.columns, hit.record.values)}</strong><span class="soft small tab-figures">{score(hit.score)} <SourceName record={hit.record} /></span></div>
                                    <Values record={hit.record} most={6} title={titleOf(hit.record.columns, hit.record.values)} />
                                </div>
                                <div class="grades" role="group" aria-label={t.judge.grade}>
                                    {item.grades.map((value) => <button type="button" class="button small" title={t.judge.grades[value]} aria-label={t.judge.gradeSaid(value, t.judge.grades[value] ?? "")} aria-pressed={grades.get(hit.record.row) === value} onClick={() => grade(value, index)}>{value}</button>)}
                                </div>
                            </li>
                        ))}
                    </ol>
                    <div class="answers sticky">
                        <button type="button" class="button main answer" disabled={!grades.size} onClick={submit}>{t.judge.keep(grades.size)}<Key name="↵" /></button>
                        <span class="small soft">{t.judge.scale}</span>
                        <UndoButton undo={session.undo} />
                    </div>
                </>
            ) : session.loading ? null : (
                <div class="sheet"><Empty icon="search" title={t.judge.ask}><p>{t.judge.askAbout}</p></Empty></div>
            )}
        </SessionFrame>
    );
}

function AskQuery({ ask, busy }: { ask: (query: string) => void; busy: boolean }) {
    const [text, setText] = useState("");
    const submit = (event: Event) => {
        event.preventDefault();
        if (!text.trim()) return;
        ask(text.trim());
        (document.activeElement as HTMLElement | null)?.blur?.();
    };
    return (
        <form class="row ask" onSubmit={submit} aria-busy={busy}>
            <label class="search grow">
                <Icon name="search" />
                <span class="hidden">{t.judge.query}</span>
                <input id="query" class="input" type="search" autofocus placeholder={t.judge.query} value={text} onInput={(event) => setText(event.currentTarget.value)} />
            </label>
            <button type="submit" class="button" disabled={!text.trim()}>{t.judge.search}</button>
        </form>
    );
}
