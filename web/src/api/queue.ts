// Answers leave through this queue. Each is kept in the browser's storage under its own key until the server has
// acknowledged it, so that a lost connection, a closed tab or a stopped server loses none; the same key sent twice counts
// once. They go out one by one in the order in which they were given.

export interface Waiting {
    readonly key: string;
    readonly order: number;
    readonly path: string;
    readonly body: Record<string, unknown>;
    readonly session: string;
    readonly item: string | null;
}

/** What came of sending: taken, refused for good, or to be tried again (after some seconds, where the server says). */
export type Outcome =
    | { readonly kind: "taken"; readonly reply: unknown }
    | { readonly kind: "refused"; readonly sentence: string }
    | { readonly kind: "later"; readonly after: number | null }
    | { readonly kind: "login" };

export interface Store {
    readonly length: number;
    key(index: number): string | null;
    getItem(key: string): string | null;
    setItem(key: string, value: string): void;
    removeItem(key: string): void;
}

export interface QueueHooks {
    send(entry: Waiting): Promise<Outcome>;
    changed(state: QueueState): void;
    taken(entry: Waiting, reply: unknown): void;
    refused(entry: Waiting, sentence: string): void;
    wait(seconds: number, then: () => void): void;
}

export interface QueueState {
    readonly waiting: number;
    /** false from the first failed try to the next that works */
    readonly connected: boolean;
    readonly needsLogin: boolean;
    /** whether the browser keeps the answers over a closed tab; false where its storage is full or forbidden */
    readonly kept: boolean;
}

const PREFIX = "dovetail.answer.";

/** Seconds to wait before try number `failures` (1, 2, …): 0.5, 1, 2, 4, 8, then 10. */
export function patience(failures: number): number {
    return Math.min(10, 0.5 * 2 ** Math.max(0, failures - 1));
}

export class AnswerQueue {
    private entries: Waiting[] = [];
    private flying: Waiting | null = null;
    private failures = 0;
    private needsLogin = false;
    private kept = true;
    private resting = false;

    constructor(private readonly store: Store, private readonly hooks: QueueHooks) {
        this.entries = remembered(store);
    }

    get state(): QueueState {
        return { waiting: this.entries.length, connected: this.failures === 0, needsLogin: this.needsLogin, kept: this.kept };
    }

    /** The answers that are not acknowledged yet, oldest first. */
    get pending(): readonly Waiting[] {
        return this.entries;
    }

    add(entry: Omit<Waiting, "order">): void {
        const last = this.entries.at(-1)?.order ?? 0;
        const whole = { ...entry, order: Math.max(Date.now(), last + 1) };
        this.entries.push(whole);
        this.keep(whole);
        this.announce();
        void this.pump();
    }

    /** Take back the newest answer of a session if it has not left yet; false where the server must undo it. */
    takeBack(session: string): Waiting | null {
        const entry = this.entries.findLast((one) => one.session === session);
        if (!entry || entry === this.flying || entry.item === null) return null;
        this.drop(entry);
        this.announce();
        return entry;
    }

    /** Try again at once: the connection is back, or somebody has logged in. */
    wake(): void {
        this.needsLogin = false;
        this.resting = false;
        void this.pump();
    }

    private async pump(): Promise<void> {
        if (this.flying || this.resting || this.needsLogin) return;
        const entry = this.entries[0];
        if (!entry) return;
        this.flying = entry;
        const outcome = await this.hooks.send(entry);
        this.flying = null;
        this.settle(entry, outcome);
        this.announce();
        void this.pump();
    }

    private settle(entry: Waiting, outcome: Outcome): void {
        if (outcome.kind === "later") {
            this.failures += 1;
            this.rest(outcome.after ?? patience(this.failures));
            return;
        }
        this.failures = 0;
        if (outcome.kind === "login") {
            this.needsLogin = true;
            return;
        }
        this.drop(entry);
        if (outcome.kind === "taken") this.hooks.taken(entry, outcome.reply);
        else this.hooks.refused(entry, outcome.sentence);
    }

    private rest(seconds: number): void {
        this.resting = true;
        this.hooks.wait(seconds, () => {
            this.resting = false;
            void this.pump();
        });
    }

    private keep(entry: Waiting): void {
        try {
            this.store.setItem(PREFIX + entry.key, JSON.stringify(entry));
            this.kept = true;
        } catch {
            this.kept = false;
        }
    }

    private drop(entry: Waiting): void {
        this.entries = this.entries.filter((one) => one.key !== entry.key);
        this.store.removeItem(PREFIX + entry.key);
    }

    private announce(): void {
        this.hooks.changed(this.state);
    }
}

/** What an earlier page left behind, oldest first; a line that cannot be read is left out. */
export function remembered(store: Store): Waiting[] {
    const found: Waiting[] = [];
    for (let index = 0; index < store.length; index += 1) {
        const name = store.key(index);
        if (!name?.startsWith(PREFIX)) continue;
        const entry = parsed(store.getItem(name));
        if (entry) found.push(entry);
    }
    return found.sort((one, other) => one.order - other.order);
}

function parsed(text: string | null): Waiting | null {
    try {
        const value = JSON.parse(text ?? "null") as Waiting | null;
        return value && typeof value.key === "string" && typeof value.path === "string" && value.path.startsWith("/api/") ? value : null;
    } catch {
        return null;
    }
}
