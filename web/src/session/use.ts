// A session as a page sees it: the question at hand, those behind it, and how it stands. An answer is taken at once and
// sent by the queue; undo puts the question back at once and lets the server follow.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import * as calls from "../api/calls";
import { newKey } from "../api/client";
import type { Waiting } from "../api/queue";
import type { Item, SessionInfo, SessionProgress, Taken, Undone } from "../api/types";
import { putBack, refill } from "../logic/buffer";
import { jobs, onAnswers, onChanged, queue, reachable, say, sentenceOf } from "../state";
import { t } from "../texts";

export interface Given<T> {
    readonly item: T;
    readonly value: unknown;
}

export interface Session<T extends Item> {
    readonly item: T | null;
    readonly progress: SessionProgress | null;
    readonly notice: string | null;
    readonly fault: string | null;
    readonly loading: boolean;
    /** what was answered on this page, the latest last */
    readonly given: readonly Given<T>[];
    readonly answer: (value: unknown) => void;
    readonly undo: () => void;
    readonly pass: () => void;
    readonly reload: () => void;
    readonly ask: (asked: { row?: number | null; query?: string | null }) => void;
}

interface Ahead {
    /** how many questions to hold */
    readonly count: number;
    /** whether those that wait are asked for anew when the model has learnt */
    readonly renew: boolean;
    /** where it begins; null where nothing is asked before the person says what */
    readonly first: { row?: number | null; query?: string | null } | null;
}

export function useSession<T extends Item>(info: SessionInfo, ahead: Ahead): Session<T> {
    const [waiting, setWaiting] = useState<readonly T[]>([]);
    const [progress, setProgress] = useState<SessionProgress | null>(null);
    const [notice, setNotice] = useState<string | null>(null);
    const [fault, setFault] = useState<string | null>(null);
    const [loading, setLoading] = useState(ahead.first !== null);
    const [acknowledged, setAcknowledged] = useState(0);
    const [given, setGiven] = useState<readonly Given<T>[]>([]);
    const answered = useRef(new Set<string>(queue.pending.filter((one) => one.session === info.session && one.item).map((one) => one.item as string)));
    const blindUndos = useRef(new Set<string>());
    const fetching = useRef(false);
    const turn = useRef(0);
    const exhausted = useRef(false);
    const since = useRef(performance.now());
    const version = useRef<number | null>(null);

    const stand = useCallback((now: SessionProgress) => {
        if (version.current !== null && now.version !== version.current) {
            if (now.effect) say(now.effect.sentence);
            exhausted.current = false;
            if (ahead.renew) setWaiting((old) => old.slice(0, 1));
        }
        version.current = now.version;
        setProgress(now);
    }, [ahead.renew]);

    const fetchMore = useCallback(async (asked: { row?: number | null; query?: string | null } = {}, anew = false) => {
        if (fetching.current && !anew) return;
        turn.current += 1;
        const mine = turn.current;
        fetching.current = true;
        setLoading(true);
        try {
            const more = await calls.next(info.session, anew ? 1 : ahead.count, asked);
            if (mine !== turn.current) return;
            exhausted.current = more.items.length === 0;
            if (anew) more.items.forEach((item) => answered.current.delete(item.item));
            setWaiting((old) => refill(anew ? [] : old, more.items as T[], answered.current));
            stand(more.progress);
            setNotice(more.notice);
            setFault(null);
        } catch (error) {
            if (mine === turn.current) setFault(sentenceOf(error));
        } finally {
            if (mine === turn.current) {
                fetching.current = false;
                setLoading(false);
            }
        }
    }, [info.session, ahead.count]);

    useEffect(() => {
        if (ahead.first) void fetchMore(ahead.first);
        else void calls.progress(info.session).then(stand, () => undefined);
    }, [info.session]);

    const current = waiting[0] ?? null;
    useEffect(() => void (since.current = performance.now()), [current?.item]);
    const low = waiting.length <= Math.floor(ahead.count / 2);
    useEffect(() => {
        if (ahead.first && low && !exhausted.current && !fault) void fetchMore();
    }, [low, waiting.length, fault, acknowledged]);
    const back = reachable.value;
    useEffect(() => void (back && fault && setFault(null)), [back]);

    useEffect(() => onAnswers(
        (entry, reply) => settle(entry, reply),
        (entry) => {
            if (entry.session !== info.session || !entry.item) return;
            answered.current.delete(entry.item);
            setGiven((old) => old.filter((one) => one.item.item !== entry.item));
            exhausted.current = false;
        },
    ), [info.session]);
    useEffect(() => sometimes((refresh) => onChanged((what) => void ((what === "labels" || what === "models") && refresh())), () => {
        void calls.progress(info.session).then(stand, () => undefined);
    }), [info.session]);
    const training = progress?.training ? jobs.value.get(progress.training.job)?.state : undefined;
    useEffect(() => {
        if (training === "done" || training === "failed") void calls.progress(info.session).then(stand, () => undefined);
    }, [training]);

    function settle(entry: Waiting, reply: unknown): void {
        if (entry.session !== info.session) return;
        stand((reply as Taken | Undone).progress);
        setFault(null);
        setAcknowledged((old) => old + 1);
        if (!blindUndos.current.delete(entry.key)) return;
        const undone = reply as Undone;
        if (undone.item) {
            answered.current.delete(undone.item.item);
            setWaiting((old) => putBack(old, undone.item as T));
        } else say(t.session.nothingToUndo);
    }

    const answer = (value: unknown) => {
        if (!current) return;
        const seconds = Math.min(3600, (performance.now() - since.current) / 1000);
        answered.current.add(current.item);
        setGiven((old) => [...old.slice(-99), { item: current, value }]);
        setWaiting((old) => old.slice(1));
        queue.add({ key: newKey(), path: calls.answersPath(info.session), body: { item: current.item, value, seconds: Number(seconds.toFixed(2)) }, session: info.session, item: current.item });
    };

    const undo = () => {
        const last = given.at(-1);
        const key = newKey();
        if (last) {
            answered.current.delete(last.item.item);
            setGiven((old) => old.slice(0, -1));
            setWaiting((old) => putBack(old, last.item));
            if (queue.takeBack(info.session)) return;
        } else blindUndos.current.add(key);
        queue.add({ key, path: calls.undoPath(info.session), body: {}, session: info.session, item: null });
    };

    const pass = () => {
        if (!current) return;
        answered.current.add(current.item);
        setWaiting((old) => old.slice(1));
    };
    const ask = (asked: { row?: number | null; query?: string | null }) => void fetchMore(asked, true);
    return { item: current, progress, notice, fault, loading, given, answer, undo, pass, reload: () => void fetchMore(ahead.first ?? {}), ask };
}

/** Do something when told to, but not more often than every two seconds: one's own answers are news, too. */
function sometimes(listen: (refresh: () => void) => () => void, act: () => void): () => void {
    let timer: ReturnType<typeof setTimeout> | null = null;
    const stop = listen(() => {
        timer ??= setTimeout(() => {
            timer = null;
            act();
        }, 2000);
    });
    return () => {
        stop();
        if (timer) clearTimeout(timer);
    };
}
