// The seam between the map page and the two ways of drawing it.

export type Mode = "move" | "lasso";
export type Polygon = [number, number][];

/** What part of the plane is shown; the map itself lies in [-1, 1] on both axes. */
export interface View {
    readonly x: number;
    readonly y: number;
    /** half of the shorter side of the picture, in units of the map */
    readonly reach: number;
}

export interface Chart {
    readonly kind: "webgl" | "canvas";
    /** x0, y0, x1, y1, … and a place in the palette for each point; fulfilled when they are drawn and a hand is heeded */
    setPoints(points: Float32Array, codes: Uint8Array, palette: readonly string[], ground: string): Promise<void>;
    setMode(mode: Mode): void;
    setView(view: View): void;
    getView(): View;
    resize(): void;
    destroy(): void;
}

export const WHOLE: View = { x: 0, y: 0, reach: 1.08 };

export interface ChartHooks {
    lassoed(polygon: Polygon): void;
    failed(): void;
}

/** The rectangle that is shown, as a polygon. */
export function corners(view: View, width: number, height: number): Polygon {
    const shorter = Math.max(1, Math.min(width, height));
    const across = (view.reach * width) / shorter;
    const up = (view.reach * height) / shorter;
    return [[view.x - across, view.y - up], [view.x + across, view.y - up], [view.x + across, view.y + up], [view.x - across, view.y + up]];
}

/** A line with fewer corners: those closer than `least` to the last kept one go. */
export function thinned(line: Polygon, least: number, most = 1500): Polygon {
    const kept: Polygon = [];
    for (const corner of line) {
        const last = kept.at(-1);
        if (!last || Math.hypot(corner[0] - last[0], corner[1] - last[1]) >= least) kept.push(corner);
    }
    if (kept.length <= most) return kept;
    const stride = Math.ceil(kept.length / most);
    return kept.filter((_, index) => index % stride === 0);
}

export function zoomed(view: View, by: number, at: { x: number; y: number } = view): View {
    const reach = Math.max(0.002, Math.min(3, view.reach * by));
    const share = reach / view.reach;
    return { x: at.x + (view.x - at.x) * share, y: at.y + (view.y - at.y) * share, reach };
}

/** The size of a point in pixels of the screen: small where there are many, larger as one comes closer. */
export function pointSize(count: number, reach: number): number {
    const base = count > 100_000 ? 1.5 : count > 20_000 ? 2.5 : count > 3_000 ? 3.5 : 5;
    return Math.min(10, base * Math.max(1, (1 / reach) ** 0.45));
}
