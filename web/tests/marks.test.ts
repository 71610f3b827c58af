import { expect, test } from "vitest";
import { conditionsOf, markedParts } from "../src/logic/marks";

test("a text is cut at its marks, which count whole signs", () => {
    expect(markedParts("a 🎉 red lamp", [[4, 7]])).toEqual([
        { text: "a 🎉 ", marked: false }, { text: "red", marked: true }, { text: " lamp", marked: false },
    ]);
    expect(markedParts("lamp", [[0, 4]])).toEqual([{ text: "lamp", marked: true }]);
    expect(markedParts("lamp", [])).toEqual([{ text: "lamp", marked: false }]);
    expect(markedParts("lamp", [[2, 3], [0, 1]]).map((part) => part.text).join("")).toBe("lamp");
});

test("filters stand between commas, and a value may hold some", () => {
    expect(conditionsOf("year>=2010, journal=Nature, London,text~a, b")).toEqual(["year>=2010", "journal=Nature, London", "text~a, b"]);
    expect(conditionsOf(" , ")).toEqual([]);
    expect(conditionsOf("year>=2010,")).toEqual(["year>=2010"]);
});
