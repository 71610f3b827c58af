// The map through WebGL, by regl-scatterplot. `regl` turns draw calls into functions; ours come ready made, because the
// page forbids code made at run time. A browser whose draw calls are not among them gets the plain canvas instead.
import createRegl from "@plotly/regl";
import createScatterplot, { createRenderer } from "regl-scatterplot";
import { type Chart, type ChartHooks, type Mode, pointSize, type Polygon, thinned, type View, WHOLE } from "./chart";
import { COMPILED } from "./compiled";

const EXTENSIONS = ["OES_texture_float", "OES_element_index_uint", "WEBGL_color_buffer_float", "EXT_float_blend"];

type Plot = ReturnType<typeof createScatterplot>;

export class WebglChart implements Chart {
    readonly kind = "webgl";
    private readonly plot: Plot;
    private view = WHOLE;
    private count = 0;
    /** A plot that is still drawing refuses to draw, so that each drawing waits for the one before. */
    private drawing: Promise<void> = Promise.resolve();

    /** A draw call that is not among the compiled ones was refused: the canvas takes over. */
    private readonly refused = (event: SecurityPolicyViolationEvent): void => {
        if (event.blockedURI === "eval") this.hooks.failed();
    };

    /** Without graphics hardware the plain canvas is quicker, so that WebGL in software is taken only where it is asked for. */
    constructor(private readonly canvas: HTMLCanvasElement, private readonly hooks: ChartHooks, software: boolean) {
        const surface = document.createElement("canvas");
        const gl = surface.getContext("webgl", { antialias: true, preserveDrawingBuffer: true });
        if (!gl || (!software && inSoftware(gl))) throw new Error("no WebGL in hardware");
        const regl = createRegl({ gl, extensions: EXTENSIONS, cachedCode: COMPILED } as Parameters<typeof createRegl>[0]);
        this.plot = createScatterplot({
            canvas, renderer: createRenderer({ canvas: surface, regl } as Parameters<typeof createRenderer>[0]), width: "auto", height: "auto", lassoOnLongPress: false, lassoInitiator: false, colorBy: "valueA", opacity: 0.85,
            lassoMinDist: 4, lassoMinDelay: 8, deselectOnDblClick: true, pointSize: 4, pointSizeSelected: 0, pointOutlineWidth: 0, showReticle: false,
        } as Parameters<typeof createScatterplot>[0]);
        this.plot.subscribe("lassoEnd", (told) => {
            const line = polygonOf((told as { coordinates?: unknown }).coordinates);
            this.plot.deselect({ preventEvent: true });
            if (line.length >= 3) hooks.lassoed(thinned(line, 0.002 * this.view.reach));
        });
        this.plot.subscribe("view", () => this.readView());
        surface.addEventListener("webglcontextlost", () => hooks.failed());
        document.addEventListener("securitypolicyviolation", this.refused);
        Object.assign(canvas, { compiled: COMPILED });
    }

    setPoints(points: Float32Array, codes: Uint8Array, palette: readonly string[], ground: string): Promise<void> {
        this.count = codes.length;
        const x = new Float32Array(codes.length);
        const y = new Float32Array(codes.length);
        for (let index = 0; index < codes.length; index += 1) {
            x[index] = points[2 * index] as number;
            y[index] = points[2 * index + 1] as number;
        }
        const accent = getComputedStyle(this.canvas).getPropertyValue("--accent").trim() || "#0b6b66";
        this.plot.set({ backgroundColor: ground, pointColor: [...palette], pointColorActive: accent, pointColorHover: accent, lassoColor: accent, pointSize: pointSize(this.count, this.view.reach) } as Parameters<Plot["set"]>[0]);
        const draw = () => this.plot.draw({ x, y, z: Float32Array.from(codes) }, { zDataType: "categorical" }).then(() => this.setView(this.view));
        this.drawing = this.drawing.then(draw, draw);
        return this.drawing;
    }

    setMode(mode: Mode): void {
        this.plot.set({ mouseMode: mode === "lasso" ? "lasso" : "panZoom" } as Parameters<Plot["set"]>[0]);
        this.canvas.style.cursor = mode === "lasso" ? "crosshair" : "grab";
    }

    setView(view: View): void {
        this.view = view;
        this.plot.set({ cameraTarget: [view.x, view.y], cameraDistance: view.reach * this.stretch(), pointSize: pointSize(this.count, view.reach) } as Parameters<Plot["set"]>[0]);
    }

    getView(): View {
        return this.view;
    }

    resize(): void {
        this.plot.refresh();
    }

    destroy(): void {
        document.removeEventListener("securitypolicyviolation", this.refused);
        this.plot.destroy();
    }

    /** regl-scatterplot measures from the middle to the upper edge; we to the nearer one. */
    private stretch(): number {
        const { clientWidth, clientHeight } = this.canvas;
        return Math.max(1, clientHeight / Math.max(1, clientWidth));
    }

    private readView(): void {
        const [x = 0, y = 0] = this.plot.get("cameraTarget") as number[];
        const distance = this.plot.get("cameraDistance") as number;
        this.view = { x, y, reach: distance / this.stretch() };
    }
}

function inSoftware(gl: WebGLRenderingContext): boolean {
    const told = gl.getExtension("WEBGL_debug_renderer_info");
    return !!told && /swiftshader|llvmpipe|software|basic render/i.test(String(gl.getParameter(told.UNMASKED_RENDERER_WEBGL)));
}

function polygonOf(value: unknown): Polygon {
    if (!Array.isArray(value)) return [];
    if (Array.isArray(value[0])) return value as Polygon;
    const flat = value as number[];
    return Array.from({ length: Math.floor(flat.length / 2) }, (_, index) => [flat[2 * index] as number, flat[2 * index + 1] as number]);
}
