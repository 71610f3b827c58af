// Nested settings and figures as lines of a table.
import { figure } from "./format";

/** `{a: {b: 1}, c: [1, 2]}` -> `a.b: 1`, `c: "1, 2"`; empty values are left out, and no more than `deep` levels are opened. */
export function flat(value: Readonly<Record<string, unknown>>, deep = 3, prefix = ""): Map<string, unknown> {
    const lines = new Map<string, unknown>();
    for (const [name, inner] of Object.entries(value)) {
        if (inner === null || inner === undefined || inner === "") continue;
        const path = prefix ? `${prefix}.${name}` : name;
        if (typeof inner === "object" && !Array.isArray(inner) && deep > 1) {
            for (const [below, one] of flat(inner as Record<string, unknown>, deep - 1, path)) lines.set(below, one);
        } else if (!Array.isArray(inner) || inner.length) lines.set(path, inner);
    }
    return lines;
}

export function shownValue(value: unknown): string {
    if (value === undefined || value === null) return "–";
    if (typeof value === "number") return figure(value);
    if (typeof value === "boolean") return value ? "yes" : "no";
    if (Array.isArray(value)) {
        const parts = value.slice(0, 12).map(shownValue);
        return parts.join(", ") + (value.length > 12 ? ", …" : "");
    }
    if (typeof value === "object") return JSON.stringify(value);
    return String(value);
}
