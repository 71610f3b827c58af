// A heuristic as it is typed, and as the server takes it.
import type { RuleGiven, RuleLine } from "../api/types";

export type RuleKind = "words" | "pattern" | "names";

export interface Draft {
    readonly kind: RuleKind;
    readonly gives: string;
    readonly text: string;
    readonly column: string;
    readonly name: string | null; // of the heuristic that is being changed
    readonly on: boolean;
    readonly sure: number;
}

export const BLANK: Draft = { kind: "words", gives: "", text: "", column: "", name: null, on: true, sure: 0.6 };

/** Words and phrases: with commas or line breaks between, each once. */
export function wordsOf(text: string): string[] {
    return [...new Set(text.split(/[,\n]/).map((word) => word.trim()).filter(Boolean))];
}

/** "money: refunds, invoices" a line: a class and what it means; a class alone means its name. */
export function namesOf(text: string): Record<string, string> {
    const pairs = text.split("\n").map((line) => /^\s*([^:=]+?)\s*(?:[:=]\s*(.*?)\s*)?$/.exec(line)).filter((found) => found !== null);
    return Object.fromEntries(pairs.map(([, name = "", means]) => [name, means || name]));
}

/** What the server is asked about; null while something is missing. */
export function ruleOf(draft: Draft, table: string): RuleGiven | null {
    const words = draft.kind === "words" ? wordsOf(draft.text) : [];
    const names = draft.kind === "names" ? namesOf(draft.text) : {};
    const pattern = draft.kind === "pattern" ? draft.text.trim() : "";
    const gives = draft.kind === "names" ? "" : draft.gives.trim();
    if (!table || (draft.kind === "names" ? Object.keys(names).length < 2 : !gives || !(pattern || words.length))) return null;
    return { name: draft.name ?? called(pattern, words, Object.keys(names)), table, gives, pattern, words, names, column: draft.column, sure: draft.sure, on: draft.on };
}

function called(pattern: string, words: readonly string[], names: readonly string[]): string {
    return (pattern || (words.length ? words : names).slice(0, 4).join(", ")).slice(0, 60).trim();
}

/** A heuristic that is kept, to be changed. */
export function draftOf(line: RuleLine): Draft {
    const kind = line.kind === "function" ? "pattern" : line.kind;
    return { kind, gives: line.gives, text: said(line), column: line.column, name: line.name, on: line.on, sure: line.sure };
}

/** What a heuristic goes by, as it was typed. */
export function said(line: Pick<RuleLine, "kind" | "pattern" | "words" | "names">): string {
    if (line.kind === "words") return line.words.join(", ");
    return line.kind === "names" ? Object.entries(line.names).map(([name, means]) => `${name}: ${means}`).join("\n") : line.pattern;
}

/** The same heuristic, as the server keeps it. */
export function givenOf(line: RuleLine, table: string): RuleGiven {
    return { name: line.name, table, gives: line.gives, pattern: line.pattern, words: line.words, names: line.names, column: line.column, sure: line.sure, on: line.on };
}
