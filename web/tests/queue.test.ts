import { describe, expect, test } from "vitest";
import { AnswerQueue, type Outcome, patience, type QueueState, remembered, type Store, type Waiting } from "../src/api/queue";

class Memory implements Store {
    readonly kept = new Map<string, string>();
    get length() { return this.kept.size; }
    key(index: number) { return [...this.kept.keys()][index] ?? null; }
    getItem(key: string) { return this.kept.get(key) ?? null; }
    setItem(key: string, value: string) { this.kept.set(key, value); }
    removeItem(key: string) { this.kept.delete(key); }
}

function bench(store: Store, answers: (entry: Waiting) => Outcome | Promise<Outcome>) {
    const seen = { sent: [] as string[], taken: [] as string[], refused: [] as string[], waits: [] as number[], state: null as QueueState | null };
    const later: (() => void)[] = [];
    const queue = new AnswerQueue(store, {
        send: async (entry) => {
            seen.sent.push(entry.key);
            return answers(entry);
        },
        changed: (state) => void (seen.state = state),
        taken: (entry) => void seen.taken.push(entry.key),
        refused: (entry) => void seen.refused.push(entry.key),
        wait: (seconds, then) => {
            seen.waits.push(seconds);
            later.push(then);
        },
    });
    return { queue, seen, later, still: async () => { for (let turn = 0; turn < 20; turn += 1) await Promise.resolve(); } };
}

const answer = (key: string, session = "s_1") => ({ key, path: `/api/sessions/${session}/answers`, body: { item: `p-${key}`, value: "match" }, session, item: `p-${key}` });
const taken: Outcome = { kind: "taken", reply: {} };

describe("the queue of answers", () => {
    test("sends in order and forgets what is acknowledged", async () => {
        const store = new Memory();
        const { queue, seen, still } = bench(store, () => taken);
        queue.add(answer("a"));
        queue.add(answer("b"));
        queue.add(answer("c"));
        expect(store.kept.size).toBe(3);
        await still();
        expect(seen.sent).toEqual(["a", "b", "c"]);
        expect(seen.taken).toEqual(["a", "b", "c"]);
        expect(store.kept.size).toBe(0);
        expect(seen.state).toEqual({ waiting: 0, connected: true, needsLogin: false, kept: true });
    });

    test("keeps everything while nobody answers, waits longer each time, and goes on with the same keys", async () => {
        const store = new Memory();
        let away = 3;
        const { queue, seen, later, still } = bench(store, () => (away-- > 0 ? { kind: "later", after: null } : taken));
        queue.add(answer("a"));
        queue.add(answer("b"));
        for (let turn = 0; turn < 3; turn += 1) {
            await still();
            expect(seen.state?.waiting).toBe(2);
            expect(seen.state?.connected).toBe(false);
            later.shift()?.();
        }
        await still();
        expect(seen.sent).toEqual(["a", "a", "a", "a", "b"]);
        expect(seen.waits).toEqual([0.5, 1, 2]);
        expect(seen.state?.connected).toBe(true);
    });

    test("waits as long as the server asks", async () => {
        let first = true;
        const { queue, seen, still } = bench(new Memory(), () => {
            const outcome: Outcome = first ? { kind: "later", after: 7 } : taken;
            first = false;
            return outcome;
        });
        queue.add(answer("a"));
        await still();
        expect(seen.waits).toEqual([7]);
    });

    test("a page that is opened again sends what an earlier one left", async () => {
        const store = new Memory();
        const before = bench(store, () => ({ kind: "later", after: null }));
        before.queue.add(answer("a"));
        before.queue.add(answer("b"));
        await before.still();
        const after = bench(store, () => taken);
        expect(after.queue.state.waiting).toBe(2);
        after.queue.wake();
        await after.still();
        expect(after.seen.taken).toEqual(["a", "b"]);
    });

    test("drops what is refused for good and goes on", async () => {
        const { queue, seen, still } = bench(new Memory(), (entry) => (entry.key === "a" ? { kind: "refused", sentence: "no such item" } : taken));
        queue.add(answer("a"));
        queue.add(answer("b"));
        await still();
        expect(seen.refused).toEqual(["a"]);
        expect(seen.taken).toEqual(["b"]);
    });

    test("stops for a login and goes on after it", async () => {
        let known = false;
        const { queue, seen, still } = bench(new Memory(), () => (known ? taken : { kind: "login" }));
        queue.add(answer("a"));
        await still();
        expect(seen.state?.needsLogin).toBe(true);
        known = true;
        queue.wake();
        await still();
        expect(seen.taken).toEqual(["a"]);
    });

    test("takes back what has not left, but not what is on its way", async () => {
        const store = new Memory();
        const { queue, seen, still } = bench(store, () => ({ kind: "later", after: null }));
        queue.add(answer("a"));
        queue.add(answer("b"));
        expect(queue.takeBack("s_other")).toBeNull();
        expect(queue.takeBack("s_1")?.key).toBe("b");
        expect(queue.takeBack("s_1")).toBeNull();
        await still();
        expect(queue.takeBack("s_1")?.key).toBe("a");
        expect(store.kept.size).toBe(0);
        expect(seen.state?.waiting).toBe(0);
    });

    test("says when the browser cannot keep answers", async () => {
        const full = new Memory();
        full.setItem = () => { throw new Error("full"); };
        const { queue, seen } = bench(full, () => ({ kind: "later", after: null }));
        queue.add(answer("a"));
        expect(seen.state?.kept).toBe(false);
        expect(seen.state?.waiting).toBe(1);
    });

    test("reads only its own lines, in the order in which they were given", () => {
        const store = new Memory();
        store.setItem("dovetail.theme", "dark");
        store.setItem("dovetail.answer.x", "{broken");
        store.setItem("dovetail.answer.y", JSON.stringify({ ...answer("y"), order: 2 }));
        store.setItem("dovetail.answer.z", JSON.stringify({ ...answer("z"), order: 1 }));
        store.setItem("dovetail.answer.w", JSON.stringify({ ...answer("w"), order: 3, path: "https://elsewhere.example/" }));
        expect(remembered(store).map((one) => one.key)).toEqual(["z", "y"]);
    });

    test("is patient up to ten seconds", () => {
        expect([1, 2, 3, 4, 5, 6, 20].map(patience)).toEqual([0.5, 1, 2, 4, 8, 10, 10]);
    });
});
