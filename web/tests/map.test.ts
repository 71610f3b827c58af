import { describe, expect, test } from "vitest";
import { disc, plot } from "../src/map/canvas";
import { corners, pointSize, type Polygon, thinned, WHOLE, zoomed } from "../src/map/chart";
import { paint } from "../src/map/colours";

const WORDS = { none: "none", others: "others" };

describe("colours of the map", () => {
    test("the most frequent categories have their own, none and the rest are grey", () => {
        const raw = Uint16Array.from([...Array(5).fill(1), ...Array(3).fill(0), 65535]);
        const painted = paint({ name: "label", kind: "category", values: ["a", "b"], low: null, high: null }, raw.buffer, "light", WORDS);
        expect(painted.legend.map((one) => [one.label, one.count])).toEqual([["b", 5], ["a", 3], ["none", 1]]);
        expect([painted.codes[0], painted.codes[5], painted.codes[8]]).toEqual([2, 3, 0]);
    });
    test("more than ten categories share the grey of the others", () => {
        const raw = Uint16Array.from({ length: 24 }, (_, index) => index % 12);
        const painted = paint({ name: "k", kind: "category", values: [], low: null, high: null }, raw.buffer, "dark", WORDS);
        expect(painted.legend.at(-1)).toMatchObject({ label: "others", count: 4 });
        expect(Math.max(...painted.codes)).toBe(11);
    });
    test("numbers lie on a ramp, what is no number is grey", () => {
        const painted = paint({ name: "confidence", kind: "number", values: [], low: 0, high: 1 }, Float32Array.from([0, 0.5, 1, Number.NaN]).buffer, "light", WORDS);
        expect([...painted.codes]).toEqual([1, 5, 8, 0]);
        expect(painted.legend.reduce((sum, one) => sum + one.count, 0)).toBe(4);
    });
});

describe("the plane", () => {
    test("zooming keeps the place under the pointer", () => {
        const view = zoomed({ x: 0, y: 0, reach: 1 }, 0.5, { x: 0.4, y: -0.2 });
        expect(view).toEqual({ x: 0.2, y: -0.1, reach: 0.5 });
        expect(zoomed(WHOLE, 1e-9).reach).toBe(0.002);
    });
    test("corners follow the shape of the picture", () => {
        expect(corners({ x: 0, y: 0, reach: 1 }, 200, 100)).toEqual([[-2, -1], [2, -1], [2, 1], [-2, 1]]);
    });
    test("a line is thinned to what the server takes", () => {
        const line: Polygon = Array.from({ length: 10_000 }, (_, index) => [index / 100, 0]);
        expect(thinned(line, 0.05).length).toBeLessThanOrEqual(1500);
        expect(thinned([[0, 0], [0, 0.0001], [1, 0]], 0.01)).toEqual([[0, 0], [1, 0]]);
    });
    test("points are small where there are many", () => {
        expect(pointSize(200_000, 1)).toBe(1.5);
        expect(pointSize(100, 1)).toBe(5);
        expect(pointSize(200_000, 0.01)).toBe(10);
    });
    test("a point is drawn where it lies, in its colour", () => {
        const picture = new Uint32Array(21 * 21);
        plot(picture, 21, 21, Float32Array.from([0, 0, 5, 5]), Uint8Array.from([1, 1]), Uint32Array.from([1, 7]), { x: 0, y: 0, reach: 1 }, 1);
        expect([...picture].filter((shade) => shade === 7).length).toBe(1);
        expect(disc(1)).toEqual([[0, 0]]);
        expect(disc(3).length).toBe(9 - 4 + (Math.hypot(1, 1) <= 1.5 ? 4 : 0));
    });
});
