// Quality against the number of labels, with its interval as a band.
import type { SessionProgress } from "../api/types";
import { percent } from "../logic/format";
import { t } from "../texts";

const WIDTH = 240;
const HEIGHT = 92;
const EDGE = { left: 34, right: 6, top: 8, bottom: 18 };

type Point = SessionProgress["curve"][number] & { value: number };

export function Curve({ points, figure }: { points: SessionProgress["curve"]; figure: string }) {
    const known = points.filter((one): one is Point => one.value !== null);
    const first = known[0];
    const last = known.at(-1);
    if (!first || !last || known.length < 2) return null;
    const bottom = Math.max(0, Math.min(...known.map((one) => one.low ?? one.value)) - 0.02);
    const top = Math.min(1, Math.max(...known.map((one) => one.high ?? one.value)) + 0.02);
    const x = (one: Point) => EDGE.left + ((WIDTH - EDGE.left - EDGE.right) * (one.labels - first.labels)) / Math.max(1, last.labels - first.labels);
    const y = (value: number) => EDGE.top + ((HEIGHT - EDGE.top - EDGE.bottom) * (top - value)) / Math.max(1e-6, top - bottom);
    const line = known.map((one) => `${x(one)},${y(one.value)}`).join(" ");
    const band = [...known.map((one) => `${x(one)},${y(one.high ?? one.value)}`), ...known.toReversed().map((one) => `${x(one)},${y(one.low ?? one.value)}`)].join(" ");
    return (
        <figure class="curve">
            <figcaption class="small">{t.session.curve(t.models.figure(figure))}</figcaption>
            <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={t.session.curveSaid(percent(first.value), first.labels, percent(last.value), last.labels)}>
                <polygon points={band} fill="var(--accent)" opacity="0.15" />
                <polyline points={line} fill="none" stroke="var(--accent)" stroke-width="1.8" stroke-linejoin="round" />
                <circle cx={x(last)} cy={y(last.value)} r="3" fill="var(--accent)" />
                <g fill="var(--soft)" font-size="10">
                    <text x={EDGE.left - 5} y={y(top) + 7} text-anchor="end">{percent(top, 0)}</text>
                    <text x={EDGE.left - 5} y={y(bottom)} text-anchor="end">{percent(bottom, 0)}</text>
                    <text x={EDGE.left} y={HEIGHT - 4}>{first.labels}</text>
                    <text x={WIDTH - EDGE.right} y={HEIGHT - 4} text-anchor="end">{t.session.labels(last.labels)}</text>
                </g>
            </svg>
        </figure>
    );
}
