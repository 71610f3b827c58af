// Fetching for a page: what came last stays on the screen while the next is on its way.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { onChanged, reachable, sentenceOf } from "../state";

export interface Loaded<T> {
    readonly data: T | null;
    readonly fault: string | null;
    readonly loading: boolean;
    readonly reload: () => void;
    readonly put: (data: T) => void;
}

/** `work` runs again whenever a value in `inputs` changes; an older answer never replaces a newer one. */
export function useLoad<T>(work: () => Promise<T>, inputs: readonly unknown[]): Loaded<T> {
    const [data, setData] = useState<T | null>(null);
    const [fault, setFault] = useState<string | null>(null);
    const [loading, setLoading] = useState(true);
    const turn = useRef(0);
    const latest = useRef(work);
    latest.current = work;
    const reload = useCallback(() => {
        turn.current += 1;
        const mine = turn.current;
        setLoading(true);
        latest.current().then(
            (value) => {
                if (mine !== turn.current) return;
                setData(value);
                setFault(null);
                setLoading(false);
                reachable.value = true;
            },
            (error: unknown) => {
                if (mine !== turn.current) return;
                setFault(sentenceOf(error));
                setLoading(false);
            },
        );
    }, []);
    useEffect(reload, inputs);
    useEffect(() => () => void (turn.current += 1), []);
    return { data, fault, loading, reload, put: setData };
}

/** Load again when the server says that something of these kinds has changed. */
export function useChanged(kinds: readonly string[], reload: () => void): void {
    useEffect(() => onChanged((what) => void (kinds.includes(what) && reload())), [kinds.join(), reload]);
}

/** A value that follows another one after it has been still for a while. */
export function useStill<T>(value: T, milliseconds: number): T {
    const [still, setStill] = useState(value);
    useEffect(() => {
        const timer = setTimeout(() => setStill(value), milliseconds);
        return () => clearTimeout(timer);
    }, [value, milliseconds]);
    return still;
}
