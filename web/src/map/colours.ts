// The colours of points: one byte a point into a short palette, the same for both ways of drawing.
import type { Colour } from "../api/types";

/** Told apart also by people who confuse red and green (after Okabe and Ito, lightened for dark ground). */
const CATEGORIES = {
    light: ["#0b6b66", "#d9730d", "#3b6fd4", "#b0417e", "#8a7a10", "#5b4bb5", "#2f8f4e", "#c0392b", "#177fa8", "#7a5a3c"],
    dark: ["#5cc7bd", "#f0a050", "#86a9f7", "#e58dbb", "#d4c24a", "#aa9cf2", "#7fcf96", "#f0897c", "#6cc4e6", "#c7a27f"],
} as const;
/** From doubtful (warm) to sure (accent). */
const RAMP = {
    light: ["#c0531b", "#cf7a35", "#d8a25a", "#c9b97f", "#9fb88f", "#6ea88f", "#3d8f85", "#0b6b66"],
    dark: ["#f28b5b", "#f0a66f", "#ecc48b", "#ddd6a2", "#b5d3ae", "#8fcdb2", "#74cab8", "#5cc7bd"],
} as const;
const NONE = { light: "#bdb8ae", dark: "#57534b" } as const;

export type Ground = "light" | "dark";

export interface Painted {
    /** one a point: the place in `palette` */
    readonly codes: Uint8Array;
    readonly palette: readonly string[];
    readonly legend: readonly { readonly label: string; readonly colour: string; readonly count: number }[];
}

/** The raw numbers of the server as places in a palette; the ten most frequent categories have a colour of their own. */
export function paint(colour: Colour, raw: ArrayBuffer, ground: Ground, words: { none: string; others: string }): Painted {
    return colour.kind === "category" ? paintCategories(colour, new Uint16Array(raw), ground, words) : paintNumbers(colour, new Float32Array(raw), ground, words.none);
}

function paintCategories(colour: Colour, raw: Uint16Array, ground: Ground, words: { none: string; others: string }): Painted {
    const counts = new Map<number, number>();
    for (const code of raw) counts.set(code, (counts.get(code) ?? 0) + 1);
    const none = counts.get(65535) ?? 0;
    counts.delete(65535);
    const order = [...counts.entries()].sort(([one, many], [other, more]) => more - many || one - other);
    const own = order.slice(0, CATEGORIES[ground].length);
    const place = new Uint8Array(65536);
    own.forEach(([code], index) => void (place[code] = index + 2));
    order.slice(own.length).forEach(([code]) => void (place[code] = 1));
    const rest = order.slice(own.length).reduce((sum, [, count]) => sum + count, 0);
    const codes = Uint8Array.from(raw, (code) => place[code] ?? 0);
    const palette = [NONE[ground], NONE[ground], ...CATEGORIES[ground]];
    const legend = own.map(([code, count], index) => ({ label: colour.values?.[code] ?? String(code), colour: palette[index + 2] ?? NONE[ground], count }));
    if (rest) legend.push({ label: words.others, colour: NONE[ground], count: rest });
    if (none) legend.push({ label: words.none, colour: NONE[ground], count: none });
    return { codes, palette, legend };
}

function paintNumbers(colour: Colour, raw: Float32Array, ground: Ground, none: string): Painted {
    const low = colour.low ?? 0;
    const span = Math.max(1e-9, (colour.high ?? 1) - low);
    const steps = RAMP[ground].length;
    const counts = new Array<number>(steps + 1).fill(0);
    const codes = Uint8Array.from(raw, (value) => {
        const code = Number.isNaN(value) ? 0 : 1 + Math.max(0, Math.min(steps - 1, Math.floor((steps * (value - low)) / span)));
        counts[code] = (counts[code] ?? 0) + 1;
        return code;
    });
    const digits = span >= 20 ? 0 : 2;
    const legend = RAMP[ground].map((shade, index) => ({ label: `${(low + (span * index) / steps).toFixed(digits)} – ${(low + (span * (index + 1)) / steps).toFixed(digits)}`, colour: shade as string, count: counts[index + 1] ?? 0 }));
    if (counts[0]) legend.push({ label: none, colour: NONE[ground], count: counts[0] });
    return { codes, palette: [NONE[ground], ...RAMP[ground]], legend };
}
