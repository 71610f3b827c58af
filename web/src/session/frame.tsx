// What the four kinds of session have in common: the head, the trail of answers, what is shown when nothing is left.
import type { ComponentChildren } from "preact";
import * as calls from "../api/calls";
import type { Item, SessionInfo } from "../api/types";
import { Empty, Fault, Ghost, Key, PageHead } from "../parts/basic";
import { Icon } from "../parts/icons";
import { titleOf } from "../logic/format";
import { attempt, queueState } from "../state";
import { t } from "../texts";
import { SessionSide } from "./side";
import type { Session } from "./use";

interface Props<T extends Item> {
    readonly info: SessionInfo;
    readonly session: Session<T>;
    readonly question: string;
    readonly tools?: ComponentChildren;
    readonly children: ComponentChildren;
}

export function SessionFrame<T extends Item>({ info, session, question, tools, children }: Props<T>) {
    return (
        <div class="session">
            <div class="session-main">
                <PageHead title={question} about={<SessionName info={info} />}>{tools}</PageHead>
                {session.notice ? <p class="notice accent session-notice"><Icon name="eye" size={16} />{session.notice}</p> : null}
                {session.fault ? <Fault sentence={session.fault} again={session.reload} /> : null}
                {children}
                <Trail session={session} />
            </div>
            <SessionSide info={info} progress={session.progress} />
        </div>
    );
}

function SessionName({ info }: { info: SessionInfo }) {
    const rename = async (event: FocusEvent) => {
        const field = event.currentTarget as HTMLInputElement;
        const name = field.value.trim();
        if (name && name !== info.name) await attempt(() => calls.changeSession(info.session, { name }));
    };
    return (
        <span class="session-name">
            <a href="/label">{t.nav.label}</a> <span aria-hidden="true">/</span>
            <input aria-label={t.session.name} value={info.name} size={Math.max(8, info.name.length)} onBlur={rename} />
        </span>
    );
}

/** In place of a question: it comes, or there is none left. */
export function NoQuestion<T extends Item>({ session }: { session: Session<T> }) {
    if (session.loading) return <div class="sheet pad"><Ghost lines={7} /></div>;
    if (session.fault) return null;
    return (
        <div class="sheet">
            <Empty icon="check" title={t.session.done}>
                <p>{t.session.doneAbout}</p>
                <div class="row">
                    <a class="button main" href="/models">{t.session.toModels}</a>
                    <a class="button" href="/label">{t.session.another}</a>
                    <button type="button" class="button" onClick={session.undo}><Icon name="undo" />{t.session.undo}</button>
                </div>
            </Empty>
        </div>
    );
}

export function UndoButton({ undo }: { undo: () => void }) {
    return <button type="button" class="button plain undo" onClick={undo}><Icon name="undo" />{t.session.undo}<Key name="z" /></button>;
}

/** The last answers of this page, and how many of them still wait to be sent. */
function Trail<T extends Item>({ session }: { session: Session<T> }) {
    const { waiting } = queueState.value;
    if (!session.given.length && !waiting) return null;
    return (
        <div class="trail small">
            <span class="soft" role="status">{waiting ? t.queue.waiting(waiting) : t.queue.saved}</span>
            <ol>
                {session.given.slice(-4).toReversed().map((one) => <li key={one.item.item}><strong>{saidShort(one.value)}</strong> <span class="soft">{nameOf(one.item)}</span></li>)}
            </ol>
        </div>
    );
}

function nameOf(item: Item): string {
    if (item.kind === "judgement") return item.query;
    const record = item.kind === "pair" ? item.left : item.kind === "group" ? item.focus : item.record;
    return titleOf(record.columns, record.values);
}

function saidShort(value: unknown): string {
    if (typeof value === "string") return t.session.values[value] ?? value;
    if (Array.isArray(value)) return value.length ? value.join(", ") : t.session.noneOf;
    if (value && typeof value === "object" && "same" in value && Array.isArray(value.same)) return t.session.together(value.same.length + 1);
    if (value && typeof value === "object" && "grades" in value && Array.isArray(value.grades)) return t.session.graded(value.grades.length);
    return "";
}
