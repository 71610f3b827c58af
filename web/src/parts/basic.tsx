// The small parts that every page is made of.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { percent } from "../logic/format";
import { t } from "../texts";
import { Icon, type IconName } from "./icons";
import type { Loaded } from "./load";

type Children = { children?: ComponentChildren };

export function PageHead({ title, about, children }: { title: string; about?: ComponentChildren } & Children) {
    useEffect(() => {
        document.title = `${title} · Dovetail`;
    }, [title]);
    return (
        <div class="page-head">
            <div class="stack tight">
                <h1>{title}</h1>
                {about ? <p>{about}</p> : null}
            </div>
            {children ? <div class="row">{children}</div> : null}
        </div>
    );
}

export function Empty({ icon, title, children }: { icon: IconName; title: string } & Children) {
    return (
        <div class="empty">
            <Icon name={icon} size={30} />
            <h2>{title}</h2>
            {children}
        </div>
    );
}

export function Fault({ sentence, again }: { sentence: string; again?: () => void }) {
    return (
        <div class="notice bad" role="alert">
            <Icon name="warn" />
            <span class="grow">{sentence}</span>
            {again ? <button type="button" class="button small" onClick={again}>{t.again}</button> : null}
        </div>
    );
}

/** What is loading, failed or here, so that no page forgets a case. */
export function Shown<T>({ from, lines = 6, children }: { from: Loaded<T>; lines?: number; children: (data: T) => ComponentChildren }) {
    if (from.data !== null) {
        return (
            <>
                {from.fault ? <Fault sentence={from.fault} again={from.reload} /> : null}
                {children(from.data)}
            </>
        );
    }
    if (from.fault) return <Fault sentence={from.fault} again={from.reload} />;
    return <Ghost lines={lines} />;
}

export function Ghost({ lines = 4 }: { lines?: number }) {
    return (
        <div class="stack" role="status" aria-label={t.loading}>
            {Array.from({ length: lines }, (_, index) => <div class="ghost" style={{ width: `${92 - ((index * 23) % 50)}%` }} />)}
        </div>
    );
}

/** A share in [0, 1]; unknown where it is null. */
export function Bar({ share, label }: { share: number | null; label: string }) {
    const known = share !== null;
    return (
        <div class={known ? "bar" : "bar unknown"} role="progressbar" aria-label={label} aria-valuemin={0} aria-valuemax={100} {...(known ? { "aria-valuenow": Math.round(100 * share) } : {})}>
            <span style={known ? { width: `${Math.min(100, 100 * share)}%` } : {}} />
        </div>
    );
}

export function Field({ label, hint, children }: { label: string; hint?: string } & Children) {
    return (
        <label class="field">
            <span class="label">{label}</span>
            {children}
            {hint ? <span class="hint">{hint}</span> : null}
        </label>
    );
}

interface Choice {
    readonly value: string;
    readonly label: string;
}

export function Select({ value, choices, onPick, label }: { value: string; choices: readonly Choice[]; onPick: (value: string) => void; label?: string }) {
    return (
        <select class="input" value={value} aria-label={label} onChange={(event) => onPick(event.currentTarget.value)}>
            {choices.map((choice) => <option value={choice.value} selected={choice.value === value}>{choice.label}</option>)}
        </select>
    );
}

export function Dialog({ title, close, children }: { title: string; close: () => void } & Children) {
    const box = useRef<HTMLDialogElement>(null);
    useEffect(() => {
        const before = document.activeElement as HTMLElement | null;
        box.current?.showModal();
        return () => before?.focus?.();
    }, []);
    return (
        <dialog ref={box} aria-label={title} onClose={close} onClick={(event) => void (event.target === box.current && close())}>
            <header>
                <h2>{title}</h2>
                <button type="button" class="icon-button" aria-label={t.close} onClick={close}><Icon name="close" /></button>
            </header>
            {children}
        </dialog>
    );
}

export function Pager({ offset, limit, total, exact = true, onGo }: { offset: number; limit: number; total: number; exact?: boolean; onGo: (offset: number) => void }) {
    const last = Math.min(offset + limit, total);
    return (
        <div class="row pager">
            <span class="small soft tab-figures" aria-live="polite">{t.pager(total ? offset + 1 : 0, last, total, exact)}</span>
            <button type="button" class="icon-button" aria-label={t.earlier} disabled={offset <= 0} onClick={() => onGo(Math.max(0, offset - limit))}><Icon name="left" /></button>
            <button type="button" class="icon-button" aria-label={t.later} disabled={last >= total} onClick={() => onGo(offset + limit)}><Icon name="right" /></button>
        </div>
    );
}

/** An estimate as a dot on its interval, on a scale from 0 to 1. */
export function Interval({ value, low, high }: { value: number | null; low: number | null; high: number | null }) {
    if (value === null) return <span class="soft">–</span>;
    const from = 100 * Math.max(0, low ?? value);
    const to = 100 * Math.min(1, high ?? value);
    return (
        <svg class="interval" viewBox="-3 0 110 12" width="110" height="12" role="img" aria-label={t.interval(percent(value), percent(low), percent(high))}>
            <line x1="2" x2="102" y1="6" y2="6" stroke="var(--line)" stroke-width="2" />
            <line x1={2 + from} x2={2 + to} y1="6" y2="6" stroke="var(--accent)" stroke-width="2" opacity="0.55" />
            <circle cx={2 + 100 * value} cy="6" r="4" fill="var(--accent)" />
        </svg>
    );
}

export function Key({ name }: { name: string }) {
    return <kbd aria-hidden="true">{name}</kbd>;
}
