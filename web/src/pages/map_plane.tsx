// The plane itself: a canvas, its tools, and its keys.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Icon } from "../parts/icons";
import { useKeys } from "../parts/keys";
import { CanvasChart } from "../map/canvas";
import { type Chart, type ChartHooks, corners, type Mode, type Polygon, WHOLE, zoomed } from "../map/chart";
import type { Painted } from "../map/colours";
import { t } from "../texts";

const GROUND = { light: "#ffffff", dark: "#1d1c1a" } as const;

interface Props {
    readonly points: Float32Array;
    readonly painted: Painted;
    readonly ground: "light" | "dark";
    readonly lassoed: (polygon: Polygon) => void;
    readonly clear: () => void;
}

/** WebGL where graphics hardware draws it, else the plain canvas; `?draw=canvas` and `?draw=webgl` ask for one of them. */
async function chartOn(canvas: HTMLCanvasElement, hooks: ChartHooks, plain: boolean): Promise<Chart> {
    const wish = new URLSearchParams(location.search).get("draw");
    if (!plain && wish !== "canvas") {
        const { WebglChart } = await import("../map/webgl");
        return new WebglChart(canvas, hooks, wish === "webgl");
    }
    return new CanvasChart(canvas, hooks);
}

export function Plane({ points, painted, ground, lassoed, clear }: Props) {
    const canvas = useRef<HTMLCanvasElement>(null);
    const chart = useRef<Chart | null>(null);
    const [plain, setPlain] = useState(false);
    const [made, setMade] = useState(0);
    const [busy, setBusy] = useState(true);
    const [mode, setMode] = useState<Mode>("move");
    const hand = useRef(lassoed);
    hand.current = lassoed;

    useEffect(() => {
        const surface = canvas.current;
        if (!surface) return undefined;
        let gone = false;
        const fall = () => void (gone || setPlain(true));
        chartOn(surface, { lassoed: (polygon) => hand.current(polygon), failed: fall }, plain).then((drawn) => {
            if (gone) return drawn.destroy();
            chart.current = drawn;
            setMade((old) => old + 1);
        }, fall);
        const watch = new ResizeObserver(() => chart.current?.resize());
        watch.observe(surface);
        return () => {
            gone = true;
            watch.disconnect();
            chart.current?.destroy();
            chart.current = null;
        };
    }, [plain]);
    useEffect(() => {
        const drawing = chart.current;
        if (!drawing) return undefined;
        let gone = false;
        setBusy(true);
        const draw = async () => drawing.setPoints(points, painted.codes, painted.palette, GROUND[ground]);
        draw().then(() => void (gone || setBusy(false)), () => void (gone || setPlain(true)));
        return () => void (gone = true);
    }, [points, painted, ground, made]);
    // Before the next frame: where frames are slow, a hand that goes on at once would still move the map.
    useLayoutEffect(() => chart.current?.setMode(mode), [mode, made]);

    const look = (change: (chart: Chart) => void) => () => void (chart.current && change(chart.current));
    const move = (x: number, y: number) => look((one) => {
        const view = one.getView();
        one.setView({ ...view, x: view.x + 0.2 * x * view.reach, y: view.y + 0.2 * y * view.reach });
    });
    const zoom = (by: number) => look((one) => one.setView(zoomed(one.getView(), by)));
    const whole = look((one) => one.setView(WHOLE));
    const takeShown = look((one) => {
        const surface = canvas.current;
        if (surface) lassoed(corners(one.getView(), surface.clientWidth, surface.clientHeight));
    });
    useKeys({
        ArrowLeft: move(-1, 0), ArrowRight: move(1, 0), ArrowUp: move(0, 1), ArrowDown: move(0, -1), "+": zoom(0.8), "=": zoom(0.8), "-": zoom(1.25), "0": whole,
        l: () => setMode(mode === "lasso" ? "move" : "lasso"), v: takeShown, Escape: clear,
    });
    return (
        <>
            <div class="plane-hold"><canvas key={plain ? "plain" : "webgl"} ref={canvas} class="plane" data-kind={chart.current?.kind} aria-busy={busy} role="img" aria-label={t.map.said(painted.codes.length)} /></div>
            <div class="plane-tools" role="toolbar" aria-label={t.map.tools}>
                <button type="button" class="button small" aria-pressed={mode === "move"} onClick={() => setMode("move")}><Icon name="move" size={15} />{t.map.move}</button>
                <button type="button" class="button small" aria-pressed={mode === "lasso"} onClick={() => setMode("lasso")}><Icon name="lasso" size={15} />{t.map.lasso}</button>
                <button type="button" class="button small" title={t.map.shownAbout} onClick={takeShown}>{t.map.shown}</button>
                <span class="row" style={{ gap: "2px" }}>
                    <button type="button" class="icon-button" aria-label={t.map.closer} onClick={zoom(0.7)}>+</button>
                    <button type="button" class="icon-button" aria-label={t.map.further} onClick={zoom(1.4)}>−</button>
                    <button type="button" class="icon-button" aria-label={t.map.whole} title={t.map.whole} onClick={whole}><Icon name="clusters" size={15} /></button>
                </span>
            </div>
        </>
    );
}
