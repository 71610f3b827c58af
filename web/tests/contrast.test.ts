import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

const CSS = readFileSync(new URL("../src/style/tokens.css", import.meta.url), "utf-8");
const TEXT: [string, string][] = [
    ["ink", "paper"], ["ink", "sheet"], ["ink", "sunk"], ["ink", "differs"], ["soft", "paper"], ["soft", "sheet"], ["soft", "sunk"], ["accent", "paper"], ["accent", "sheet"],
    ["accent-strong", "wash"], ["on-accent", "accent"], ["on-accent", "accent-strong"], ["bad", "sheet"], ["bad", "bad-wash"], ["good", "good-wash"], ["warn", "warn-wash"], ["paper", "ink"], ["sheet", "bad"],
];
const EDGES: [string, string][] = [["edge", "sheet"], ["edge", "paper"], ["accent", "sunk"], ["differs-line", "sheet"]];

function colours(theme: "light" | "dark"): Map<string, string> {
    const block = theme === "light" ? /:root \{(.*?)\n\}/s.exec(CSS) : /:root\[data-theme="dark"\] \{(.*?)\n\}/s.exec(CSS);
    return new Map([...(block?.[1] ?? "").matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map((one) => [one[1] as string, one[2] as string]));
}

/** Relative luminance, as WCAG 2 defines it. */
function luminance(colour: string): number {
    const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255).map((one) => (one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
    const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
}

describe.each(["light", "dark"] as const)("contrast in the %s theme", (theme) => {
    const named = colours(theme);
    const of = (name: string) => named.get(name) ?? "#808080";
    test.each(TEXT)("text %s on %s reaches 4.5", (ink, ground) => expect(contrast(of(ink), of(ground))).toBeGreaterThanOrEqual(4.5));
    test.each(EDGES)("%s on %s can be made out at 3", (edge, ground) => expect(contrast(of(edge), of(ground))).toBeGreaterThanOrEqual(3));
});
