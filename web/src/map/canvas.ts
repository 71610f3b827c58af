// The map on a plain canvas: every point is a few pixels written straight into the picture. It needs no WebGL, and two
// hundred thousand points take some milliseconds.
import { type Chart, type ChartHooks, type Mode, pointSize, type Polygon, thinned, type View, WHOLE, zoomed } from "./chart";

function pixel(colour: string): number {
    const value = Number.parseInt(colour.slice(1), 16);
    return (0xff000000 | ((value & 0xff) << 16) | (value & 0xff00) | ((value >> 16) & 0xff)) >>> 0;
}

/** Offsets of the pixels of a round point with a diameter in pixels. */
export function disc(diameter: number): [number, number][] {
    const size = Math.max(1, Math.round(diameter));
    const middle = (size - 1) / 2;
    const found: [number, number][] = [];
    for (let y = 0; y < size; y += 1) {
        for (let x = 0; x < size; x += 1) {
            if (size < 3 || Math.hypot(x - middle, y - middle) <= size / 2) found.push([x - Math.floor(middle), y - Math.floor(middle)]);
        }
    }
    return found;
}

/** Write the points into a picture of 32-bit pixels. */
export function plot(picture: Uint32Array, width: number, height: number, points: Float32Array, codes: Uint8Array, shades: Uint32Array, view: View, diameter: number): void {
    const scale = Math.min(width, height) / (2 * view.reach);
    const left = width / 2 - view.x * scale;
    const top = height / 2 + view.y * scale;
    const offsets = disc(diameter);
    const jumps = Int32Array.from(offsets, ([x, y]) => y * width + x);
    const edge = Math.ceil(diameter / 2) + 1;
    for (let index = 0; index < codes.length; index += 1) {
        const x = Math.round(left + (points[2 * index] as number) * scale);
        const y = Math.round(top - (points[2 * index + 1] as number) * scale);
        if (x < edge || y < edge || x >= width - edge || y >= height - edge) continue;
        const at = y * width + x;
        const shade = shades[codes[index] as number] as number;
        for (let jump = 0; jump < jumps.length; jump += 1) picture[at + (jumps[jump] as number)] = shade;
    }
}

export class CanvasChart implements Chart {
    readonly kind = "canvas";
    private points = new Float32Array(0);
    private codes = new Uint8Array(0);
    private shades = new Uint32Array(1);
    private ground = 0;
    private view = WHOLE;
    private mode: Mode = "move";
    private line: Polygon = [];
    private hand: { id: number; x: number; y: number } | null = null;
    private due = 0;
    private picture: ImageData | null = null;
    private readonly pen: CanvasRenderingContext2D;

    constructor(private readonly canvas: HTMLCanvasElement, private readonly hooks: ChartHooks) {
        const pen = canvas.getContext("2d", { alpha: false });
        if (!pen) throw new Error("This browser draws no canvas.");
        this.pen = pen;
        canvas.addEventListener("pointerdown", this.press);
        canvas.addEventListener("pointermove", this.drag);
        canvas.addEventListener("pointerup", this.release);
        canvas.addEventListener("pointercancel", this.release);
        canvas.addEventListener("wheel", this.wheel, { passive: false });
        this.resize();
    }

    setPoints(points: Float32Array, codes: Uint8Array, palette: readonly string[], ground: string): Promise<void> {
        this.points = new Float32Array(points);
        this.codes = new Uint8Array(codes);
        this.shades = Uint32Array.from(palette, pixel);
        this.ground = pixel(ground);
        this.draw();
        return Promise.resolve();
    }

    setMode(mode: Mode): void {
        this.mode = mode;
        this.canvas.style.cursor = mode === "lasso" ? "crosshair" : "grab";
    }

    setView(view: View): void {
        this.view = view;
        this.draw();
    }

    getView(): View {
        return this.view;
    }

    resize(): void {
        const ratio = Math.min(2, devicePixelRatio || 1);
        const { clientWidth, clientHeight } = this.canvas;
        this.canvas.width = Math.max(1, Math.round(clientWidth * ratio));
        this.canvas.height = Math.max(1, Math.round(clientHeight * ratio));
        this.picture = null;
        this.draw();
    }

    destroy(): void {
        cancelAnimationFrame(this.due);
        for (const [name, act] of [["pointerdown", this.press], ["pointermove", this.drag], ["pointerup", this.release], ["pointercancel", this.release]] as const) {
            this.canvas.removeEventListener(name, act as EventListener);
        }
        this.canvas.removeEventListener("wheel", this.wheel);
    }

    private draw(): void {
        if (this.due) return;
        this.due = requestAnimationFrame(() => {
            this.due = 0;
            this.paint();
        });
    }

    private paint(): void {
        const { width, height } = this.canvas;
        this.picture ??= this.pen.createImageData(width, height);
        const pixels = new Uint32Array(this.picture.data.buffer);
        pixels.fill(this.ground);
        plot(pixels, width, height, this.points, this.codes, this.shades, this.view, pointSize(this.codes.length, this.view.reach) * this.ratio());
        this.pen.putImageData(this.picture, 0, 0);
        this.paintLine();
    }

    private paintLine(): void {
        const [first, ...rest] = this.line;
        if (!first || !rest.length) return;
        const colour = getComputedStyle(this.canvas).getPropertyValue("--accent") || "#0b6b66";
        const at = ([x, y]: [number, number]) => this.toScreen(x, y);
        this.pen.beginPath();
        this.pen.moveTo(...at(first));
        for (const corner of rest) this.pen.lineTo(...at(corner));
        this.pen.closePath();
        this.pen.globalAlpha = 0.12;
        this.pen.fillStyle = colour;
        this.pen.fill();
        this.pen.globalAlpha = 1;
        this.pen.strokeStyle = colour;
        this.pen.lineWidth = 1.5 * this.ratio();
        this.pen.stroke();
    }

    private ratio(): number {
        return this.canvas.width / Math.max(1, this.canvas.clientWidth);
    }

    private scale(): number {
        return Math.min(this.canvas.width, this.canvas.height) / (2 * this.view.reach);
    }

    private toScreen(x: number, y: number): [number, number] {
        const scale = this.scale();
        return [this.canvas.width / 2 + (x - this.view.x) * scale, this.canvas.height / 2 - (y - this.view.y) * scale];
    }

    private toMap(event: PointerEvent | WheelEvent): { x: number; y: number } {
        const box = this.canvas.getBoundingClientRect();
        const scale = this.scale() / this.ratio();
        return { x: this.view.x + (event.clientX - box.left - box.width / 2) / scale, y: this.view.y - (event.clientY - box.top - box.height / 2) / scale };
    }

    private readonly press = (event: PointerEvent): void => {
        if (event.button !== 0 || this.hand) return;
        this.canvas.setPointerCapture(event.pointerId);
        this.hand = { id: event.pointerId, x: event.clientX, y: event.clientY };
        const { x, y } = this.toMap(event);
        this.line = this.mode === "lasso" || event.shiftKey ? [[x, y]] : [];
    };

    private readonly drag = (event: PointerEvent): void => {
        if (!this.hand || this.hand.id !== event.pointerId) return;
        if (this.line.length) {
            const { x, y } = this.toMap(event);
            this.line.push([x, y]);
        } else {
            const scale = this.scale() / this.ratio();
            this.view = { ...this.view, x: this.view.x - (event.clientX - this.hand.x) / scale, y: this.view.y + (event.clientY - this.hand.y) / scale };
            this.hand = { id: event.pointerId, x: event.clientX, y: event.clientY };
        }
        this.draw();
    };

    private readonly release = (event: PointerEvent): void => {
        if (!this.hand || this.hand.id !== event.pointerId) return;
        this.hand = null;
        const line = thinned(this.line, 0.002 * this.view.reach);
        this.line = [];
        this.draw();
        if (event.type === "pointerup" && line.length >= 3) this.hooks.lassoed(line);
    };

    private readonly wheel = (event: WheelEvent): void => {
        event.preventDefault();
        this.setView(zoomed(this.view, Math.exp(Math.max(-0.5, Math.min(0.5, event.deltaY * 0.0015))), this.toMap(event)));
    };
}
