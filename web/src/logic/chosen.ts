// Which neighbours are taken to belong, before and after a person's clicks.

interface Suggested {
    readonly record: { readonly row: number };
    readonly same: boolean | null;
}

/** All but those of which it is known that they belong elsewhere. */
export function chosenAtFirst(neighbours: readonly Suggested[]): Set<number> {
    return new Set(neighbours.filter((one) => one.same !== false).map((one) => one.record.row));
}

export function toggled<T>(chosen: ReadonlySet<T>, one: T): Set<T> {
    const next = new Set(chosen);
    if (!next.delete(one)) next.add(one);
    return next;
}

/** The classes of a question in the order of their keys: suggested first, then the others by name. */
export function ordered(suggestions: readonly { readonly value: string; readonly score: number | null }[], classes: readonly string[], added: readonly string[]): { value: string; score: number | null }[] {
    const first = suggestions.map((one) => ({ value: one.value, score: one.score }));
    const known = new Set(first.map((one) => one.value));
    const rest = [...new Set([...classes, ...added])].filter((one) => !known.has(one)).sort((one, other) => one.localeCompare(other));
    return [...first, ...rest.map((value) => ({ value, score: null }))];
}

const plain = (name: string): string => name.normalize("NFKC").toLowerCase().split(/\s+/).filter(Boolean).join(" ");

/** The class that somebody means who types a name: the one that is spelt so, else the first that differs only in spelling, else a new one. */
export function meant(known: readonly string[], typed: string): string {
    const name = typed.trim();
    return known.find((one) => one === name) ?? known.find((one) => plain(one) === plain(name)) ?? name;
}
