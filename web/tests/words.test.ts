import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const SOURCE = new URL("../src/", import.meta.url);

/** All words stand in texts.en.ts, so that one file is all that a translator needs. */
test("pages hold no words of their own", () => {
    const pages = readdirSync(SOURCE, { recursive: true, encoding: "utf-8" }).filter((name) => name.endsWith(".tsx"));
    expect(pages.length).toBeGreaterThan(15);
    const found = pages.flatMap((name) => {
        const text = readFileSync(new URL(name, SOURCE), "utf-8").replace(/\/\/.*$/gm, "").replace(/\/\*[\s\S]*?\*\//g, "");
        const words = [...text.matchAll(/(?:<[a-z][^<>]*>|<\/[a-z]+>)\s*([A-Z][a-z]+(?: [a-z]+)*)\s*</g)].map((one) => one[1]);
        const attributes = [...text.matchAll(/(?:aria-label|title|placeholder)="([^"]+)"/g)].map((one) => one[1]);
        return [...words, ...attributes].filter((word) => word !== "Dovetail").map((word) => `${name}: ${word}`);
    });
    expect(found).toEqual([]);
});
