// Conditions on a table, in the address of the page and in words.
import type { Condition } from "../api/types";

const OPS = new Set(["eq", "ne", "contains", "starts", "lt", "le", "gt", "ge", "empty", "filled", "in"]);

/** The conditions of an address; what is no condition is left out. */
export function readConditions(text: string | null): Condition[] {
    try {
        const value: unknown = JSON.parse(text ?? "[]");
        if (!Array.isArray(value)) return [];
        return value.filter((one): one is Condition => !!one && typeof one === "object" && typeof one.column === "string" && OPS.has(one.op));
    } catch {
        return [];
    }
}

export function writeConditions(conditions: readonly Condition[]): string | null {
    return conditions.length ? JSON.stringify(conditions) : null;
}

export function sameCondition(one: Condition, other: Condition): boolean {
    return one.column === other.column && one.op === other.op && JSON.stringify(one.value ?? null) === JSON.stringify(other.value ?? null);
}

/** Add a condition, or take it away where it stands already. */
export function toggleCondition(conditions: readonly Condition[], one: Condition): Condition[] {
    const without = conditions.filter((other) => !sameCondition(one, other));
    return without.length === conditions.length ? [...conditions, one] : without;
}

/** A value typed by a person: a number where the operator compares sizes and it reads as one. */
export function typedValue(op: Condition["op"], text: string): string | number {
    const number = Number(text.replace(",", "."));
    return ["lt", "le", "gt", "ge"].includes(op) && text.trim() !== "" && !Number.isNaN(number) ? number : text;
}

/** The order after a click on a column: ascending, descending, none. */
export function nextSort(sort: string | null, column: string): string | null {
    if (sort === column) return `-${column}`;
    return sort === `-${column}` ? null : column;
}
