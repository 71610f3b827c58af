// What every page shares: who is here, the theme, what waits to be sent, what runs in the background, what was just said.
import { computed, signal } from "@preact/signals";
import * as calls from "./api/calls";
import { post, Refused, Unreachable, useCsrf } from "./api/client";
import { AnswerQueue, type Outcome, type QueueState, type Store, type Waiting } from "./api/queue";
import type { Job, Me, Role } from "./api/types";
import { t } from "./texts";

export const me = signal<Me | null>(null);
export const reachable = signal(true);
export const loginAsked = signal(false);
export const jobs = signal<ReadonlyMap<string, Job>>(new Map());
export const running = computed(() => [...jobs.value.values()].filter((job) => job.state === "running" || job.state === "waiting"));

const RANK: Record<Role, number> = { label: 0, curate: 1, admin: 2 };

/** Whether the person here may do what needs a role. */
export function may(role: Role): boolean {
    const mine = me.value?.role;
    return mine ? RANK[mine] >= RANK[role] : false;
}

// ---- who is here

export function welcome(who: Me): void {
    me.value = who;
    useCsrf(who.csrf);
    reachable.value = true;
    if (who.person) {
        loginAsked.value = false;
        queue.wake();
    }
}

/** Log in with the token of the address, if there is one, and forget it; else ask who we are. */
export async function enter(): Promise<void> {
    const token = new URLSearchParams(location.hash.slice(1)).get("token");
    if (token) {
        history.replaceState(null, "", location.pathname + location.search);
        try {
            welcome(await calls.login(token));
            return;
        } catch (fault) {
            say(sentenceOf(fault), "bad");
        }
    }
    const who = await calls.me();
    welcome(who);
    if (!who.person && !who.loopback) loginAsked.value = true;
}

// ---- what was just said

export interface Toast {
    readonly id: number;
    readonly sentence: string;
    readonly tone: "plain" | "bad";
    readonly action: { readonly label: string; readonly run: () => void } | null;
}

export const toasts = signal<readonly Toast[]>([]);
let toastCount = 0;

export function say(sentence: string, tone: Toast["tone"] = "plain", action: Toast["action"] = null): void {
    toastCount += 1;
    const id = toastCount;
    toasts.value = [...toasts.value.slice(-2), { id, sentence, tone, action }];
    setTimeout(() => unsay(id), action || tone === "bad" ? 9000 : 4500);
}

export function unsay(id: number): void {
    toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

/** What went wrong, for people; asks for a token where one is missing. */
export function sentenceOf(fault: unknown): string {
    if (fault instanceof Refused) {
        if (fault.status === 401) loginAsked.value = true;
        return fault.message;
    }
    if (fault instanceof Unreachable) {
        reachable.value = false;
        return t.errors.unreachable;
    }
    return fault instanceof Error && fault.message ? fault.message : t.errors.unknown;
}

/** Run something that writes; what goes wrong is said, and null is given. */
export async function attempt<T>(work: () => Promise<T>): Promise<T | null> {
    try {
        const value = await work();
        reachable.value = true;
        return value;
    } catch (fault) {
        say(sentenceOf(fault), "bad");
        return null;
    }
}

// ---- answers on their way

export const queueState = signal<QueueState>({ waiting: 0, connected: true, needsLogin: false, kept: true });
type Listener = (entry: Waiting, reply: unknown) => void;
const takers = new Set<Listener>();
const refusers = new Set<(entry: Waiting, sentence: string) => void>();

export function onAnswers(taken: Listener, refused: (entry: Waiting, sentence: string) => void): () => void {
    takers.add(taken);
    refusers.add(refused);
    return () => {
        takers.delete(taken);
        refusers.delete(refused);
    };
}

async function sendAnswer(entry: Waiting): Promise<Outcome> {
    try {
        return { kind: "taken", reply: await post(entry.path, { key: entry.key, ...entry.body }) };
    } catch (fault) {
        if (!(fault instanceof Refused)) return { kind: "later", after: null };
        if (fault.status === 401) {
            loginAsked.value = true;
            return { kind: "login" };
        }
        if (fault.kind === "NeedCsrf" || fault.status === 429 || fault.status >= 500) {
            if (fault.status === 403) await renew();
            return { kind: "later", after: fault.after };
        }
        return { kind: "refused", sentence: fault.message };
    }
}

/** A restarted server may have forgotten the token against forgery: ask for a new one. */
async function renew(): Promise<void> {
    try {
        welcome(await calls.me());
    } catch {
        reachable.value = false;
    }
}

function storage(): Store {
    try {
        return window.localStorage;
    } catch {
        const memory = new Map<string, string>();
        return {
            get length() { return memory.size; },
            key: (index) => [...memory.keys()][index] ?? null,
            getItem: (key) => memory.get(key) ?? null,
            setItem: (key, value) => void memory.set(key, value),
            removeItem: (key) => void memory.delete(key),
        };
    }
}

export const queue: AnswerQueue = new AnswerQueue(storage(), {
    send: sendAnswer,
    changed: (state) => {
        queueState.value = state;
        if (state.waiting === 0 && state.connected) reachable.value = true;
    },
    taken: (entry, reply) => takers.forEach((listener) => listener(entry, reply)),
    refused: (entry, sentence) => {
        say(t.queue.refused(sentence), "bad");
        refusers.forEach((listener) => listener(entry, sentence));
    },
    wait: (seconds, then) => void setTimeout(then, seconds * 1000),
});
queueState.value = queue.state;
addEventListener("online", () => queue.wake());
addEventListener("beforeunload", (event) => {
    if (queueState.value.waiting && !queueState.value.kept) event.preventDefault();
});

// ---- what happens elsewhere

type Changed = (what: string) => void;
const changeListeners = new Set<Changed>();

export function onChanged(listener: Changed): () => void {
    changeListeners.add(listener);
    return () => changeListeners.delete(listener);
}

export function noteJob(job: Job): void {
    const before = jobs.value.get(job.job);
    jobs.value = new Map(jobs.value).set(job.job, job);
    if (before && before.state !== job.state && job.state === "failed") say(t.jobs.failed(t.jobs.kind(job.kind), job.error ?? ""), "bad");
}

/** Listen to the server's stream for as long as the page is open. The browser connects again by itself; where it gives up, we do. */
export function listen(): () => void {
    let stream = open();
    let timer: ReturnType<typeof setTimeout> | null = null;
    function open(): EventSource {
        const made = new EventSource("/api/events");
        made.addEventListener("open", () => {
            if (!reachable.value) queue.wake();
            reachable.value = true;
            void refreshJobs();
        });
        made.addEventListener("error", () => {
            reachable.value = false;
            if (made.readyState !== EventSource.CLOSED) return;
            timer = setTimeout(() => void (stream = open()), 5000);
        });
        made.addEventListener("job", (event) => noteJob(JSON.parse((event as MessageEvent<string>).data) as Job));
        made.addEventListener("changed", (event) => {
            const { what } = JSON.parse((event as MessageEvent<string>).data) as { what: string };
            changeListeners.forEach((listener) => listener(what));
        });
        return made;
    }
    return () => {
        if (timer) clearTimeout(timer);
        stream.close();
    };
}

async function refreshJobs(): Promise<void> {
    try {
        jobs.value = new Map((await calls.jobs()).map((job) => [job.job, job]));
    } catch {
        // the stream tells again
    }
}

// ---- light or dark

export type Theme = "system" | "light" | "dark";
const dark = matchMedia("(prefers-color-scheme: dark)");
export const theme = signal<Theme>(rememberedTheme());

function rememberedTheme(): Theme {
    const said = storage().getItem("dovetail.theme");
    return said === "light" || said === "dark" ? said : "system";
}

function paint(): void {
    const shown = theme.value === "system" ? (dark.matches ? "dark" : "light") : theme.value;
    document.documentElement.dataset.theme = shown;
}

export function setTheme(next: Theme): void {
    theme.value = next;
    try {
        storage().setItem("dovetail.theme", next);
    } catch {
        // it holds until the page is closed
    }
    paint();
}
dark.addEventListener("change", paint);
paint();
