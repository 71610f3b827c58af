// A match session: are these two the same? What differs is marked; what the model thinks is folded until asked.
import { useEffect, useState } from "preact/hooks";
import * as calls from "../api/calls";
import type { PairItem, SessionInfo, Why } from "../api/types";
import { Fault, Ghost, Key } from "../parts/basic";
import { Icon } from "../parts/icons";
import { useKeys } from "../parts/keys";
import { Explanation, Marked, SourceName } from "../parts/record";
import { percent } from "../logic/format";
import { sentenceOf } from "../state";
import { t } from "../texts";
import { NoQuestion, SessionFrame, UndoButton } from "./frame";
import { useSession } from "./use";

const FIRST = {};

export function MatchSession({ info }: { info: SessionInfo }) {
    const session = useSession<PairItem>(info, { count: 6, renew: false, first: FIRST });
    const [folded, setFolded] = useState(true);
    const { item } = session;
    useEffect(() => setFolded(true), [item?.item]);
    useKeys({
        m: () => session.answer("match"), n: () => session.answer("not"), u: () => session.answer("unsure"),
        z: session.undo, "ctrl+z": session.undo, Backspace: session.undo, e: () => item && setFolded(!folded), s: session.pass,
    });
    return (
        <SessionFrame info={info} session={session} question={t.match.question}>
            {item ? (
                <>
                    <Comparison key={item.item} item={item} />
                    <div class="answers" role="group" aria-label={t.match.question}>
                        <button type="button" class="button answer" onClick={() => session.answer("match")}><Icon name="check" />{t.match.match}<Key name="m" /></button>
                        <button type="button" class="button answer" onClick={() => session.answer("not")}><Icon name="cross" />{t.match.not}<Key name="n" /></button>
                        <button type="button" class="button answer" onClick={() => session.answer("unsure")}><Icon name="question" />{t.match.unsure}<Key name="u" /></button>
                        <UndoButton undo={session.undo} />
                    </div>
                    <Mind info={info} item={item} folded={folded} fold={setFolded} />
                </>
            ) : <NoQuestion session={session} />}
        </SessionFrame>
    );
}

function Comparison({ item }: { item: PairItem }) {
    const shown = item.fields.filter((field) => (field.left || field.right) && field.left !== item.left.id && field.right !== item.right.id);
    return (
        <div class="sheet pair" data-testid="pair" data-item={item.item}>
            <table>
                <caption class="hidden">{t.match.caption}</caption>
                <thead>
                    <tr>
                        <td />
                        <th scope="col"><SourceName record={item.left} /></th>
                        <th scope="col"><SourceName record={item.right} /></th>
                    </tr>
                </thead>
                <tbody>
                    {shown.map((field) => (
                        <tr class={!field.left || !field.right ? "one-sided" : ""}>
                            <th scope="row">{field.name}</th>
                            <td><Marked parts={field.right ? field.left_parts : []} text={field.left} /></td>
                            <td><Marked parts={field.left ? field.right_parts : []} text={field.right} /></td>
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}

/** What the model thinks. Opening it is the person's own choice, so that a judgement is not led by it. */
function Mind({ info, item, folded, fold }: { info: SessionInfo; item: PairItem; folded: boolean; fold: (folded: boolean) => void }) {
    const [why, setWhy] = useState<Why | null>(null);
    const [fault, setFault] = useState<string | null>(null);
    useEffect(() => {
        setWhy(null);
        setFault(null);
    }, [item.item]);
    useEffect(() => {
        if (folded || why) return undefined;
        let here = true;
        calls.explain(info.session, item.item).then((told) => here && setWhy(told), (error: unknown) => here && setFault(sentenceOf(error)));
        return () => void (here = false);
    }, [folded, item.item]);
    return (
        <section class="mind">
            <div class="row">
                <button type="button" class="button plain" aria-expanded={!folded} onClick={() => fold(!folded)}>
                    <Icon name={folded ? "right" : "down"} size={15} />{t.match.mind}<Key name="e" />
                </button>
                {item.why ? <span class="tiny">{t.match.asked(item.why)}</span> : null}
            </div>
            {folded ? null : (
                <div class="sheet pad stack">
                    {item.suggestion ? <p><strong>{t.session.values[item.suggestion.value] ?? item.suggestion.value}</strong> <span class="soft">{t.match.probability(percent(item.suggestion.score, 0))}</span></p> : null}
                    {fault ? <Fault sentence={fault} /> : why ? <Explanation why={why} /> : <Ghost lines={4} />}
                </div>
            )}
        </section>
    );
}
