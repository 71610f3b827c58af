import { expect, test } from "vitest";
import { calm } from "../src/logic/parts";

const same = (text: string) => ({ text, same: true });
const other = (text: string) => ({ text, same: false });

test("a word that shares little is marked whole, and so is the space between two such words", () => {
    expect(calm([other("C"), same("ast"), other("or"), same(" "), other("Ranger"), same(" "), other("jig")])).toEqual([other("Castor Ranger jig")]);
});

test("a small difference inside a word stays small", () => {
    expect(calm([same("KX-40"), other("1"), same(" drill")])).toEqual([same("KX-40"), other("1"), same(" drill")]);
});

test("no letter is lost", () => {
    const parts = [same("a b"), other("c  d"), same("\n"), other("e")];
    expect(calm(parts).map((part) => part.text).join("")).toBe("a bc  d\ne");
    expect(calm([])).toEqual([]);
});
