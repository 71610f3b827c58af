import { describe, expect, test } from "vitest";
import type { Condition } from "../src/api/types";
import { putBack, refill } from "../src/logic/buffer";
import { chosenAtFirst, meant, ordered, toggled } from "../src/logic/chosen";
import { nextSort, readConditions, toggleCondition, typedValue, writeConditions } from "../src/logic/conditions";
import { flat, shownValue } from "../src/logic/flat";
import { ago, duration, figure, memory, percent, signed, titleOf } from "../src/logic/format";
import { sideBySide } from "../src/logic/versions";
import { keyName } from "../src/parts/keyname";
import { tokenIn } from "../src/logic/token";

describe("versions", () => {
    test("side by side are the latest, the one in use, and the first", () => {
        const versions = [9, 8, 7, 6, 5, 4, 3, 2, 1, 0].map((version) => ({ version, current: version === 3 }));
        expect(sideBySide(versions).map((one) => one.version)).toEqual([9, 8, 7, 6, 5, 3, 0]);
        expect(sideBySide(versions.slice(8)).map((one) => one.version)).toEqual([1, 0]);
    });
});

describe("figures", () => {
    test("are grouped and rounded", () => {
        expect([12345, 0, 0.123456, 999.5, 1234.6, Number.NaN].map(figure)).toEqual(["12,345", "0", "0.1235", "999.5", "1,235", "–"]);
        expect([percent(0.8634), percent(null), percent(1, 0)]).toEqual(["86.3 %", "–", "100 %"]);
        expect([signed(1.74), signed(-0.4), signed(0.01)]).toEqual(["+1.7", "−0.4", "0.0"]);
        expect([memory(800), memory(2048)]).toEqual(["800 MB", "2.0 GB"]);
    });

    test("times are short", () => {
        expect([0.3, 12, 89, 200, 7500].map(duration)).toEqual(["a moment", "12 s", "89 s", "3 min", "2 h 5 min"]);
        const now = Date.parse("2026-11-21T12:00:00Z");
        expect(ago("2026-11-21T11:59:50Z", now)).toBe("just now");
        expect(ago("2026-11-21T11:48:00Z", now)).toBe("12 min ago");
        expect(ago("2026-11-20T11:00:00Z", now)).toBe("1 day ago");
        expect(ago(null, now)).toBe("–");
    });

    test("a record is named by its title, else by its longest text", () => {
        expect(titleOf(["id", "title"], ["7", "Drill"])).toBe("Drill");
        expect(titleOf(["id", "what", "price"], ["7", "Hammer drill", "12.50"])).toBe("Hammer drill");
        expect(titleOf(["a"], [null])).toBe("–");
    });
});

describe("questions that wait", () => {
    const item = (name: string) => ({ item: name });
    test("are neither doubled nor asked again", () => {
        expect(refill([item("a")], [item("a"), item("b"), item("b"), item("c")], new Set(["c"])).map((one) => one.item)).toEqual(["a", "b"]);
    });
    test("undo puts one back in front, once", () => {
        expect(putBack([item("b"), item("a")], item("a")).map((one) => one.item)).toEqual(["a", "b"]);
    });
});

describe("choices", () => {
    const near = (row: number, same: boolean | null) => ({ record: { row }, same });
    test("what the model suggests is taken at first; all where it suggests nothing", () => {
        expect([...chosenAtFirst([near(1, true), near(2, null), near(3, true)])]).toEqual([1, 2, 3]);
        expect([...chosenAtFirst([near(1, null), near(2, false), near(3, null)])]).toEqual([1, 3]);
    });
    test("toggle", () => {
        expect([...toggled(new Set([1, 2]), 2)]).toEqual([1]);
        expect([...toggled(new Set([1]), 2)]).toEqual([1, 2]);
    });
    test("suggested classes come first, the others by name, none twice", () => {
        const found = ordered([{ value: "sports", score: 0.8 }], ["world", "sports", "arts"], ["new", "arts"]);
        expect(found.map((one) => one.value)).toEqual(["sports", "arts", "new", "world"]);
        expect(found[0]?.score).toBe(0.8);
    });
});

describe("conditions", () => {
    const one: Condition = { column: "maker", op: "eq", value: "Kestrel" };
    test("survive the address", () => {
        expect(readConditions(writeConditions([one]))).toEqual([one]);
        expect(writeConditions([])).toBeNull();
        expect(readConditions("{no json")).toEqual([]);
        expect(readConditions('[{"column": "a", "op": "drop table"}, 3, null]')).toEqual([]);
    });
    test("are added and taken away", () => {
        expect(toggleCondition([], one)).toEqual([one]);
        expect(toggleCondition([one], { ...one })).toEqual([]);
    });
    test("sizes are numbers, other values stay as typed", () => {
        expect([typedValue("lt", "3,5"), typedValue("eq", "3"), typedValue("gt", "three")]).toEqual([3.5, "3", "three"]);
    });
    test("sorting goes up, down, off", () => {
        expect([nextSort(null, "a"), nextSort("a", "a"), nextSort("-a", "a"), nextSort("b", "a")]).toEqual(["a", "-a", null, "a"]);
    });
});

describe("the rest", () => {
    test("nested figures become lines", () => {
        expect([...flat({ a: { b: 1, c: null }, d: [1, 2], e: [] })]).toEqual([["a.b", 1], ["d", [1, 2]]]);
        expect([shownValue([1, true, null]), shownValue(0.25), shownValue(undefined)]).toEqual(["1, yes, –", "0.25", "–"]);
    });
    test("keys have names", () => {
        expect(keyName({ key: "M", ctrlKey: false, metaKey: false, altKey: false })).toBe("m");
        expect(keyName({ key: "z", ctrlKey: true, metaKey: false, altKey: false })).toBe("ctrl+z");
        expect(keyName({ key: "Enter", ctrlKey: false, metaKey: false, altKey: false })).toBe("Enter");
    });
    test("a token is found in the address that the console prints", () => {
        expect(tokenIn("http://127.0.0.1:8765/#token=dt_abc")).toBe("dt_abc");
        expect(tokenIn("  dt_abc ")).toBe("dt_abc");
    });
});

describe("a class that is typed", () => {
    test("is the one that is spelt so, else the one that differs only in spelling, else new", () => {
        const known = ["billing", "Billing", "Caf\u00e9"];
        expect(meant(known, " Billing ")).toBe("Billing");
        expect(meant(known, "BILLING")).toBe("billing");
        expect(meant(known, "CAFE\u0301")).toBe("Caf\u00e9");
        expect(meant(known, "Bills")).toBe("Bills");
    });
});
