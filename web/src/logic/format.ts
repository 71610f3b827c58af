// Figures and times as people read them. No function here knows the page.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });

/** 12345 -> "12,345"; 0.123456 -> "0.1235". */
export function figure(value: number): string {
    if (!Number.isFinite(value)) return "–";
    return Math.abs(value) >= 1000 || Number.isInteger(value) ? whole.format(value) : short.format(value);
}

/** A share in [0, 1] as per cent: 0.8634 -> "86.3 %". */
export function percent(share: number | null | undefined, digits = 1): string {
    return share === null || share === undefined || !Number.isFinite(share) ? "–" : `${(100 * share).toFixed(digits)} %`;
}

/** A score in [0, 1] with two digits. */
export function score(value: number | null | undefined): string {
    return value === null || value === undefined || !Number.isFinite(value) ? "–" : value.toFixed(2);
}

/** A length of time in seconds: "a moment", "12 s", "3 min", "2 h 5 min". */
export function duration(seconds: number): string {
    if (seconds < 1.5) return "a moment";
    if (seconds < 90) return `${Math.round(seconds)} s`;
    const minutes = Math.round(seconds / 60);
    if (minutes < 90) return `${minutes} min`;
    return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** How long ago a time was, in one short word or two. */
export function ago(at: string | null | undefined, now: number = Date.now()): string {
    const then = at ? Date.parse(at) : Number.NaN;
    if (Number.isNaN(then)) return "–";
    const seconds = Math.max(0, (now - then) / 1000);
    if (seconds < 45) return "just now";
    if (seconds < 5400) return `${Math.max(1, Math.round(seconds / 60))} min ago`;
    if (seconds < 86400) return `${Math.round(seconds / 3600)} h ago`;
    const days = Math.round(seconds / 86400);
    return days < 14 ? `${days} day${days === 1 ? "" : "s"} ago` : new Date(then).toLocaleDateString("en", { day: "numeric", month: "short", year: "numeric" });
}

/** A signed figure: "+1.7", "−0.4" (with a true minus sign). */
export function signed(value: number, digits = 1): string {
    const text = Math.abs(value).toFixed(digits);
    if (Number(text) === 0) return text;
    return (value > 0 ? "+" : "−") + text;
}

/** Megabytes as people say them. */
export function memory(megabytes: number): string {
    return megabytes < 1000 ? `${Math.round(megabytes)} MB` : `${(megabytes / 1024).toFixed(1)} GB`;
}

/** The first value that names a record: the longest of its first few filled texts that is no number. */
export function titleOf(columns: readonly string[], values: readonly (string | null)[]): string {
    const title = wholeTitle(columns, values);
    return title.length > LONGEST_TITLE ? `${title.slice(0, LONGEST_TITLE)}…` : title;
}

/** A headline of more characters is cut; the value stands whole below it. */
const LONGEST_TITLE = 160;

function wholeTitle(columns: readonly string[], values: readonly (string | null)[]): string {
    const named = columns.findIndex((name) => /^(title|name|product|full.?name|headline|label|subject)$/i.test(name));
    const direct = named >= 0 ? values[named] : null;
    if (direct) return direct;
    const texts = values.slice(0, 6).filter((value): value is string => !!value && !/^[\d\s.,:/-]+$/.test(value));
    return texts.reduce((best, value) => (value.length > best.length ? value : best), "") || values.find(Boolean) || "–";
}
