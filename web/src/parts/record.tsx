// Records: their values with what differs marked, and the lines of an explanation. Values are text and nothing else.
import { figure, score, signed } from "../logic/format";
import { calm } from "../logic/parts";
import { t } from "../texts";
import type { Line, Part, Rec, Why } from "../api/types";

/** Where the text of a value ends on the page; a longer one is cut and can be unfolded by the browser's own title. */
const LONGEST = 600;

export function Value({ text }: { text: string | null | undefined }) {
    if (text === null || text === undefined || text === "") return <span class="nothing">{t.empty}</span>;
    if (text.length <= LONGEST) return <>{text}</>;
    return <span title={text.slice(0, 4000)}>{text.slice(0, LONGEST)}…</span>;
}

/** A value in pieces; those that the other side lacks are marked by ground and underline, not by colour alone. */
export function Marked({ parts, text }: { parts: readonly Part[]; text: string | null }) {
    if (!text || !parts.length) return <Value text={text} />;
    return <>{calm(parts).map((part) => (part.same ? part.text : <mark>{part.text}</mark>))}</>;
}

export function SourceName({ record }: { record: Rec }) {
    return (
        <span class="source">
            {record.source ? <span class="chip">{record.source}</span> : null}
            <code class="soft">{record.id}</code>
        </span>
    );
}

/** The filled values of a record as a list of names and values, without the one that stands above them as its title. */
export function Values({ record, most = 30, title = "" }: { record: Rec; most?: number; title?: string }) {
    const shown = record.columns
        .map((name, index) => [name, record.values[index] ?? null] as const)
        .filter(([name, value]) => value !== null && value !== "" && value !== record.id && !(name === "source" && value === record.source) && value !== title);
    return (
        <dl class="values">
            {shown.slice(0, most).map(([name, value]) => (
                <div>
                    <dt>{name}</dt>
                    <dd><Value text={value} /></dd>
                </div>
            ))}
        </dl>
    );
}

/** Why the model thinks so: one line an attribute, its importance as a bar to the right (for) or to the left (against). */
export function Explanation({ why }: { why: Why }) {
    const { lines = [], words = [], precedents = [] } = why;
    const strongest = Math.max(0.1, ...lines.map((line) => Math.abs(line.importance)));
    return (
        <div class="why stack tight">
            {why.sentence ? <p>{why.sentence}</p> : null}
            {lines.length ? (
                <ul class="why-lines" aria-label={t.why.lines}>
                    {[...lines].sort((one, other) => Math.abs(other.importance) - Math.abs(one.importance)).map((line) => <WhyLine line={line} strongest={strongest} />)}
                </ul>
            ) : null}
            {words.length ? <WhyWords words={words} /> : null}
            {why.change ? <p class="small soft">{why.change}</p> : null}
            {precedents.length ? (
                <p class="small soft">
                    {t.why.like} {precedents.slice(0, 3).map((like) => t.why.precedent(like.left, like.right, like.label)).join("; ")}
                </p>
            ) : null}
            <p class="tiny">{t.why.score(score(why.score), score(why.threshold))}</p>
        </div>
    );
}

function WhyLine({ line, strongest }: { line: Line; strongest: number }) {
    const width = `${(48 * Math.abs(line.importance)) / strongest}%`;
    const speaksFor = line.importance >= 0;
    return (
        <li>
            <span class="name">{line.name}</span>
            <span class="lever" aria-hidden="true"><span class={speaksFor ? "for" : "against"} style={{ width }} /></span>
            <span class="tab-figures small" title={line.similarity === null ? undefined : t.why.similarity(score(line.similarity))}>{signed(line.importance)}</span>
        </li>
    );
}

function WhyWords({ words }: { words: NonNullable<Why["words"]> }) {
    return (
        <p class="row" aria-label={t.why.words}>
            {words.slice(0, 12).map((word) => (
                <span class={word.weight >= 0 ? "chip good" : "chip bad"}>{word.word} <span class="tab-figures">{signed(word.weight, 2)}</span></span>
            ))}
        </p>
    );
}

export function Count({ value, of }: { value: number; of: string }) {
    return (
        <div class="count">
            <strong class="tab-figures">{figure(value)}</strong>
            <span class="soft small">{of}</span>
        </div>
    );
}
