// A heuristic while it is typed: how many rows it reaches, which ones, and who says otherwise.
import { useEffect, useState } from "preact/hooks";
import * as calls from "../api/calls";
import type { RuleExample, RuleLooked, RulesPage } from "../api/types";
import { Fault, Field, Interval, Key, Select } from "../parts/basic";
import { Icon } from "../parts/icons";
import { useKeys } from "../parts/keys";
import { useLoad, useStill } from "../parts/load";
import { figure, percent } from "../logic/format";
import { BLANK, type Draft, type RuleKind, ruleOf } from "../logic/rule";
import { address } from "../route";
import { attempt, may, say } from "../state";
import { t } from "../texts";

const KINDS: readonly RuleKind[] = ["words", "pattern", "names"];
interface Props { readonly page: RulesPage; readonly draft: Draft; readonly setDraft: (draft: Draft) => void; readonly kept: (page: RulesPage) => void; readonly sure: number }

export function RuleForm({ page, draft, setDraft, kept, sure }: Props) {
    const set = (some: Partial<Draft>) => setDraft({ ...draft, ...some });
    const rule = ruleOf(draft, page.table);
    const keep = async (event: Event) => {
        event.preventDefault();
        if (!rule || !(await attempt(() => calls.keepHeuristic(rule)))) return;
        const fresh = await attempt(() => calls.heuristics(page.table, sure));
        if (fresh) kept(fresh);
        say(t.rules.keptOne(rule.name));
        setDraft({ ...BLANK, kind: draft.kind, column: draft.column });
        document.getElementById("rule-class")?.focus();
    };
    const several = draft.kind === "names";
    return (
        <section class="sheet rule-box" aria-label={t.rules.fresh}>
            <form class="stack pad" onSubmit={keep}>
                <div class="row apart"><h2>{draft.name === null ? t.rules.fresh : t.rules.changing(draft.name)}</h2>{draft.name === null ? <Key name="n" /> : <button type="button" class="button small" onClick={() => setDraft(BLANK)}>{t.rules.leave}</button>}</div>
                <div class="segments" role="group" aria-label={t.rules.kind}>
                    {KINDS.map((kind) => <button type="button" class="button small" aria-pressed={draft.kind === kind} onClick={() => set({ kind, text: "" })}>{t.rules.kinds[kind]}</button>)}
                </div>
                {several ? null : (
                    <Field label={t.rules.class_}>
                        <input id="rule-class" class="input" list="rule-classes" maxLength={200} value={draft.gives} onInput={(event) => set({ gives: event.currentTarget.value })} />
                        <datalist id="rule-classes">{page.classes.map((name) => <option value={name} />)}</datalist>
                    </Field>
                )}
                <Field label={t.rules.texts[draft.kind].label} hint={t.rules.texts[draft.kind].hint}>
                    {draft.kind === "pattern"
                        ? <input id="rule-text" class="input mono" maxLength={500} autocomplete="off" spellcheck={false} value={draft.text} onInput={(event) => set({ text: event.currentTarget.value })} />
                        : <textarea id={several ? "rule-class" : "rule-text"} class="input" rows={3} value={draft.text} onInput={(event) => set({ text: event.currentTarget.value })} onKeyDown={(event) => { if (event.key === "Enter" && event.ctrlKey) void keep(event); }} />}
                </Field>
                <Field label={t.rules.column}><Select value={draft.column} choices={[{ value: "", label: t.rules.allColumns }, ...page.columns.map((value) => ({ value, label: value }))]} onPick={(column) => set({ column })} /></Field>
                <div class="row">
                    {may("curate") ? <button type="submit" class="button main" disabled={!rule}>{draft.name === null ? t.rules.keep : t.rules.keepChange}<Key name={draft.kind === "pattern" ? "↵" : "Ctrl ↵"} /></button> : <span class="soft small">{t.rules.onlyCurate}</span>}
                </div>
            </form>
            <Tried page={page} draft={draft} />
        </section>
    );
}

function Tried({ page, draft }: { page: RulesPage; draft: Draft }) {
    const [turn, setTurn] = useState(0);
    const rule = ruleOf(draft, page.table);
    const still = useStill(JSON.stringify(rule), 350);
    useEffect(() => setTurn(0), [still]);
    const looked = useLoad<RuleLooked | null>(() => (still === "null" ? Promise.resolve(null) : calls.tryHeuristic(JSON.parse(still), turn)), [still, turn, page]);
    const others = () => setTurn(turn + 1);
    useKeys({ o: others }, !!looked.data);
    if (!may("label")) return <p class="pad soft">{t.people.logIn}</p>;
    if (looked.fault) return <div class="pad" aria-live="polite"><Fault sentence={looked.fault} /></div>;
    const found = looked.data;
    if (!found) return <p class="pad soft rule-blank">{t.rules.blank}</p>;
    const { line } = found;
    return (
        <div class="stack pad rule-tried" data-testid="tried">
            <div class="stack tight" aria-live="polite">
                <p class="reach"><strong class="tab-figures">{figure(line.rows)}</strong> {t.rules.reach(figure(found.asked), percent(line.coverage))}</p>
                <p class="row small">{line.checked ? <><Interval {...line.accuracy} /><span>{t.rules.judged(line.right, line.checked)}</span></> : <span class="soft">{t.rules.unjudgedLong}</span>}</p>
                {line.conflict ? <p class="small soft">{t.rules.against(percent(line.conflict))}</p> : null}
            </div>
            <Examples title={t.rules.againstHand} some={found.against_hand} table={page.table} />
            {found.notice ? <p class="notice"><Icon name="warn" />{found.notice}</p> : null}
            <Examples title={t.rules.againstOthers} some={found.against_others} table={page.table} />
            <Examples title={t.rules.caught} some={found.caught} table={page.table} />
            {line.rows > found.caught.length ? <div><button type="button" class="button small" onClick={others}>{t.rules.others}<Key name="o" /></button></div> : null}
        </div>
    );
}

function Examples({ title, some, table }: { title: string; some: readonly RuleExample[]; table: string }) {
    if (!some.length) return null;
    return (
        <div class="stack tight">
            <h3>{title}</h3>
            <ul class="rule-rows">
                {some.map((one) => (
                    <li>
                        <p class="rule-text">{one.pieces.map((piece) => (piece.marked ? <mark>{piece.text}</mark> : piece.text))}</p>
                        <p class="row tiny">
                            <a href={address(["data", table], { row: one.row })}><code>{one.id}</code></a>
                            {one.hand ? <span class={one.hand === one.value ? "chip good" : "chip bad"}>{t.rules.people(one.hand)}</span> : null}
                            {one.others.filter((other) => other.value !== one.value).map((other) => <span class="chip warn">{t.rules.says(other.name, other.value)}</span>)}
                        </p>
                    </li>
                ))}
            </ul>
        </div>
    );
}
