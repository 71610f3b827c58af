// A class session: what is this? The likeliest class stands first; a number key answers.
import { useEffect, useRef, useState } from "preact/hooks";
import * as calls from "../api/calls";
import type { ClassItem, SessionInfo, Why } from "../api/types";
import { Fault, Ghost, Key } from "../parts/basic";
import { Icon } from "../parts/icons";
import { useKeys } from "../parts/keys";
import { Explanation, SourceName, Values } from "../parts/record";
import { meant, ordered, toggled } from "../logic/chosen";
import { percent, titleOf } from "../logic/format";
import { say, sentenceOf } from "../state";
import { t } from "../texts";
import { NoQuestion, SessionFrame, UndoButton } from "./frame";
import { useSession } from "./use";

const FIRST = {};

export function ClassSession({ info }: { info: SessionInfo }) {
    const session = useSession<ClassItem>(info, { count: 6, renew: false, first: FIRST });
    const { item } = session;
    const [added, setAdded] = useState<readonly string[]>([]);
    const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
    const [shown, setShown] = useState(false);
    useEffect(() => {
        setChosen(new Set());
        setShown(false);
    }, [item?.item]);
    const choices = item ? ordered(info.blind ? [] : item.suggestions, item.classes, added) : [];
    const several = item?.several ?? info.several;
    const pick = (value: string) => (several ? setChosen(toggled(chosen, value)) : session.answer([value]));
    const numbers = Object.fromEntries(choices.slice(0, 9).map((choice, index) => [String(index + 1), () => pick(choice.value)]));
    useKeys({
        ...numbers, "0": () => session.answer([]), z: session.undo, "ctrl+z": session.undo, Backspace: session.undo, s: session.pass, e: () => item && setShown(!shown),
        c: () => document.getElementById("new-class")?.focus(), Enter: () => several && item && session.answer([...chosen]),
    });
    const name = (value: string) => {
        setAdded([...added, value]);
        pick(value);
    };
    return (
        <SessionFrame info={info} session={session} question={several ? t.classify.questionSeveral : t.classify.question}>
            {item ? (
                <div class="class-question" data-testid="class" data-item={item.item}>
                    <article class="sheet pad stack" tabIndex={0} aria-label={item.record.id}>
                        <div class="row apart"><SourceName record={item.record} />{item.why ? <span class="tiny">{t.match.asked(item.why)}</span> : null}</div>
                        <p class="lead">{titleOf(item.record.columns, item.record.values)}</p>
                        <Values record={item.record} most={12} title={titleOf(item.record.columns, item.record.values)} />
                    </article>
                    <div class="stack tight" role="group" aria-label={t.classify.question}>
                        {choices.map((choice, index) => (
                            <button type="button" class="button choice" aria-pressed={several ? chosen.has(choice.value) : undefined} onClick={() => pick(choice.value)}>
                                {index < 9 ? <Key name={String(index + 1)} /> : <span class="no-key" />}
                                <span class="grow">{choice.value}</span>
                                {choice.score === null ? null : <span class="soft small tab-figures">{percent(choice.score, 0)}</span>}
                            </button>
                        ))}
                        <NewClass known={choices.map((choice) => choice.value)} name={name} />
                        <div class="row">
                            {several ? <button type="button" class="button main" disabled={!chosen.size} onClick={() => session.answer([...chosen])}>{t.classify.take(chosen.size)}<Key name="↵" /></button> : null}
                            <button type="button" class="button" onClick={() => session.answer([])}>{t.classify.none}<Key name="0" /></button>
                            <button type="button" class="button plain" onClick={session.pass}>{t.session.pass}<Key name="s" /></button>
                            <UndoButton undo={session.undo} />
                        </div>
                        <button type="button" class="button plain fold" aria-expanded={shown} onClick={() => setShown(!shown)}><Icon name={shown ? "down" : "right"} size={15} />{t.match.mind}<Key name="e" /></button>
                        {shown ? <WhyClass info={info} item={item.item} /> : null}
                    </div>
                </div>
            ) : <NoQuestion session={session} />}
        </SessionFrame>
    );
}

function WhyClass({ info, item }: { info: SessionInfo; item: string }) {
    const [why, setWhy] = useState<Why | null>(null);
    const [fault, setFault] = useState<string | null>(null);
    useEffect(() => {
        let here = true;
        calls.explain(info.session, item).then((told) => here && setWhy(told), (error: unknown) => here && setFault(sentenceOf(error)));
        return () => void (here = false);
    }, [item]);
    return <div class="sheet pad">{fault ? <Fault sentence={fault} /> : why ? <Explanation why={why} /> : <Ghost lines={3} />}</div>;
}

function NewClass({ known, name }: { known: readonly string[]; name: (value: string) => void }) {
    const [text, setText] = useState("");
    const field = useRef<HTMLInputElement>(null);
    const submit = (event: Event) => {
        event.preventDefault();
        const value = text.trim();
        if (!value) return;
        setText("");
        field.current?.blur();
        const class_ = meant(known, value);
        if (class_ !== value) say(t.classify.spelt(class_, value));
        name(class_);
    };
    return (
        <form class="new-class" onSubmit={submit}>
            <Key name="c" />
            <input ref={field} id="new-class" class="input" aria-label={t.classify.newClass} placeholder={t.classify.newClass} maxLength={200} value={text} onInput={(event) => setText(event.currentTarget.value)} onKeyDown={(event) => void (event.key === "Escape" && field.current?.blur())} />
            {text.trim() ? <button type="submit" class="button small">{t.data.add}</button> : null}
        </form>
    );
}
