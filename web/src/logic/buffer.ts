// The questions that wait on the page. They are fetched ahead so that the next one is there when a key is pressed.

export interface Asked {
    readonly item: string;
}

/** New questions behind those that wait already; what waits or was answered is not taken twice. */
export function refill<T extends Asked>(waiting: readonly T[], fetched: readonly T[], answered: ReadonlySet<string>): T[] {
    const known = new Set(waiting.map((one) => one.item));
    const fresh = fetched.filter((one) => {
        if (known.has(one.item) || answered.has(one.item)) return false;
        known.add(one.item);
        return true;
    });
    return [...waiting, ...fresh];
}

/** Put a question back to the front, as undo does. */
export function putBack<T extends Asked>(waiting: readonly T[], item: T): T[] {
    return [item, ...waiting.filter((one) => one.item !== item.item)];
}
